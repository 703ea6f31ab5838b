"""What is written to the terminal: text whose width terminals do not agree on takes the columns reserved for it."""

from __future__ import annotations

import re

from rich.cells import cell_len
from textual.drivers.linux_driver import LinuxDriver

from screens.widths import excess

# Whether a vowel sign (Telugu, Devanagari ...) or a joined emoji takes a column differs from terminal to terminal.
# Latin, Greek, Cyrillic, punctuation, symbols and lines take one everywhere.
_OPEN = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u1cff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\u2e80-\ud7ff"
    "\uf900-\ufaff\ufb1d-\ufdff\ufe00-\ufe0f\ufe20-\ufe6f\ufe70-\ufefe\uff00-\uffef\U00010000-\U000e01ef]"
)
_PART = re.compile(r"\x1b(?:\[[^@-~]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)|([^\x00-\x1f\x7f]+)", re.DOTALL)
_CELL = re.compile(r" *[^ ]+(?: [^ ]+)* *| +")
_SAVE, _BACK = "\x1b7", "\x1b8"


def placed(data: str) -> str:
    """The output with the cursor set behind each such text, where it is reckoned to be; the rest as it is.

    The text's columns are blanked first: nothing stale shows where a terminal draws less than was reserved, and the
    spaces behind it are room where one draws more. Text without that room is left as it is, or letters were lost.
    """
    return _PART.sub(_placed, data) if _OPEN.search(data) else data


def _placed(match: re.Match[str]) -> str:
    text = match[1]
    if text is None or not _OPEN.search(text):
        return match[0]
    # A row's cells are told apart by the spaces between them: each is placed by itself where all have room.
    parts = [_part(part) for part in _CELL.findall(text)]
    return "".join(part for part in parts if part) if all(parts) else _part(text) or text


def _part(text: str) -> str | None:
    """One piece of text with the cursor set behind it; None where it has no room."""
    if not _OPEN.search(text):
        return text
    width, drawn = cell_len(text), text.rstrip(" ")
    if excess(drawn) > len(text) - len(drawn):
        return None
    return f"{_SAVE}{' ' * width}{_BACK}{drawn}{_BACK}\x1b[{width}C"


class Terminal(LinuxDriver):
    """The terminal of the screens."""

    def write(self, data: str) -> None:
        """Write output."""
        super().write(placed(data))
