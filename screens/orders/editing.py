"""Changing an order: type, look at the difference, confirm. A refusal is told here, and nothing typed is lost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.console import Group
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from screens.asking import Asking, ConnectionLost, Refusal
from screens.context import Context
from screens.tones import quantity, status_text, text
from screens.widgets.diff import field_diff
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from services.errors import BadRequest
from services.text import visible

if TYPE_CHECKING:
    from services.orders.editing import Editable, Edited, OrderEdit

_LONGEST_SHOWN = 500
"""A longer text is not put into an input of one line; left empty it stays as it is."""


@dataclass
class OrderRead(Message):
    """The order as it is now."""

    editable: Editable


@dataclass
class Previewed(Message):
    """What the typed values would change."""

    edited: Edited


@dataclass
class Written(Message):
    """The change is written."""

    edited: Edited


class EditOrder(ModalScreen["Edited | None"], Asking):
    """The first Ctrl+S shows the difference, the second writes just that."""

    CSS_PATH = ["../widgets/dialog.tcss", "editing.tcss"]  # noqa: RUF012 - as Textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "go_on", "Preview, then write"),
    ]

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__()
        self._with = context
        self._order_id = order_id
        self._editable: Editable | None = None
        self._filled: dict[str, str] = {}
        """What the console put into each input: what differs from it was typed."""
        self._keys: tuple[str, ...] = ()
        """What the order's items are called, in the order of their inputs."""
        self._asked: OrderEdit | None = None
        self._shown: OrderEdit | None = None
        """The edit whose difference is on screen."""
        self._writing = False

    def compose(self) -> ComposeResult:
        """The order, its inputs, the difference, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Change an order"
            box.border_subtitle = "Ctrl+S shows the change, again writes it · Esc leaves it"
            yield Static(text(self._order_id, "strong"), markup=False, id="order-line")
            with VerticalScroll(id="inputs", can_focus=False):
                yield Field("Day", id="day", explains="Delivery day in India.", placeholder="YYYY-MM-DD", max_length=10)
                yield Field(
                    "Person", id="person", explains="Delivery person: id, or the beginning of a name.", max_length=60
                )
                yield Field("Address", id="address", explains="Address, its first line.", max_length=500)
                yield Field("Notes", id="notes", explains="Notes.", max_length=2_000)
                yield Vertical(id="items")
                yield Field("Add item", id="add", placeholder="PRODUCT_ID=QTY", explains="A product.", max_length=80)
            with VerticalScroll(id="change"):
                yield Static(markup=False, id="difference")
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Show change", id="confirm", variant="success", compact=True, disabled=True)

    def on_mount(self) -> None:
        """Read the order as it is now."""
        self.query_one("#cancel", Button).focus()
        self._open()

    def _open(self) -> None:
        from services.orders.editing import open_order

        self.ask("open", partial(open_order, self._with.database, self._with.operator, self._order_id), OrderRead)

    async def on_order_read(self, event: OrderRead) -> None:
        """Fill the inputs in; those in which somebody typed keep what was typed."""
        order, first = event.editable.order, self._editable is None
        self._editable = event.editable
        words = Text.assemble(
            text(self._order_id, "strong"), "\n", status_text(order.status), text("  as it is now", "muted")
        )
        self.query_one("#order-line", Static).update(words)
        now = {"day": str(order.delivery_date or ""), "person": order.delivery_boy_id or "", "notes": order.notes,
               "address": event.editable.address_line}  # fmt: skip
        if first:
            lines = [Field(visible(item.name or item.key, limit=40), id=f"item-{number}", explains="", max_length=12)
                     for number, item in enumerate(order.items)]  # fmt: skip
            await self.query_one("#items").mount_all(lines)
        if first or [item.key for item in order.items] == list(self._keys):
            now |= {f"item-{number}": quantity(item.quantity) for number, item in enumerate(order.items)}
        self._keys = tuple(item.key for item in order.items) if first else self._keys
        with self.prevent(Input.Changed):
            for name, value in now.items():
                self._fill(name, value)
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

    def _edit(self) -> OrderEdit:
        """What was typed. Raises BadRequest for what cannot be read."""
        from services.clock import parse_day
        from services.orders.editing import OrderEdit

        names = [f"item-{number}" for number in range(len(self._keys))]
        added = self.query_one("#add", Field).value
        items = None
        if added or any(self._typed(name) is not None for name in names):
            values = [
                (key, self.query_one(f"#{name}", Field).value) for key, name in zip(self._keys, names, strict=True)
            ]
            items = {key: _number(key, value) for key, value in values if value}
            if added:
                product, _, amount = added.rpartition("=")
                items[product] = _number(product or added, amount)
            items = {key: number for key, number in items.items() if number}
        day = self._typed("day")
        return OrderEdit(
            address=self._typed("address"), notes=self._typed("notes"), items=items,
            delivery_date=parse_day(day, "day") if day is not None else None, delivery_boy_id=self._typed("person"),
        )  # fmt: skip

    @on(Input.Changed)
    def changed(self) -> None:
        """Another value is another change: it is shown before it is written."""
        self._shown = None
        self.query_one("#difference", Static).update("")
        self.query_one("#confirm", Button).label = "Show change"

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter goes on to the next input."""
        self.focus_next()

    @on(Button.Pressed, "#confirm")
    def action_go_on(self) -> None:
        """Show the difference; once it is shown, write it, unless it is on its way already."""
        from services.orders.editing import preview_update, update_order

        if self._editable is None or self._writing:
            return
        try:
            edit = self._edit()
        except BadRequest as error:
            self._refuse(error.message)
            return
        self.query_one("#refusal", Notice).clear()
        context = self._with
        asked = (context.database, context.operator, context.clock, self._order_id, edit, self._editable.seen)
        if edit != self._shown:
            self._asked = edit
            self.ask("preview", partial(preview_update, *asked), Previewed)
        else:
            self._writing = True
            self.ask("write", partial(update_order, *asked), Written, repeat=False)

    def on_previewed(self, event: Previewed) -> None:
        """Show it; now it can be written."""
        self._shown = self._asked
        self.query_one("#difference", Static).update(Group(*field_diff(event.edited.changes)))
        self.query_one("#confirm", Button).label = "Write it"

    def on_written(self, event: Written) -> None:
        """Done."""
        self.dismiss(event.edited)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here. Where somebody else was faster, the order is read again and what was typed stays."""
        event.stop()
        self._writing = False
        self.drop(event.group)
        self._refuse(event.error.message)
        if event.error.code == "changed-meanwhile":
            self.changed()
            self._open()
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    def _refuse(self, words: str) -> None:
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss(None)


def _number(name: str, typed: str) -> Decimal:
    try:
        return Decimal(typed)
    except InvalidOperation:
        raise BadRequest("bad-quantity", f"Type a number as the quantity of {name[:60]!r}; 0 takes it away.") from None
