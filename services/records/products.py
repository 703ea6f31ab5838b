"""Products and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.money import exact
from services.records.fields import identity, text

_HIGHEST_PRICE = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Product:
    """A document of `products`; the price in rupees is None where there is none that can be read."""

    id: str | None
    name: str
    unit: str
    price: Decimal | None


def read_product(document: Mapping[str, Any]) -> Product:
    """Parse a stored product: its `default_price` goes before its `price`; never raises."""
    default = read_price(document.get("default_price"))
    return Product(
        id=identity(document.get("id")),
        name=text(document.get("name")),
        unit=text(document.get("unit")),
        price=read_price(document.get("price")) if default is None else default,
    )


def charged_price(own: object, product: Product | None) -> Decimal | None:
    """What a customer pays for one of a product, in rupees: their own stored price for it, else the product's."""
    price = read_price(own)
    return price if price is not None or product is None else product.price


def read_price(value: object) -> Decimal | None:
    """A price in rupees; None where it is no believable one."""
    price = exact(value)
    return price if price is not None and 0 <= price <= _HIGHEST_PRICE else None
