"""A record's life: every entry about it in time, what it was after each, and what differs between any two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget

from screens.asking import Refusal
from screens.context import Context
from screens.history import views
from screens.listing import ListPlace, Reader
from screens.tones import text
from screens.widgets.facts import FactsScreen
from screens.widgets.sheet import Section, Sheet
from screens.widgets.table import RecordTable, Row
from services.paging import Page

if TYPE_CHECKING:
    from services.history.reconstruction import Point
    from services.history.touched import Touch

_RESTING = 0.15


@dataclass
class Looked(Message):
    """What the record is at the point under the cursor, or how it differs from the marked one."""

    sections: list[Section]


@dataclass
class WhoRead(Message):
    """Who touched the record."""

    touches: Sequence[Touch]


class HistoryScreen(ListPlace):
    """Lies over the screen that opened it until it is left with Escape."""

    NAME = "audit"
    LIST = "steps"
    CSS_PATH = "history.tcss"
    ABOUT = (
        "One record through time, newest first: who changed it, and what. The sheet shows the record as it was after "
        "the entry under the cursor, first what that entry ~ changed, + added or - removed. A ✗ marks an entry "
        "that was altered, a ! one that bears an operator's name though the console did not write it. What entries do "
        "not tell, or tell against each other, stands in the sheet with a !. Mark a point with m to see what differs "
        "between it and the cursor."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "m", "mark", "Mark", tooltip="Compare this point with those that the cursor goes to; again takes it away."
        ),
        Binding("w", "who", "Who", tooltip="Everybody who touched the record: how often, first and last."),
        Binding("r", "read", "Read again", tooltip="Read the record and its entries anew."),
        Binding("escape", "back", "Back", tooltip="From the record to its entries, from there to where you came from."),
        Binding("slash", "search", "Search", show=False),
    ]

    def __init__(self, table: str, record_id: str, context: Context) -> None:
        super().__init__(context.environment)
        self._table = table
        self._record_id = record_id
        self._items: dict[str, views.Item] = {}
        self._marked: str | None = None
        self.context = context

    def compose_place(self) -> Iterable[Widget]:
        """The entries, and the record beside them."""
        with Horizontal(classes="columns"):
            table = RecordTable(
                views.COLUMNS, noun="", id="steps", empty="No entry is about it.",
                explains="The entries about the record, newest first. Enter goes to the record as it was after one.",
            )  # fmt: skip
            table.border_title = text(f"{self._table}/{self._record_id}", limit=60)
            table.add_class("list")
            yield table
            explains = "The record after the entry under the cursor, or what differs from the marked point."
            sheet = Sheet("Record", id="record", explains=explains, empty="Nothing is chosen.")
            sheet.add_class("detail")
            yield sheet

    def search_target(self) -> Widget:
        """There is nothing to search: the entries."""
        return self.list_target()

    def opened(self) -> None:
        """The newest entries."""
        self.list_target().focus()
        self.read_first()

    def why_not(self, action: str) -> str | None:
        """Only points in time can be marked."""
        return "There is no point under the cursor." if action == "mark" and not self._item() else None

    def _item(self) -> views.Item | None:
        return self._items.get(self.under_cursor())

    def reader(self, context: Context) -> Reader:
        """The entries, between the present and what was before them."""
        return partial(_page, context, self._table, self._record_id)

    def row_of(self, item: Any) -> Row:
        """One entry or end, kept for the sheet."""
        key = views.key_of(item)
        self._items[key] = item
        return views.row(item, marked=key == self._marked)

    @on(RecordTable.Highlighted, "#steps")
    def step_highlighted(self) -> None:
        """Look once the cursor rests."""
        self.after_rest("cursor", _RESTING, self._look)
        self.refresh_bindings()

    def _look(self) -> None:
        item, marked = self._item(), self._items.get(self._marked or "")
        if self.context is None or item is None:
            return
        self.query_one("#record").border_title = "Difference" if marked else "Record"
        looking = partial(_compare, marked=marked) if marked else _look_at
        self.ask("look", partial(looking, self.context, self._table, self._record_id, item), Looked)

    def on_looked(self, event: Looked) -> None:
        """Show it."""
        self.query_one("#record", Sheet).show(event.sections)

    @on(RecordTable.Selected, "#steps")
    def step_selected(self) -> None:
        """To the record itself, where the keys scroll it."""
        self.show_detail(True)
        self.query_one("#record").focus()

    def action_mark(self) -> None:
        """Compare with this point from now on, or no longer."""
        key = self.under_cursor()
        self._marked = None if key == self._marked else key
        table = self.list_target()
        rows = [self.row_of(item) for item in list(self._items.values())]
        table.show(rows, more=table.more, keep=True)

    def action_who(self) -> None:
        """Ask who touched the record."""
        if context := self.require_context():
            self.ask("who", partial(_who, context, self._table, self._record_id), WhoRead)

    def on_who_read(self, event: WhoRead) -> None:
        """Show it in a dialog."""
        self.app.push_screen(FactsScreen("Who touched it", views.who_sections(event.touches)))

    def action_read(self) -> None:
        """Everything anew."""
        self._items.clear()
        self.read_first()

    def action_back(self) -> None:
        """From the record to its entries, from there to where the operator came from."""
        if self.query_one("#record").has_focus:
            super().action_back()
        else:
            self.dismiss()

    def on_refusal(self, event: Refusal) -> None:
        """Say so here as well: the app tells its own screens when the connection is back, not this one."""
        super().on_refusal(event)
        if event.group == "look":
            self.query_one("#record", Sheet).clear()
        if event.unreachable:
            self.drop(event.group)
            self.say(f"{event.error.message} Press r to read it again.")


async def _page(context: Context, table: str, record_id: str, token: str | None) -> Page[Any]:
    from services.history.states import steps

    page = await steps(context.database, context.operator, table, record_id, token)
    ends: list[views.Item] = [] if page.next else ["before"]
    start: list[views.Item] = [] if token else ["now"]
    return Page((*start, *page.items, *ends), page.next)


async def _look_at(context: Context, table: str, record_id: str, item: views.Item) -> list[Section]:
    from services.history.states import after_entry, as_of

    asked = (context.database, context.operator, context.clock, table, record_id)
    if isinstance(item, str):
        return views.state_sections(await as_of(*asked, item))
    return views.change_sections(await after_entry(*asked, item.entry.key))


async def _compare(
    context: Context, table: str, record_id: str, item: views.Item, *, marked: views.Item
) -> list[Section]:
    from services.history.states import compare

    one, other = _point(marked), _point(item)
    found = await compare(context.database, context.operator, context.clock, table, record_id, one, other)
    return views.difference_sections(found)


def _point(item: views.Item) -> Point:
    from services.history.reconstruction import AfterEntry

    return item if isinstance(item, str) else AfterEntry(item.entry.key)


async def _who(context: Context, table: str, record_id: str) -> Sequence[Touch]:
    from services.history.touched import who_touched

    return await who_touched(context.database, context.operator, table, record_id)
