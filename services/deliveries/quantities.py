"""How much of each item was delivered: as it is on record, and as a confirmation states it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.billing.charge import Undecided, quantities_by_product, settling_report
from services.errors import BadRequest, Refused
from services.money import quantity_told
from services.records.deliveries import Delivery
from services.records.orders import DELIVERED, FAILED_STATUSES, NOT_DELIVERED, PARTIALLY_DELIVERED, Item, Order
from services.validation.quantity import delivered_quantity, delivered_status, ordered_quantity

_OUTCOMES = (DELIVERED, PARTIALLY_DELIVERED, NOT_DELIVERED)
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class ConfirmedLine:
    """One item of the order, and how much of it was delivered."""

    item: Item
    ordered: Decimal
    delivered: Decimal


def outcome(lines: Sequence[ConfirmedLine]) -> str:
    """The status that these quantities come to: all, some or nothing delivered."""
    return delivered_status([(line.delivered, line.ordered) for line in lines])


def in_words(items: Sequence[Item], delivered: Sequence[Decimal | None]) -> str:
    """`2 × Eggs, 1 of 3 × Bread`: the delivered quantity of each item, of how many where that was not all."""
    lines = [
        f"{quantity_told(given)}{'' if given == item.quantity else f' of {quantity_told(item.quantity)}'}"
        f" × {item.name or item.key}"
        for item, given in zip(items, delivered, strict=True)
    ]
    more = len(lines) - _MOST_TOLD
    return ", ".join(lines[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def on_record(order: Order, deliveries: Sequence[Delivery]) -> tuple[Decimal | None, ...]:
    """The delivered quantity of each item as the order and its reports say it.

    What was ordered where nobody said otherwise; None where something was missing and nobody noted how much.
    """
    reports = [delivery for delivery in deliveries if delivery.status in _OUTCOMES]
    newest = max(reports, key=lambda report: str(report.key)).status if reports else ""
    if order.status in FAILED_STATUSES or newest == NOT_DELIVERED:
        return (Decimal(0),) * len(order.items)
    unknown = (None,) * len(order.items)
    report = settling_report(reports)
    if isinstance(report, Undecided):
        return unknown
    if report is None:
        partly = order.partial or PARTIALLY_DELIVERED in (order.status, *(each.status for each in reports))
        return unknown if partly else tuple(item.quantity for item in order.items)
    if Counter(item.key for item in report) != Counter(item.key for item in order.items):
        return unknown
    reported = quantities_by_product(report)
    return tuple(_within(reported[item.key].pop(0), item) for item in order.items)


def _within(quantity: Decimal | None, item: Item) -> Decimal | None:
    known = quantity is not None and item.quantity is not None and 0 <= quantity <= item.quantity
    return quantity if known else None


def confirmed_lines(
    order: Order, known: Sequence[Decimal | None], stated: Mapping[str, Decimal]
) -> tuple[ConfirmedLine, ...]:
    """The lines of a confirmation: stated quantities by product, the others as they are `known` to be.

    A product is named by its key, or by a beginning that on this order no other has. Raises BadRequest for a product
    that the order has not, Refused for what is not from 0 to ordered or not known.
    """
    for item in order.items:
        ordered_quantity(item.name, item.quantity).require()
    ordered = [item.quantity or Decimal(0) for item in order.items]
    if not ordered:
        raise Refused("items-missing", "The order has no items, so nothing of it can be confirmed.")
    delivered = list(known)
    named = {_key(order, typed): quantity for typed, quantity in stated.items()}
    if len(named) < len(stated):
        raise BadRequest("bad-item", "A product is given twice; name each once.")
    for key, quantity in named.items():
        places = _places(order, key)
        whole = sum((ordered[place] for place in places), Decimal(0))
        delivered_quantity(order.items[places[0]].name, quantity, whole).require()
        rest = abs(quantity)  # a -0 is nothing
        for place in places:
            delivered[place] = min(rest, ordered[place])
            rest -= min(rest, ordered[place])
    lines = []
    for item, whole, given in zip(order.items, ordered, delivered, strict=True):
        if given is None:
            raise Refused(
                "quantities-unknown",
                f"Something of the order was not delivered, and nobody noted how much: say how much of {item.name!r} "
                f"({item.key}) was delivered.",
            )
        lines.append(ConfirmedLine(item, whole, given))
    return tuple(lines)


def _key(order: Order, typed: str) -> str:
    """The key of the item that is meant."""
    keys = dict.fromkeys(item.key for item in order.items)
    fitting = [typed] if typed in keys else [key for key in keys if key.startswith(typed)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(f"{item.key} ({item.name})" if item.name != item.key else item.key for item in order.items)
    what = (
        f"Several products of this order begin with {typed!r}" if fitting else f"No product {typed!r} is on this order"
    )
    raise BadRequest("unknown-item", f"{what}; it has: {names}.")


def _places(order: Order, key: str) -> list[int]:
    """The lines of a product; a quantity of it fills them one after the other, so they must cost the same."""
    places = [place for place, item in enumerate(order.items) if item.key == key]
    if len({order.items[place].price for place in places}) > 1:
        raise BadRequest(
            "unknown-item", f"The product {key!r} is on this order at two prices; which one was short is not said."
        )
    return places
