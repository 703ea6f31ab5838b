"""What spreadsheet programs would do with text, and how they are kept from it."""

from __future__ import annotations

from services.text import visible

# The list of OWASP, with the full-width forms that some programs read alike.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BREAKS = ("\t", "\r", "\n")


def is_formula(value: str) -> bool:
    """Whether a spreadsheet program could take the text for a formula."""
    return value.lstrip().startswith(_FORMULA) or value.startswith(_BREAKS)


def neutral(value: str) -> str:
    """One line without control characters; an apostrophe stands before what would be a formula."""
    return f"'{visible(value)}" if is_formula(value) else visible(value)
