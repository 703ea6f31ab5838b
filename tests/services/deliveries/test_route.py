"""Confirming a route: each order a transaction and an outcome of its own."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.clock import Clock
from services.database import Database, Document
from services.deliveries.day import DayFilters, list_day
from services.deliveries.route import AT_ONCE, Outcome, confirm_deliveries, read_route
from services.deployment.indexes import apply
from services.errors import BadRequest, ConsoleError, NotFound, NotPermitted
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.failing import failing

DAY = date(2026, 11, 22)


def due(number: int, **fields: Any) -> Document:
    unconfirmed = {"status": "pending", "delivered_at": ..., "delivery_confirmed": ...}
    of_the_day = {"id": f"o{number:03d}", "delivery_date": DAY.isoformat(), "delivery_boy_id": "boy-1"}
    return shop.order(**{**unconfirmed, **of_the_day, **fields})


STAFF = [
    {"id": "boy-1", "name": "Raj", "area_assigned": "Indiranagar", "shift": "morning"},
    {"id": "boy-2", "name": "Rajesh", "area_assigned": "Jayanagar", "shift": "evening"},
]


async def test_a_route_sorts_what_is_due_from_what_failed_and_what_is_done(
    database: Database, support: Operator
) -> None:
    reported = due(4)
    orders = [
        due(1), due(2), due(3, status="not-delivered"), reported, due(5, delivery_confirmed=True, status="delivered"),
        due(6, status="Cancelled"), due(7, delivery_boy_id="boy-2"), due(8, delivery_boy_id=None),
    ]  # fmt: skip
    await shop.stock(
        database,
        orders=orders,
        delivery_boys_v2=STAFF,
        delivery_statuses=shop.delivery(reported, status="Not Delivered"),
    )
    route = await read_route(database, support, DayFilters(DAY, delivery_boy="boy-1"), ["o002"])
    assert [row.order_id for row in route.due] == ["o001"]
    assert [row.order_id for row in route.excepted] == ["o002"]
    assert sorted(row.order_id for row in route.failed) == ["o003", "o004"]
    assert (route.confirmed, route.cancelled) == (1, 1)
    nobodys = await list_day(database, support, DayFilters(DAY, delivery_boy="none"))
    assert [row.order_id for row in nobodys.items] == ["o008"]


async def test_a_slip_of_the_keyboard_confirms_nothing(database: Database, support: Operator) -> None:
    await shop.stock(database, orders=[due(1), due(2, delivery_boy_id="boy-2")], delivery_boys_v2=STAFF)
    for filters, excepted, kind, code in (
        (DayFilters(DAY, delivery_boy="raj"), [], ConsoleError, "ambiguous-person"),
        (DayFilters(DAY, delivery_boy="boy-1"), ["o002"], BadRequest, "not-on-route"),
        (DayFilters(DAY, delivery_boy="nobody"), [], NotFound, "empty-route"),
        (DayFilters(DAY, shift="noon"), [], BadRequest, "unknown-shift"),
    ):
        with pytest.raises(kind) as refused:
            await read_route(database, support, filters, excepted)
        assert refused.value.code == code


async def test_the_shift_is_the_subscriptions_else_the_persons_and_the_area_the_customers_else_the_persons(
    database: Database, support: Operator, ops: Operator
) -> None:
    override = [{"date": DAY.isoformat(), "quantity": 1, "shift": "Evening"}, {"date": 7}, "odd"]
    await shop.stock(
        database, delivery_boys_v2=STAFF,
        orders=[due(1), due(2, subscription_id="s-both"), due(3, subscription_id="s-moved"),
                due(4, delivery_boy_id=None), due(5, user_id="u2", customer_id="u2", subscription_id="s-odd")],
        subscriptions_v2=[{"id": "s-both", "shift": "both"}, {"id": "s-odd", "shift": 4, "day_overrides": "x"},
                          {"id": "s-moved", "shift": "morning", "day_overrides": override}],
        customers_v2=[shop.customer(), shop.customer(id="c2", user_id="u2", area=None)],
    )  # fmt: skip
    rows = {row.order_id: row for row in (await list_day(database, support, DayFilters(DAY))).items}
    shifts = [rows[f"o00{n}"].shift for n in range(1, 6)]
    assert shifts == ["morning", "both", "evening", "", "morning"]
    assert (rows["o001"].area, rows["o005"].area) == ("Jayanagar", "Indiranagar")
    evening = await list_day(database, support, DayFilters(DAY, shift="evening"))
    assert sorted(row.order_id for row in evening.items) == ["o002", "o003"]
    await apply(database, ops)
    (await watch(database, read_route(database, ops, DayFilters(DAY, delivery_boy="boy-1")))).assert_indexed()


async def test_each_order_has_its_own_outcome_and_is_told_as_it_comes(
    database: Database, support: Operator, clock: Clock
) -> None:
    orders = [due(1), due(2, status="cancelled"), due(3, status="partially_delivered"), due(4)]
    await shop.stock(database, orders=orders)
    told: list[Outcome] = []
    outcomes = await confirm_deliveries(
        database, support, clock, ["o001", "o002", "o003", "o004", "o001", "o009"], report=told.append
    )
    codes = [(each.order_id, each.refusal.code if each.refusal else "confirmed") for each in outcomes]
    assert codes == [
        ("o001", "confirmed"), ("o002", "order-cancelled"), ("o003", "quantities-unknown"), ("o004", "confirmed"),
        ("o009", "unknown-order"),
    ]  # fmt: skip
    assert sorted(each.order_id for each in told) == sorted(each.order_id for each in outcomes)
    confirmed = await database["orders"].distinct("id", {"delivery_confirmed": True})
    assert confirmed == ["o001", "o004"]


async def test_a_common_time_leaves_the_times_on_record_alone(
    database: Database, support: Operator, clock: Clock
) -> None:
    known = "2026-11-22T01:10:00+00:00"
    await shop.stock(database, orders=[due(1), due(2, status="delivered", delivered_at=known)])
    given = datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
    outcomes = await confirm_deliveries(database, support, clock, ["o001", "o002"], delivered_at=given)
    times = [each.confirmation.delivered_at for each in outcomes if each.confirmation]
    assert times == [given, datetime.fromisoformat(known)]


async def test_of_two_operators_on_one_route_each_order_is_confirmed_by_one_and_told_to_the_other(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    ids = [f"o{n:03d}" for n in range(24)]
    orders = [due(n, subscription_id=f"s{n % 8}", order_type="subscription") for n in range(24)]
    await shop.stock(database, orders=orders, subscriptions_v2=[{"id": f"s{n}"} for n in range(8)])
    both = [confirm_deliveries(database, who, clock, ids) for who in (support, ops)]
    answers = await asyncio.gather(*both)
    won = Counter(each.order_id for outcomes in answers for each in outcomes if each.confirmation)
    assert won == dict.fromkeys(ids, 1)
    refused = [each.refusal.code for outcomes in answers for each in outcomes if each.refusal]
    assert refused == ["already-confirmed"] * 24
    assert await database["delivery_statuses"].count_documents({}) == 24
    assert len(await database["delivery_statuses"].distinct("order_id")) == 24
    entries = await database["audit_logs"].count_documents({"table": {"$ne": "subscriptions_v2"}})
    assert entries == 48


async def test_once_the_database_lets_nobody_in_the_rest_is_not_tried(
    database: Database, support: Operator, clock: Clock
) -> None:
    ids = [f"o{n:03d}" for n in range(40)]
    await shop.stock(database, orders=[due(n) for n in range(40)])
    async with failing(database, "find", mode={"skip": 60}, errorCode=13):
        outcomes = await confirm_deliveries(database, support, clock, ids)
    codes = Counter(each.refusal.code if each.refusal else "confirmed" for each in outcomes)
    assert codes.keys() == {"confirmed", "not-authorised", "not-tried"}
    assert codes["not-authorised"] <= AT_ONCE
    assert await database["orders"].count_documents({"delivery_confirmed": True}) == codes["confirmed"]
    assert await database["audit_logs"].count_documents({}) == 2 * codes["confirmed"]


async def test_a_viewer_may_not(database: Database, viewer: Operator, clock: Clock) -> None:
    with pytest.raises(NotPermitted):
        await read_route(database, viewer, DayFilters(DAY))
    with pytest.raises(NotPermitted):
        await confirm_deliveries(database, viewer, clock, ["o001"])
