"""A run is called verified only where every row stands in the database as the plan has it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from bson import Int64

from services.backfills.commit import commit
from services.backfills.control import cancel, pause
from services.backfills.pace import Pace
from services.backfills.plan import Plan, Tally
from services.backfills.rollback import rollback
from services.backfills.runner import Progress
from services.backfills.runs import LANES, RunView, load_lanes
from services.backfills.verification import verify
from services.clock import Clock
from services.database import Database, Document
from services.errors import ConsoleError
from services.operators.operator import Operator
from tests import shop
from tests.failing import failing
from tests.services.backfills.conftest import FIX, run_of
from tests.services.backfills.repairing import Repair

Committed: TypeAlias = Callable[..., Awaitable[RunView]]


@pytest.fixture
def committed(database: Database, ops: Operator, clock: Clock) -> Committed:
    async def commit(name: str, **stock: Any) -> RunView:
        await shop.stock(database, **stock)
        repair = Repair(name, database, ops, clock)
        outcome: RunView = await repair.commit(await repair.preview())
        assert (outcome.applied, outcome.verified) == (2, True)
        return outcome

    return commit


def two(**fields: Any) -> list[Document]:
    return [shop.order(**{"id": name, "_id": name, **fields}) for name in ("ord-1", "ord-2")]


async def verified(database: Database, ops: Operator, run: RunView) -> bool | None:
    return (await verify(database, ops, run.run)).verified


BILL, ORDER = "billing_records", "orders"


@pytest.mark.parametrize(
    ("collection", "edit"),
    [
        (BILL, {"$inc": {"amount": 0.01}}),
        (BILL, {"$set": {"amount": 180}}),
        (BILL, {"$set": {"amount_paise": Int64(1)}}),
        (BILL, {"$set": {"amount_paise": 18000.0}}),
        (BILL, {"$unset": {"amount_paise": ""}}),
        (BILL, {"$set": {"month": "2026-09"}}),
        (BILL, {"$set": {"customer_id": "nobody"}}),
        (BILL, {"$set": {"run": "run-of-another"}}),
        (BILL, {"$set": {"order_id": ["ord-1"]}}),
        (BILL, {"$set": {"order_id": "ord-2"}}),
        (ORDER, {"$set": {"billed_month": "2026-09"}}),
        (ORDER, {"$set": {"billed": 1}}),
        (ORDER, {"$set": {"id": "ord-3"}}),
    ],
)
async def test_a_bill_or_an_order_that_is_not_its_row_is_seen(
    database: Database, ops: Operator, committed: Committed, collection: str, edit: Document
) -> None:
    run = await committed(FIX, orders=two())
    await database[collection].update_one({"order_id" if collection == BILL else "id": "ord-1"}, edit)
    assert await verified(database, ops, run) is False


async def test_amounts_that_moved_from_one_bill_to_another_are_seen(
    database: Database, ops: Operator, committed: Committed
) -> None:
    run = await committed(FIX, orders=two())
    for order_id, rupees in (("ord-1", 50.0), ("ord-2", -50.0)):
        await database[BILL].update_one({"order_id": order_id}, {"$inc": {"amount": rupees}})
    assert await verified(database, ops, run) is False


async def test_what_is_found_is_what_the_bills_come_to(database: Database, ops: Operator, committed: Committed) -> None:
    run = await committed(FIX, orders=two())
    await database[BILL].update_one({"order_id": "ord-1"}, {"$set": {"amount": 100.0, "amount_paise": Int64(10000)}})
    seen = await verify(database, ops, run.run)
    assert (seen.verified, seen.found) == (False, Tally(records=1, amount_paise=28000))


@pytest.mark.parametrize("named", ["ord-1", ["ord-1", "ord-9"]])
async def test_a_second_bill_of_an_order_is_seen(
    database: Database, ops: Operator, committed: Committed, named: Any
) -> None:
    run = await committed(FIX, orders=two())
    await database[BILL].insert_one(shop.bill({"id": named}))
    assert await verified(database, ops, run) is False


async def test_what_others_may_do_to_a_bill_is_no_fault_of_the_run(
    database: Database, ops: Operator, committed: Committed
) -> None:
    run = await committed(FIX, orders=two())
    await database[BILL].update_one({"order_id": "ord-1"}, {"$set": {"payment_status": "paid", "paid_at": "x"}})
    assert await verified(database, ops, run) is True


async def test_a_bill_that_a_rollback_left_is_seen_though_it_was_altered(
    database: Database, ops: Operator, clock: Clock, committed: Committed
) -> None:
    run = await committed(FIX, orders=two())
    bill = await database[BILL].find_one({"order_id": "ord-1"})
    assert (await rollback(database, ops, clock, run.run, "a wrong price")).verified is True
    await database[BILL].insert_one({**(bill or {}), "amount": 1.0, "amount_paise": Int64(100)})
    assert await verified(database, ops, run) is False


@pytest.mark.parametrize(
    "edit",
    [
        {"$set": {"billed": True}},
        {"$set": {"billed": 0}},
        {"$set": {"billed_month": "2026-10"}},
        {"$unset": {"billed_at": ""}},
    ],
)
async def test_a_field_that_was_added_with_another_value_is_seen(
    database: Database, ops: Operator, committed: Committed, edit: Document
) -> None:
    run = await committed("add-order-fields", orders=two(billed=..., delivery_confirmed=...))
    await database[ORDER].update_one({"id": "ord-1"}, edit)
    assert await verified(database, ops, run) is False


@pytest.mark.parametrize("created", [{}, {"created_at": "2026-11-02T05:00:00"}])
@pytest.mark.parametrize(
    "edit",
    [{"$set": {"billed_month": "2026-09"}}, {"$set": {"billed": "yes"}}, {"$set": {"billed_at": None}},
     {"$set": {"id": "ord-3"}}],
)  # fmt: skip
async def test_a_flag_that_was_repaired_otherwise_is_seen(
    database: Database, ops: Operator, committed: Committed, created: Document, edit: Document
) -> None:
    orders = two(billed=False)
    bills = [shop.bill(order, **created) for order in orders]
    run = await committed("repair-billed-flags", orders=orders, billing_records=bills)
    await database[ORDER].update_one({"id": "ord-1"}, edit)
    assert await verified(database, ops, run) is False


async def test_a_repaired_flag_without_its_record_is_seen(
    database: Database, ops: Operator, committed: Committed
) -> None:
    orders = two(billed=False)
    bills = [shop.bill(order) for order in orders]
    run = await committed("repair-billed-flags", orders=orders, billing_records=bills)
    await database[BILL].delete_one({"order_id": "ord-1"})
    assert await verified(database, ops, run) is False


async def test_a_delivery_that_names_another_order_that_exists_is_seen(
    database: Database, ops: Operator, committed: Committed
) -> None:
    orders = two()
    orders[1]["delivery_date"] = "2026-10-16"
    deliveries = [shop.delivery(order, order_id=...) for order in orders]
    run = await committed("link-deliveries-orders", orders=orders, delivery_statuses=deliveries)
    await database["delivery_statuses"].update_one({"order_id": "ord-1"}, {"$set": {"order_id": "ord-2"}})
    assert await verified(database, ops, run) is False


async def test_two_that_name_each_other_but_not_as_planned_are_seen(
    database: Database, ops: Operator, committed: Committed
) -> None:
    customers = [shop.customer(id=f"cust-{n}", user_id=f"user-{n}") for n in (1, 2)]
    users = [{"id": f"user-{n}", "role": "customer"} for n in (1, 2)]
    run = await committed("link-users-customers", customers_v2=customers, users=users)
    await database["users"].insert_one({"id": "user-3", "role": "customer", "customer_v2_id": "cust-1"})
    await database["customers_v2"].update_one({"id": "cust-1"}, {"$set": {"user_id": "user-3"}})
    assert await verified(database, ops, run) is False


async def test_keys_that_python_takes_for_one_are_told_apart(
    database: Database, ops: Operator, committed: Committed
) -> None:
    orders = [shop.order(_id=key, billed=..., id=...) for key in (1, True)]
    run = await committed("add-order-fields", orders=orders)
    await database[ORDER].update_one({"_id": True}, {"$set": {"billed": True}})
    assert await verified(database, ops, run) is False


async def test_half_a_rollback_is_verified_by_what_it_has_come_to(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    run = run_of(plan)
    await database[ORDER].update_one({"id": "ord-30"}, {"$set": {"total_amount": 1.0}})
    await commit(database, ops, clock, run, plan.digest)
    await database[BILL].update_many({"order_id": {"$in": ["ord-00", "ord-58"]}}, {"$set": {"payment_status": "paid"}})
    asked: list[asyncio.Task[RunView]] = []

    def ask(progress: Progress) -> None:
        if progress.done >= 12 and not asked:
            asked.append(asyncio.create_task(pause(database, ops, run)))

    halted = await rollback(database, ops, clock, run, "wrong", pace=Pace(batch_size=3), progress=ask)
    assert (halted.state, halted.kept) == ("rolling-back", 1)
    there = await database[BILL].find({"run": run}).to_list()
    assert 2 < len(there) < 58
    seen = await verify(database, ops, run)
    assert (seen.verified, seen.found) == (True, Tally(records=len(there) - 1, amount_paise=(len(there) - 1) * 18000))
    still = next(bill for bill in there if bill["order_id"] not in ("ord-00", "ord-58"))
    await database[BILL].delete_one({"_id": still["_id"]})
    assert await verified(database, ops, seen) is False
    await database[BILL].insert_one(still)
    taken = {f"bill:ord-{n:02d}" for n in range(60) if n != 30} - {bill["_id"] for bill in there}
    await database[BILL].insert_one({**still, "_id": min(taken), "order_id": min(taken).removeprefix("bill:")})
    assert await verified(database, ops, seen) is False


async def test_a_run_whose_runner_died_before_its_lanes_were_made_has_done_nothing(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    async with failing(database, "update", on=LANES, mode={"skip": 2}, errorCode=9001):
        with pytest.raises(ConsoleError):
            await commit(database, ops, clock, run_of(plan), plan.digest)
    assert len(await load_lanes(database, run_of(plan), "commit")) == 1
    ended = await cancel(database, ops, run_of(plan))
    assert (ended.state, ended.applied) == ("cancelled", 0)
    assert await verified(database, ops, ended) is True
