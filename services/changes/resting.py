"""What a change rests on: the one record of an id, still as somebody saw it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.audit.traces import in_words, who_changed
from services.changes.changeset import ChangeSet
from services.changes.difference import same
from services.database import Document
from services.errors import Conflict, NotFound, Refused

_NOUNS = {"orders": "order", "customers_v2": "customer", "users": "user"}


async def require_one(changes: ChangeSet, collection: str, record_id: str) -> Document:
    """The one record of that id, in the transaction. Raises NotFound, and Refused where two share it."""
    found = await changes.database[collection].find({"id": record_id}, session=changes.session).limit(2).to_list()
    if not found:
        raise unknown(collection, record_id)
    if len(found) > 1:
        words = f"Two {_NOUNS[collection]}s have the id {record_id!r}; a person must tell them apart first."
        raise Refused("id-duplicate", words)
    return found[0]


def unknown(collection: str, record_id: str) -> NotFound:
    """That no record has the id."""
    noun = _NOUNS[collection]
    return NotFound(f"unknown-{noun}", f"There is no {noun} {record_id[:60]!r}; it may have been deleted meanwhile.")


def values_of(document: Document, names: Iterable[str]) -> dict[str, Any]:
    """What these fields hold; None where one is missing."""
    return {name: document.get(name) for name in names}


def unchanged(document: Document, names: Iterable[str]) -> dict[str, Any]:
    """The guard of an update: these fields still are what they are in the document."""
    return {name: {"$eq": value} for name, value in values_of(document, names).items()}


async def require_as_seen(
    changes: ChangeSet, collection: str, document: Document, seen: Mapping[str, Any], names: Iterable[str]
) -> None:
    """Raise Conflict, with who changed it and when, where one of these fields is not what was seen of it."""
    changed = [name for name in names if not same(seen.get(name), document.get(name))]
    if changed:
        by = in_words(await who_changed(changes, collection, str(document["id"]), changed, document))
        raise Conflict(
            "changed-meanwhile",
            f"The {_NOUNS[collection]} was changed since you looked: {by}. Nothing was written; look at it as it is "
            "now.",
        )
