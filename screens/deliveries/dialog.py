"""Confirming a delivery: what of each item was delivered, when, and why if it is unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar

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
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from screens.widgets.quantity import QuantityLine
from services.errors import BadRequest

if TYPE_CHECKING:
    from services.deliveries.confirmation import Confirmation
    from services.orders.detail import OrderDetail
    from services.records.orders import Item


@dataclass
class Loaded(Message):
    """The order to confirm, and what is known of each of its items: how much of it was delivered."""

    detail: OrderDetail
    known: Sequence[Decimal | None]


@dataclass
class Confirmed(Message):
    """The confirmation is written."""

    confirmation: Confirmation


class ItemLine(QuantityLine):
    """One item: its name, the delivered quantity to type, and what was ordered."""

    def __init__(self, item: Item, known: Decimal | None) -> None:
        ordered = text(f"of {quantity(item.quantity)} {item.unit}", "muted")
        super().__init__(item.key, item.name, "" if known is None else quantity(known), ordered)
        self.item = item
        self.known = known

    def delivered(self) -> Decimal:
        """What was typed. Raises BadRequest for what is no number."""
        return self.number("the delivered quantity")


class ConfirmDelivery(ModalScreen["Confirmation | None"], Asking):
    """Refusals are shown inside the dialog; what was typed stays."""

    CSS_PATH = ["../widgets/dialog.tcss", "dialog.tcss"]  # noqa: RUF012 - as Textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "confirm", "Confirm"),
    ]

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__()
        self._with = context
        self._order_id = order_id
        self.refused = False
        """Whether a confirmation was refused here: then the order may not be what the list says."""
        self._confirming = False
        self._early = False
        """Whether it was said that the day has not come: the next answer means it."""

    def compose(self) -> ComposeResult:
        """The order, its items, time and reason, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Confirm a delivery"
            box.border_subtitle = "Ctrl+S confirms · Esc cancels"
            yield Static(text(self._order_id, "strong"), markup=False, id="order-line")
            yield VerticalScroll(id="items", can_focus=False)
            yield Field(
                "Delivered at", id="at", placeholder="as on record, else now", max_length=32,
                explains="India time: YYYY-MM-DDTHH:MM, or HH:MM for today. Empty means the time on record, else now.",
            )  # fmt: skip
            yield Field(
                "Reason", id="reason", placeholder="where it is late, or nothing was delivered", max_length=500,
                explains="Needed where the time is off schedule, and where nothing was delivered.",
            )  # fmt: skip
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Confirm", id="confirm", variant="success", compact=True, disabled=True)

    def on_mount(self) -> None:
        """Read the order as it is now."""
        self.query_one("#cancel", Button).focus()
        self.ask("order", partial(_load, self._with, self._order_id), lambda loaded: loaded)

    async def on_loaded(self, event: Loaded) -> None:
        """Show the items, each prefilled with what is on record, which is what was ordered where nobody said less."""
        order, customer = event.detail.order, event.detail.customer
        who = text(customer.name if customer else "no customer", "strong", limit=60)
        due = text(f"due {order.delivery_date or '—'} · ", "muted")
        words = Text.assemble(who, "\n", text(self._order_id, "muted"), "\n", due, status_text(order.status))
        self.query_one("#order-line", Static).update(words)
        await self.query_one("#items").mount_all(map(ItemLine, order.items, event.known))
        self.query_one("#confirm", Button).disabled = False
        first = next(iter(self.query(ItemLine)), None)
        (first.input if first else self.query_one("#at", Field).input).focus()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter goes on to the next input, after the last one to the answer."""
        self.focus_next()

    @on(Input.Changed)
    def changed(self) -> None:
        """What is typed anew is asked anew."""
        self._early = False

    @on(Button.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Send the decision, unless it is on its way already."""
        if self._confirming or self.query_one("#confirm", Button).disabled:
            return
        from services.clock import parse_moment

        try:
            quantities = _changed(list(self.query(ItemLine)))
            typed = self.query_one("#at", Field).value
            moment = parse_moment(typed, "delivery time") if typed else None
        except BadRequest as error:
            self._refuse(error.message)
            return
        self._confirming = True
        self.query_one("#refusal", Notice).clear()
        reason = self.query_one("#reason", Field).value
        self.ask(
            "confirm",
            partial(_confirm, self._with, self._order_id, quantities, moment, reason, early=self._early),
            Confirmed,
            repeat=False,
        )

    def on_confirmed(self, event: Confirmed) -> None:
        """Done."""
        self.dismiss(event.confirmation)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here; a decision is never sent again by itself."""
        event.stop()
        self._confirming = False
        self.drop(event.group)
        self._early = event.error.code == "due-later"
        self.refused = True
        self._refuse(f"{event.error.message}{' Ctrl+S again confirms it.' if self._early else ''}")
        if event.error.code == "unknown-order":
            self.query_one("#order-line", Static).update(text(f"{self._order_id} was deleted meanwhile", "bad"))
            self.query_one("#confirm", Button).disabled = True
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    def _refuse(self, words: str) -> None:
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss(None)


def _changed(lines: Sequence[ItemLine]) -> dict[str, Decimal]:
    """The delivered quantities by product, of those that are not what is on record."""
    typed: dict[str, Decimal] = {}
    for line in lines:
        typed[line.item.key] = typed.get(line.item.key, Decimal(0)) + line.delivered()
    changed = {line.item.key for line in lines if line.delivered() != line.known}
    return {key: number for key, number in typed.items() if key in changed}


async def _load(context: Context, order_id: str) -> Loaded:
    from services.deliveries.quantities import on_record
    from services.orders.detail import show_order

    detail = await show_order(context.database, context.operator, order_id)
    return Loaded(detail, on_record(detail.order, detail.deliveries))


async def _confirm(
    context: Context,
    order_id: str,
    quantities: Mapping[str, Decimal],
    moment: datetime | None,
    reason: str,
    *,
    early: bool,
) -> Confirmation:
    from services.deliveries.confirmation import confirm_delivery

    return await confirm_delivery(
        context.database, context.operator, context.clock, order_id,
        quantities=quantities, delivered_at=moment, reason=reason, early=early,
    )  # fmt: skip
