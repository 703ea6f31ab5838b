"""The two ways to an amount and a month agree on whatever real data does, and the second says what it found."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64, ObjectId
from bson.raw_bson import RawBSONDocument
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.backfills.preview import preview
from services.billing.charge import Charge, charge
from services.billing.second_opinion import Opinion, opinions
from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from services.records.deliveries import read_report
from services.records.orders import read_order
from tests import shop

PARTLY = {"eggs": 1, "bread": 0.5}


async def opinion(database: Database, order: Document, *deliveries: Document) -> Opinion:
    await shop.stock(database, orders=order, delivery_statuses=list(deliveries))
    async with database.snapshot() as session:
        assert session is not None
        found = await opinions(database, [(order["id"], order["_id"])], session)
    return found[order["id"]]


@pytest.mark.parametrize(
    ("fields", "paise"),
    [
        ({}, 18000),
        ({"total_amount": Decimal128("180.005")}, 18001),
        ({"total_amount": 180.005}, 18001),
        ({"total_amount": 180.00499999999997}, 18000),
        ({"total_amount": ..., "total": 180}, 18000),
        ({"total_amount": 180.02}, 0),
        ({"total_amount": "180"}, 0),
        ({"total_amount": float("nan")}, 0),
        ({"total_amount": -180.0, "items": []}, 0),
        ({"items": [{"product": "Milk", "quantity": 3, "price": 0.1}], "total_amount": 0.1 + 0.2}, 30),
        ({"items": [{"product": "Milk", "quantity": 3, "price": None, "total": 9.995}], "total_amount": 9.995}, 1000),
        ({"items": [{"product": "Milk", "quantity": 0, "price": 180.0}]}, 0),
        ({"items": [{"product": "Milk", "quantity": 1, "price": "much"}]}, 0),
    ],
)  # fmt: skip
async def test_the_amount_of_a_whole_delivery(database: Database, fields: Document, paise: int) -> None:
    assert (await opinion(database, shop.order(**fields))).amount_paise == paise


@pytest.mark.parametrize(
    ("delivered", "paise"),
    [
        ({"eggs": 2, "bread": 1}, 18000),
        (PARTLY, 9000),
        ({"eggs": 0, "bread": 0}, 0),
        ({"eggs": 1}, None),
        ({"eggs": "one", "bread": 1}, None),
    ],
)
async def test_the_amount_of_what_came_short(database: Database, delivered: Document, paise: int | None) -> None:
    order = shop.order()
    assert (await opinion(database, order, shop.delivery(order, delivered))).amount_paise == paise


async def test_what_an_operator_confirmed_last_counts(database: Database) -> None:
    order = shop.order()
    reports = [
        shop.delivery(order, {"eggs": 2, "bread": 1}, confirmation_method="shared_link", confirmed_at="9"),
        shop.delivery(order, PARTLY, confirmation_method="admin", confirmed_at="2026-10-15T02:00:00+00:00"),
        shop.delivery(order, {"eggs": 0, "bread": 1}, confirmation_method="admin", confirmed_at="2026-10-15T01:00:00"),
    ]
    assert (await opinion(database, order, *reports)).amount_paise == 9000


async def test_a_number_is_no_time_of_a_confirmation_either_way(database: Database) -> None:
    order = shop.order()
    reports = [
        shop.delivery(order, {"eggs": 0, "bread": 1}, confirmation_method="admin", confirmed_at=9),
        shop.delivery(order, PARTLY, confirmation_method="admin", confirmed_at="2026-10-15T02:00:00+00:00"),
    ]
    own = charge(read_order(order), [read_report(report) for report in reports])
    assert isinstance(own, Charge)
    assert (await opinion(database, order, *reports)).amount_paise == own.amount_paise == 9000


@pytest.mark.parametrize(
    ("fields", "month"),
    [
        ({"delivered_at": "2026-09-30T18:29:59.999999"}, "2026-09"),
        ({"delivered_at": "2026-09-30 18:30"}, "2026-10"),
        ({"delivered_at": " 2026-09-30T18:30:00Z "}, "2026-10"),
        ({"delivered_at": "2026-10-01T00:15:00+05:45"}, "2026-10"),
        ({"delivered_at": "2026-10-01T00:14:00+05:45"}, "2026-09"),
        ({"delivered_at": "2026-10-02T00:00:00+14:59"}, "2026-10"),
        ({"delivered_at": "2026-02-27T23:59:59.9-14:59\n"}, "2026-02"),
        ({"delivered_at": "2026-02-28T13:30:00-05:00"}, "2026-03"),
        ({"delivered_at": datetime(2026, 9, 30, 18, 30, tzinfo=UTC)}, "2026-10"),
        ({"delivered_at": datetime(1970, 1, 1, tzinfo=UTC)}, "2026-10"),
        ({"delivered_at": "2026-02-31T01:00:00"}, "2026-10"),
        ({"delivered_at": "kal subah", "delivery_date": "2026-08-31"}, "2026-08"),
        ({"delivered_at": 20260930, "delivery_date": "-"}, ""),
        ({"delivered_at": "20260930T183000Z"}, None),
        ({"billed_month": "2026-07"}, "2026-07"),
        ({"billed_month": "2026-07\n"}, "2026-10"),
        ({"billed_month": 202607}, "2026-10"),
    ],
)  # fmt: skip
async def test_the_month(database: Database, fields: Document, month: str | None) -> None:
    assert (await opinion(database, shop.order(**fields))).month == month


@pytest.mark.parametrize("field", ["delivered_at", "delivery_date", "billed_month"])
async def test_text_that_is_no_text_spoils_nothing(database: Database, ops: Operator, clock: Clock, field: str) -> None:
    broken = shop.order(id="broken", delivered_at=None) | {"_id": ObjectId(), field: "SPOILT"}
    document = RawBSONDocument(bson.encode(broken).replace(b"SPOILT", b"\xff\xfe\x80..."))
    sound = [shop.order(id=f"sound-{number}") for number in range(5)]
    await shop.stock(database, orders=[*sound[:2], document, *sound[2:]])  # type: ignore[list-item]
    async with database.snapshot() as session:
        assert session is not None
        orders = [(order["id"], order["_id"]) for order in (*sound, broken)]
        found = await opinions(database, orders, session)
    assert found == {order["id"]: Opinion(18000, "2026-10") for order in sound} | {"broken": Opinion(None, None)}
    assert (await preview(database, ops, clock, "bill-one-time-orders")).stored


async def test_an_order_that_is_gone_has_no_opinion(database: Database) -> None:
    await shop.stock(database, orders=shop.order())
    async with database.snapshot() as session:
        assert session is not None
        assert await opinions(database, [("gone", ObjectId())], session) == {}


PRICES = st.one_of(
    st.integers(1, 20_000).map(lambda paise: paise / 100), st.integers(1, 50_000).map(lambda tenth: tenth / 1000),
    st.floats(0.01, 500), st.integers(1, 900), st.decimals("0.01", 500, places=3).map(Decimal128),
)  # fmt: skip
QUANTITIES = st.sampled_from([1, 2, 3, 0.5, 0.25, 1.5, 0.1, Int64(4), 0.1 + 0.2, Decimal128("0.75")])
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [0, -1, None, "2", True, float("nan"), float("inf"), Decimal128("NaN"), [], 1e300]
)
PRODUCTS = st.sampled_from(["milk", "eggs", "curd", " ghee ", "", None, 7])
EDGES = st.sampled_from(["2026-09-30T18:30", "2026-10-01", "2024-02-29T18:30"]).map(datetime.fromisoformat)
OFFSETS = st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-9))])


def as_float(number: Any) -> float:
    return float(number.to_decimal() if isinstance(number, Decimal128) else number)


def part(quantity: Any) -> st.SearchStrategy[Any]:
    """What was delivered of a quantity."""
    if not isinstance(quantity, (int, float)):
        return st.just(quantity)
    return st.sampled_from([quantity, quantity, 0, quantity * 0.5, quantity / 3]) | JUNK


@st.composite
def moments(draw: st.DrawFn) -> Any:
    at = draw(EDGES) + timedelta(microseconds=draw(st.integers(-(10**8), 10**8)) * draw(st.sampled_from([1, 10**4])))
    zone = draw(OFFSETS)
    at = at if zone is None else at.replace(tzinfo=UTC).astimezone(zone)
    forms = [
        at, at.isoformat(), at.isoformat(" "), at.isoformat(timespec="minutes"), f"{at:%Y-%m-%d}", f"{at:%Y%m%dT%H}",
        at.isoformat().replace("+00:00", "Z"), f" {at:%Y-%m-%dT%H:%M:%S%z}\n", f"{at:%G-W%V-%u}",
    ]  # fmt: skip
    return draw(st.sampled_from(forms) | st.sampled_from([None, "soon", 7, "2026-13-01", "2026-02-30T01:00:00"]))


@st.composite
def sales(draw: st.DrawFn) -> tuple[Document, list[Document]]:
    """An order that is nearly always one to bill, and what its deliveries report."""
    items = [
        {"product_id": name, "product_name": "Thing", "quantity": draw(QUANTITIES), "price": draw(PRICES), "total": 5.0}
        for name in draw(st.lists(PRODUCTS, min_size=1, max_size=3))
    ]
    total = sum(as_float(item["quantity"]) * as_float(item["price"]) for item in items)
    spoilt = draw(st.sampled_from(["", "", "", "", "quantity", "price", "items", "total"]))
    if spoilt in ("quantity", "price"):
        items[-1][spoilt] = draw(JUNK)
    order = shop.order(
        items=draw(JUNK) if spoilt == "items" else items, delivered_at=draw(moments()), delivery_date=draw(moments()),
        total_amount=draw(JUNK if spoilt == "total" else st.sampled_from([total, round(total, 2), total + 0.005])),
        status=draw(st.sampled_from(["DELIVERED", "DELIVERED", "partially-delivered"])),
        billed_month=draw(st.sampled_from([..., None, "2026-08", "2026-8", "20२६-10"])),
    )  # fmt: skip
    reports = []
    for _ in range(draw(st.integers(0, 2))):
        lines = [
            {"product_id": item["product_id"], "product_name": "Thing", "delivered_qty": draw(part(item["quantity"]))}
            for item in draw(st.permutations(items))
        ]
        method = draw(st.sampled_from(["admin", "shared_link", None]))
        report = shop.delivery(order, None, status="delivered", confirmation_method=method, items=lines)
        reports.append(report | {"confirmed_at": draw(st.sampled_from(["2026-10-01T01", "2026-10-02T01", None, 5]))})
    return order, reports


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(sales(), min_size=1, max_size=25))
async def test_both_ways_agree_on_whatever_is_stored(
    database: Database, viewer: Operator, clock: Clock, sold: list[tuple[Document, list[Document]]]
) -> None:
    for name in ("orders", "delivery_statuses", "customers_v2"):
        await database[name].delete_many({})
    orders = [dict(order) for order, _ in sold]
    await shop.stock(database, orders=orders, delivery_statuses=[dict(each) for _, reports in sold for each in reports])
    plan = await preview(database, viewer, clock, "bill-one-time-orders", store=False)
    assert plan.examined == len(sold)
    assert plan.unstored_because == "It was not asked to be stored."
