"""Lists of orders whose statuses, days and ids are written as nobody would expect: in all lists or in none."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.backfills.commit import commit
from services.backfills.plan import Options
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.clock import Clock
from services.customers.search import MOST_CUSTOMERS
from services.database import Database
from services.deliveries.day import DayFilters, list_day
from services.deployment.indexes import apply
from services.operators.operator import Operator
from services.orders.detail import show_order
from services.orders.filters import SORTS, OrderFilters
from services.orders.lookup import find_orders
from tests import shop
from tests.services.orders.test_filters import every_page

DAY = date(2026, 10, 15)
ODD: list[dict[str, Any]] = [
    {}, {"status": "DELIVERED "}, {"status": "DeLiVeReD"}, {"status": "partially_Delivered"},
    {"delivery_date": datetime(2026, 10, 15, 1, tzinfo=UTC)}, {"delivery_date": "2026-10-15T06:00:00+05:30"},
    {"delivery_date": "2026-10-14T20:00:00+00:00"}, {"delivery_date": " 2026-10-15"}, {"delivery_date": "2026-10-15 "},
    {"delivery_date": "\t 2026-10-15"},
]  # fmt: skip


@pytest.fixture(params=["with indexes", "without"])
async def odd(request: pytest.FixtureRequest, database: Database, ops: Operator) -> list[str]:
    """Delivered orders of one customer and day, each odd in another way, and one of the evening before."""
    orders = [shop.order(id=f"ord_{n}", **values) for n, values in enumerate(ODD)]
    before = shop.order(id="before", delivery_date="2026-10-15T00:00:00+09:00", status="pending")
    await shop.stock(database, orders=[*orders, before])
    if request.param == "with indexes":
        await apply(database, ops)
    return [order["id"] for order in orders]


LISTS: list[tuple[str, OrderFilters]] = [
    ("", OrderFilters(unbilled=True)), ("", OrderFilters(unbilled=True, sort="due-last")),
    ("", OrderFilters(unbilled=True, area="jaya")), ("9876543210", OrderFilters(unbilled=True)),
    ("", OrderFilters(start=DAY, end=DAY)), ("", OrderFilters(start=DAY, sort="oldest")),
    ("", OrderFilters(end=DAY, start=DAY, sort="due-first")), ("Asha", OrderFilters(start=DAY, sort="due-last")),
    ("ord_", OrderFilters(unbilled=True, sort="due-first")),
]  # fmt: skip


async def test_every_list_holds_the_same_orders(database: Database, viewer: Operator, odd: list[str]) -> None:
    for query, filters in LISTS:
        for size in (1, 2, 50):
            found = [row.id for row in await every_page(database, viewer, query, filters, size)]
            assert sorted(found) == odd, (query, filters, size)


DAYS = {
    "2026-10-15": DAY, "\t2026-10-15": DAY, "\x1f 2026-10-15": DAY, "2026-10-15\u00a0": DAY, "2026-10-15T0600": DAY,
    "\u00a02026-10-15": None, "\u30002026-10-15T06:00:00": None, " \u20092026-10-15": None, "\x852026-10-15": None,
    "20261015": None, " 20261015": None, "20261015T060000": None, "2026-W42-4": None, "2026-W42-4T06:00": None,
}  # fmt: skip


async def test_what_is_read_as_a_day_is_in_the_lists_of_that_day_and_billed_by_it(
    database: Database, ops: Operator, clock: Clock
) -> None:
    orders = [shop.order(id=f"o{n:02d}", delivery_date=day, delivered_at=...) for n, day in enumerate(DAYS)]
    await shop.stock(database, orders=orders)
    await apply(database, ops)
    read = {row.id: row.delivery_date for row in await every_page(database, ops)}
    assert read == {order["id"]: day for order, day in zip(orders, DAYS.values(), strict=True)}
    said = {name for name, day in read.items() if day}
    assert {row.id for row in await every_page(database, ops, "", OrderFilters(start=DAY, end=DAY))} == said
    assert {row.id for row in await every_page(database, ops, "", OrderFilters(start=DAY, sort="due-first"))} == said
    assert {row.order_id for row in (await list_day(database, ops, DayFilters(DAY))).items} == said
    plan = await preview(database, ops, clock, "bill-one-time-orders")
    assert plan.classes["change"].records == len(said)
    assert plan.review == {"no-delivery-month": len(DAYS) - len(said)}


async def test_a_key_that_is_a_document_or_a_day_that_is_a_list_breaks_no_list(
    database: Database, ops: Operator
) -> None:
    orders = [shop.order(id=f"o{n}", delivery_date="2026-10-15") for n in range(6)]
    orders[3]["delivery_date"] = ["2026-10-15", "2026-10-20"]
    orders[4]["_id"] = {"a": 1, "b": "x"}
    await shop.stock(database, orders=orders)
    await apply(database, ops)
    for sort in SORTS:
        for size in (1, 2, 3, 50):
            found = [row.id for row in await every_page(database, ops, "", OrderFilters(sort=sort), size)]
            # A list by day leaves out what says no one day.
            assert sorted(found) == [f"o{n}" for n in range(6) if n != 3 or sort in ("newest", "oldest")], (sort, size)


async def test_orders_that_share_an_id_are_listed_each_also_across_pages(database: Database, viewer: Operator) -> None:
    orders = [shop.order(id=name) for name in ("ord_a", "ord_b", "ord_b", "ord_b", "ord_c")]
    await shop.stock(database, orders=orders)
    for size in (1, 2, 3, 4):
        found = [row.id for row in await every_page(database, viewer, "ord_", None, size)]
        assert found == ["ord_a", "ord_b", "ord_b", "ord_b", "ord_c"], size


async def test_an_area_whose_customers_have_many_users_is_listed_whole(database: Database, ops: Operator) -> None:
    people = [shop.customer(id=f"c{n}", user_id=None) for n in range(150)]
    users = [{"id": f"u{n}", "customer_v2_id": f"c{n // 2}"} for n in range(300)]
    orders = [shop.order(id=f"o{n:03d}", customer_id=f"u{n}", user_id=f"u{n}") for n in range(300)]
    await shop.stock(database, customers_v2=people, users=users, orders=orders)
    await apply(database, ops)
    found = await every_page(database, ops, "", OrderFilters(area="jayanagar"), 200)
    assert sorted(row.id for row in found) == [order["id"] for order in orders]


async def test_a_name_whose_customers_have_many_users_says_that_not_all_are_searched(
    database: Database, ops: Operator
) -> None:
    people = [shop.customer(id=f"c{n}", user_id=None) for n in range(MOST_CUSTOMERS)]
    users = [{"id": f"u{n}", "customer_v2_id": f"c{n // 4}"} for n in range(4 * MOST_CUSTOMERS)]
    orders = [shop.order(id=f"o{n:03d}", customer_id=f"u{n}", user_id=f"u{n}") for n in range(4 * MOST_CUSTOMERS)]
    await shop.stock(database, customers_v2=people, users=users, orders=orders)
    page = await find_orders(database, ops, "Asha", limit=200)
    assert len(page.items) < len(orders)
    assert page.note == "These customers have more user accounts than are searched at once; type more."


@pytest.mark.parametrize("typed", ["deadbeef", "DEADBEEF", "dead", "ord_dead"])
async def test_an_ids_beginning_needs_neither_its_mark_nor_a_digit(
    database: Database, viewer: Operator, typed: str
) -> None:
    await shop.stock(database, orders=[shop.order(id="ord_deadbeef-3333"), shop.order(id="ord_0000")])
    assert [row.id for row in (await find_orders(database, viewer, typed)).items] == ["ord_deadbeef-3333"]


@pytest.mark.parametrize(
    ("stored", "flagged", "code"),
    [
        ([True], True, "flag-unreadable"), ([False, True], True, "flag-unreadable"),
        ([False], False, "flag-unreadable"), ([], False, "flag-unreadable"), ("yes", False, "flag-unreadable"),
        (1, False, "flag-unreadable"), (None, False, "flag-missing"), (True, True, None), (False, False, None),
    ],
)  # fmt: skip
async def test_a_flag_is_the_same_to_the_fix_to_the_lists_and_to_the_server(
    emptied: Database, ops: Operator, clock: Clock, stored: Any, flagged: bool, code: str | None
) -> None:
    database = emptied
    await shop.stock(database, orders=shop.order(id="o1", billed=stored))
    unbilled = await every_page(database, ops, "", OrderFilters(unbilled=True))
    assert [row.id for row in unbilled] == ([] if flagged else ["o1"])
    assert [row.billed for row in await every_page(database, ops)] == [flagged]
    found = {each.code for each in (await show_order(database, ops, "o1")).findings}
    assert found & {"flag-unreadable", "flag-missing"} == ({code} if code else set())
    plan = await preview(database, ops, clock, "bill-one-time-orders")
    assert plan.classes["flagged-no-record" if flagged else "change"].records == 1
    plan = await preview(database, ops, clock, "bill-one-time-orders", Options(include_flagged=True))
    assert plan.run
    assert (await commit(database, ops, clock, plan.run, plan.digest)).verified
    assert await database["orders"].distinct("billed") == [True]
    assert (await rollback(database, ops, clock, plan.run, "wrong")).restored == 1
    assert [order["billed"] async for order in database["orders"].find({})] == [stored]
