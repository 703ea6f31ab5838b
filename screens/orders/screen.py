"""Looking orders up: search as you type, the list beside the order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select

from screens.context import Context
from screens.listing import ListPlace, Reader
from screens.orders.sheet import order_sections
from screens.tones import customer_text, status_text, text
from screens.widgets.choices import Choice, status_select
from screens.widgets.field import Field
from screens.widgets.sheet import Sheet
from screens.widgets.table import Column, RecordTable, Row
from services.money import format_rupees

if TYPE_CHECKING:
    from services.deliveries.confirmation import Confirmation
    from services.orders.detail import OrderDetail
    from services.orders.lookup import OrderRow
    from services.paging import Page

_RESTING = 0.08
"""Seconds that the cursor rests on a row before the order is read."""
_COLUMNS = (
    Column("Order", 11, grow=1),
    Column("Customer", 14, grow=2),
    Column("Due", 10, drop=2),
    Column("Status", 13, grow=1),
    Column("Amount", 10, right=True),
    Column("", 2, drop=1),
)


@dataclass
class Looked(Message):
    """One order in full."""

    detail: OrderDetail


class OrdersScreen(ListPlace):
    """The list follows what is typed, the sheet follows the cursor."""

    NAME = "orders"
    LIST = "orders"
    TYPING = 0.15
    CSS_PATH = "orders.tcss"
    ABOUT = (
        "Look an order up by its id or the beginning of it, by a phone in any writing, by the beginning of a "
        "customer's name, or by a customer's id. Without a search it lists the newest orders. The sheet shows the "
        "order with its customer, delivery, billing, what is odd about it, and who changed it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "confirm", "Confirm delivery", tooltip="Confirm the delivery of the order under the cursor."),
        Binding("v", "check", "Check", tooltip="Ask every validator about the order under the cursor."),
        Binding("u", "unbilled", "Unbilled", tooltip="Only delivered one-time orders that were never billed, or all."),
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._shown = ""

    def compose_place(self) -> Iterable[Widget]:
        """Search and filters above the list and the order."""
        yield Field(
            "Search", id="search", placeholder="order id, phone, name or customer id",
            explains="Any of: an order id or its beginning, a phone in any writing, a name's beginning, a customer id.",
        )  # fmt: skip
        with Horizontal(id="filters"):
            yield status_select()
            yield Field("From", id="from", placeholder="YYYY-MM-DD", explains="First day due.", max_length=10)
            yield Field("to", id="to", placeholder="YYYY-MM-DD", explains="Last day due, included.", max_length=10)
            yield Choice("unbilled", id="unbilled", compact=True)
        with Horizontal(classes="columns"):
            table = RecordTable(
                _COLUMNS, noun="orders", id="orders", empty="Nothing found. Try fewer letters, or less of the phone.",
                explains="The orders found, newest first; ₹ marks billed ones. Enter shows the order.",
            )  # fmt: skip
            table.border_title = "Orders"
            table.add_class("list")
            yield table
            sheet = Sheet("Order", id="order", explains="The order under the cursor.", empty="No order is chosen.")
            sheet.add_class("detail")
            yield sheet

    def search_target(self) -> Widget:
        """The search."""
        return self.query_one("#search", Field).input

    def opened(self) -> None:
        """The newest orders, ready to type."""
        if not self.query_one("#search", Field).value:
            self.search_target().focus()
        self.read_first()

    def why_not(self, action: str) -> str | None:
        """Confirming needs a role and an order."""
        if action != "confirm":
            return None
        if self.context is None:
            return "There is no connection to the database yet."
        if not self.context.operator.has("support"):
            held = ", ".join(self.context.operator.roles) or "no role"
            return f"It needs the role support; {self.context.operator.account} has {held}."
        if self.context.database.read_only:
            return self.context.database.read_only
        return None if self.under_cursor() else "There is no order under the cursor."

    def open_order(self, order_id: str) -> None:
        """Show one order, as other screens ask for it."""
        with self.prevent(Input.Changed, Select.Changed, Checkbox.Changed):
            self.query_one("#search", Field).value = order_id
            self.query_one(Select).clear()
            self.query_one("#unbilled", Checkbox).value = False
            for name in ("#from", "#to"):
                self.query_one(name, Field).value = ""
        self.show_detail(True)
        self.list_target().focus()
        self.read_first()

    def reader(self, context: Context) -> Reader:
        """What the search and the filters say."""
        from services.clock import parse_day
        from services.orders.filters import OrderFilters
        from services.orders.lookup import find_orders

        start, end = self.query_one("#from", Field).value, self.query_one("#to", Field).value
        status = self.query_one(Select).value
        filters = OrderFilters(
            status=status if isinstance(status, str) else None,
            start=parse_day(start, "first day") if start else None,
            end=parse_day(end, "last day") if end else None,
            unbilled=self.query_one("#unbilled", Checkbox).value,
        )
        return partial(find_orders, context.database, context.operator, self.query_one("#search", Field).value, filters)

    def row_of(self, item: OrderRow) -> Row:
        """One order."""
        return _row(item)

    def page_shown(self, page: Page[OrderRow], *, first: bool) -> None:
        """Nothing found, nothing to show."""
        if first and not page.items:
            self._shown = ""
            self.query_one("#order", Sheet).clear()

    @on(RecordTable.Highlighted, "#orders")
    def order_highlighted(self) -> None:
        """Read the order once the cursor rests."""
        self.after_rest("cursor", _RESTING, self._look)
        self.refresh_bindings()

    def _look(self) -> None:
        order_id = self.under_cursor()
        if order_id and self.context:
            self.ask("order", partial(_show, self.context, order_id), Looked)

    def on_looked(self, event: Looked) -> None:
        """Show the order; the same one again stays where it was scrolled to."""
        order_id = event.detail.order.id or ""
        sheet = self.query_one("#order", Sheet)
        sheet.show(order_sections(event.detail), keep=order_id == self._shown)
        self._shown = order_id

    @on(RecordTable.Selected, "#orders")
    def order_selected(self) -> None:
        """To the order itself, where the keys scroll it."""
        self.show_detail(True)
        self.query_one("#order").focus()

    def action_unbilled(self) -> None:
        """Only what was never billed, or everything."""
        self.query_one("#unbilled", Checkbox).toggle()

    def action_confirm(self) -> None:
        """Confirm the delivery of the order under the cursor."""
        order_id = self.under_cursor()
        if self.context and order_id:
            from screens.deliveries.dialog import ConfirmDelivery

            self.app.push_screen(ConfirmDelivery(self.context, order_id), self._delivery_confirmed)

    def action_check(self) -> None:
        """Ask every validator about the order under the cursor."""
        order_id = self.under_cursor()
        if self.context and order_id:
            from screens.orders.check import CheckOrder

            self.app.push_screen(CheckOrder(self.context, order_id))
        else:
            self.say("There is no order under the cursor to check.")

    def _delivery_confirmed(self, confirmation: Confirmation | None) -> None:
        if confirmation:
            words = f"{confirmation.order_id} is confirmed as {confirmation.status.replace('_', ' ').lower()}."
            self.read_first()
            self.say(words, "information")


def _row(row: OrderRow) -> Row:
    billed = text("₹" if row.billing_record else "⚑" if row.billed else "", "good" if row.billing_record else "warn")
    return Row(
        row.id,
        (
            text(row.id),
            customer_text(row.customer_name, known=row.customer_id is not None),
            text(row.delivery_date or "—", "muted"),
            status_text(row.status),
            text(format_rupees(row.amount_paise), "money"),
            billed,
        ),
    )


async def _show(context: Context, order_id: str) -> OrderDetail:
    from services.orders.detail import show_order

    return await show_order(context.database, context.operator, order_id)
