"""Readers of single stored fields, for every form in which real data holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bson import ObjectId

_SEPARATORS = re.compile(r"[\s_-]+")
_NOT_DIGITS = re.compile(r"\D")


def text(value: object) -> str:
    """A string as it is; nothing for anything that is not text or a number."""
    if isinstance(value, str):
        return value if type(value) is str else str(value)  # BSON code is a string that has no hash
    return str(value) if isinstance(value, (int, float, ObjectId)) and not isinstance(value, bool) else ""


def identity(value: object) -> str | None:
    """A reference to a record: a non-empty string, or an ObjectId's digits."""
    if type(value) is str:  # nearly always, and there are millions
        return value.strip() or None
    return text(value).strip() or None if isinstance(value, (str, int, ObjectId)) else None


def reference(value: object) -> str | None:
    """Text that names another record, exactly as it is stored: so indexes and the backend compare it."""
    return value if type(value) is str and value.strip() else None


def flag(value: object) -> bool | None:
    """A stored yes or no; None where it is missing or something else.

    A list with a yes in it is one to every query of the server, the backend's too, and so it is here.
    """
    if isinstance(value, bool):
        return value
    return True if isinstance(value, list) and any(each is True for each in value) else None


def word(value: object) -> str:
    """A status or type in one spelling: upper case, one underscore where there was a space, hyphen or underscore."""
    return _one_spelling(str(value)) if isinstance(value, str) else ""  # BSON code is a string that has no hash


@lru_cache(maxsize=1024)  # a handful of words on millions of records
def _one_spelling(written: str) -> str:
    return _SEPARATORS.sub("_", written.strip()).upper()


def mapping(value: object) -> Mapping[str, Any]:
    """A sub-document, or an empty one in its place."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """A list of sub-documents; what is not one reads as an empty sub-document, so that it is not lost in silence."""
    return [each if isinstance(each, dict) else {} for each in value] if isinstance(value, list) else []


def first(document: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that is present and not null: fields that were renamed over the years."""
    for name in names:
        if (value := document.get(name)) is not None:
            return value
    return None


def first_filled(document: Mapping[str, Any], *names: str) -> Any:
    """As `first`, but a blank or unreadable one gives way to the next: of references and phones."""
    filled = (document[name] for name in names if identity(document.get(name)) is not None)
    return next(filled, first(document, *names))


def national_number(value: object) -> str | None:
    """The ten digits of an Indian phone number in any writing, None where it is none (mobiles begin with 6 to 9)."""
    digits = _NOT_DIGITS.sub("", text(value)).lstrip("0")
    if len(digits) == 12 and digits.startswith("91"):
        digits = digits[2:]
    return digits if len(digits) == 10 else None
