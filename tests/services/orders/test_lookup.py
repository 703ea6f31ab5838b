"""Finding orders by what a caller can say."""

import asyncio

import pytest
from bson import ObjectId

from services.billing.statement import show_statement
from services.clock import Clock, parse_day
from services.customers.search import MOST_CUSTOMERS
from services.database import Database, Document
from services.deployment.indexes import apply
from services.errors import BadRequest, NotFound
from services.operators.operator import Operator
from services.orders.filters import OrderFilters
from services.orders.lookup import find_orders
from services.records.orders import read_status
from tests import shop
from tests.explaining import watch

ID = "ord_0f3b7a52-6f0a-4a53-9d0e-5a4f3f7c9a51"


async def ids(database: Database, operator: Operator, query: str, filters: OrderFilters | None = None) -> list[str]:
    return [row.id for row in (await find_orders(database, operator, query, filters)).items]


@pytest.mark.parametrize(
    "query",
    [ID, "ord_0f3b", "ORD_0F3B7A52", ID.upper(), "  ord_0f3b7a52-6f0a ", "0f3b7a52", "0F3B", "o", "ord", "ord_"],
)
async def test_an_order_is_found_by_its_id_and_its_beginning(database: Database, viewer: Operator, query: str) -> None:
    await shop.stock(database, orders=[shop.order(id=ID), shop.order(id="1d8f0000-0000-4000-8000-000000000000")])
    assert await ids(database, viewer, query) == [ID]


WRITINGS = ["9876543210", "+91 98765 43210", "098765-43210", "+919876543210", "98765 43210"]


@pytest.mark.parametrize("stored", [*WRITINGS, "919876543210", "+91-9876543210"])
@pytest.mark.parametrize("field", ["phone", "phone_number"])
async def test_a_phone_is_found_in_every_writing(
    database: Database, support: Operator, viewer: Operator, stored: str, field: str
) -> None:
    owner = {name: value for name, value in shop.customer().items() if name != "phone"} | {field: stored}
    await shop.stock(database, orders=[shop.order(id=ID)], customers_v2=owner)
    for typed in [*WRITINGS, "98765", "9876543", "+91 98765"]:
        assert await ids(database, support, typed) == [ID], typed
    for other in ("98766", "9876543211", "43210"):
        assert await ids(database, support, other) == [], other
    for typed in WRITINGS:
        assert await ids(database, viewer, typed) == [ID], typed


async def test_a_masked_phone_cannot_be_guessed_digit_by_digit(
    database: Database, viewer: Operator, support: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=[shop.order(id=ID)])
    for typed in ("987654321", "98765", "+91 98765", "09876", "9876-5", "०९८७६"):
        page = await find_orders(database, viewer, typed)
        assert (page.items, "whole number" in (page.note or "")) == ((), True), typed
        with pytest.raises(NotFound):
            await show_statement(database, viewer, clock, typed, "2026-10")
    assert (await show_statement(database, viewer, clock, "98765 43210", "2026-10")).customer_id == shop.CUSTOMER
    assert (await show_statement(database, support, clock, "98765", "2026-10")).customer_id == shop.CUSTOMER


@pytest.mark.parametrize(
    "typed",
    ["९८७६५४३२१०", "౯౮౭౬౫౪౩౨౧౦", "\u202a+91 98765 43210\u202c", "tel:+919876543210", "98765/43210", "98765‑43210",
     "(+91) 98765-43210", "0091 98765 43210", "+91 098765 43210", "+9", "9876\u00a0543210"],
)  # fmt: skip
async def test_a_phone_that_was_pasted_is_understood(database: Database, viewer: Operator, typed: str) -> None:
    other = shop.customer(id="c2", user_id="u2", phone="8876543210", name="B")
    await shop.stock(database, customers_v2=[shop.customer(), other],
                     orders=[shop.order(id=ID), shop.order(customer_id="u2", user_id="u2")])  # fmt: skip
    assert await ids(database, viewer, typed) == ([] if typed == "+9" else [ID])


@pytest.mark.parametrize(("typed", "found"), [
    ("+1 415 555 2671", True), ("+14155552671", True), ("0014155552671", True), ("4155552671", False), ("+", False),
    ("()()", False), ("+44 20 7946 0958", False), ("0000000", False),
])  # fmt: skip
async def test_a_foreign_phone_is_found_as_it_is_stored_and_nothing_else(
    database: Database, viewer: Operator, typed: str, found: bool
) -> None:
    abroad = shop.customer(phone="+14155552671")
    await shop.stock(database, orders=[shop.order(id=ID)], customers_v2=[abroad, shop.customer(id="c2", user_id="u2")])
    assert await ids(database, viewer, typed) == ([ID] if found else [])


