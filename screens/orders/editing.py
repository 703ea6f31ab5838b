"""Changing an order. Where somebody else was faster, the order is read again and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from screens.asking import Refusal
from screens.context import Context
from screens.orders.check import checks_table
from screens.orders.form import OrderForm, named
from screens.orders.items import ItemLines
from screens.tones import status_text, text
from screens.widgets.chooser import Chosen
from screens.widgets.diff import field_diff
from screens.widgets.field import Field
from services.text import visible

if TYPE_CHECKING:
    from services.orders.editing import Editable, Edited, OrderEdit

_LONGEST_SHOWN = 500
"""A longer text is not put into an input of one line; left empty it stays as it is."""


@dataclass
class OrderRead(Message):
    """The order as it is now."""

    editable: Editable


class EditOrder(OrderForm["Edited | None"]):
    """Fills in what is stored; what differs from that was typed."""

    NAMED = "Change an order"
    SHOW = "Show change"
    DEED = "Write it"
    NOBODY = "nobody yet"

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__(context)
        self._order_id = order_id
        self._editable: Editable | None = None
        self._filled: dict[str, str] = {}
        """What the console put into each input."""
        self._person = ""
        """The delivery person whom the order named when it was read."""
        self._beside: tuple[str, ...] = ()

    def head(self) -> Iterable[Widget]:
        """The order."""
        yield Static(text(self._order_id, "strong"), markup=False, id="order-line")

    def on_mount(self) -> None:
        """Read the order as it is now."""
        self.query_one("#cancel", Button).focus()
        self._open()

    def _open(self) -> None:
        from services.orders.editing import open_order

        self.ask("open", partial(open_order, self._with.database, self._with.operator, self._order_id), OrderRead)

    async def on_order_read(self, event: OrderRead) -> None:
        """Fill the inputs in; those in which somebody typed keep what was typed."""
        editable, first = event.editable, self._editable is None
        order = editable.order
        self._editable = editable
        words = Text.assemble(
            text(self._order_id, "strong"), "\n", status_text(order.status), text("  as it is now", "muted")
        )
        self.query_one("#order-line", Static).update(words)
        now = {"day": str(order.delivery_date or ""), "notes": order.notes, "address": editable.address_line}
        with self.prevent(Input.Changed, Chosen.Changed):
            await self.query_one(ItemLines).fill(order.items)
            for name, value in now.items():
                self._fill(name, value)
            person = self.query_one("#person", Chosen)
            if person.key == self._person:
                self._person = order.delivery_boy_id or ""
                person.put(self._person, named(editable.delivery_person, self._person))
        self.query_one("#confirm", Button).disabled = False
        if first:
            self.query_one("#day", Field).input.focus()

    def _fill(self, name: str, value: str) -> None:
        """Put a stored value into an input, unless somebody typed there, or the value cannot be shown as it is."""
        field = self.query_one(f"#{name}", Field)
        if field.value == self._filled.get(name, ""):
            shown = value.strip()
            field.value = shown if visible(shown) == shown and len(shown) <= _LONGEST_SHOWN else ""
            self._filled[name] = field.value

    def _typed(self, name: str) -> str | None:
        value = self.query_one(f"#{name}", Field).value
        return value if value != self._filled.get(name, "") else None

    @property
    def changed(self) -> bool:
        """Whether an input holds something else than was filled in."""
        typed = any(self._typed(name) is not None for name in ("day", "notes", "address"))
        return typed or self.query_one(ItemLines).changed or self.query_one("#person", Chosen).key != self._person

    @property
    def customer_id(self) -> str:
        """The order's."""
        return self._editable.customer_id if self._editable else ""

    def request(self) -> OrderEdit | None:
        """What was typed."""
        from services.orders.editing import OrderEdit

        if self._editable is None:
            return None
        day, person, items = self._typed("day"), self.query_one("#person", Chosen).key, self.query_one(ItemLines)
        return OrderEdit(
            address=self._typed("address"), notes=self._typed("notes"),
            items=items.quantities() if items.changed else None,
            delivery_date=self.day(day) if day is not None else None,
            delivery_boy_id=person if person != self._person else None,
        )  # fmt: skip

    def preview_of(self, request: OrderEdit) -> Callable[[], Awaitable[Any]]:
        """The change, and the other orders of the day beside which it is meant."""
        return partial(_preview, self._with, self._order_id, request, self._seen, again=self.again)

    def write_of(self, request: OrderEdit) -> Callable[[], Awaitable[Any]]:
        """The change."""
        from services.orders.editing import update_order

        context, edit = self._with, replace(request, beside=self._beside)
        return partial(
            update_order, context.database, context.operator, context.clock, self._order_id, edit, self._seen
        )

    @property
    def _seen(self) -> Mapping[str, Any]:
        return self._editable.seen if self._editable else {}

    def lines_of(self, result: tuple[Edited, tuple[str, ...]]) -> Sequence[RenderableType]:
        """The difference, items and people by name, and what the rules say."""
        from services.orders.words import readable_changes

        edited, self._beside = result
        rules: list[RenderableType] = ["", checks_table(edited.checks)] if edited.checks else []
        return [*field_diff(readable_changes(edited)), *rules]

    def on_refusal(self, event: Refusal) -> None:
        """Where somebody else was faster, the order is read again and what was typed stays."""
        super().on_refusal(event)
        if event.error.code == "changed-meanwhile":
            self._open()


async def _preview(
    context: Context, order_id: str, edit: OrderEdit, seen: Mapping[str, Any], *, again: bool
) -> tuple[Edited, tuple[str, ...]]:
    from services.orders.editing import open_beside, preview_update

    asked, beside = (context.database, context.operator, context.clock, order_id), edit.beside
    if again and edit.delivery_date:
        beside = await open_beside(*asked, edit.delivery_date)
    return await preview_update(*asked, replace(edit, beside=beside), seen), beside
