"""What a one-time order costs: the exact amount for what was delivered, or why a person must decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeGuard

from services.money import rupees_told, to_double, to_paise
from services.records.orders import NOT_DELIVERED, PARTIALLY_DELIVERED, Item

HIGHEST_ORDER_RUPEES = Decimal(100_000)
"""An order above this is taken for a slip of the keyboard."""
HIGHEST_QUANTITY = Decimal(100_000)
_NOTHING = Decimal(0)
_TOLERANCE = Decimal("0.01")
_HALF_A_PAISA = Decimal("0.005")
_FINEST = Decimal("1e-9")
"""Rupees. Shares of a line need not end; to this digit they are rounded before the paisa, so that a half is a half."""


class Ordered(Protocol):
    """What of an order its amount depends on."""

    @property
    def total(self) -> Decimal | None: ...  # noqa: D102
    @property
    def items(self) -> Sequence[Item]: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def partial(self) -> bool: ...  # noqa: D102


class DeliveredItem(Protocol):
    """What of a delivery's line an amount depends on."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def delivered(self) -> Decimal | None: ...  # noqa: D102


class Delivered(Protocol):
    """What of a delivery an amount depends on."""

    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def confirmation_method(self) -> str: ...  # noqa: D102
    @property
    def confirmed_at(self) -> str: ...  # noqa: D102
    @property
    def items(self) -> Sequence[DeliveredItem]: ...  # noqa: D102


class Line(NamedTuple):
    """One billed item."""

    item: Item
    quantity: Decimal
    amount: Decimal
    """Rupees, exact, before the bill's one rounding to the paisa."""


class Charge(NamedTuple):
    """The amount of a bill and the lines behind it."""

    amount_paise: int
    lines: tuple[Line, ...]
    partial: bool


@dataclass(frozen=True, slots=True)
class Undecided:
    """Why no amount can be said without a person; `code` is one of the review codes."""

    code: str
    message: str
    last: bool = False
    """Whether any other reason goes before this one."""


def charge(order: Ordered, deliveries: Sequence[Delivered]) -> Charge | Undecided:
    """The charge for a delivered order: its total, or for a partial delivery the delivered quantities at their prices.

    The checks come in the order of the review codes: the amount by itself, against the items, the quantities.
    """
    whole = stated_charge(order)
    if isinstance(whole, Undecided):
        return whole
    statuses = [delivery.status for delivery in deliveries]
    if NOT_DELIVERED in statuses:
        return Undecided(
            "delivery-contradicts", "The order says delivered, its delivery says not delivered.", last=True
        )
    report = settling_report(deliveries)
    if isinstance(report, Undecided):
        return report
    if report is None:
        if order.partial or PARTIALLY_DELIVERED in (order.status, *statuses):
            return Undecided("quantities-unknown", "The delivery was partial, and nobody noted the quantities.")
        return whole
    return _delivered(whole, report)


def stated_charge(order: Ordered) -> Charge | Undecided:
    """What an order costs if all of it is delivered: its total, where the items come to the same to the paisa."""
    total = believable_amount(order.total)
    if isinstance(total, Undecided):
        return total
    lines = [ordered_line(item) for item in order.items]
    whole = [line for line in lines if line is not None]
    if len(whole) < len(lines):
        return Undecided("amount-invalid", "An item's quantity or price is missing, negative or not a number.")
    summed = sum([line.amount for line in whole], _NOTHING)
    if abs(summed - total) > _TOLERANCE:
        return Undecided(
            "amount-mismatch", f"The order says {rupees_told(total)}, its items come to {rupees_told(summed)}."
        )
    return Charge(to_paise(total), tuple(whole), partial=False)