async def test_digits_that_begin_a_phone_and_an_id_find_both(database: Database, support: Operator) -> None:
    by_id = shop.order(id="98765432-0000-4000-8000-000000000000", customer_id="x", user_id="x")
    await shop.stock(database, orders=[by_id, shop.order(id=ID)])
    assert set(await ids(database, support, "98765432")) == {by_id["id"], ID}
    assert set(await ids(database, support, "9876")) == {by_id["id"], ID}


@pytest.mark.parametrize(
    ("name", "query"),
    [("Asha Rao", "asha"), ("Asha Rao", "ASHA R"), ("ಆಶಾ ರಾವ್", "ಆಶಾ"), ("ఆశా రావు", "ఆశా"), ("आशा", "आ"),
     ("[/b] [@click=app.quit]x[/]", "[/b]"), ("\x1b[31mRed", "\x1b[31m"), ("Zoë D'Souza", "zoe d'")],
)  # fmt: skip
async def test_a_name_is_found_by_its_beginning_in_any_script(
    database: Database, viewer: Operator, name: str, query: str
) -> None:
    others = [shop.customer(id="c2", user_id="u2", name="Bhaskar"), shop.customer(id="c3", user_id=None, name=None)]
    await shop.stock(database, orders=[shop.order(id=ID)], customers_v2=[shop.customer(name=name), *others])
    assert await ids(database, viewer, query) == [ID]


@pytest.mark.parametrize("query", [".*", "^", "$where", '{"$ne": null}', "asha.*", "A" * 200, "\x00", "%", "' OR 1=1"])
async def test_a_query_is_text_and_never_an_operator(database: Database, viewer: Operator, query: str) -> None:
    await shop.stock(database, orders=[shop.order()])
    assert await ids(database, viewer, query) == []


async def test_a_customer_is_found_by_each_of_his_ids(database: Database, viewer: Operator) -> None:
    await shop.stock(
        database,
        orders=[shop.order(id="by-user"), shop.order(id="by-customer", customer_id="cust-1", user_id=None),
                shop.order(id="by-pointer", customer_id="user-9", user_id="user-9"),
                shop.order(customer_id="x", user_id="x")],
        users=[{"id": "user-9", "customer_v2_id": "cust-1", "phone": "9000000001"}],
    )  # fmt: skip
    for query in ("cust-1", "user-1", "user-9", "9000000001", "Asha"):
        found = await ids(database, viewer, query)
        assert "by-pointer" in found, query
        assert set(found) <= {"by-user", "by-customer", "by-pointer"}
    rows = (await find_orders(database, viewer, "Asha")).items
    assert {row.customer_name for row in rows} == {"Asha Rao"}
    assert {row.id for row in rows} == {"by-user", "by-customer", "by-pointer"}


async def test_a_name_that_many_have_says_that_the_search_was_cut_short(database: Database, viewer: Operator) -> None:
    many = [shop.customer(id=f"c{n}", user_id=f"u{n}", name=f"Ravi {n}") for n in range(MOST_CUSTOMERS + 5)]
    await shop.stock(database, orders=[shop.order(customer_id="c1", user_id="u1")], customers_v2=many)
    assert (await find_orders(database, viewer, "Ravi")).note
    assert (await find_orders(database, viewer, "Ravi 1")).note is None


async def test_pages_hold_every_order_once_whatever_the_type_of_its_key(database: Database, viewer: Operator) -> None:
    keys = [ObjectId() for _ in range(40)] + [f"text-{n}" for n in range(7)] + list(range(5))
    orders = [shop.order(_id=key, id=f"o{n}", delivery_date=f"2026-10-{n % 3 + 1:02d}") for n, key in enumerate(keys)]
    await shop.stock(database, orders=orders)
    for filters in (None, OrderFilters(status="delivered"), OrderFilters(start=parse_day("2026-10-01"))):
        for query in ("", "Asha"):
            seen, token = [], None
            while True:
                page = await find_orders(database, viewer, query, filters, token, limit=9)
                seen += [row.id for row in page.items]
                token = page.next
                if token is None:
                    break
            assert sorted(seen) == sorted(order["id"] for order in orders)


