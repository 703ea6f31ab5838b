"""The audit trail: who changed what, newest first, with each field before and after."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from screens.context import Context
from screens.listing import ListPlace, Reader
from screens.place import OpenOrder
from screens.tones import text
from screens.widgets.diff import field_diff
from screens.widgets.field import Field
from screens.widgets.sheet import Section, Sheet
from screens.widgets.table import Column, RecordTable, Row
from services.clock import format_moment

if TYPE_CHECKING:
    from services.audit.entries import Entry
    from services.paging import Page

_COLUMNS = (
    Column("When (India)", 16),
    Column("Who", 10, grow=1),
    Column("Did", 9),
    Column("Table", 10, grow=1, drop=1),
    Column("Record", 12, grow=2),
)
_ACTION_TONES = {"CREATE": "good", "DELETE": "bad", "DELIVERED": "info", "BILLED": "money", "UPDATE": "warn"}


class AuditScreen(ListPlace):
    """Filters, the entries, and the one under the cursor field by field."""

    NAME = "audit"
    LIST = "entries"
    TYPING = 0.25
    CSS_PATH = "audit.tcss"
    ABOUT = (
        "Every change that was made, newest first, also those that other programs noted. The sheet shows each field "
        "before and after: + added, - removed, ~ changed; what stayed the same is folded."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "order", "Order", tooltip="To the order that the entry is about; Enter does the same."),
        Binding("s", "same", "Same record", tooltip="Only entries about the record under the cursor."),
        Binding("x", "clear", "Clear filters", tooltip="Every entry again."),
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._entries: dict[str, Entry] = {}

    def compose_place(self) -> Iterable[Widget]:
        """Filters above the list and the entry."""
        with Horizontal(id="filters"):
            yield Field("Record", id="record", placeholder="orders/…", explains="One record, as TABLE/ID.")
            yield Field("User", id="user", explains="Who made the change, the whole account.")
            yield Field("Table", id="table", explains="The collection, for example orders.")
            yield Field("Action", id="action", explains="CREATE, UPDATE, DELETE, DELIVERED or BILLED.", max_length=20)
            yield Field("From", id="from", placeholder="YYYY-MM-DD", explains="First day in India.", max_length=10)
            yield Field("to", id="to", placeholder="YYYY-MM-DD", explains="Last day in India, included.", max_length=10)
        with Horizontal(classes="columns"):
            table = RecordTable(
                _COLUMNS, noun="entries", id="entries", empty="No entry fits.",
                explains="The entries, newest first. Enter goes to the order where it is one, else to the change.",
            )  # fmt: skip
            table.border_title = "Entries"
            table.add_class("list")
            yield table
            explains = "The entry under the cursor, field by field."
            sheet = Sheet("Change", id="entry", explains=explains, empty="No entry is chosen.")
            sheet.add_class("detail")
            yield sheet

    def search_target(self) -> Widget:
        """The record."""
        return self.query_one("#record", Field).input

    def opened(self) -> None:
        """The newest entries."""
        self.list_target().focus()
        self.read_first()

    def why_not(self, action: str) -> str | None:
        """Only some entries are about an order."""
        if action not in ("order", "same"):
            return None
        entry = self._entry()
        if entry is None:
            return "There is no entry under the cursor."
        if not entry.record_id:
            return "The entry does not say which record it is about."
        if action == "order" and entry.table not in ("orders", "order"):
            return f"The entry is about {entry.table or 'no table'}, not about an order."
        return None

    def _entry(self) -> Entry | None:
        return self._entries.get(self.under_cursor())

    def reader(self, context: Context) -> Reader:
        """The entries that the filters leave."""
        from services.audit.filters import read_filters
        from services.audit.query import AuditQuery

        names = ("record", "user", "table", "action", "from", "to")
        record, user, table, action, first, last = (self.query_one(f"#{name}", Field).value or None for name in names)
        filters = read_filters(record, user, table, action, first, last)
        return partial(AuditQuery(context.database, context.operator).page, filters)

    def row_of(self, item: Entry) -> Row:
        """One entry, kept for the sheet."""
        self._entries[str(item.key)] = item
        return _row(item)

    def page_shown(self, page: Page[Entry], *, first: bool) -> None:
        """Entries that are no longer listed are forgotten."""
        if first:
            self._entries = {str(entry.key): entry for entry in page.items}
        if not self._entries:
            self.query_one("#entry", Sheet).clear()

    @on(RecordTable.Highlighted, "#entries")
    def entry_highlighted(self) -> None:
        """Show the change."""
        if entry := self._entry():
            self.query_one("#entry", Sheet).show(entry_sections(entry))
        self.refresh_bindings()

    @on(RecordTable.Selected, "#entries")
    def entry_selected(self) -> None:
        """In a narrow terminal first the change, then the order; side by side the order at once."""
        if self.has_class("-narrow") or self.why_not("order"):
            self.show_detail(True)
            self.query_one("#entry").focus()
        else:
            self.action_order()

    def action_order(self) -> None:
        """To the order that the entry is about."""
        if entry := self._entry():
            self.post_message(OpenOrder(entry.record_id))

    def action_same(self) -> None:
        """Only entries about the record under the cursor."""
        if entry := self._entry():
            self.query_one("#record", Field).value = f"{entry.table}/{entry.record_id}"

    def action_clear(self) -> None:
        """Every entry again."""
        for field in self.query(Field):
            field.value = ""


def _row(entry: Entry) -> Row:
    return Row(
        str(entry.key),
        (
            text(format_moment(entry.at), "muted"),
            text(entry.user or "unknown"),
            text(entry.action or "?", _ACTION_TONES.get(entry.action, "")),
            text(entry.table),
            text(entry.record_id),
        ),
    )


def entry_sections(entry: Entry) -> list[Section]:
    """An entry: what it is about, then its fields before and after."""
    from services.audit.entries import field_changes

    facts = [
        ("Record", text(f"{entry.table}/{entry.record_id}", "strong")),
        ("Action", text(entry.action or "?", _ACTION_TONES.get(entry.action, ""))),
        ("By", text(entry.user or "unknown")),
        ("At", text(f"{format_moment(entry.at)} India time")),
        ("Entry", text(entry.id, "muted")),
    ]
    odd = [Text.assemble(("! ", "warn"), text(finding.message)) for finding in entry.findings]
    return [Section("", facts, odd), Section("Fields", lines=field_diff(field_changes(entry)))]
