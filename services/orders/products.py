"""The products that can be ordered, and what one customer pays for them."""

from __future__ import annotations

from dataclasses import dataclass

from services.customers.search import NAME_ORDER
from services.database import READ_LIMIT_MS, Database, told
from services.money import to_paise
from services.operators.operator import Operator, shown_to
from services.records.fields import mapping
from services.records.products import charged_price, read_product
from services.typed import read_query

MOST_PRODUCTS = 1_000
_FIELDS = {"_id": 0, "id": 1, "name": 1, "unit": 1, "price": 1, "default_price": 1}


@dataclass(frozen=True, slots=True)
class Offer:
    """A product and its price for a customer in paise; None where it has none that can be read."""

    id: str
    name: str
    unit: str
    price_paise: int | None
    own_price: bool
    """Whether the customer has a price of their own for it."""


@dataclass(frozen=True)
class Offers:
    """Products in order of name, and what a reader of the list should know."""

    items: tuple[Offer, ...]
    note: str | None


async def find_products(database: Database, operator: Operator, query: str = "", customer_id: str = "") -> Offers:
    """The products whose name, unit or id has the query's words, at the prices of that customer where one is given.

    Words are looked for among the first thousand names; behind them a product is found by its id. Raises BadRequest
    for a query too long to be one.
    """
    operator.require("viewer", "look up products")
    typed = read_query(query)
    words = typed.casefold().split()
    listed = database["products"].find({}, _FIELDS).collation(NAME_ORDER).sort("name", 1).limit(MOST_PRODUCTS + 1)
    with told():
        found = await listed.max_time_ms(READ_LIMIT_MS).to_list()
        note = None
        if len(found) > MOST_PRODUCTS:
            note = f"Words are looked for in the first {MOST_PRODUCTS:,} products by name; any is found by its id."
            found += (
                await database["products"].find({"id": typed}, _FIELDS).limit(1).max_time_ms(READ_LIMIT_MS).to_list()
            )
        account = customer_id and await database["customers_v2"].find_one(
            {"id": customer_id}, {"custom_product_prices": 1}, max_time_ms=READ_LIMIT_MS
        )
    own = mapping((account or {}).get("custom_product_prices"))
    offers: dict[str, Offer] = {}
    for product in map(read_product, found):
        text = f"{product.name} {product.unit} {product.id}".casefold()
        if product.id is None or not all(word in text for word in words):
            continue
        price, usual = charged_price(own.get(product.id), product), product.price
        paise = to_paise(price) if price is not None else None
        offers.setdefault(product.id, Offer(product.id, product.name, product.unit, paise, price != usual))
    return shown_to(operator, Offers(tuple(offers.values()), note))
