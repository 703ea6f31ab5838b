"""A day's deliveries, and confirming them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Select

from screens.context import Context
from screens.listing import ListPlace, Reader
from screens.place import OpenOrder
from screens.tones import customer_text, status_text, text
from screens.widgets.choices import status_select
from screens.widgets.field import Field
from screens.widgets.table import Column, RecordTable, Row
from services.errors import BadRequest

if TYPE_CHECKING:
    from services.deliveries.confirmation import Confirmation
    from services.deliveries.day import DeliveryRow

_COLUMNS = (
    Column("", 1),
    Column("Customer", 14, grow=1),
    Column("Area", 10, grow=1, drop=4),
    Column("Items", 22, grow=6),
    Column("Delivery person", 14, grow=1, drop=3),
    Column("Status", 15),
    Column("Phone", 15, drop=1),
    Column("At", 5, drop=2),
)


class DeliveriesScreen(ListPlace):
    """The list of one day, filtered as you type."""

    NAME = "deliveries"
    LIST = "day-list"
    CSS_PATH = "deliveries.tcss"
    ABOUT = (
        "The orders that are due on one day in India, newest first. Confirming one notes what was delivered of each "
        "item and when; the rules that do not allow it are told inside the dialog."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "turn(-1)", "Before", key_display="[", tooltip="The day before."),
        Binding("right_square_bracket", "turn(1)", "After", key_display="]", tooltip="The day after."),
        Binding("t", "today", "Today", tooltip="Back to today."),
        Binding("c", "confirm", "Confirm", tooltip="Confirm the delivery under the cursor; Enter does the same."),
        Binding("o", "order", "Order", tooltip="Show the order under the cursor."),
    ]

    def compose_place(self) -> Iterable[Widget]:
        """Day and filters above the list."""
        with Horizontal(id="filters"):
            yield Field("Day", id="day", explains="The day due, YYYY-MM-DD, today or yesterday.", max_length=10)
            yield Field("Person", id="person", explains="The beginning of a delivery person's name, or an id.")
            yield Field("Area", id="area", explains="The beginning of an area's name.")
            yield status_select()
        table = RecordTable(
            _COLUMNS, noun="deliveries", id="day-list", empty="Nothing due on this day fits the filters.",
            explains="The deliveries of the day; ✓ marks confirmed ones. Enter confirms.",
        )  # fmt: skip
        table.border_title = "Deliveries"
        yield table

    def search_target(self) -> Widget:
        """The delivery person, by whom a day is narrowed most often."""
        return self.query_one("#person", Field).input

    def opened(self) -> None:
        """Today."""
        if self.context and not self.query_one("#day", Field).value:
            with self.prevent(Input.Changed):
                self.query_one("#day", Field).value = self.context.today().isoformat()
        self.list_target().focus()
        self.read_first()

    def why_not(self, action: str) -> str | None:
        """Confirming needs a role and a delivery."""
        if action not in ("confirm", "order"):
            return None
        if self.context is None:
            return "There is no connection to the database yet."
        if action == "confirm" and not self.context.operator.has("support"):
            held = ", ".join(self.context.operator.roles) or "no role"
            return f"It needs the role support; {self.context.operator.account} has {held}."
        if action == "confirm" and self.context.database.read_only:
            return self.context.database.read_only
        return None if self.under_cursor() else "There is no delivery under the cursor."

    def _day(self) -> date:
        from services.clock import parse_day

        typed = self.query_one("#day", Field).value
        if self.context and typed.lower() in ("", "today"):
            return self.context.today()
        return parse_day(typed, "day")

    def action_turn(self, days: int) -> None:
        """The day before or after."""
        try:
            day = self._day() + timedelta(days=days)
        except BadRequest as error:
            self.say(error.message)
            return
        self.query_one("#day", Field).value = day.isoformat()

    def action_today(self) -> None:
        """Back to today."""
        if self.context:
            self.query_one("#day", Field).value = self.context.today().isoformat()

    def reader(self, context: Context) -> Reader:
        """The day, narrowed by the filters."""
        from services.deliveries.day import DayFilters, list_day

        day, status = self._day(), self.query_one(Select).value
        filters = DayFilters(
            day=day,
            delivery_boy=self.query_one("#person", Field).value or None,
            area=self.query_one("#area", Field).value or None,
            status=status if isinstance(status, str) else None,
        )
        self.list_target().border_title = f"Deliveries · {day:%A} {day}"
        return partial(list_day, context.database, context.operator, filters)

    def row_of(self, item: DeliveryRow) -> Row:
        """One delivery."""
        return _row(item)

    @on(RecordTable.Selected)
    def action_confirm(self) -> None:
        """Confirm the delivery under the cursor."""
        order_id = self.under_cursor()
        if reason := self.why_not("confirm"):
            self.say(reason)
        elif self.context and order_id:
            from screens.deliveries.dialog import ConfirmDelivery

            self.app.push_screen(ConfirmDelivery(self.context, order_id), self._confirmed)

    def _confirmed(self, confirmation: Confirmation | None) -> None:
        if confirmation:
            status = confirmation.status.replace("_", " ").lower()
            self.read_first()
            self.say(f"{confirmation.order_id} is confirmed as {status}.", "information")

    def action_order(self) -> None:
        """To the order."""
        self.post_message(OpenOrder(self.under_cursor()))


def _row(row: DeliveryRow) -> Row:
    from services.clock import format_moment

    return Row(
        row.order_id,
        (
            Text("✓" if row.confirmed else "", style="good"),
            customer_text(row.customer_name),
            text(row.area),
            text(row.items),
            text(row.delivery_person or "—"),
            status_text(row.status),
            text(row.phone, "muted"),
            text(format_moment(row.delivered_at)[-5:] if row.delivered_at else "", "muted"),
        ),
    )
