"""The items of an order that is being made or changed: their prices by the price rule, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from services.billing.charge import HIGHEST_ORDER_RUPEES, HIGHEST_QUANTITY
from services.changes.changeset import ChangeSet
from services.database import Document
from services.errors import BadRequest, NotFound, Refused
from services.money import exact, to_double, to_paise
from services.records.fields import first, mapping, text
from services.records.orders import Item, read_items

Quantities = Mapping[str, Decimal]
"""By product id, on old orders by the item's name."""


async def stored_items(
    changes: ChangeSet, wanted: Quantities, present: Document, customer: Document | None
) -> tuple[list[Document], int]:
    """The items as the backend stores them, and their sum in paise.

    An item that is on the order keeps its price; a new one gets the customer's own price for it, else the product's
    `default_price`, else its `price`. Raises BadRequest for quantities that are none, NotFound for an unknown product.
    """
    if not wanted:
        raise BadRequest("no-items", "An order has at least one item.")
    stored = present.get("items") if isinstance(present.get("items"), list) else []
    there = {item.key: (item, mapping(raw)) for item, raw in zip(read_items(present), stored or [], strict=False)}
    items: list[Document] = []
    total = Decimal(0)
    for key, quantity in wanted.items():
        if not quantity.is_finite() or not 0 < quantity <= HIGHEST_QUANTITY:
            raise BadRequest("bad-quantity", f"The quantity of {key[:60]!r} must be a number above 0.")
        item, raw = there.get(key) or await _new(changes, key, customer)
        if item.price is None or item.price < 0:
            raise Refused("no-price", f"There is no price for {item.name or key!r}; set it on the product first.")
        amount = to_paise(item.price * quantity)
        number = int(quantity) if quantity == int(quantity) else float(quantity)
        items.append({**raw, "quantity": number, "total": to_double(amount)})
        total += item.price * quantity
    if not 0 < total <= HIGHEST_ORDER_RUPEES:
        raise Refused(
            "amount-invalid", f"The items come to ₹{total:,}; an order is worth up to ₹{HIGHEST_ORDER_RUPEES:,}."
        )
    return items, to_paise(total)


async def _new(changes: ChangeSet, product_id: str, customer: Document | None) -> tuple[Item, Document]:
    product = await changes.database["products"].find_one({"id": product_id}, session=changes.session)
    if product is None:
        raise NotFound("unknown-product", f"There is no product {product_id[:60]!r}.")
    own = mapping((customer or {}).get("custom_product_prices")).get(product_id)
    price = exact(own) if own is not None else exact(first(product, "default_price", "price"))
    name, unit = text(product.get("name")), text(product.get("unit"))
    rupees = float(price) if price is not None else None
    document = {"product_id": product_id, "product_name": name, "quantity": 0, "unit": unit, "price": rupees}
    return Item(product_id, name, None, unit, price, None), document
