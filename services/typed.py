"""Text that a person typed: to be stored, or to be searched for."""

from __future__ import annotations

from services.errors import BadRequest

LONGEST_REASON = 500
LONGEST_QUERY = 200


def typed_text(words: str, what: str, longest: int) -> str:
    """The text without blanks around it: no more than fits, and nothing that cannot be seen but line breaks.

    Raises BadRequest.
    """
    cleaned = words.replace("\r\n", "\n").strip()
    if len(cleaned) > longest:
        raise BadRequest("too-long", f"At most {longest:,} characters fit into the {what}; these are {len(cleaned):,}.")
    if any(_unseen(character) for character in cleaned):
        raise BadRequest("bad-text", f"There are control characters in the {what}; type it without them.")
    return cleaned


def typed_reason(words: str) -> str:
    """A reason, which is kept. Raises BadRequest for none, and as `typed_text`."""
    if not words.strip():
        raise BadRequest("no-reason", f"Say why, in up to {LONGEST_REASON} characters; the reason is kept.")
    return typed_text(words, "reason", LONGEST_REASON)


def read_query(text: str) -> str:
    """What is searched for.

    Raises BadRequest for more than anybody types, and for bytes that are no text.
    """
    query = text.strip()
    if any("\ud800" <= character < "\ue000" for character in query[:LONGEST_QUERY]):
        raise BadRequest("bad-text", "There are bytes in the search that are no text; type it without them.")
    if len(query) > LONGEST_QUERY:
        raise BadRequest(
            "query-too-long", f"A search has at most {LONGEST_QUERY} characters, this one has {len(query):,}."
        )
    return query


def _unseen(character: str) -> bool:
    """Control characters, and what is no character at all."""
    return (
        (character < " " and character not in "\n\t")
        or "\x7f" <= character < "\xa0"
        or "\ud800" <= character < "\ue000"
    )
