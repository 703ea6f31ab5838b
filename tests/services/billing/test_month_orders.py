"""What the server leaves out of a month is only what plainly belongs to another one."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

from services.billing import month_records
from services.billing.month_records import month_orders
from services.billing.month_totals import month_totals
from services.billing.statement import show_statement
from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator
from services.orders.filters import OrderFilters
from services.orders.lookup import find_orders
from services.records.payments import read_payment
from tests import shop
from tests.services.billing.test_statement import OCTOBER, payment

DELIVERED_AT: list[Any] = [
    "2026-09-30T18:29:59+00:00", "2026-09-30T18:30:00.000000+00:00", "2026-10-31T18:29:59Z", "2026-10-31T18:30:00",
    "2026-10-31T23:59:59+05:30", "2026-11-01T00:10:00+05:30", "2026-10-01T08:00:00+14:00", "20261015T010000",
    "2026-W42-3", " 2026-10-05T01:00:00 ", "2026-02-31T05:00:00", "2026-02-30T05:00:00", "2026-08-15T05:00:00Zjunk",
    "2026-08-31T05:00:00", "2026-13-01T05:00:00", "2126-08-15T05:00:00", "not a time",
    datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 8, 5, tzinfo=UTC), None, ..., ["2026-08-01T00:00:00"], 7,
]  # fmt: skip
BILLED_MONTH: list[Any] = [..., None, "2026-10", "2026-09", "2026-9", "2026-09\n", ["2026-09"], ["2026-10"], 202609]
SCHEDULED = ("2026-10-15", "2026-09-15")
KINDS: list[tuple[Any, Any]] = [
    ("one_time", "delivered"), ("One Time", " Delivered "), (None, "partially delivered"), (..., "DELIVERED"),
    ("subscription", "delivered"), ("Subscriptions", "delivered"), ("gift", "delivered"), ("one_time", "pending"),
]  # fmt: skip


async def test_the_walk_finds_every_order_that_counts_and_the_sums_are_those_of_the_customers(
    database: Database, viewer: Operator, ops: Operator, clock: Clock
) -> None:
    dates = [
        shop.order(id=f"o{n}", delivered_at=at, billed_month=billed, delivery_date=day)
        for n, (at, billed, day) in enumerate(product(DELIVERED_AT, BILLED_MONTH, SCHEDULED))
    ]
    kinds = [shop.order(id=f"k{n}", order_type=kind, status=status) for n, (kind, status) in enumerate(KINDS)]
    await shop.stock(database, orders=[*dates, *kinds])
    assert await month_orders(database, OCTOBER) is None
    without = await month_totals(database, viewer, clock, OCTOBER)
    await apply(database, ops)
    walk = await month_orders(database, OCTOBER)
    assert walk is not None
    found = [(customer, records.order.id) async for customer, records in walk]
    counted = {each["id"] for each in dates + kinds if month_records._counts(each, OCTOBER)}
    assert sorted(order for _, order in found if order) == sorted(counted)
    assert {customer for customer, _ in found} == {shop.CUSTOMER}
    assert len(counted) > 150
    whole = await month_totals(database, viewer, clock, OCTOBER)
    assert whole == without
    assert whole == await month_totals(database, viewer, clock, OCTOBER, "Jayanagar")
    assert sum(share.records for share in whole.total.orders.values()) == len(counted)


async def test_no_number_of_odd_statuses_hides_what_was_delivered(
    database: Database, viewer: Operator, ops: Operator, clock: Clock
) -> None:
    # More spellings than are asked for at once, all before the one that is meant.
    odd = [shop.order(id=f"odd{n}", status=f"AAA-{n:03}", customer_id="x", user_id="x") for n in range(200)]
    await shop.stock(database, orders=[*odd, shop.order(id="real", status="delivered")])
    await apply(database, ops)
    assert (await month_totals(database, viewer, clock, OCTOBER)).total.missing.records == 1
    assert [row.id for row in (await find_orders(database, viewer, "", OrderFilters(unbilled=True))).items] == ["real"]


async def test_payments_count_for_the_month_that_they_name_or_came_in(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    paid = [
        payment(id=f"p{n}", month=month, payment_date=day)
        for n, (month, day) in enumerate(product(BILLED_MONTH[1:], ("2026-10-07", "2026-09-07")))
    ]
    await shop.stock(database, payment_transactions=paid)
    statement = await show_statement(database, viewer, clock, shop.CUSTOMER, OCTOBER)
    expected = {each["id"] for each in paid if read_payment(each).month == OCTOBER}
    assert {each.id for each in statement.payments} == expected
    assert 0 < len(expected) < len(paid)
