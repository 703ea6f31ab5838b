"""Changing an order: its day, person, address, notes and items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.containers import Vertical
from textual.widget import Widget

from screens.asking import Question
from screens.context import Context
from screens.tones import quantity, status_text, text
from screens.widgets.change import ChangeDialog
from screens.widgets.field import Field
from services.errors import BadRequest
from services.text import visible

if TYPE_CHECKING:
    from services.orders.editing import Editable, Edited, OrderEdit


class EditOrder(ChangeDialog):
    """Returns what was changed."""

    TITLE = "Change an order"

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__(context, order_id)
        self._seen: Mapping[str, Any] = {}
        self._keys: tuple[str, ...] = ()
        """What the order's items are called, in the order of their inputs."""

    def inputs(self) -> Iterable[Widget]:
        """One for each field; those of the items come with the order."""
        yield Field("Day", id="day", explains="Delivery day in India.", placeholder="YYYY-MM-DD", max_length=10)
        yield Field("Person", id="person", explains="Delivery person: id, or the beginning of a name.", max_length=60)
        yield Field("Address", id="address", explains="Address, its first line.", max_length=500)
        yield Field("Notes", id="notes", explains="Notes.", max_length=2_000)
        yield Vertical(id="items")
        yield Field("Add item", id="add", placeholder="PRODUCT_ID=QTY", explains="A product.", max_length=80)

    def question(self) -> Question[Editable]:
        """The order as it is now."""
        from services.orders.editing import open_order

        return partial(open_order, self.context.database, self.context.operator, self.record_name)

    async def show(self, record: Editable, *, first: bool) -> Text:
        """Fill the inputs in, those of the items where they are still the same items."""
        order, self._seen = record.order, record.seen
        now = {"day": str(order.delivery_date or ""), "person": order.delivery_boy_id or "", "notes": order.notes,
               "address": record.address_line}  # fmt: skip
        if first:
            lines = [Field(visible(item.name or item.key, limit=40), id=f"item-{number}", explains="", max_length=12)
                     for number, item in enumerate(order.items)]  # fmt: skip
            await self.query_one("#items").mount_all(lines)
        if first or [item.key for item in order.items] == list(self._keys):
            now |= {f"item-{number}": quantity(item.quantity) for number, item in enumerate(order.items)}
        self._keys = tuple(item.key for item in order.items) if first else self._keys
        for name, value in now.items():
            self.fill(name, value)
        return Text.assemble(
            text(self.record_name, "strong"), "\n", status_text(order.status), text("  as it is now", "muted")
        )

    def change(self) -> OrderEdit:
        """What was typed."""
        from services.clock import parse_day
        from services.orders.editing import OrderEdit

        names = [f"item-{number}" for number in range(len(self._keys))]
        added = self.value("add")
        items = None
        if added or any(self.typed(name) is not None for name in names):
            values = [(key, self.value(name)) for key, name in zip(self._keys, names, strict=True)]
            items = {key: _number(key, value) for key, value in values if value}
            if added:
                product, _, amount = added.rpartition("=")
                items[product] = _number(product or added, amount)
            items = {key: number for key, number in items.items() if number}
        day = self.typed("day")
        return OrderEdit(
            address=self.typed("address"), notes=self.typed("notes"), items=items,
            delivery_date=parse_day(day, "day") if day is not None else None, delivery_boy_id=self.typed("person"),
        )  # fmt: skip

    def preview(self, change: OrderEdit) -> Question[Edited]:
        """What the edit would change."""
        from services.orders.editing import preview_update

        context = self.context
        return partial(
            preview_update, context.database, context.operator, context.clock, self.record_name, change, self._seen
        )

    def write(self, change: OrderEdit) -> Question[Edited]:
        """The edit."""
        from services.orders.editing import update_order

        context = self.context
        return partial(
            update_order, context.database, context.operator, context.clock, self.record_name, change, self._seen
        )


def _number(name: str, typed: str) -> Decimal:
    try:
        return Decimal(typed)
    except InvalidOperation:
        raise BadRequest("bad-quantity", f"Type a number as the quantity of {name[:60]!r}; 0 takes it away.") from None
