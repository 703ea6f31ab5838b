"""A scrolling page of facts in sections: what a record is, beside the list that it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from screens.tones import text, wrapping
from services.text import visible

_LABEL = 13


@dataclass(frozen=True)
class Section:
    """A heading, facts under it as label and value, and further lines."""

    title: str
    facts: Sequence[tuple[str, Text]] = ()
    lines: Sequence[RenderableType] = field(default=())


class Sheet(VerticalScroll, can_focus=True):
    """Shows sections; takes the focus so that the keys scroll it."""

    DEFAULT_CSS = """
    Sheet {
        background: $surface;
        border: round $border-blurred;
        border-title-color: $text-muted;
        scrollbar-size-vertical: 1;
        padding: 0 1;
        &:focus { border: round $primary; border-title-color: $primary; border-title-style: bold; }
        & > Static { height: auto; }
    }
    """

    def __init__(self, title: str, *, explains: str, id: str | None = None, empty: str = "") -> None:
        super().__init__(id=id)
        self.border_title = text(title)
        self.explains = explains
        self._empty = empty
        self._page = Static(Text(empty, style="hint"), markup=False)

    def compose(self) -> ComposeResult:
        """The page."""
        yield self._page

    def show(self, sections: Sequence[Section], *, keep: bool = False) -> None:
        """Show a record from its top, or with `keep` from where it was scrolled to."""
        self._page.update(Group(*(_render(section) for section in sections)))
        if not keep:
            self.scroll_home(animate=False)

    def clear(self) -> None:
        """Show that there is nothing to show."""
        self._page.update(Text(self._empty, style="hint"))


def _render(section: Section) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(width=_LABEL, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for label, value in section.facts:
        grid.add_row(text(label, "muted"), wrapping(value.copy()))
    heading = [Text(visible(section.title), style="title")] if section.title else []
    facts = [grid] if section.facts else []
    return Padding(Group(*heading, *facts, *section.lines), (0, 0, 1, 0))
