"""Keyset pages: a list is read from a key onwards, one more than shown, so that "more" is honest at any depth."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from services.errors import BadRequest

T = TypeVar("T")
# A broken date of a record may stand in a key.
_TOLERANT: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
PAGE_SIZE = 50
LARGEST_PAGE = 200


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list, and the token of the next page or None at the end."""

    items: tuple[T, ...]
    next: str | None
    note: str | None = None
    """Something that a reader of the list should know, for example that a search was cut short."""


def page_size(limit: int | None) -> int:
    """The page size asked for.

    Raises BadRequest for one that no page has.
    """
    if limit is None:
        return PAGE_SIZE
    if not 1 <= limit <= LARGEST_PAGE:
        message = f"A page holds 1 to {LARGEST_PAGE} rows, not {limit}; --page with the token shown goes on."
        raise BadRequest("bad-limit", message)
    return limit


def list_kind(name: str, *asked: object) -> str:
    """The kind of a list that was asked for in these words: a token of other words is not one of its pages."""
    return f"{name}:{hashlib.blake2b(repr(asked).encode('utf-8', 'replace'), digest_size=6).hexdigest()}"


def write_token(kind: str, key: dict[str, Any]) -> str:
    """The key of the last row shown, as an opaque token of the list named `kind`; BSON keeps the key's types."""
    return base64.urlsafe_b64encode(bson.encode({"l": kind, "k": key})).decode().rstrip("=")


def read_token(kind: str, token: str | None) -> dict[str, Any] | None:
    """The key in a token.

    Raises BadRequest where the token is not one of this list.
    """
    if not token:
        return None
    try:
        document = bson.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), _TOLERANT)
    except (binascii.Error, BSONError, ValueError):
        document = {}
    key = document.get("k")
    if document.get("l") != kind or not isinstance(key, dict):
        raise bad_token()
    return key


def bad_token() -> BadRequest:
    """The refusal of a page token that this list did not give."""
    return BadRequest("bad-page", "That page token belongs to no page of this list; start again without it.")


def scalar_key(value: object) -> bool:
    """Whether a value out of a token may stand in a filter: a document there could carry operators."""
    return not isinstance(value, (dict, list))


def below(key: object) -> dict[str, Any]:
    """The condition of an `_id` below a key of whatever type; a plain `$lt` would leave the other types out.

    The server takes the key literally and still bounds its index scan by it.
    """
    return {"$expr": {"$lt": ["$_id", {"$literal": key}]}}


def above(key: object) -> dict[str, Any]:
    """The condition of an `_id` above a key of whatever type."""
    return {"$expr": {"$gt": ["$_id", {"$literal": key}]}}
