"""Narrowing and sorting order lists, page by page."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from services.database import Database, Document
from services.deployment.indexes import apply
from services.errors import BadRequest
from services.operators.operator import Operator
from services.orders import lookup, selection
from services.orders.filters import OrderFilters, Search
from services.orders.lookup import OrderRow, find_orders
from tests import shop
from tests.explaining import watch

TODAY = date(2026, 11, 22)


async def every_page(
    database: Database, operator: Operator, query: str = "", filters: OrderFilters | None = None, size: int = 17
) -> list[OrderRow]:
    """All pages, one after the other."""
    rows: list[OrderRow] = []
    token = None
    while True:
        page = await find_orders(database, operator, query, filters, token, size, today=TODAY)
        assert len(page.items) <= size
        rows += page.items
        token = page.next
        if token is None:
            return rows


async def town(database: Database) -> None:
    """60 orders in three areas, of two delivery people, on twenty days."""
    areas = ("Jayanagar", "jayanagar 4th block", "Whitefield")
    people = [shop.customer(id=f"c{n}", user_id=f"u{n}", name=f"Asha {n}", area=areas[n % 3]) for n in range(30)]
    orders = [
        shop.order(
            id=f"o{n:03d}", customer_id=f"u{n % 30}", user_id=f"u{n % 30}", delivery_boy_id=f"boy-{n % 2}",
            delivery_date=f"2026-10-{(n * 7) % 20 + 1:02d}", status="pending" if n % 4 == 0 else "delivered",
            billed=n % 5 == 0,
        )
        for n in range(60)
    ]  # fmt: skip
    staff = [{"id": "boy-0", "name": "Rahul"}, {"id": "boy-1", "name": "Suresh"}]
    await shop.stock(database, customers_v2=people, orders=orders, delivery_boys_v2=staff)


def numbers(rows: list[OrderRow]) -> set[int]:
    return {int(row.id[1:]) for row in rows}


@pytest.fixture(params=["few are sorted when found", "an index gives the order"])
def small_steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of reading a list; pages that can look through a few orders only."""
    if request.param.startswith("an index"):
        monkeypatch.setattr(selection, "_FEW", 3)
        monkeypatch.setattr("services.customers.search.MOST_OF_AREA", 2)
        for name, value in (("_LOOKED", 19), ("_CHECKED", 8)):
            monkeypatch.setattr(lookup, name, value)


@pytest.mark.usefixtures("small_steps")
async def test_each_filter_leaves_just_what_fits_whatever_the_sort(database: Database, viewer: Operator) -> None:
    await town(database)
    every = set(range(60))
    expected: list[tuple[OrderFilters, set[int]]] = [
        (OrderFilters(), every),
        (OrderFilters(area="JAYA"), {n for n in every if n % 3 < 2}),
        (OrderFilters(delivery_boy="rah"), {n for n in every if n % 2 == 0}),
        (OrderFilters(delivery_boy="boy-1", status="Pending"), set()),
        (OrderFilters(start=date(2026, 10, 3), end=date(2026, 10, 4)), {n for n in every if (n * 7) % 20 in (2, 3)}),
        (OrderFilters(unbilled=True, area="whitefield"), {n for n in every if n % 4 and n % 5 and n % 3 == 2}),
        (OrderFilters(unbilled=True, status="pending"), set()),
    ]
    for filters, wanted in expected:
        for sort in (None, "newest", "oldest", "due-last", "due-first"):
            asked = OrderFilters(**{**filters.__dict__, "sort": sort})
            rows = await every_page(database, viewer, "", asked)
            assert len(rows) == len(wanted), asked
            assert numbers(rows) == wanted, asked
            if sort and "due" in sort:
                days = [row.delivery_date for row in rows if row.delivery_date]
                assert days == sorted(days, reverse=sort == "due-last")
            elif sort:
                ids = [row.id for row in rows]
                assert ids == sorted(ids, reverse=sort == "newest")


@pytest.mark.usefixtures("small_steps")
async def test_a_search_is_narrowed_and_sorted_too(database: Database, viewer: Operator) -> None:
    await town(database)
    filters = OrderFilters(status="pending", sort="due-first")
    rows = await every_page(database, viewer, "Asha 2", filters)
    assert numbers(rows) == {n for n in range(60) if n % 30 in (2, *range(20, 30)) and n % 4 == 0}
    assert [row.delivery_date for row in rows] == sorted(row.delivery_date for row in rows if row.delivery_date)
    beginning = await every_page(database, viewer, "o0", OrderFilters(delivery_boy="Suresh", sort="oldest"))
    assert [row.id for row in beginning] == [f"o{n:03d}" for n in range(1, 60, 2)]


@pytest.mark.usefixtures("small_steps")
async def test_what_needs_a_person_is_what_the_billing_fix_would_leave_to_one(
    database: Database, viewer: Operator
) -> None:
    recorded = shop.order(id="recorded", total_amount=1.0)
    await shop.stock(
        database, billing_records=shop.bill(recorded),
        orders=[shop.order(id=f"good-{n}") for n in range(12)] + [
            recorded, shop.order(id="mismatch", total_amount=1.0),
            shop.order(id="nobody", customer_id="x", user_id="x"),
            shop.order(id="flagged", total_amount=1.0, billed=True),
            shop.order(id="pending", total_amount=1.0, status="pending"),
            shop.order(_id="odd key", id="nan", total_amount=float("nan")),
        ],
    )  # fmt: skip
    rows = await every_page(database, viewer, "", OrderFilters(needs_review=True), 2)
    assert {row.id: row.review for row in rows} == {
        "mismatch": "amount-mismatch", "nobody": "customer-missing", "nan": "amount-invalid",
    }  # fmt: skip


