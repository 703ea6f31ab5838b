"""The flag follows the billing record, never the other way round."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.backfills.plan import Options
from services.backfills.registry import find_backfill
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.services.backfills.repairing import Repair, broken

NOW = "2026-11-22T04:30:00.000000+00:00"


@pytest.fixture
def repair(database: Database, ops: Operator, clock: Clock) -> Repair:
    return Repair("repair-billed-flags", database, ops, clock)


def unflagged(**fields: Any) -> Document:
    return shop.order(**{"id": "ord-1", "billed": ..., **fields})


@pytest.mark.parametrize("flag", [..., False, None, "yes", 1])
@pytest.mark.parametrize(
    "fields",
    [{}, {"order_type": "subscription", "subscription_id": "s"}, {"status": "CANCELLED"}, {"order_type": "weird"}],
)
async def test_an_order_with_a_record_gets_its_flag(repair: Repair, flag: Any, fields: Document) -> None:
    order = unflagged(billed=flag, **fields)
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order, created_at="2026-11-02T05:00:00"))
    await repair.done()
    stored = await repair.find("orders", id="ord-1")
    assert stored["billed"] is True
    assert (stored["billed_at"], stored["billed_month"]) == ("2026-11-02T05:00:00.000000+00:00", "2026-10")
    assert await repair.database["billing_records"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("created_at", "billed_at"),
    [
        ("2026-11-02T05:00:00.123456", "2026-11-02T05:00:00.123456+00:00"),
        ("2026-11-02T05:00:00.123Z", "2026-11-02T05:00:00.123000+00:00"),
        ("2026-11-02T10:30:00+05:30", "2026-11-02T05:00:00.000000+00:00"),
        (datetime(2026, 11, 2, 5, tzinfo=UTC), "2026-11-02T05:00:00.000000+00:00"),
        ("soon", NOW),
        (None, NOW),
    ],
)
async def test_the_time_is_the_records_in_the_stored_form(repair: Repair, created_at: Any, billed_at: str) -> None:
    order = unflagged()
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order, created_at=created_at))
    await repair.done()
    assert (await repair.find("orders", id="ord-1"))["billed_at"] == billed_at


@pytest.mark.parametrize(("month", "kept"), [("2026-09", "2026-09"), ("2026-13", "2026-08"), (202609, "2026-08")])
async def test_the_month_is_the_records_where_it_can_be_read(repair: Repair, month: Any, kept: str) -> None:
    order = unflagged(billed_month="2026-08")
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order, month=month))
    await repair.done()
    assert (await repair.find("orders", id="ord-1"))["billed_month"] == kept


async def test_nothing_else_of_the_order_is_touched_and_the_trail_tells_it(repair: Repair) -> None:
    order = unflagged(billed=False, notes="=cmd()", address={"$where": "x", "a.b": 1})
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order, created_at="2026-11-02T05:00:00"))
    before = await repair.find("orders", id="ord-1")
    await repair.done()
    stored = await repair.find("orders", id="ord-1")
    written = {"billed": True, "billed_at": "2026-11-02T05:00:00.000000+00:00", "billed_month": "2026-10"}
    assert stored == before | written
    entry = await repair.find("audit_logs", record_id="ord-1")
    assert (entry["action"], entry["changes"]["billed"]) == ("UPDATE", {"old": False, "new": True})
    assert await repair.database["audit_logs"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("fields", "bills", "outcome"),
    [
        ({"billed": True}, 1, "nothing-to-do"),
        ({"billed": ...}, 0, "nothing-to-do"),
        ({"billed": False}, 0, "nothing-to-do"),
        ({"billed": True}, 0, "flagged-no-record"),
        ({"billed": True, "status": "pending"}, 0, "flagged-no-record"),
        ({"billed": True, "order_type": ..., "subscription_id": ...}, 0, "flagged-no-record"),
        ({"billed": True, "order_type": "subscription", "subscription_id": "s"}, 0, "nothing-to-do"),
        ({"billed": ...}, 2, "bill-duplicate"),
        ({"billed": True}, 2, "bill-duplicate"),
        ({"id": " ord-1"}, 1, "id-missing"),
    ],
)
async def test_the_rest_is_left_alone_and_counted(repair: Repair, fields: Document, bills: int, outcome: str) -> None:
    order = unflagged(**fields)
    await shop.stock(repair.database, orders=order, billing_records=[shop.bill(order) for _ in range(bills)])
    assert list((await repair.outcomes()).values()) == [outcome]


async def test_two_orders_of_one_id_need_a_person_only_where_there_is_a_record(repair: Repair) -> None:
    twins = [unflagged(), unflagged(), unflagged(id="ord-2"), unflagged(id="ord-2")]
    await shop.stock(repair.database, orders=twins, billing_records=shop.bill(twins[0]))
    plan = await repair.preview()
    assert (dict(plan.review), plan.classes["nothing-to-do"].records) == ({"id-duplicate": 2}, 2)


@pytest.mark.parametrize(
    ("collection", "edit"),
    [
        ("orders", {"$set": {"billed": True}}),
        ("billing_records", {"$set": {"month": "2026-09"}}),
        ("billing_records", {"$set": {"order_id": "another"}}),
        ("orders", {"$set": {"id": "another"}}),
    ],
)
async def test_what_changed_since_the_preview_is_left_alone(repair: Repair, collection: str, edit: Document) -> None:
    order, other = unflagged(), unflagged(id="ord-2")
    await shop.stock(repair.database, orders=[order, other], billing_records=[shop.bill(order), shop.bill(other)])
    plan = await repair.preview()
    await repair.database[collection].update_one({"id" if collection == "orders" else "order_id": "ord-1"}, edit)
    first = await repair.database["orders"].find_one({}, sort=[("_id", 1)])
    outcome = await repair.commit(plan)
    assert (outcome.applied, outcome.drifted, outcome.verified) == (1, 1, True)
    assert await repair.database["orders"].find_one({}, sort=[("_id", 1)]) == first


async def test_a_second_record_since_the_preview_is_drift(repair: Repair) -> None:
    order = unflagged()
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order))
    plan = await repair.preview()
    await repair.database["billing_records"].insert_one(shop.bill(order))
    outcome = await repair.commit(plan)
    assert (outcome.applied, outcome.drifted) == (0, 1)


async def test_a_flag_that_is_gone_at_the_end_is_not_called_verified(repair: Repair) -> None:
    order = unflagged()
    await shop.stock(repair.database, orders=order, billing_records=shop.bill(order))
    values = {"billed": True, "billed_at": None, "billed_month": "2026-10"}
    body = {"record": "ord-1", "key": (await repair.find("orders", id="ord-1"))["_id"], "values": values}
    tally = await find_backfill(repair.name).landed(repair.database, "run", [body])
    assert tally.records == 0


async def test_the_days_asked_for_are_kept_to(repair: Repair) -> None:
    orders = [unflagged(id="in"), unflagged(id="out", delivered_at="2026-09-15T01:00:00+00:00")]
    await shop.stock(repair.database, orders=orders, billing_records=[shop.bill(order) for order in orders])
    options = Options(delivered_from=date(2026, 10, 1))
    assert await repair.outcomes(options) == {"in": "change"}


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [
        ({"id": {"$gt": ""}, "billed": True}, "change"),
        ({"id": ["ord-1"]}, "id-duplicate"),
        ({"items": "eggs", "status": 7, "delivery_date": datetime(1, 1, 1, tzinfo=UTC), "billed": []}, "change"),
    ],
)
async def test_no_neighbour_breaks_the_plan_of_a_sound_order(repair: Repair, broken: Document, outcome: str) -> None:
    order = unflagged()
    odd = shop.bill(order, order_id=["x", {"y": 1}], month=["z"], created_at={"a": 1}, amount="?")
    await shop.stock(repair.database, orders=[order, unflagged(**{"id": "odd", **broken})])
    await shop.stock(repair.database, customers_v2=[], billing_records=[shop.bill(order), odd])
    outcomes = await repair.outcomes()
    assert len(outcomes) == 2
    assert outcomes["ord-1"] == outcome


async def test_every_query_has_an_index(repair: Repair) -> None:
    await apply(repair.database, repair.ops)
    orders = [unflagged(id=f"ord-{n}") for n in range(300)]
    await shop.stock(repair.database, orders=orders, billing_records=[shop.bill(order) for order in orders])
    watched = await watch(repair.database, repair.done())
    watched.assert_indexed(sorting=True)


async def test_an_id_of_broken_text_needs_a_person(repair: Repair) -> None:
    order, bill = unflagged(id="ord-ZZ"), shop.bill({"id": "ord-\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"})
    await shop.stock(repair.database, orders=[broken({"_id": 1, **order})], billing_records=bill)
    assert set((await repair.outcomes()).values()) == {"id-missing"}