async def test_filters_narrow_and_combine(database: Database, viewer: Operator) -> None:
    billed = shop.order(id="billed", billed=True)
    recorded = shop.order(id="recorded")
    await shop.stock(
        database, billing_records=shop.bill(recorded),
        orders=[billed, recorded, shop.order(id="open", status="delivered"), shop.order(id="waiting", status="pending"),
                shop.order(id="milk", order_type="subscription"),
                shop.order(id="untyped milk", order_type=None, subscription_id="sub-1"),
                shop.order(id="early", delivery_date="2026-09-01")],
    )  # fmt: skip
    assert set(await ids(database, viewer, "", OrderFilters(unbilled=True))) == {"open", "early"}
    assert await ids(database, viewer, "Asha", OrderFilters(status="Pending")) == ["waiting"]
    october = OrderFilters(start=parse_day("2026-10-01"), end=parse_day("2026-10-31"), unbilled=True)
    assert await ids(database, viewer, "", october) == ["open"]
    with pytest.raises(BadRequest):
        await find_orders(database, viewer, "", OrderFilters(status="lost"))
    with pytest.raises(BadRequest):
        await find_orders(database, viewer, "", None, "no-token")


async def all_ids(database: Database, operator: Operator, filters: OrderFilters, limit: int) -> list[str]:
    seen: list[str] = []
    token = None
    while True:
        page = await find_orders(database, operator, "", filters, token, limit=limit)
        seen += [row.id for row in page.items]
        if (token := page.next) is None:
            return seen


async def test_a_page_loses_no_order_while_others_are_deleted(database: Database, viewer: Operator) -> None:
    pending = [shop.order(id=f"p{n}", status="pending") for n in range(40)]
    passing = [shop.order(id=f"d{n}") for n in range(600)]
    await shop.stock(
        database, orders=[each for n in range(40) for each in (pending[n], *passing[15 * n : 15 * n + 15])]
    )
    deleting = asyncio.create_task(delete_one_by_one(database, [order["id"] for order in passing]))
    while not deleting.done():
        # No index is there that serves the status: each page looks through a stretch of all orders.
        assert sorted(await all_ids(database, viewer, OrderFilters(status="pending"), 3)) == sorted(
            order["id"] for order in pending
        )
    await deleting


async def delete_one_by_one(database: Database, order_ids: list[str]) -> None:
    for order_id in order_ids:
        await database["orders"].delete_one({"id": order_id})


async def test_orders_of_a_megabyte_each_are_listed(database: Database, viewer: Operator) -> None:
    """A page that checks each order reads their items, and an answer of the server has at most 16 MB."""
    huge = [{"product_id": "p1", "product_name": "x" * 1_000_000, "quantity": 1, "price": 10.0}]
    orders = [shop.order(id=f"o{n}", items=huge, total_amount=99.0) for n in range(24)]
    await shop.stock(database, orders=orders)
    found = await all_ids(database, viewer, OrderFilters(needs_review=True), 5)
    assert sorted(found) == sorted(order["id"] for order in orders)


QUERIES: list[tuple[str, OrderFilters]] = [
    ("", OrderFilters()), ("", OrderFilters(status="pending")), ("", OrderFilters(unbilled=True)),
    ("", OrderFilters(start=parse_day("2026-10-01"), unbilled=True)), (ID, OrderFilters()), ("ord_0f", OrderFilters()),
    ("9876543210", OrderFilters()), ("98765", OrderFilters(unbilled=True)), ("Asha", OrderFilters(status="delivered")),
    ("cust-1", OrderFilters()), ("nobody", OrderFilters()),
]  # fmt: skip


async def test_every_search_is_served_by_indexes(database: Database, ops: Operator, viewer: Operator) -> None:
    def batch(number: int) -> Document:
        return shop.order(
            id=ID if number == 7 else f"ord-{number}", customer_id=f"u{number % 50}", user_id=f"u{number % 50}"
        )

    people = [shop.customer(id=f"c{n}", user_id=f"u{n}", name=f"Asha {n}", phone=f"98765432{n:02d}") for n in range(50)]
    await shop.stock(database, orders=[batch(n) for n in range(400)], customers_v2=people, users={"id": "u1"})
    await apply(database, ops)
    for query, filters in QUERIES:
        # The orders of the few customers that a phone or a name means are put in order when they are found.
        sorting = query in ("9876543210", "98765", "Asha", "cust-1") or filters.unbilled
        (await watch(database, find_orders(database, viewer, query, filters))).assert_indexed(sorting=sorting)


def test_statuses_are_read_in_every_spelling() -> None:
    for spelling in ("partially_delivered", "Partially-Delivered", " PARTIALLY  DELIVERED "):
        assert read_status(spelling) == "PARTIALLY_DELIVERED"
    assert read_status("Teleported") == "TELEPORTED"
    assert read_status(7) == ""
