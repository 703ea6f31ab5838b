"""What spreadsheet programs would do with text, and how they are kept from it."""

from __future__ import annotations

import re

from services.text import visible

# The list of OWASP, with the full-width forms that some programs read alike.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BREAKS = ("\t", "\r", "\n")
_PARTED = re.compile(r"(;\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a program that parts cells at semicolons would see one begin."""


def is_formula(value: str) -> bool:
    """Whether a spreadsheet program could take the text for a formula."""
    return value.lstrip().startswith(_FORMULA) or value.startswith(_BREAKS)


def neutral(value: str) -> str:
    """One line without control characters; an apostrophe stands before what would be a formula in any reading."""
    words = _PARTED.sub(r"\1'", visible(value))
    return f"'{words}" if is_formula(value) else words
