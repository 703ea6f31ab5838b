"""A list of records: virtual lines, flexible columns, and the next page asked for as the cursor nears the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.tones import counted
from screens.widths import excess

_BLOCKS = " ▏▎▍▌▋▊▉█"
_NEAR = 20
_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its least width, its share of what is left over, and how early it gives way (0 never)."""

    title: str
    width: int
    grow: int = 0
    right: bool = False
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """A cell drawn as a bar of block characters; `share` is from 0 to 1."""

    share: float
    tone: str = "money"

    def draw(self, width: int) -> Text:
        """The bar in a column of that width; something above nothing shows as at least a sliver."""
        eighths = max(1 if self.share > 0 else 0, round(min(self.share, 1.0) * width * 8))
        whole, part = divmod(eighths, 8)
        return Text("█" * whole + (_BLOCKS[part] if part else ""), style=self.tone)


Cell: TypeAlias = Text | Bar
Noun: TypeAlias = str | tuple[str, str]
"""What a row is where rows are counted: one, whose plural ends in s, or one and several; empty counts nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the list."""

    key: str
    cells: tuple[Cell, ...]


class RecordTable(ScrollView, can_focus=True):
    """Rows under a fixed heading with a cursor; only the lines in sight are drawn."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "record-table--heading",
        "record-table--cursor",
        "record-table--cursor-blurred",
        "record-table--empty",
    }
    DEFAULT_CSS = """
    RecordTable {
        background: $surface;
        border: round $border-blurred;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        scrollbar-size-horizontal: 0;
        overflow-x: hidden;
        &:focus { border: round $primary; border-title-color: $primary; border-title-style: bold; }
        .record-table--heading { color: $secondary; background: $surface; text-style: bold; }
        .record-table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        .record-table--cursor-blurred { background: $block-cursor-blurred-background; }
        .record-table--empty { color: $text-muted; text-style: italic; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last loaded", show=False),
        Binding("enter", "select", "Open", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    empty: reactive[str] = reactive("")
    instead: reactive[str] = reactive("")
    """What stands in the place of `empty` while it is not known whether there is nothing."""

    @dataclass
    class Told(Message):
        """Something that a table has to say."""

        table: RecordTable

        @property
        def control(self) -> RecordTable:
            """The table, for handlers that name it."""
            return self.table

    @dataclass
    class Highlighted(Told):
        """The cursor came to rest on a row."""

        key: str

    @dataclass
    class Selected(Told):
        """Enter or a second click on a row."""

        key: str

    @dataclass
    class NearEnd(Told):
        """The cursor nears the last loaded row, and there is more."""

    def __init__(
        self, columns: Sequence[Column], *, noun: Noun, explains: str, id: str | None = None, empty: str = ""
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._noun = noun
        self._rows: list[Row] = []
        self._widths: list[int] = []
        self._strips: dict[int, Strip] = {}
        self._asked = False
        self.explains = explains
        self.more = False
        self.set_reactive(RecordTable.empty, empty)

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are loaded."""
        return tuple(self._rows)

    @property
    def row_count(self) -> int:
        """How many rows are loaded."""
        return len(self._rows)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Give the rows to come other columns; those shown go."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self.show([])

    def show(self, rows: Sequence[Row], *, more: bool = False, keep: bool = False, at: str | None = None) -> None:
        """Replace all rows; the cursor starts at the top, at a key, or with `keep` stays on its record."""
        kept = at or (self.row.key if keep and self.row else None)
        self._rows = list(rows)
        self._changed(more)
        places = (number for number, row in enumerate(self._rows) if row.key == kept)
        self.set_reactive(RecordTable.cursor, next(places, 0) if kept is not None else 0)
        self._follow()
        if self._rows:
            self.post_message(self.Highlighted(self, self._rows[self.cursor].key))
        self._ask_more()

    def extend(self, rows: Sequence[Row], *, more: bool = False) -> None:
        """Add the next page; while there is no row no key reaches the end, so the one behind it is asked for."""
        self._rows.extend(rows)
        self._changed(more)
        if not self._rows:
            self._ask_more()

    def put(self, row: Row) -> None:
        """Show a row in place of the one with its key, if that is loaded."""
        for number, each in enumerate(self._rows):
            if each.key == row.key:
                self._rows[number] = row
                self._strips.pop(number, None)
                self.refresh()

    def retry(self) -> None:
        """Let the next page be asked for again after it could not be read."""
        self._asked = False

    def _changed(self, more: bool) -> None:
        self.more = more
        self._asked = False
        self._strips.clear()
        if self._noun:
            one, several = (self._noun, f"{self._noun}s") if isinstance(self._noun, str) else self._noun
            words = f"{len(self._rows):,}+ {several}" if more else counted(len(self._rows), one, several)
            self.border_subtitle = words if self._rows else ""
        self._measure()
        self.refresh(layout=self.styles.is_auto_height)

    def _measure(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        columns = list(enumerate(self._columns))

        def needed() -> int:
            return 1 + sum(c.width + _GAP for _, c in columns) - _GAP

        while needed() > width and any(c.drop for _, c in columns):
            columns.remove(max(columns, key=lambda entry: entry[1].drop))
        spare, shares = max(0, width - needed()), sum(c.grow for _, c in columns)
        widths = [0] * len(self._columns)
        for number, column in columns:
            widths[number] = column.width + (spare * column.grow // shares if shares else 0)
        if widths != self._widths:
            self._widths = widths
            self._strips.clear()
        self.virtual_size = Size(width, len(self._rows) + 1)

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self._measure()
        self._follow()

    def notify_style_update(self) -> None:
        """Draw anew in other colours."""
        self._strips.clear()
        super().notify_style_update()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The heading and the rows, or a line that says that there is none."""
        return max(2, len(self._rows) + 1)

    def render_line(self, y: int) -> Strip:
        """The heading first, then the rows from the scroll position onwards."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            style = self.get_component_rich_style("record-table--heading")
            titles = [Text(column.title, style=style) for column in self._columns]
            return self._line(titles, " ").adjust_cell_length(width, base).apply_style(base)
        number = self.scroll_offset.y + y - 1
        if number >= len(self._rows):
            words = (self.instead or self.empty) if not self._rows and y == 1 else ""
            style = self.get_component_rich_style("record-table--empty") if words else base
            return Strip([Segment(f" {words}", style)]).adjust_cell_length(width, base)
        if number not in self._strips:
            self._strips[number] = self._line(self._rows[number].cells, " ").adjust_cell_length(width, base)
        strip = self._strips[number]
        if number != self.cursor:
            return strip.apply_style(base)
        name = "record-table--cursor" if self.has_focus else "record-table--cursor-blurred"
        style = self.get_component_rich_style(name)
        # The text keeps the colours that mean something; the mark shows the cursor where there are none.
        mark = Strip([Segment("▌" if self.has_focus else "▏", style)], 1)
        return Strip.join([mark, strip.crop(1, width).apply_style(Style(bgcolor=style.bgcolor)).apply_style(base)])

    def _line(self, cells: Sequence[Cell], lead: str) -> Strip:
        console = self.app.console
        segments = [Segment(lead)]
        for column, cell, width in zip(self._columns, cells, self._widths, strict=False):
            if not width:
                continue
            words = cell.draw(width) if isinstance(cell, Bar) else cell.copy()
            words.truncate(width - excess(words.plain), overflow="ellipsis")
            words.align("right" if column.right else "left", width)
            words.end = ""
            # A text renders its spans only: its own style, the tone, is laid under them here.
            tone = console.get_style(words.style, default=Style.null())
            segments.extend(Segment.apply_style(words.render(console), tone))
            segments.append(Segment(" " * _GAP))
        return Strip(segments)

    def validate_cursor(self, cursor: int) -> int:
        """The cursor stays on a row."""
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the two lines that changed, keep the cursor in sight, and ask for more near the end."""
        top = self.scroll_offset.y
        width = self.size.width
        self._follow()
        if self.scroll_offset.y == top:
            self.refresh(*(Region(0, number - top + 1, width, 1) for number in (old, new) if number >= top))
        if self._rows:
            self.post_message(self.Highlighted(self, self._rows[new].key))
        self._ask_more()

    def _follow(self) -> None:
        visible_rows = self.scrollable_content_region.height - 1
        if visible_rows < 1:
            return
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + visible_rows:
            self.scroll_to(y=self.cursor - visible_rows + 1, animate=False, immediate=True)

    def _ask_more(self) -> None:
        if self.more and not self._asked and self.cursor >= len(self._rows) - _NEAR:
            self._asked = True
            self.post_message(self.NearEnd(self))

    def on_focus(self) -> None:
        """Show the cursor in its strong form."""
        self.refresh()

    def on_blur(self) -> None:
        """Show the cursor in its quiet form."""
        self.refresh()

    def action_move(self, rows: int) -> None:
        """Move the cursor by some rows; at the end it stays, and asks once more for what a short page left."""
        self.cursor += rows
        if rows > 0:
            self._ask_more()

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.cursor += pages * max(1, self.scrollable_content_region.height - 2)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """Move the cursor to the last loaded row."""
        self.cursor = len(self._rows) - 1

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if self.row:
            self.post_message(self.Selected(self, self.row.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a click on the cursor's row opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0:
            return
        number = self.scroll_offset.y + offset.y - 1
        if number >= len(self._rows):
            return
        if number == self.cursor and event.chain == 2:
            self.action_select()
        self.cursor = number

    def on_mouse_scroll_down(self) -> None:
        """The wheel also reads on: rows below the cursor come into sight without moving it."""
        if self.more and not self._asked and self.max_scroll_y - self.scroll_offset.y < _NEAR:
            self._asked = True
            self.post_message(self.NearEnd(self))
