"""The items of an order that is being made or changed: their prices by the price rule, and what they come to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.billing.charge import HIGHEST_ORDER_RUPEES, HIGHEST_QUANTITY, believable_quantity, ordered_line
from services.changes.changeset import ChangeSet
from services.database import Document
from services.errors import BadRequest, NotFound, Refused
from services.money import rupees_told, to_double, to_paise
from services.records.fields import mapping
from services.records.orders import Item, read_items
from services.records.products import charged_price, read_product

Quantities = Mapping[str, Decimal]
"""By product id, on old orders by the item's name."""
_Line = tuple[Item, Mapping[str, Any]]
"""An item, and how it is stored."""
_NAMED = 5
_DIGITS = 20
_HALF_A_PAISA = Decimal("0.005")


async def stored_items(
    changes: ChangeSet, wanted: Quantities, present: Document, customer: Document | None
) -> tuple[list[Document], int]:
    """The items as the backend stores them, and their sum in paise.

    An item that is on the order keeps its price, and with the same quantity all that is stored of it; a new one costs
    what a statement would charge for it (`charged_price`). A product is named by its id, or by a beginning of it that
    no other has. Raises BadRequest for quantities that are none, NotFound
    for an unknown product, Refused where there is no price or no believable sum.
    """
    if not wanted:
        raise BadRequest("no-items", "An order has at least one item.")
    there: dict[str, list[_Line]] = {}
    stored = present.get("items") if isinstance(present.get("items"), list) else []
    for item, raw in zip(read_items(present), stored or [], strict=False):
        there.setdefault(item.key, []).append((item, mapping(raw)))
    items: list[Document] = []
    total = Decimal(0)
    keyed = {await _key(changes, typed, there): quantity for typed, quantity in wanted.items()}
    if len(keyed) < len(wanted):
        raise BadRequest("bad-item", "A product is given twice; name each once.")
    for key, quantity in keyed.items():
        lines = there.get(key) or [await _new(changes, key, customer)]
        named = lines[0][0].name or key
        if not (quantity.is_finite() and believable_quantity(quantity)):
            raise BadRequest("bad-quantity", _not_believable(named, quantity))
        if (kept := _unchanged(lines, quantity)) is not None:
            items += [dict(raw) for _, raw in lines]
            total += kept
        else:
            items.append(_stored(lines[0], quantity, named))
            total += quantity * (lines[0][0].price or 0)
    if not 0 < total <= HIGHEST_ORDER_RUPEES:
        raise Refused(
            "amount-invalid",
            f"The items come to {rupees_told(total)}; an order is worth more than nothing, and up to "
            f"{rupees_told(HIGHEST_ORDER_RUPEES)}.",
        )
    return items, to_paise(total)


async def _key(changes: ChangeSet, typed: str, there: Collection[str]) -> str:
    """The key of the item that is meant; what names none comes back as it is."""
    if typed in there or not typed:
        return typed
    products = changes.database["products"].find({"id": {"$gte": typed, "$lt": typed + "\uffff"}}, {"id": 1},
                                                 session=changes.session)  # fmt: skip
    begun = [str(each["id"]) for each in await products.sort("id", 1).limit(_NAMED).to_list()]
    fitting = dict.fromkeys([*begun, *(key for key in there if key.startswith(typed))])
    if typed in fitting or not fitting:
        return typed
    if len(fitting) > 1:
        known = ", ".join(fitting)
        raise Refused("id-ambiguous", f"Several products begin with {typed!r}: {known}. Type more of the one.")
    return next(iter(fitting))


def _not_believable(name: str, quantity: Decimal) -> str:
    what = f"the quantity of {name[:60]!r}"
    if quantity.is_finite() and quantity > HIGHEST_QUANTITY:
        typed = str(quantity).replace("E+", "e")
        typed = typed if len(typed) <= _DIGITS else f"{quantity:.3e}"
        return f"{typed} is too large for {what}: an order takes up to {HIGHEST_QUANTITY:,} of a product."
    return f"Type a number above 0 as {what}; what is not to be on the order is left out."


def _unchanged(lines: Sequence[_Line], quantity: Decimal) -> Decimal | None:
    """The exact rupees of lines that already say this quantity and what it costs to the paisa; None for others."""
    amounts = [(item, ordered_line(item)) for item, _ in lines]
    rupees = Decimal(0)
    for item, line in amounts:
        if line is None or (item.total is not None and abs(item.total - line.amount) > _HALF_A_PAISA):
            return None
        rupees += line.amount
    return rupees if sum(item.quantity or 0 for item, _ in lines) == quantity else None


def _stored(line: _Line, quantity: Decimal, name: str) -> Document:
    item, raw = line
    if item.price is None or item.price < 0:
        raise Refused("no-price", f"There is no price for {name[:60]!r}; set it on the product first.")
    paise = to_paise(item.price * quantity)
    if item.price and not paise:
        raise BadRequest("bad-quantity", f"{quantity:.10g} of {name[:60]!r} comes to less than a paisa; type more.")
    number = int(quantity) if quantity == int(quantity) else float(quantity)
    return {**raw, "quantity": number, "total": to_double(paise)}


async def _new(changes: ChangeSet, product_id: str, customer: Document | None) -> _Line:
    found = await changes.database["products"].find_one({"id": product_id}, session=changes.session)
    if found is None:
        raise NotFound(
            "unknown-product", f"There is no product {product_id[:60]!r}; `orders products` lists them with their ids."
        )
    product = read_product(found)
    own = mapping((customer or {}).get("custom_product_prices")).get(product_id)
    price = charged_price(own, product)
    rupees = float(price) if price is not None else None
    document = {"product_id": product_id, "product_name": product.name, "quantity": 0, "unit": product.unit,
                "price": rupees}  # fmt: skip
    return Item(product_id, product.name, None, product.unit, price, None), document
