"""Items as a person types them on the command line: PRODUCT_ID=QTY."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from services.errors import BadRequest


def read_items(items: Sequence[str]) -> dict[str, Decimal]:
    """Quantities by product. Raises BadRequest for what is none, and for a product that is given twice."""
    quantities: dict[str, Decimal] = {}
    for text in items:
        product, separator, quantity = text.rpartition("=")
        try:
            number = Decimal(quantity)
        except InvalidOperation:
            separator = ""
        if not (separator and product):
            example = f"--item {product[:60] or 'p1'}=2"
            raise BadRequest("bad-item", f"{text[:60]!r} is not PRODUCT_ID=QTY, for example {example}.")
        if product in quantities:
            raise BadRequest("bad-item", "A product is given twice; name each with one --item.")
        quantities[product] = number
    return quantities