async def test_a_page_that_found_nothing_in_all_it_looked_through_goes_on(
    database: Database, viewer: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_LOOKED", 10)
    orders = [shop.order(id=f"o{n:02d}", delivery_boy_id="gone" if n == 3 else "boy") for n in range(40)]
    await shop.stock(database, orders=orders)
    filters = OrderFilters(delivery_boy="gone", sort="newest")
    first = await find_orders(database, viewer, "", filters)
    assert (first.items, first.next is not None) == ((), True)
    assert [row.id for row in await every_page(database, viewer, "", filters)] == ["o03"]


async def test_a_list_by_day_leaves_out_what_says_no_day_and_keeps_what_says_nonsense(
    database: Database, viewer: Operator
) -> None:
    days = ["2026-10-02", "2026-10-01", "next Monday", None, ..., 20261003]
    orders = [shop.order(_id=n if n else ObjectId(), id=f"o{n}", delivery_date=day) for n, day in enumerate(days)]
    await shop.stock(database, orders=orders)
    rows = await every_page(database, viewer, "", OrderFilters(sort="due-first"), 1)
    assert [row.id for row in rows] == ["o1", "o0", "o2"]


DAYS: list[Any] = [
    "2026-10-01", "2099-12-31", "2000-01-01", " 2026-10-02", "\t2026-10-03", "2026-10-04T06:00:00",
    "2100-01-01T01:00:00+05:30", datetime(2026, 10, 5, 3, tzinfo=UTC),
]  # fmt: skip
NO_DAYS: list[Any] = [
    "next Monday", "", "!", "0000-00-00", "1999-12-31", "2100-01-02", "31/10/2026", " soon", "\u0c30\u0c47\u0c2a\u0c41",
    datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), DatetimeMS(10**17),
]  # fmt: skip


@pytest.mark.parametrize("query", ["", "9876543210"])
@pytest.mark.parametrize("size", [1, 3, 8, 200])
async def test_what_says_no_day_comes_last_whichever_way_days_are_sorted(
    database: Database, viewer: Operator, ops: Operator, query: str, size: int
) -> None:
    stored = list(enumerate([*NO_DAYS, *DAYS] * 2))
    orders = [shop.order(id=f"o{n:02d}", delivery_date=day, delivery_boy_id=f"boy-{n % 2}") for n, day in stored]
    await shop.stock(database, orders=orders)
    await apply(database, ops)
    for person in (None, "boy-1"):
        whole = {f"o{n:02d}" for n, _ in stored if person is None or n % 2}
        for sort in ("due-first", "due-last"):
            rows = await every_page(database, viewer, query, OrderFilters(sort=sort, delivery_boy=person), size)
            days = [row.delivery_date for row in rows]
            assert sorted(row.id for row in rows) == sorted(whole)
            assert None not in days[: len(days) - days.count(None)], (sort, person)
            assert 0 < days.count(None) < len(days)


QUERIES: list[tuple[str, OrderFilters]] = [
    ("", OrderFilters(area="jaya")), ("", OrderFilters(area="jaya", sort="due-first")),
    ("", OrderFilters(delivery_boy="Rahul")), ("", OrderFilters(delivery_boy="boy-1", start=date(2026, 10, 4))),
    ("", OrderFilters(needs_review=True)), ("", OrderFilters(needs_review=True, sort="oldest")),
    ("", OrderFilters(sort="oldest")), ("", OrderFilters(sort="due-last")), ("", OrderFilters(sort="due-first")),
    ("", OrderFilters(status="pending", sort="oldest")), ("", OrderFilters(status="pending", sort="due-first")),
    ("", OrderFilters(start=date(2026, 10, 4), sort="newest", unbilled=True)),
    ("o0", OrderFilters(status="pending")), ("o0", OrderFilters(sort="newest")),
]  # fmt: skip


async def test_every_list_is_served_by_indexes(
    database: Database, ops: Operator, viewer: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town(database)
    await apply(database, ops)
    monkeypatch.setattr(selection, "_FEW", 3)
    monkeypatch.setattr("services.customers.search.MOST_OF_AREA", 2)
    for query, filters in QUERIES:
        page = await find_orders(database, viewer, query, filters, limit=5, today=TODAY)
        for token in {None, page.next}:
            asked = find_orders(database, viewer, query, filters, token, 5, today=TODAY)
            (await watch(database, asked)).assert_indexed()


@pytest.mark.parametrize(
    ("search", "code"),
    [
        (Search(first_day="2026-02-31"), "bad-date"), (Search(last_day="$where"), "bad-date"),
        (Search(sort="price"), "unknown-sort"), (Search(area="x" * 10_000), "query-too-long"),
        (Search(delivery_boy="\n" * 5 + "x" * 300), "query-too-long"),
        (Search(status='{"$ne": null}'), "unknown-status"),
        (Search(first_day="2026-11-02", last_day="2026-11-01"), "bad-range"),
        (Search(query="x" * 10_240), "query-too-long"),
    ],
)  # fmt: skip
async def test_what_makes_no_search_is_told(database: Database, viewer: Operator, search: Search, code: str) -> None:
    with pytest.raises(BadRequest) as told:
        await find_orders(database, viewer, search.query, search.filters())
    assert told.value.code == code
    assert len(told.value.message) < 300


@pytest.mark.parametrize("hostile", [".*", "$where", '{"$ne": null}', "\x00", "\u202e", "' OR 1=1"])
async def test_a_filter_is_text_and_never_an_operator(database: Database, viewer: Operator, hostile: str) -> None:
    orders: list[Document] = [shop.order(delivery_boy_id="boy")]
    await shop.stock(database, orders=orders)
    for filters in (OrderFilters(area=hostile), OrderFilters(delivery_boy=hostile)):
        assert not (await find_orders(database, viewer, "", filters)).items
