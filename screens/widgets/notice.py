"""One line of news above the place: a refusal, a receipt, a lost connection."""

from __future__ import annotations

from typing import Literal, TypeAlias

from rich.text import Text
from textual.widgets import Static

from screens.tones import text

Kind: TypeAlias = Literal["information", "refusal", "lost"]
_MARKS: dict[Kind, str] = {"information": "✓", "refusal": "!", "lost": "✗"}


class Notice(Static):
    """Hidden until there is something to say; a sentence wraps to as many lines as it needs."""

    DEFAULT_CSS = """
    Notice {
        display: none;
        height: auto;
        max-height: 5;
        padding: 0 1;
        background: $panel;
        &.-information { color: $success; display: block; }
        &.-refusal { color: $warning; display: block; }
        &.-lost { color: $foreground; background: $error 40%; text-style: bold; display: block; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(markup=False, id=id)
        self.said = ""

    def say(self, words: str, kind: Kind = "refusal") -> None:
        """Show a sentence until the next one, or until it is cleared."""
        self.said = words
        for other in _MARKS:
            self.set_class(other == kind, f"-{other}")
        line = text(words, limit=2_000).plain
        self.update(Text(f"{_MARKS[kind]} {line}"))

    def clear(self) -> None:
        """Nothing to say any more."""
        self.said = ""
        for kind in _MARKS:
            self.remove_class(f"-{kind}")
