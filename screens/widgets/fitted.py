"""One line of text that stays within its columns on every terminal."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from screens.widths import excess


class Fitted(Static):
    """Cut to its width, less the columns that some terminals draw beyond those that are reckoned with."""

    def __init__(self, words: Text, *, classes: str) -> None:
        super().__init__(markup=False, classes=classes)
        self._words = words

    def put(self, words: Text) -> None:
        """Show that instead."""
        self._words = words
        self.refresh()

    def render(self) -> Text:
        """The text, as far as it fits."""
        words = self._words.copy()
        words.truncate(max(0, self.content_size.width - excess(words.plain)), overflow="ellipsis")
        return words
