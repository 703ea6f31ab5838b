"""What belongs to an order or a customer: deliveries, and subscriptions with their products."""

from typing import Any

import pytest

from services.billing.statement import show_statement
from services.clock import Clock, parse_day
from services.database import Database, Document
from services.deliveries.day import DayFilters, list_day
from services.operators.operator import Operator
from services.orders.detail import show_order
from services.records.subscriptions import read_customer_id
from services.validation.lookups import Lookups
from services.validation.subscription import SubscriptionValidator
from tests import shop
from tests.services.backfills.repairing import Repair

BOTH = {"eggs": 2.0, "bread": 1.0}
MILK = [{"product_id": "milk", "product_name": "Milk", "quantity": 1, "price": 30.0}]
CUSTOMERS = [
    shop.customer(), shop.customer(id="cust-2", user_id="user-2"),
    shop.customer(id="cust-3", user_id="user-3"), shop.customer(id="cust-4", user_id="user-3"),
]  # fmt: skip


def order(**fields: Any) -> Document:
    return shop.order(**{"id": "ord-1", **fields})


def milk(**fields: Any) -> Document:
    return order(**{"id": "ord-milk", "items": MILK, **fields})


def loose(delivered: dict[str, float] | None = None, **fields: Any) -> Document:
    """A delivery that names no order, of the customer and day of `order`."""
    return shop.delivery(order(), delivered, **{"id": "del-1", "order_id": ..., **fields})


DELIVERIES: dict[str, tuple[str, list[Document], list[Document]]] = {
    # The one order of the customer and the day, whichever of the two ids either side holds.
    "the user's id on both": ("change", [order()], [loose()]),
    "the customer's id on both": ("change", [order(customer_id="cust-1")], [loose(customer_id="cust-1")]),
    "the customer's id on the order": ("change", [order(customer_id="cust-1")], [loose()]),
    "the customer's id on the delivery": ("change", [order()], [loose(customer_id="cust-1")]),
    "the order names its user alone": ("change", [order(customer_id=None)], [loose(customer_id="cust-1")]),
    "a user who names the customer": ("change", [order()], [loose(customer_id="user-9")]),
    "a deleted order": ("change", [order()], [loose(order_id="ord-gone")]),
    "a blank": ("change", [order()], [loose(order_id="")]),
    "the products tell": ("change", [order(), milk()], [loose(BOTH)]),
    "not the cancelled one": ("change", [order(), milk(status="Canceled")], [loose()]),
    "another day's order": ("change", [order(), milk(delivery_date="2026-10-16")], [loose()]),
    # Linked.
    "linked": ("nothing-to-do", [order()], [loose(order_id="ord-1")]),
    "linked in the other form": ("nothing-to-do", [order()], [loose(order_id="ord-1", customer_id="cust-1")]),
    "linked with blanks around it": ("nothing-to-do", [order()], [loose(order_id=" ord-1 ")]),
    "linked on another day": ("nothing-to-do", [order()], [loose(order_id="ord-1", delivery_date="2026-01-01")]),
    "linked, customer unknown": ("nothing-to-do", [order()], [loose(order_id="ord-1", customer_id="nobody")]),
    "linked to another's": ("customer-differs", [order(customer_id="cust-2")], [loose(order_id="ord-1")]),
    # Nobody's, two people's, no day.
    "nobody's": ("customer-missing", [order()], [loose(customer_id=None)]),
    "of a deleted customer": ("customer-missing", [order()], [loose(customer_id="cust-0")]),
    "two customers'": ("customer-ambiguous", [order()], [loose(customer_id="user-3")]),
    "no day": ("no-delivery-day", [order()], [loose(delivery_date="tomorrow")]),
    # No order, several, or one that is taken.
    "no order": ("order-missing", [], [loose()]),
    "another's order": ("order-missing", [order(customer_id="cust-2")], [loose()]),
    "other products": ("order-missing", [milk()], [loose(BOTH)]),
    "cancelled": ("order-missing", [order(status="CANCELLED")], [loose()]),
    "two orders": ("order-ambiguous", [order(), milk()], [loose()]),
    "reported": ("order-taken", [order()], [loose(), loose(id="del-2", order_id="ord-1", customer_id="x")]),
    "two reports": ("order-taken", [order()], [loose(), loose(id="del-2", order_id="ord-gone", customer_id="cust-1")]),
    "not delivered": ("delivery-contradicts", [order()], [loose(status="not-delivered")]),
    "delivered after all": ("delivery-contradicts", [order(status="NOT_DELIVERED")], [loose()]),
    # Nothing that could be an id.
    "an operator": ("link-unreadable", [order()], [loose(order_id={"$gt": ""})]),
    "a list": ("link-unreadable", [order()], [loose(order_id=["ord-1"])]),
    "a number": ("link-unreadable", [order()], [loose(order_id=7)]),
    "a pattern": ("order-missing", [], [loose(order_id=".*")]),
    "no id": ("id-missing", [order(id=...)], [loose()]),
    "blanks around the id": ("id-missing", [order(id=" ord-1")], [loose()]),
}


