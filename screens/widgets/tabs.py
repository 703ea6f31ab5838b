"""One line of tabs: the parts of a record that is shown below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class TabLine(Widget):
    """Names, one of them chosen; in little room those nearest to it are shown, with a mark for the others."""

    DEFAULT_CSS = """
    TabLine { height: 1; padding: 0 1; }
    """

    chosen: reactive[int] = reactive(0)
    names: reactive[tuple[str, ...]] = reactive(())

    @dataclass
    class Clicked(Message):
        """A tab was clicked."""

        number: int

    def __init__(self, names: Sequence[str], *, explains: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self.explains = explains
        self.set_reactive(TabLine.names, tuple(names))

    def _shown(self) -> tuple[int, int]:
        """The first tab in sight, and the one behind the last."""
        first, end, room = 0, len(self.names), self.content_size.width

        def width() -> int:
            return sum(len(name) + 2 for name in self.names[first:end]) + 2 * (first > 0) + (end < len(self.names))

        while width() > room and end - first > 1:
            if end - 1 > self.chosen:
                end -= 1
            else:
                first += 1
        return first, end

    def render(self) -> Text:
        """The tabs in sight; the chosen one is reversed, so that it shows without colours."""
        first, end = self._shown()
        line = Text("‹ " if first else "", style="muted", no_wrap=True)
        for number in range(first, end):
            line.append(f" {self.names[number]} ", "reverse bold" if number == self.chosen else "")
        return line.append("›" if end < len(self.names) else "", "muted")

    def on_click(self, event: events.Click) -> None:
        """The tab under the pointer."""
        offset = event.get_content_offset(self)
        first, end = self._shown()
        left = 2 if first else 0
        for number in range(first, end):
            right = left + len(self.names[number]) + 2
            if offset is not None and left <= offset.x < right:
                self.post_message(self.Clicked(number))
            left = right
