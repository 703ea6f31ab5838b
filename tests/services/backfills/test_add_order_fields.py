"""Older orders get the fields that they lack, and nothing else."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.backfills.plan import Options
from services.backfills.repairs.add_order_fields import FIELDS
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.services.backfills.repairing import Repair, broken

BARE: Document = dict.fromkeys(FIELDS, ...)
DEFAULTS: Document = {"billed": False, "delivery_confirmed": False, "billed_at": None, "billed_month": None}


@pytest.fixture
def repair(database: Database, ops: Operator, clock: Clock) -> Repair:
    return Repair("add-order-fields", database, ops, clock)


def old(**fields: Any) -> Document:
    return shop.order(**{"id": "ord-1", **BARE, **fields})


async def written(repair: Repair) -> Document:
    await repair.done()
    order = await repair.find("orders", id="ord-1")
    return {name: order.get(name, ...) for name in FIELDS}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": "pending"},
        {"order_type": "subscription", "subscription_id": "s"},
        {"total_amount": ..., "total": 5},
    ],
)
async def test_a_missing_field_gets_its_default(repair: Repair, fields: Document) -> None:
    await shop.stock(repair.database, orders=old(**fields))
    assert await written(repair) == DEFAULTS


@pytest.mark.parametrize(
    "there",
    [
        {"billed": True},
        {"billed": "yes"},
        {"billed": None, "billed_month": "2026-13"},
        {"delivery_confirmed": 1, "billed_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"billed_at": {"$gt": ""}},
    ],
)
async def test_a_field_that_is_there_keeps_its_value(repair: Repair, there: Document) -> None:
    order = old(**there)
    await shop.stock(repair.database, orders=order, delivery_statuses=shop.delivery(order, confirmed_at="x"))
    assert await written(repair) == DEFAULTS | {"delivery_confirmed": True} | there


@pytest.mark.parametrize(
    ("status", "report", "confirmed"),
    [
        ("delivered", {"confirmed_at": "2026-10-15T01:00:00"}, True),
        ("DELIVERED", {"confirmation_method": "shared_link", "status": "DELIVERED"}, True),
        ("Partially-Delivered", {"confirmed_at": datetime(2026, 10, 15, tzinfo=UTC)}, True),
        ("DELIVERED", {"confirmed_at": None, "confirmation_method": ""}, False),
        ("DELIVERED", {"confirmed_at": "2026-10-15", "status": "not_delivered"}, False),
        ("pending", {"confirmed_at": "2026-10-15T01:00:00"}, False),
        ("DELIVERED", {"order_id": "another", "confirmed_at": "2026-10-15T01:00:00"}, False),
    ],
)
async def test_a_delivery_counts_as_confirmed_where_its_report_says_so(
    repair: Repair, status: str, report: Document, confirmed: bool
) -> None:
    order = old(status=status)
    await shop.stock(repair.database, orders=order, delivery_statuses=shop.delivery(order, **report))
    assert (await written(repair))["delivery_confirmed"] is confirmed


async def test_an_order_with_a_record_is_never_written_down_as_unbilled(repair: Repair) -> None:
    order = old()
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order, created_at="2026-11-02T05:00:00"))
    assert await written(repair) == {
        "billed": True, "billed_at": "2026-11-02T05:00:00.000000+00:00", "billed_month": "2026-10",
        "delivery_confirmed": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"billed": True, "billed_month": "2026-09"}, {"billed_at": "2026-11-02T05:00:00.000000+00:00"}),
        ({"billed": False}, {"billed_at": None, "billed_month": None}),
    ],
)
async def test_the_records_values_stand_only_beside_a_flag_that_agrees(
    repair: Repair, there: Document, expected: Document
) -> None:
    order = old(**there)
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order, created_at="2026-11-02T05:00:00"))
    assert await written(repair) == DEFAULTS | expected | there


async def test_what_of_a_record_cannot_be_read_stays_empty(repair: Repair) -> None:
    order = old()
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order, month="May", created_at="soon"))
    assert await written(repair) == DEFAULTS | {"billed": True}


async def test_both_repairs_come_to_the_same_in_either_order(repair: Repair) -> None:
    orders = [old(id="a"), old(id="b", billed=False), old(id="c")]
    bills = [shop.bill(order, created_at="2026-11-02T05:00:00") for order in orders[:2]]
    await shop.stock(repair.database, orders=orders, billing_records=bills)
    flags = Repair("repair-billed-flags", repair.database, repair.ops, repair.clock)
    await repair.done()
    await flags.done()
    one = await repair.database["orders"].find({}, {"_id": 0}).sort("id").to_list()
    await repair.database["orders"].delete_many({})
    await repair.database["orders"].insert_many([{k: v for k, v in order.items() if k != "_id"} for order in orders])
    await flags.done()
    await repair.done()
    assert await repair.database["orders"].find({}, {"_id": 0}).sort("id").to_list() == one
    assert [order["billed"] for order in one] == [True, True, False]


async def test_the_trail_tells_a_field_that_was_not_there(repair: Repair) -> None:
    await shop.stock(repair.database, orders=old(notes="\x1b[31m", address={"$where": "x"}))
    await repair.done()
    entry = await repair.find("audit_logs", record_id="ord-1")
    assert entry["changes"] == {name: {"old": None, "new": DEFAULTS[name]} for name in FIELDS}
    assert not set(FIELDS) & set(entry["before"])
    assert {name: entry["after"][name] for name in FIELDS} == DEFAULTS


@pytest.mark.parametrize(
    ("fields", "bills", "outcome"),
    [
        ({}, 2, "bill-duplicate"),
        ({"billed": True, "billed_at": None, "billed_month": None}, 2, "change"),
        (DEFAULTS, 0, "nothing-to-do"),
        (DEFAULTS, 2, "nothing-to-do"),
    ],
)
async def test_two_records_need_a_person_where_they_matter(
    repair: Repair, fields: Document, bills: int, outcome: str
) -> None:
    order = old(**fields)
    await shop.stock(repair.database, orders=order, billing_records=[shop.bill(order) for _ in range(bills)])
    assert await repair.outcomes() == {"ord-1": outcome}


async def test_orders_that_share_an_id_need_a_person_and_one_without_an_id_does_not(repair: Repair) -> None:
    await shop.stock(repair.database, orders=[old(), old(), old(id=...)])
    plan = await repair.preview()
    assert (dict(plan.review), plan.classes["change"].records) == ({"id-duplicate": 2}, 1)
    assert (await repair.commit(plan)).verified is True


@pytest.mark.parametrize(
    "edit",
    [
        {"$set": {"billed": False}},
        {"$set": {"billed_month": None}},
        {"$set": {"status": "cancelled"}},
    ],
)
async def test_an_order_that_changed_since_the_preview_is_left_alone(repair: Repair, edit: Document) -> None:
    await shop.stock(repair.database, orders=[old(), old(id="ord-2")])
    plan = await repair.preview()
    await repair.database["orders"].update_one({"id": "ord-1"}, edit)
    before = await repair.find("orders", id="ord-1")
    outcome = await repair.commit(plan)
    assert (outcome.applied, outcome.drifted, outcome.verified) == (1, 1, True)
    assert await repair.find("orders", id="ord-1") == before


@pytest.mark.parametrize("collection", ["billing_records", "delivery_statuses"])
async def test_a_record_that_came_since_the_preview_is_drift(repair: Repair, collection: str) -> None:
    order = old()
    await shop.stock(repair.database, orders=order)
    plan = await repair.preview()
    made = shop.bill(order) if collection == "billing_records" else shop.delivery(order, confirmed_at="2026-10-15")
    await repair.database[collection].insert_one(made)
    assert (await repair.commit(plan)).drifted == 1


async def test_the_days_asked_for_are_kept_to(repair: Repair) -> None:
    await shop.stock(repair.database, orders=[old(id="in"), old(id="out", delivered_at="2026-09-15T01:00:00")])
    assert await repair.outcomes(Options(delivered_to=date(2026, 9, 30))) == {"out": "change"}


@pytest.mark.parametrize(
    "broken",
    [{"status": {"a": 1}, "delivered_at": datetime(1, 1, 1, tzinfo=UTC)}, {"id": {"$ne": 1}}, {"id": 7.5}, {"id": []}],
)
async def test_no_document_breaks_a_plan(repair: Repair, broken: Document) -> None:
    await shop.stock(repair.database, orders=[old(), old(**{"id": "odd", **broken})])
    assert (await repair.done()).applied == 2
    assert await repair.database["orders"].count_documents(DEFAULTS) == 2


async def test_every_query_has_an_index(repair: Repair) -> None:
    await apply(repair.database, repair.ops)
    await shop.stock(repair.database, orders=[old(id=f"ord-{n}") for n in range(300)])
    (await watch(repair.database, repair.done())).assert_indexed(sorting=True)


@pytest.mark.parametrize(("clean", "like"), [("5", 5), ("dup", "dup ")])
async def test_an_id_that_reads_like_anothers_needs_a_person(repair: Repair, clean: str, like: Any) -> None:
    await repair.database["orders"].create_index("id", unique=True)
    orders = [old(id=clean), old(id=like)]
    await shop.stock(repair.database, orders=orders, billing_records=shop.bill(orders[0]))
    plan = await repair.preview()
    assert (dict(plan.review), plan.classes["change"].records) == ({"id-missing": 1}, 1)
    outcome = await repair.commit(plan)
    assert (outcome.applied, outcome.drifted, outcome.verified) == (1, 0, True)
    assert (await repair.find("orders", id=clean))["billed"] is True
    assert "billed" not in await repair.find("orders", id=like)


async def test_an_id_of_broken_text_needs_a_person(repair: Repair) -> None:
    await shop.stock(repair.database, orders=[broken({"_id": 1, **old(id="ord-ZZ")})])
    assert set((await repair.outcomes()).values()) == {"id-missing"}