@pytest.mark.parametrize(("outcome", "orders", "deliveries"), list(DELIVERIES.values()), ids=list(DELIVERIES))
async def test_a_delivery_belongs_to_the_only_order_that_it_can_be_about(
    emptied: Database, ops: Operator, clock: Clock, outcome: str, orders: list[Document], deliveries: list[Document]
) -> None:
    # Copies: an insert writes the `_id` into what it is given.
    await shop.stock(
        emptied, orders=[dict(o) for o in orders], delivery_statuses=[dict(d) for d in deliveries],
        customers_v2=[dict(c) for c in CUSTOMERS], users={"id": "user-9", "customer_v2_id": "cust-1"},
    )  # fmt: skip
    repair = Repair("link-deliveries-orders", emptied, ops, clock)
    key = (await repair.find("delivery_statuses", id="del-1"))["_id"]
    assert (await repair.outcomes())[str(key)] == outcome
    if outcome == "change":
        assert (await show_order(emptied, ops, "ord-1")).deliveries == ()
        await repair.done()
        assert [each.id for each in (await show_order(emptied, ops, "ord-1")).deliveries] == ["del-1"]


async def test_a_report_is_shown_with_the_order_that_it_names_and_with_no_other(
    emptied: Database, ops: Operator
) -> None:
    reports = [loose(order_id="ord-1", status="not delivered"), loose(id="del-2", order_id="gone"), loose(id="del-3"),
               loose(id="del-4", order_id={"$ne": None}), loose(id="del-5", order_id=".*")]  # fmt: skip
    await shop.stock(emptied, orders=[order(), milk()], delivery_statuses=reports)
    rows = (await list_day(emptied, ops, DayFilters(parse_day("2026-10-15")))).items
    assert {row.order_id: row.reported for row in rows} == {"ord-1": "NOT_DELIVERED", "ord-milk": ""}
    for name, shown in (("ord-1", ["del-1"]), ("ord-milk", [])):
        assert [each.id for each in (await show_order(emptied, ops, name)).deliveries] == shown


def subscription(**fields: Any) -> Document:
    """A litre of milk a day for the customer of `shop.customer`; `...` leaves a field out."""
    document = {
        "id": "sub-1", "customer_id": "cust-1", "product_id": "milk", "mode": "fixed_daily", "default_qty": 1,
        "status": "active", **fields,
    }  # fmt: skip
    return {name: value for name, value in document.items() if value is not ...}


