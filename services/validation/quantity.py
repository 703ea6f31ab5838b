"""Quantities: what was ordered, and what of it was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from services.billing.charge import HIGHEST_QUANTITY, believable_quantity
from services.money import quantity_told
from services.records.orders import DELIVERED, NOT_DELIVERED, PARTIALLY_DELIVERED
from services.validation.result import Result, accepted, quoted, refused

SMALLEST_DELIVERED = Decimal("0.001")
"""Less of something is nothing: a gram of a kilogram, a millilitre of a litre."""


def ordered_quantity(name: str, ordered: Decimal | None) -> Result:
    """Above 0 and believable, as billing takes it."""
    if not believable_quantity(ordered):
        words = f"The ordered quantity of {quoted(name)} is not a number above 0 and up to {HIGHEST_QUANTITY:,}."
        return refused("item-unreadable", "quantity", ordered, words)
    return accepted("quantity", ordered, f"{quantity_told(ordered)} of {quoted(name)} were ordered.")


def delivered_quantity(name: str, delivered: Decimal | None, ordered: Decimal) -> Result:
    """Between 0 and what was ordered, and not so little that it is stored or billed as nothing."""
    if delivered is None or not delivered.is_finite() or not 0 <= delivered <= ordered:
        words = f"Delivered of {quoted(name)} must be between 0 and the ordered {quantity_told(ordered)}."
        return refused("bad-quantity", "delivered_qty", delivered, words)
    if 0 < delivered < min(ordered, SMALLEST_DELIVERED):
        words = f"Delivered of {quoted(name)} is less than {SMALLEST_DELIVERED}; say 0 where nothing of it came."
        return refused("bad-quantity", "delivered_qty", delivered, words)
    return accepted(
        "delivered_qty", delivered, f"{quantity_told(delivered)} of {quantity_told(ordered)} were delivered."
    )


def delivered_status(quantities: Sequence[tuple[Decimal, Decimal]]) -> str:
    """What became of an order, by the delivered and the ordered quantity of each item."""
    if all(delivered == ordered for delivered, ordered in quantities):
        return DELIVERED
    return PARTIALLY_DELIVERED if any(delivered for delivered, _ in quantities) else NOT_DELIVERED