def believable_amount(total: Decimal | None) -> Decimal | Undecided:
    """Rupees that one order can cost: more than nothing, and no slip of the keyboard."""
    if total is None:
        return Undecided("amount-invalid", "The order's amount is missing or not a number.")
    if not _NOTHING < total <= HIGHEST_ORDER_RUPEES:
        return Undecided("amount-invalid", f"{rupees_told(total)} is not a believable amount for one order.")
    if total < _HALF_A_PAISA:
        return Undecided("amount-invalid", "The amount is less than half a paisa.")
    return total


def believable_quantity(quantity: Decimal | None) -> TypeGuard[Decimal]:
    """Whether that many of a product can be ordered at once."""
    return quantity is not None and _NOTHING < quantity <= HIGHEST_QUANTITY


@lru_cache(maxsize=8192)  # the same goods are ordered millions of times
def ordered_line(item: Item) -> Line | None:
    """An item at its price, or at its total where it has none; None where no such amount can be told."""
    quantity, price = item.quantity, item.price
    if not believable_quantity(quantity) or (price is not None and price < 0):
        return None
    amount = item.total if price is None else quantity * price
    return None if amount is None or amount < 0 else Line(item, quantity, amount)


def settling_report(deliveries: Sequence[Delivered]) -> Sequence[DeliveredItem] | Undecided | None:
    """The lines that say what was delivered; what an operator confirmed last goes before other reports."""
    detailed = [delivery for delivery in deliveries if delivery.items]
    if len(detailed) < 2:
        return detailed[0].items if detailed else None
    confirmed = [delivery for delivery in detailed if delivery.confirmation_method == "admin"]
    if confirmed:
        return max(confirmed, key=lambda delivery: delivery.confirmed_at).items
    if any(quantities_by_product(other.items) != quantities_by_product(detailed[0].items) for other in detailed[1:]):
        return Undecided("quantities-unknown", "Two deliveries of this order name different quantities.")
    return detailed[0].items


def _delivered(whole: Charge, report: Sequence[DeliveredItem]) -> Charge | Undecided:
    ordered = whole.lines
    if len(ordered) == len(report) and all(
        given.key == line.item.key and given.delivered == line.quantity
        for line, given in zip(ordered, report, strict=True)
    ):
        return whole
    reported = quantities_by_product(report)
    if Counter(line.item.key for line in ordered) != Counter(item.key for item in report):
        return Undecided("quantities-unknown", "The delivery's products are not those of the order.")
    lines: list[Line] = []
    for line in ordered:
        delivered = reported[line.item.key].pop(0)
        if delivered is None or not 0 <= delivered <= line.quantity:
            return Undecided("quantities-unknown", f"The delivered quantity of {line.item.name!r} is not known.")
        lines.append(Line(line.item, delivered, line.amount * delivered / line.quantity))
    if all(line.quantity == full.quantity for line, full in zip(lines, ordered, strict=True)):
        return whole
    amount = to_paise(sum([line.amount for line in lines], _NOTHING).quantize(_FINEST))
    if amount == 0:
        return Undecided("nothing-delivered", "By the delivery's quantities nothing of it was delivered.", last=True)
    return Charge(amount, tuple(line for line in lines if line.quantity), partial=True)


def quantities_by_product(report: Sequence[DeliveredItem]) -> dict[str, list[Decimal | None]]:
    """Delivered quantities by product; one that stands on two lines has them in the order of the lines."""
    quantities: dict[str, list[Decimal | None]] = {}
    for item in report:
        quantities.setdefault(item.key, []).append(item.delivered)
    return quantities


def billed_items(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The lines as the backend stores a bill's items: quantities and rupees as doubles."""
    return [dict(_billed_item(line)) for line in lines]


@lru_cache(maxsize=8192)
def _billed_item(line: Line) -> Mapping[str, Any]:
    item, quantity = line.item, line.quantity
    return {
        "product_id": item.product_id,
        "product_name": item.name,
        "quantity": int(quantity) if quantity == int(quantity) else float(quantity),
        "unit": item.unit,
        "price": float(item.price if item.price is not None else line.amount / quantity) or 0.0,  # never -0.0
        "total": to_double(to_paise(line.amount)),
    }