PRODUCT: Document = {"id": "milk", "name": "Milk", "price": 30.0}
OWNED: dict[str, tuple[Document, str | None, bool]] = {
    # What it names, what the validator says, and whether it is on the customer's statement.
    "the customer": ({}, None, True),
    "the customer's user": ({"customer_id": "user-1"}, None, True),
    "a user who names the customer": ({"customer_id": "user-9"}, None, True),
    "the customer under the old name": ({"customer_id": ..., "customerId": "cust-1"}, None, True),
    "null under the new name": ({"customer_id": None, "customerId": "cust-1"}, None, True),
    "a blank under the new name": ({"customer_id": "", "customerId": "cust-1"}, None, True),
    "an operator under the new name": ({"customer_id": {"$ne": None}, "customerId": "cust-1"}, None, True),
    "the new name before the old": ({"customer_id": "cust-2", "customerId": "cust-1"}, None, False),
    "another customer": ({"customer_id": "cust-2"}, None, False),
    "a user of two customers": ({"customer_id": "user-3"}, "customer-ambiguous", False),
    "a deleted customer": ({"customer_id": "cust-0"}, "customer-missing", False),
    "nobody": ({"customer_id": ...}, "customer-missing", False),
    "a pattern": ({"customer_id": "cust-.*"}, "customer-missing", False),
    "a list": ({"customer_id": ["cust-1"]}, "customer-missing", False),
}


@pytest.mark.parametrize(("fields", "code", "stated"), list(OWNED.values()), ids=list(OWNED))
async def test_a_subscription_is_on_the_statement_of_the_customer_whom_it_names(
    emptied: Database, ops: Operator, clock: Clock, fields: Document, code: str | None, stated: bool
) -> None:
    named = subscription(**fields)
    await shop.stock(
        emptied, subscriptions_v2=named, products=dict(PRODUCT), customers_v2=[dict(c) for c in CUSTOMERS],
        users={"id": "user-9", "customer_v2_id": "cust-1"},
    )  # fmt: skip
    statement = await show_statement(emptied, ops, clock, "cust-1", "2026-10")
    assert [line.amount_paise for line in statement.lines] == ([31 * 3_000] if stated else [])
    rules = SubscriptionValidator(Lookups(emptied), clock().date())
    assert (await rules.customer_exists(read_customer_id(named))).code == code
    unclear = (await show_statement(emptied, ops, clock, "cust-3", "2026-10")).findings
    assert ("customer-ambiguous" in {each.code for each in unclear}) == (code == "customer-ambiguous")


PRODUCTS: dict[str, tuple[Document, list[Document], int, set[str]]] = {
    # What it names, the products, its price in paise, and what is to be looked at.
    "the product": ({}, [PRODUCT], 3_000, set()),
    "the default price before the price": ({}, [PRODUCT | {"default_price": 28.0}], 2_800, set()),
    "the product under the old name": ({"product_id": ..., "productId": "milk"}, [PRODUCT], 3_000, set()),
    "a blank under the new name": ({"product_id": " ", "productId": "milk"}, [PRODUCT], 3_000, set()),
    "the customer's own price": ({"product_id": "ghee"}, [PRODUCT], 50_000, set()),
    "a deleted product": ({"product_id": "curd"}, [PRODUCT], 0, {"price-missing"}),
    "a product without a price": ({}, [{"id": "milk"}], 0, {"price-missing"}),
    "no product": ({"product_id": ...}, [PRODUCT], 0, {"product-missing", "price-missing"}),
    "an operator": ({"product_id": {"$gt": ""}}, [PRODUCT], 0, {"product-missing", "price-missing"}),
    "another case": ({"product_id": "MILK"}, [PRODUCT], 0, {"price-missing"}),
    "two products of one id": ({}, [PRODUCT, PRODUCT], 3_000, {"product-duplicate"}),
}


@pytest.mark.parametrize(("fields", "products", "price", "codes"), list(PRODUCTS.values()), ids=list(PRODUCTS))
async def test_a_subscription_costs_what_its_product_does(
    emptied: Database, ops: Operator, clock: Clock, fields: Document, products: list[Document], price: int,
    codes: set[str],
) -> None:  # fmt: skip
    named = subscription(**fields)
    await shop.stock(
        emptied, subscriptions_v2=named, products=[dict(each) for each in products],
        customers_v2=shop.customer(custom_product_prices={"ghee": 500.0}),
    )  # fmt: skip
    statement = await show_statement(emptied, ops, clock, "cust-1", "2026-10")
    assert [line.amount_paise for line in statement.lines] == [31 * price]
    assert {each.code for each in statement.findings} == codes
