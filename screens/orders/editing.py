"""Changing an order. Where somebody else was faster, the order is read again and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from screens.asking import Question
from screens.context import Context
from screens.orders.check import checks_table
from screens.orders.form import OrderForm, named
from screens.orders.items import ItemLines
from screens.tones import status_text, text
from screens.widgets.diff import field_diff

if TYPE_CHECKING:
    from services.orders.editing import Editable, Edited, OrderEdit


class EditOrder(OrderForm["Edited | None"]):
    """Fills in what is stored; what differs from that was typed."""

    TITLE = "Change an order"
    NOBODY = "nobody yet"

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__(context, order_id)
        self._editable: Editable | None = None
        self._beside: tuple[str, ...] = ()

    def question(self) -> Question[Editable]:
        """The order as it is now."""
        from services.orders.editing import open_order

        return partial(open_order, self.context.database, self.context.operator, self.record_name)

    async def show(self, record: Editable) -> Text:
        """Fill in what is stored."""
        self._editable, order = record, record.order
        await self.query_one(ItemLines).fill(order.items)
        self.fill("day", str(order.delivery_date or ""))
        self.fill("notes", order.notes)
        self.fill("address", record.address_line)
        person = order.delivery_boy_id or ""
        self.fill("person", person, named(record.delivery_person, person))
        now = text("Status now  ", "muted")
        return Text.assemble(text(self.record_name, "strong"), "\n", now, status_text(order.status))

    @property
    def customer_id(self) -> str:
        """The order's."""
        return self._editable.customer_id if self._editable else ""

    def request(self) -> OrderEdit:
        """What was typed."""
        from services.orders.editing import OrderEdit

        day, items = self.typed("day"), self.query_one(ItemLines)
        return OrderEdit(
            address=self.typed("address"), notes=self.typed("notes"),
            items=items.quantities() if items.changed else None,
            delivery_date=self.day(day) if day is not None else None,
            delivery_boy_id=self.typed("person"),
        )  # fmt: skip

    def preview(self, request: OrderEdit) -> Question[tuple[Edited, tuple[str, ...]]]:
        """The change, and the other orders of the day beside which it is meant."""
        return partial(_preview, self.context, self.record_name, request, self._seen, again=self.again)

    def write(self, request: OrderEdit) -> Question[Edited]:
        """The change."""
        from services.orders.editing import update_order

        context, edit = self.context, replace(request, beside=self._beside)
        asked = context.database, context.operator, context.clock, self.record_name
        return partial(update_order, *asked, edit, self._seen, self.result[0])

    @property
    def _seen(self) -> Mapping[str, Any]:
        return self._editable.seen if self._editable else {}

    def lines_of(self, result: tuple[Edited, tuple[str, ...]]) -> Sequence[RenderableType]:
        """The difference, items and people by name, and what the rules say."""
        from services.orders.words import readable_changes

        edited, self._beside = result
        rules: list[RenderableType] = ["", checks_table(edited.checks)] if edited.checks else []
        return [*field_diff(readable_changes(edited)), *rules]


async def _preview(
    context: Context, order_id: str, edit: OrderEdit, seen: Mapping[str, Any], *, again: bool
) -> tuple[Edited, tuple[str, ...]]:
    from services.orders.editing import open_beside, preview_update

    asked, beside = (context.database, context.operator, context.clock, order_id), edit.beside
    if again and edit.delivery_date:
        beside = await open_beside(*asked, edit.delivery_date)
    return await preview_update(*asked, replace(edit, beside=beside), seen), beside
