"""A customer's monthly statement: its lines, the calendar behind each, payments, and what to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.context import Context
from screens.customers.place import CORRECTING, CustomerPlace
from screens.overlay import MonthOverlay
from screens.place import OpenOrder
from screens.statement import views
from screens.widgets.facts import FactsScreen
from screens.widgets.sheet import Sheet
from screens.widgets.table import RecordTable

if TYPE_CHECKING:
    from services.billing.statement import Line, Statement


@dataclass
class StatementRead(Message):
    """The statement."""

    statement: Statement


class StatementScreen(CustomerPlace, MonthOverlay):
    """Lies over the screen that opened it until it is left with Escape."""

    NAME = "billing"
    SUBJECT = "statement"
    CSS_PATH = "statement.tcss"
    ABOUT = (
        "What was delivered to a customer in a month, what it costs, what was paid, and what is left to pay. "
        "Subscriptions count every day of the month by their rules; the calendar shows the quantity of each day. "
        "One-time orders count in the month of their delivery, billed or not."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "Save as", tooltip="Write it to a file: a spreadsheet, CSV, Markdown or JSON."),
        *CORRECTING,
        Binding("r", "read", "Read again", tooltip="Read the statement anew."),
        Binding("escape", "back", "Back", tooltip="From the calendar to the lines, from there to where you were."),
        Binding("slash", "search", "Search", show=False),
    ]

    def __init__(self, context: Context, customer_id: str, month: str) -> None:
        super().__init__(context, month)
        self._customer_id = customer_id
        self._statement: Statement | None = None

    def compose_place(self) -> Iterable[Widget]:
        """Who and how much; the lines beside what is behind them."""
        yield Static(Text("Adding up …", "muted"), markup=False, id="head")
        with Horizontal(classes="columns"):
            with VerticalScroll(classes="list", can_focus=False):
                yield from views.tables()
            explains = "Behind the line under the cursor: the quantity of every day, or the items of the order."
            sheet = Sheet("Calendar", id="behind", explains=explains, empty="No line is chosen.")
            sheet.add_class("detail")
            yield sheet

    def list_target(self) -> Widget:
        """The lines."""
        return self.query_one("#lines")

    def opened(self) -> None:
        """Read the statement."""
        self.list_target().focus()
        self.action_read()

    def why_not(self, action: str) -> str | None:
        """Without a statement there is nothing to save."""
        if action == "save" and self._statement is None:
            return "The statement is not there yet."
        return super().why_not(action)

    def customer_shown(self) -> str | None:
        """Whose statement it is."""
        return self._statement.customer_id if self._statement else None

    def read_again(self) -> None:
        """The statement, which may count other orders now."""
        self.action_read()

    def action_read(self) -> None:
        """Have the month added up."""
        if context := self.require_context():
            self.say_nothing()
            self.ask("statement", partial(_read, context, self._customer_id, self._month), StatementRead)

    def on_statement_read(self, event: StatementRead) -> None:
        """Show it; what was read for a month that was turned away from is dropped."""
        statement = event.statement
        if statement.month != self._month:
            return
        self._statement = statement
        self.query_one("#head", Static).update(views.head(statement))
        for name, rows in (
            ("#lines", views.line_rows(statement)),
            ("#payments", views.payment_rows(statement)),
            ("#findings", views.finding_rows(statement)),
        ):
            table = self.query_one(name, RecordTable)
            table.show(rows, keep=True)
            table.display = bool(rows) or name != "#findings"
        if not statement.lines:
            self.query_one("#behind", Sheet).clear()
        self.refresh_bindings()

    def _line(self, key: str) -> Line | None:
        lines = self._statement.lines if self._statement else ()
        return lines[int(key)] if key.isdigit() and int(key) < len(lines) else None

    @on(RecordTable.Highlighted, "#lines")
    def line_highlighted(self, event: RecordTable.Highlighted) -> None:
        """What is behind the line follows the cursor."""
        if self._statement and (line := self._line(event.key)):
            sheet = self.query_one("#behind", Sheet)
            sheet.border_title = "Calendar" if line.kind == "subscription" else "Order"
            sheet.show(views.line_sections(self._statement, line))

    @on(RecordTable.Selected, "#lines")
    def line_selected(self, event: RecordTable.Selected) -> None:
        """A subscription leads to its calendar, an order to the screen of orders."""
        line = self._line(event.key)
        if line and line.kind == "one-time":
            self.post_message(OpenOrder(line.id or ""))
        elif line:
            self.show_detail(True)
            self.query_one("#behind").focus()

    @on(RecordTable.Selected, "#findings")
    def finding_selected(self, event: RecordTable.Selected) -> None:
        """The finding in full."""
        if self._statement:
            self.app.push_screen(FactsScreen("To look at", views.finding_sections(self._statement, event.key)))

    def action_save(self) -> None:
        """Ask for a file name."""
        if self._statement:
            from services.billing.statement_file import save_statement

            self.save_as(f"statement-{self._month}.xlsx", partial(save_statement, self._statement))

    def action_back(self) -> None:
        """From the calendar to the lines, from there to where it was opened."""
        if self.query_one("#behind").has_focus:
            super().action_back()
        else:
            self.dismiss()


async def _read(context: Context, customer_id: str, month: str) -> Statement:
    from services.billing.statement import show_statement

    return await show_statement(context.database, context.operator, context.clock, customer_id, month)
