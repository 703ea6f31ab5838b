"""The one border that text from the database passes on its way to a terminal."""

from __future__ import annotations

import re

# Joiners (U+200C, U+200D) stay: Telugu, Devanagari and emoji are written with them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
_NEWLINE = "\u23ce"


def _mark(match: re.Match[str]) -> str:
    point = ord(match.group())
    if point == 0x0A:
        return _NEWLINE
    if point < 0x20:
        return chr(0x2400 + point)
    if point == 0x7F:
        return "\u2421"
    return f"\u2039{point:04X}\u203a"


def visible(value: object, *, limit: int | None = None) -> str:
    """One line that a terminal can only print: every control, escape, C1 and bidirectional character becomes a mark.

    None becomes an empty string; `limit` cuts to that many characters with an ellipsis.
    """
    text = "" if value is None else str(value)
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "\u2026"
    return _UNSAFE.sub(_mark, text)


def visible_lines(value: object, *, limit: int | None = None) -> str:
    """As `visible`, but line breaks stay line breaks: for notes and other long text."""
    text = "" if value is None else str(value)
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "\u2026"
    return "\n".join(visible(line) for line in text.replace("\r\n", "\n").split("\n"))


def one_line(text: str) -> str:
    """Text from outside as one line to keep: line breaks or tabs become a space, other controls are left out."""
    return _UNSAFE.sub("", " ".join(re.split(r"[\t\n\x0b\f\r\x85\u2028\u2029]+", text.strip("\r\n"))))
