"""Confirming a delivery: what of each item was delivered, when, and why if it is unusual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Static

from screens.asking import Question
from screens.context import Context
from screens.deliveries.questions import STALE
from screens.tones import status_text, text
from screens.widgets.field import Field
from screens.widgets.quantity import QuantityLine
from screens.widgets.writing import STYLES, WritingDialog
from services.money import quantity_told

if TYPE_CHECKING:
    from services.deliveries.confirmation import Confirmation
    from services.deliveries.seen import Confirmable, Seen
    from services.errors import ConsoleError
    from services.records.orders import Item


@dataclass(frozen=True)
class Request:
    """What was typed: quantities by product where they are not those on record, the time where it was said."""

    quantities: Mapping[str, Decimal]
    moment: datetime | None
    reason: str
    early: bool


class ItemLine(QuantityLine):
    """One item: its name, the delivered quantity to type, and what was ordered."""

    def __init__(self, item: Item, known: Decimal | None) -> None:
        ordered = text(f"of {quantity_told(item.quantity)} {item.unit}", "muted")
        super().__init__(item.key, item.name, "" if known is None else quantity_told(known), ordered)
        self.item = item
        self.known = known

    def delivered(self) -> Decimal:
        """What was typed. Raises BadRequest for what is no number."""
        return self.number("the delivered quantity")


class ConfirmDelivery(WritingDialog["Confirmation | None"]):
    """What of each item was delivered, as it is on record until somebody types."""

    TITLE = "Confirm a delivery"
    HINT = "Ctrl+S confirms · Esc cancels"
    DEED = "Confirm"
    CSS_PATH = [*STYLES, "dialog.tcss"]  # noqa: RUF012 - as Textual declares it

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__(context, order_id)
        self._early = False
        """Whether it was said that the day has not come: the next answer means it."""
        self._seen: Seen | None = None
        """What is confirmed: the order as the dialog shows it."""

    def inputs(self) -> Iterable[Widget]:
        """The items, time and reason."""
        yield VerticalScroll(id="items", can_focus=False)
        yield Field(
            "Delivered at", id="at", placeholder="as on record, else now", max_length=32,
            explains="India time: YYYY-MM-DDTHH:MM, or HH:MM for today. Empty means the time on record, else now.",
        )  # fmt: skip
        yield Field(
            "Reason", id="reason", placeholder="where it is late, or nothing was delivered", max_length=500,
            explains="Needed where the time is off schedule, and where nothing was delivered.",
        )  # fmt: skip

    def question(self) -> Question[Confirmable]:
        """The order as it is now."""
        return partial(_load, self.context, self.record_name)

    async def show(self, record: Confirmable) -> Text:
        """Show the items, each prefilled with what is on record, which is what was ordered where nobody said less."""
        order, self._seen = record.order, record.seen
        await self._fill([ItemLine(*each) for each in zip(order.items, record.seen.known, strict=True)])
        who = text(record.customer_name or "no customer", "strong", limit=60)
        lines = [who, text(self.record_name, "muted")]
        due = text(f"due {order.delivery_date or '—'}", "muted")
        if done := record.seen.confirmed:
            lines += [due, text(f"confirmed: {done}", limit=120)]
        else:
            lines.append(Text.assemble(due, text(" · ", "muted"), status_text(order.status)))
        return Text("\n").join(lines)

    async def _fill(self, lines: Sequence[ItemLine]) -> None:
        """Put these lines in the place of those that are there; what was typed in one stays."""
        before = _by_place(self.query(ItemLine))
        focused = next((place for place, line in before.items() if line.input.has_focus), None)
        typed = {place: line.typed for place, line in before.items() if line.changed}
        box = self.query_one("#items")
        await box.remove_children()
        await box.mount_all(lines)
        for place, line in _by_place(lines).items():
            line.input.value = typed.get(place, line.filled)
            if place == focused:
                line.input.focus()

    def typed_anew(self) -> None:
        """What is typed anew is asked anew."""
        self._early = False

    def request(self) -> Request:
        """What was typed."""
        from services.clock import parse_moment

        typed = self.value("at")
        return Request(
            _changed(list(self.query(ItemLine))), parse_moment(typed, "delivery time") if typed else None,
            self.value("reason"), self._early,
        )  # fmt: skip

    def write(self, request: Request) -> Question[Confirmation]:
        """The confirmation."""
        return partial(_confirm, self.context, self.record_name, request, self._seen)

    def refused(self, error: ConsoleError) -> None:
        """What may not be as it was listed is shown anew; what has not come can be meant all the same."""
        if error.code in STALE:
            self.read_record()
        self._early = error.code == "due-later"
        if self._early:
            self.refuse(f"{error.message} Ctrl+S again confirms it.")
        if error.code == "unknown-order":
            self.query_one("#record-line", Static).update(text(f"{self.record_name} was deleted meanwhile", "bad"))
            self.query_one("#confirm", Button).disabled = True


def _changed(lines: Sequence[ItemLine]) -> dict[str, Decimal]:
    """The delivered quantities by product, of those that are not what is on record."""
    typed: dict[str, Decimal] = {}
    for line in lines:
        typed[line.item.key] = typed.get(line.item.key, Decimal(0)) + line.delivered()
    changed = {line.item.key for line in lines if line.delivered() != line.known}
    return {key: number for key, number in typed.items() if key in changed}


def _by_place(lines: Iterable[ItemLine]) -> dict[tuple[str, int], ItemLine]:
    """The lines by product, and by which of its lines each is."""
    placed: dict[tuple[str, int], ItemLine] = {}
    for line in lines:
        placed[line.key, sum(key == line.key for key, _ in placed)] = line
    return placed


async def _load(context: Context, order_id: str) -> Confirmable:
    from services.deliveries.seen import open_delivery

    return await open_delivery(context.database, context.operator, order_id)


async def _confirm(context: Context, order_id: str, request: Request, seen: Seen | None) -> Confirmation:
    from services.deliveries.confirmation import confirm_delivery

    return await confirm_delivery(
        context.database, context.operator, context.clock, order_id,
        quantities=request.quantities, delivered_at=request.moment, reason=request.reason, early=request.early,
        seen=seen,
    )  # fmt: skip
