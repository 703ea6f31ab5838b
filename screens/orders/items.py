"""The items of an order in a form: each by name with its quantity to type."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from textual.containers import Vertical

from screens.tones import text
from screens.widgets.quantity import QuantityLine
from services.money import format_rupees, quantity_told, to_paise

if TYPE_CHECKING:
    from services.orders.products import Offer
    from services.records.orders import Item


class OrderedLine(QuantityLine):
    """An item of an order, or a product that is to become one."""

    def __init__(self, key: str, name: str, value: str, behind: str, *, added: bool) -> None:
        super().__init__(key, name, value, text(behind, "muted", limit=40))
        self.added = added

    @property
    def changed(self) -> bool:
        """Whether somebody typed here, or added it."""
        return self.added or super().changed


class ItemLines(Vertical):
    """All items that the order is to have; an empty quantity, or 0, leaves one out."""

    DEFAULT_CSS = "ItemLines { height: auto; }"

    @property
    def lines(self) -> list[OrderedLine]:
        """The lines, in their order."""
        return list(self.query(OrderedLine))

    @property
    def changed(self) -> bool:
        """Whether the items are others than were filled in."""
        return any(line.changed for line in self.lines)

    async def fill(self, items: Sequence[Item]) -> None:
        """Show the items as they are now; what somebody typed or added stays."""
        by_key: dict[str, list[Item]] = {}
        for item in items:
            by_key.setdefault(item.key, []).append(item)
        there = {line.key: line for line in self.lines}
        for key, line in there.items():
            if key not in by_key and not line.changed:
                await line.remove()
        for key, same in by_key.items():
            numbers = [each.quantity for each in same if each.quantity is not None]
            value = quantity_told(sum(numbers, Decimal(0))) if len(numbers) == len(same) else ""
            if key in there:
                line = there[key]
                line.input.value, line.filled = line.typed if line.changed else value, value
            else:
                await self.mount(OrderedLine(key, same[0].name, value, _behind(same[0]), added=False))

    async def add(self, offer: Offer) -> None:
        """One more product; one that is there already gets the focus."""
        line = next((each for each in self.lines if each.key == offer.id), None)
        if line is None:
            price = format_rupees(offer.price_paise) if offer.price_paise is not None else "no price"
            line = OrderedLine(offer.id, offer.name, "1", f"{offer.unit} {price}".strip(), added=True)
            await self.mount(line)
        line.input.focus()
        line.input.action_select_all()

    def quantities(self) -> dict[str, Decimal]:
        """What is typed, by product. Raises BadRequest for what is no number."""
        numbers = {line.key: line.number("the quantity") for line in self.lines if line.typed}
        return {key: number for key, number in numbers.items() if number.is_nan() or number != 0}


def _behind(item: Item) -> str:
    try:
        price = format_rupees(to_paise(item.price)) if item.price is not None else ""
    except OverflowError:
        price = ""
    return f"{item.unit} {price}".strip()
