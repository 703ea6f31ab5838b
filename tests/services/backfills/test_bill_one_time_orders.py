"""The traps of real data, each as the billing fix meets it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from bson import Decimal128

from services.backfills.plan import Options, PlanRow
from services.backfills.preview import preview
from services.backfills.rows import list_rows
from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from tests import shop
from tests.services.backfills.repairing import broken

FIX = "bill-one-time-orders"
LOST = "user-nobody"


@pytest.fixture
async def planned(database: Database, ops: Operator, clock: Clock) -> Any:
    async def plan(*orders: Document, options: Options | None = None, **others: Any) -> list[PlanRow]:
        await shop.stock(database, orders=list(orders), **others)
        made = await preview(database, ops, clock, FIX, options)
        assert made.run is not None
        assert sum(tally.records for tally in made.classes.values()) == made.examined
        return list((await list_rows(database, ops, made.run)).items)

    return plan


async def one(planned: Any, order: Document, **others: Any) -> PlanRow:
    (row,) = await planned(order, **others)
    return row  # type: ignore[no-any-return]


@pytest.mark.parametrize("status", ["DELIVERED", "delivered", "Delivered", " delivered ", "Partially-Delivered"])
@pytest.mark.parametrize("kind", ["one_time", "one-time", "ONE_TIME", "One Time", ..., None])
async def test_every_spelling_of_status_and_type_is_billed(planned: Any, status: str, kind: Any) -> None:
    order = shop.order(status=status, order_type=kind)
    row = await one(planned, order, delivery_statuses=shop.delivery(order, {"eggs": 2, "bread": 1}))
    assert (row.group, row.amount_paise, row.month) == ("change", 18000, "2026-10")


@pytest.mark.parametrize("status", ["pending", "CANCELLED", "not_delivered", "OUT_FOR_DELIVERY", None, 7])
async def test_an_order_that_was_not_delivered_is_not_billed(planned: Any, status: Any) -> None:
    assert (await one(planned, shop.order(status=status))).group == "not-delivered"


async def test_subscription_orders_are_not_examined(planned: Any) -> None:
    assert (
        await planned(
            shop.order(order_type="subscription"),
            shop.order(order_type="SUBSCRIPTION"),
            shop.order(order_type=" subscription "),
            shop.order(order_type=..., subscription_id="sub-1"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("fields", "group", "code"),
    [
        ({"billed": True}, "flagged-no-record", None),
        ({"billed": ...}, "change", None),
        ({"billed": "yes"}, "change", None),
    ],
)
async def test_a_flag_without_a_record_is_a_class_of_its_own(
    planned: Any, fields: Document, group: str, code: str | None
) -> None:
    row = await one(planned, shop.order(**fields))
    assert (row.group, row.code, row.amount_paise) == (group, code, 18000)


async def test_flagged_orders_are_billed_when_asked_for(planned: Any) -> None:
    row = await one(planned, shop.order(billed=True), options=Options(include_flagged=True))
    assert row.group == "change"


@pytest.mark.parametrize(
    ("flag", "count", "code"), [(True, 1, None), (False, 1, "flag-missing"), (True, 2, "bill-duplicate")]
)
async def test_a_billing_record_wins_over_the_flag(planned: Any, flag: bool, count: int, code: str | None) -> None:
    order = shop.order(billed=flag)
    row = await one(planned, order, billing_records=[shop.bill(order) for _ in range(count)])
    assert (row.group, row.code) == ("already-billed", code)


@pytest.mark.parametrize("amount", [0, -5.0, float("nan"), float("inf"), "180", "abc", None, True, 1e12, [180.0], {}])
async def test_an_amount_that_is_none_needs_a_person(planned: Any, amount: Any) -> None:
    row = await one(planned, shop.order(total_amount=amount))
    assert (row.group, row.code) == ("needs-review", "amount-invalid")


@pytest.mark.parametrize(
    ("total", "code"),
    [(180.0, None), (180, None), (Decimal128("180.00"), None), (180.01, None), (179.99, None),
     (180.00000000000003, None), (180.02, "amount-mismatch"), (100.0, "amount-mismatch")],
)  # fmt: skip
async def test_more_than_a_paisa_between_amount_and_items_needs_a_person(
    planned: Any, total: Any, code: str | None
) -> None:
    row = await one(planned, shop.order(total_amount=total))
    assert row.code == code
    if code is None:
        assert abs((row.amount_paise or 0) - 18000) <= 1


async def test_old_orders_are_read_by_their_old_names(planned: Any) -> None:
    old = shop.order(
        total_amount=..., total=37.5, billed=..., delivery_confirmed=...,
        items=[{"product": "Curd", "quantity": 1.5, "price": 25.0}],
    )  # fmt: skip
    assert (await one(planned, old)).amount_paise == 3750


async def test_sums_are_exact_where_floats_are_not(planned: Any) -> None:
    items = [{"product_id": "p", "product_name": "Milk", "quantity": 3, "price": 0.1}]
    assert (await one(planned, shop.order(items=items, total_amount=0.1 + 0.2))).amount_paise == 30


@pytest.mark.parametrize(
    "item",
    [{"quantity": 0}, {"quantity": -1}, {"quantity": "two"}, {"quantity": float("nan")}, {"price": -60.0},
     {"price": "sixty", "total": None}],
)  # fmt: skip
async def test_an_item_that_cannot_be_counted_needs_a_person(planned: Any, item: Document) -> None:
    order = shop.order()
    order["items"][0].update(item)
    assert (await one(planned, order)).code == "amount-invalid"


@pytest.mark.parametrize("items", [[], None, "eggs", ["eggs", 3]])
async def test_an_order_without_readable_items_needs_a_person(planned: Any, items: Any) -> None:
    assert (await one(planned, shop.order(items=items))).group == "needs-review"


@pytest.mark.parametrize(
    ("delivered", "amount"),
    [({"eggs": 1, "bread": 1}, 12000), ({"eggs": 0, "bread": 1}, 6000), ({"eggs": 0.5, "bread": 0}, 3000)],
)
@pytest.mark.parametrize("status", ["PARTIALLY_DELIVERED", "DELIVERED"])
async def test_a_partial_delivery_is_billed_for_what_came(
    planned: Any, status: str, delivered: dict[str, float], amount: int
) -> None:
    order = shop.order(status=status)
    row = await one(planned, order, delivery_statuses=shop.delivery(order, delivered))
    assert (row.group, row.amount_paise) == ("change", amount)


@pytest.mark.parametrize(
    "delivered",
    [None, {"eggs": 1}, {"eggs": 3, "bread": 1}, {"eggs": -1, "bread": 1}, {"eggs": float("nan"), "bread": 1}],
)
async def test_unknown_quantities_of_a_partial_delivery_need_a_person(
    planned: Any, delivered: dict[str, float] | None
) -> None:
    order = shop.order(status="partially_delivered")
    row = await one(planned, order, delivery_statuses=shop.delivery(order, delivered))
    assert row.code == "quantities-unknown"


async def test_own_reasons_come_after_the_listed_ones(planned: Any) -> None:
    order = shop.order(customer_id=LOST, user_id=LOST)
    nothing = shop.delivery(order, {"eggs": 0, "bread": 0})
    assert (await one(planned, order, delivery_statuses=nothing)).code == "customer-missing"


@pytest.mark.parametrize(
    ("fields", "month"),
    [
        ({"delivered_at": "2026-09-30T23:30:00+00:00"}, "2026-10"),
        ({"delivered_at": "2026-09-30T23:30:00"}, "2026-10"),
        ({"delivered_at": "2026-09-30T23:30:00Z"}, "2026-10"),
        ({"delivered_at": "2026-10-01T05:00:00+05:30"}, "2026-10"),
        ({"delivered_at": datetime(2026, 9, 30, 23, 30, tzinfo=UTC)}, "2026-10"),
        ({"delivered_at": "2026-09-30T18:29:59+00:00"}, "2026-09"),
        ({"delivered_at": "2026-09-30T18:30:00+00:00"}, "2026-10"),
        ({"delivered_at": "this morning"}, "2026-10"),
        ({"delivered_at": None}, "2026-10"),
        ({"delivered_at": ..., "delivery_date": "2026-08-31"}, "2026-08"),
        ({"billed_month": "2026-07"}, "2026-07"),
        ({"billed_month": "2026-13"}, "2026-10"),
        ({"billed_month": "July"}, "2026-10"),
        ({"delivered_at": "soon", "delivery_date": "soon"}, None),
        ({"delivered_at": ..., "delivery_date": "2026-02-31"}, None),
    ],
)
async def test_the_month_is_the_indian_month_of_the_delivery(planned: Any, fields: Document, month: str | None) -> None:
    row = await one(planned, shop.order(**fields))
    assert row.month == month
    assert row.code == (None if month else "no-delivery-month")


async def test_a_month_that_has_not_begun_needs_a_person(planned: Any) -> None:
    assert (await one(planned, shop.order(billed_month="2026-12"))).code == "month-in-future"


async def test_unconfirmed_deliveries_are_billed_unless_only_confirmed_ones_are_asked_for(
    database: Database, ops: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=[shop.order(), shop.order(delivery_confirmed=False)])
    made = await preview(database, ops, clock, FIX)
    assert (made.classes["change"].records, made.unconfirmed.records) == (2, 1)
    strict = await preview(database, ops, clock, FIX, Options(confirmed_only=True))
    assert (strict.classes["change"].records, strict.review) == (1, {"not-confirmed": 1})


async def test_the_days_asked_for_are_indian_delivery_days(planned: Any) -> None:
    orders = [
        shop.order(id="early", delivered_at="2026-10-14T18:29:00+00:00"),
        shop.order(id="first", delivered_at="2026-10-14T18:31:00+00:00"),
        shop.order(id="last", delivered_at="2026-10-16T18:29:00+00:00"),
        shop.order(id="late", delivered_at="2026-10-16T18:31:00+00:00"),
    ]
    options = Options(delivered_from=date(2026, 10, 15), delivered_to=date(2026, 10, 16))
    assert [row.record for row in await planned(*orders, options=options)] == ["first", "last"]


async def test_orders_without_an_id_or_with_a_shared_one_need_a_person(planned: Any) -> None:
    rows = await planned(shop.order(id=...), shop.order(id="twin"), shop.order(id="twin"))
    assert sorted(str(row.code) for row in rows) == ["id-duplicate", "id-duplicate", "id-missing"]


@pytest.mark.parametrize(
    "broken",
    [
        {"status": {"$gt": ""}, "items": {"a": 1}},
        {"items": [{"product_name": "=cmd()", "quantity": {"$ne": 1}, "price": [1]}]},
        {"address": {"$where": "x", "a.b": 1}, "notes": "n" * 10_000},
        {"delivered_at": datetime(1, 1, 1, tzinfo=UTC), "delivery_date": 20261015, "customer_id": {"a": 1}},
    ],
)
async def test_no_document_breaks_a_preview(planned: Any, broken: Document) -> None:
    rows = await planned(shop.order(**broken), shop.order(id="sound"))
    assert [row.group for row in rows if row.record == "sound"] == ["change"]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("fields", "report", "code"),
    [
        ({}, {"status": "partially_delivered"}, "quantities-unknown"),
        ({"partial_delivery_items": ["Eggs"]}, None, "quantities-unknown"),
        ({}, {"status": "not_delivered"}, "delivery-contradicts"),
    ],
)
async def test_any_sign_of_a_partial_delivery_counts(
    planned: Any, fields: Document, report: Document | None, code: str
) -> None:
    order = shop.order(**fields)
    reports = [] if report is None else [shop.delivery(order, None, **report)]
    assert (await one(planned, order, delivery_statuses=reports)).code == code


async def test_a_product_on_two_lines_is_billed_line_by_line(planned: Any) -> None:
    line = {"product_id": "milk", "product_name": "Milk", "price": 50.0}
    order = shop.order(items=[{**line, "quantity": 2}, {**line, "quantity": 1}], total_amount=150.0)
    lines = [{**line, "ordered_qty": 2, "delivered_qty": 1}, {**line, "ordered_qty": 1, "delivered_qty": 1}]
    row = await one(planned, order, delivery_statuses=shop.delivery(order, None, items=lines))
    assert (row.group, row.amount_paise) == ("change", 10000)


async def test_what_an_operator_confirmed_last_goes_before_other_reports(planned: Any) -> None:
    order = shop.order(status="PARTIALLY_DELIVERED")
    reports = [
        shop.delivery(order, {"eggs": 0, "bread": 1}),
        shop.delivery(order, {"eggs": 1, "bread": 1}, confirmation_method="admin", confirmed_at="2026-10-16"),
        shop.delivery(order, {"eggs": 1, "bread": 0}, confirmation_method="admin", confirmed_at="2026-10-15"),
    ]
    assert (await one(planned, order, delivery_statuses=reports)).amount_paise == 12000


@pytest.mark.parametrize("stored", [" ord-1", 42])
async def test_an_id_that_is_no_clean_text_is_never_billed_twice(planned: Any, stored: Any) -> None:
    order = shop.order(id=stored)
    assert (await one(planned, order)).code == "id-missing"


@pytest.mark.parametrize("stored", [" ord-1", 42])
async def test_a_bill_under_an_unclean_id_is_found(planned: Any, stored: Any) -> None:
    order = shop.order(id=stored)
    assert (await one(planned, order, billing_records=shop.bill(order))).group == "already-billed"


async def test_a_bill_below_half_a_paisa_is_none(planned: Any) -> None:
    items = [{"product_id": "p", "product_name": "Milk", "quantity": 1, "price": 0.004}]
    assert (await one(planned, shop.order(items=items, total_amount=0.004))).code == "amount-invalid"


@pytest.mark.parametrize(
    "others",
    [
        {"orders": shop.order(id="odd", items=[{"quantity": 1e19, "price": 0.0}, {"quantity": 1, "price": 180.0}])},
        {"orders": shop.order(id=["sound"])},
        {"billing_records": [shop.bill(shop.order(id="x"), order_id=["sound-not"], amount_paise=2**62)]},
    ],
)
async def test_no_neighbour_breaks_the_plan_of_a_sound_order(
    database: Database, ops: Operator, clock: Clock, others: Document
) -> None:
    for name, documents in others.items():
        await database[name].insert_many(documents if isinstance(documents, list) else [documents])
    await shop.stock(database, orders=shop.order(id="sound"))
    made = await preview(database, ops, clock, FIX)
    rows = (await list_rows(database, ops, made.run or "")).items
    assert [row.group for row in rows if row.record == "sound"] in (["change"], ["needs-review"])


async def test_an_id_of_broken_text_is_never_written_as_a_reference(planned: Any) -> None:
    order = broken({"_id": 1, **shop.order(id="ord-ZZ")})
    named = shop.order(id="ord-1", customer_id="cust-ZZ", user_id="user-ZZ")
    customers = broken({"_id": 1, **shop.customer(id="cust-ZZ", user_id="user-1")})
    rows = await planned(order, broken({"_id": 2, **named}), shop.order(id="ord-2"), customers_v2=customers)
    assert [(row.group, row.code) for row in rows] == [("needs-review", "id-missing")] * 3


async def test_an_order_of_broken_text_needs_a_person_though_its_customer_is_sound(planned: Any) -> None:
    rows = await planned(*(broken({"_id": n, **shop.order(id=name)}) for n, name in enumerate(("a", "o-ZZ"))))
    assert {row.record: row.code for row in rows} == {"a": None, "o-\ufffd\ufffd": "id-missing"}
