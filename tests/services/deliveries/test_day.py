"""A day's deliveries."""

from datetime import UTC, date, datetime

import pytest
from bson import ObjectId

from services.database import Database
from services.deliveries.day import DayFilters, list_day
from services.deployment.indexes import apply
from services.errors import BadRequest
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch

DAY = date(2026, 10, 15)


async def test_a_day_is_listed_with_who_brings_what_where(database: Database, support: Operator) -> None:
    await shop.stock(
        database, orders=[shop.order(id="o1"), shop.order(id="o2", delivery_date="2026-10-16")],
        customers_v2=shop.customer(delivery_boy_id="boy-1"), delivery_boys_v2={"id": "boy-1", "name": "Raj"},
    )  # fmt: skip
    (row,) = (await list_day(database, support, DayFilters(DAY))).items
    assert (row.order_id, row.customer_name, row.area, row.delivery_person) == ("o1", "Asha Rao", "Jayanagar", "Raj")
    assert row.items == "2 × Eggs, 1 × Bread"
    assert (row.status, row.confirmed) == ("DELIVERED", True)


async def test_filters_and_pages_hold_every_order_once(database: Database, support: Operator) -> None:
    people = [shop.customer(), shop.customer(id="c2", user_id="u2", area="Malleshwaram")]
    orders = [
        shop.order(_id=ObjectId() if n % 5 else f"text-{n}", id=f"o{n:03d}", customer_id="u2" if n % 3 else "user-1",
                   user_id=None, status="pending" if n % 2 else "Delivered", delivery_boy_id="boy-1" if n % 7 else None)
        for n in range(430)
    ]  # fmt: skip
    await shop.stock(database, orders=orders, customers_v2=people, delivery_boys_v2={"id": "boy-1", "name": "Raj"})
    for filters in (
        DayFilters(DAY), DayFilters(DAY, area="mall"), DayFilters(DAY, status="PENDING"),
        DayFilters(DAY, delivery_boy="raj"), DayFilters(DAY, delivery_boy="boy-1", area="Jaya", status="delivered"),
    ):  # fmt: skip
        seen: list[str] = []
        token = None
        while True:
            page = await list_day(database, support, filters, token, limit=60)
            seen += [row.order_id for row in page.items]
            assert len(page.items) == 60 or page.next is None
            token = page.next
            if token is None:
                break
        expected = [
            order["id"] for n, order in enumerate(orders)
            if (not filters.area or (n % 3 != 0) == filters.area.startswith("mall"))
            and (not filters.status or order["status"].lower() == filters.status.lower())
            and (not filters.delivery_boy or n % 7)
        ]  # fmt: skip
        assert sorted(seen) == expected


@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_orders_that_say_the_day_otherwise_are_listed_once_each(
    emptied: Database, support: Operator, limit: int
) -> None:
    said = ["2026-10-15", "2026-10-15T06:00:00", "2026-10-14T19:00:00+00:00", "2026-10-16T01:00:00+09:00",
            datetime(2026, 10, 14, 18, 30, tzinfo=UTC), datetime(2026, 10, 15, 18, 29, 59, tzinfo=UTC),
            " 2026-10-15", "2026-10-15 ", "\t2026-10-15", "  2026-10-15\n",
            " 2026-10-16T01:00:00+09:00"] * 3  # fmt: skip
    other = ["2026-10-14", "2026-10-16", " 2026-10-14", " 2026-10-16", "2026-10-14 ", "  2026-10-16", " ", "",
             "2026-10-15T19:00:00+00:00", "2026-10-14T06:00:00", "2026-10-15 or so",
             datetime(2026, 10, 15, 18, 30, tzinfo=UTC), datetime(2026, 10, 14, 18, 29, tzinfo=UTC), ["2026-10-15"],
             None]  # fmt: skip
    orders = [shop.order(id=f"o{n:02d}", delivery_date=day) for n, day in enumerate([*said, *other])]
    await shop.stock(emptied, orders=[{**order, "_id": f"k{n:02d}"} for n, order in enumerate(orders)])
    seen: list[str] = []
    token = None
    while not seen or token:
        page = await list_day(emptied, support, DayFilters(DAY), token, limit=limit)
        assert len(page.items) == limit or page.next is None
        seen += [row.order_id for row in page.items]
        token = page.next
    assert sorted(seen) == [f"o{n:02d}" for n in range(len(said))]


async def test_an_unknown_status_is_wrong_usage(database: Database, support: Operator) -> None:
    with pytest.raises(BadRequest):
        await list_day(database, support, DayFilters(DAY, status="lost"))


async def test_a_viewer_sees_masked_phones(database: Database, viewer: Operator) -> None:
    await shop.stock(database, orders=shop.order())
    assert (await list_day(database, viewer, DayFilters(DAY))).items[0].phone == "•••••210"


async def test_the_day_is_served_by_indexes(database: Database, ops: Operator) -> None:
    await shop.stock(database, orders=[shop.order(delivery_date=f"2026-10-{n % 28 + 1:02d}") for n in range(600)])
    await apply(database, ops)
    (await watch(database, list_day(database, ops, DayFilters(DAY)))).assert_indexed()
