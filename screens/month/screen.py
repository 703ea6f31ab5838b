"""The month of all customers: totals by area, who has paid, and which one-time orders are not billed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from screens.asking import Refusal
from screens.billing.messages import Counted
from screens.context import Context
from screens.customers.place import CORRECTING, CustomerPlace
from screens.month import views
from screens.overlay import MonthOverlay
from screens.tones import text
from screens.widgets.field import Field
from screens.widgets.meter import Meter, Reading
from screens.widgets.table import RecordTable

if TYPE_CHECKING:
    from services.billing.month_totals import CustomerMonth, MonthTotals
    from services.exports.files import Format, Written
    from services.paging import Page
    from services.records.customers import Customer


@dataclass
class TotalsRead(Message):
    """The month added up."""

    totals: MonthTotals


@dataclass
class CustomersRead(Message):
    """A page of customers; `first` where it replaces what is shown."""

    page: Page[CustomerMonth]
    first: bool


class MonthScreen(CustomerPlace, MonthOverlay):
    """Lies over the billing screen until it is left with Escape."""

    NAME = "billing"
    SUBJECT = "month"
    CSS_PATH = "month.tcss"
    AUTO_FOCUS = "#areas"
    ABOUT = (
        "Every customer's statement of a month, added up by area. Enter on an area lists its customers, Enter on a "
        "customer shows the statement; so does a customer in the search. Orders whose customer is not known are in no "
        "area; the billing preview lists them. Saved, it has every customer in it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "customers", "Customers", tooltip="The customers of all areas."),
        Binding("s", "save", "Save as", tooltip="Write the month to a file, with every customer."),
        *CORRECTING,
        Binding("r", "read", "Read again", tooltip="Add the month up anew."),
        Binding("escape", "back", "Back", tooltip="From the customers to the areas, from there to the billing screen."),
    ]

    def __init__(self, context: Context, month: str) -> None:
        super().__init__(context, month)
        self._totals: MonthTotals | None = None
        self._area: str | None = None
        """Whose customers are listed; None is everybody."""
        self._next: str | None = None
        self._sought = False
        """Whether Enter came in the search before the areas were known."""

    def compose_place(self) -> Iterable[Widget]:
        """Filters and totals above the areas and the customers."""
        with Horizontal(id="filters"):
            yield Field(
                "Search", id="search", placeholder="area, or a customer: phone, name, id", max_length=60,
                explains="The beginning of an area's name; Enter looks for a customer where no area fits.",
            )  # fmt: skip
            yield views.only_select()
        yield Meter(id="meter")
        yield Static(Text("Adding up …", "muted"), markup=False, id="head")
        with Horizontal(classes="columns"):
            yield from views.tables()

    def search_target(self) -> Widget:
        """What narrows the areas."""
        return self.query_one("#search", Field).input

    def list_target(self) -> RecordTable:
        """The areas."""
        return self.query_one("#areas", RecordTable)

    def opened(self) -> None:
        """Add the month up."""
        self.list_target().focus()
        self.action_read()

    def why_not(self, action: str) -> str | None:
        """Without totals there is nothing to save or to look behind."""
        if action in ("save", "customers") and self._totals is None:
            return "The month is not added up yet."
        return super().why_not(action)

    def customer_shown(self) -> str | None:
        """The customer under the cursor."""
        table = self.query_one("#customers", RecordTable)
        return table.row.key if table.has_focus and table.row else None

    def read_again(self) -> None:
        """The customers that are listed."""
        self._list_customers()

    def action_read(self) -> None:
        """Have every statement added up."""
        if context := self.require_context():
            self.say_nothing()
            self.query_one(Meter).reading = Reading(0, None, "orders counted")
            self.ask("totals", partial(_read, context, self._month, self._counted), TotalsRead)

    def _counted(self, what: str, done: int) -> None:
        self.post_message(Counted(done, f"{what} counted"))

    def on_counted(self, event: Counted) -> None:
        """The count goes on."""
        meter = self.query_one(Meter)
        if meter.reading is not None:
            meter.reading = Reading(event.examined, None, event.words)

    def on_totals_read(self, event: TotalsRead) -> None:
        """Show the areas, and the customers anew where some are listed."""
        self.query_one(Meter).reading = None
        self._totals = event.totals
        self.query_one("#head", Static).update(views.head(event.totals))
        self.list_target().empty = "No area fits; Enter in the search looks for a customer."
        self._show_areas()
        self._list_customers()
        self.refresh_bindings()
        if self._sought:
            self.submitted()

    @on(Input.Changed, "#search Input")
    def _narrow(self) -> None:
        self._sought = False
        self._show_areas()

    def _show_areas(self) -> None:
        if self._totals:
            rows = views.area_rows(self._totals.areas, self.query_one("#search", Field).value)
            self.list_target().show(rows, keep=True)

    @on(Input.Submitted)
    def submitted(self) -> None:
        """To the areas that are left; where none fits, a customer is meant."""
        typed, areas = self.query_one("#search", Field).value, self.list_target()
        self._sought = bool(typed) and self._totals is None
        if self._sought:
            return
        if self.context is None or not typed or areas.row_count:
            areas.focus()
            return
        from screens.orders.choosing import choose_customer

        self.app.push_screen(choose_customer(self.context, typed, title="Whose statement?"), self._customer_chosen)

    def _customer_chosen(self, customer: Customer | None) -> None:
        if customer and customer.id:
            self._show_statement(customer.id)

    @on(RecordTable.Selected, "#areas")
    def area_selected(self, event: RecordTable.Selected) -> None:
        """The customers of that area."""
        self._area = event.key
        self._list_customers()
        self._to_customers()

    def action_customers(self) -> None:
        """The customers of all areas."""
        self._area = None
        self._list_customers()
        self._to_customers()

    def _to_customers(self) -> None:
        self.show_detail(True)
        self.query_one("#customers").focus()

    @on(Select.Changed, "#only")
    def _list_customers(self) -> None:
        from services.customers.areas import area_name

        where = "all areas" if self._area is None else area_name(self._area)
        self.query_one("#customers").border_title = text(f"Customers · {where}", limit=42)
        self._read_customers(None)

    @on(RecordTable.NearEnd, "#customers")
    def _more_customers(self) -> None:
        self._read_customers(self._next)

    def _read_customers(self, token: str | None) -> None:
        if self.context is None or self._totals is None:
            return
        from services.billing.month_totals import month_customers, read_only

        context, chosen = self.context, self.query_one("#only", Select).value
        only = read_only(chosen if isinstance(chosen, str) else None)
        given = context.database, context.operator, context.clock, self._month, self._area, only
        self.ask("customers", partial(month_customers, *given, token), partial(CustomersRead, first=token is None))

    def on_customers_read(self, event: CustomersRead) -> None:
        """Show the page, or add it."""
        self._next = event.page.next
        table, rows = self.query_one("#customers", RecordTable), views.customer_rows(event.page.items)
        table.empty, more = "No customer fits.", self._next is not None
        if event.first:
            table.show(rows, more=more, keep=True)
        else:
            table.extend(rows, more=more)

    @on(RecordTable.Selected, "#customers")
    def customer_selected(self, event: RecordTable.Selected) -> None:
        """The statement."""
        self._show_statement(event.key)

    def _show_statement(self, customer_id: str) -> None:
        from screens.statement.screen import StatementScreen

        if self.context:
            self.app.push_screen(StatementScreen(self.context, customer_id, self._month))

    def action_save(self) -> None:
        """Ask for a file name."""
        if self.context:
            self.save_as(f"month-{self._month}.xlsx", partial(_save, self.context, self._month))

    def action_back(self) -> None:
        """From the filter or the customers to the areas, from there to the billing screen."""
        if self.list_target().has_focus:
            self.dismiss()
        else:
            super().action_back()

    def on_refusal(self, event: Refusal) -> None:
        """The count has ended, the next page may be asked for again."""
        if event.group == "totals":
            self.query_one(Meter).reading = None
        else:
            self.query_one("#customers", RecordTable).retry()
        super().on_refusal(event)


async def _read(context: Context, month: str, progress: Callable[[str, int], None]) -> MonthTotals:
    from services.billing.month_totals import month_totals

    return await month_totals(context.database, context.operator, context.clock, month, progress=progress)


async def _save(context: Context, month: str, path: Path, format: Format, *, replace: bool) -> Written:
    from services.billing.month_file import save_month
    from services.billing.month_totals import month_totals

    rows: list[CustomerMonth] = []
    totals = await month_totals(context.database, context.operator, context.clock, month, each=rows.append)
    return await save_month(totals, rows, path, format, replace=replace)
