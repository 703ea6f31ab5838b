"""What others do to a plan, a run or the server, and what the commit makes of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import commit, resume
from services.backfills.pace import Pace
from services.backfills.packs import ROWS
from services.backfills.plan import Plan
from services.backfills.rollback import rollback
from services.backfills.rows import list_rows
from services.backfills.runner import Progress
from services.backfills.runs import RUNS, list_exceptions, show_run
from services.clock import Clock
from services.database import Database, Document, connect
from services.errors import ConsoleError, Refused, TooLong
from services.operators.operator import Operator
from tests.failing import failing
from tests.services.backfills.conftest import run_of


async def interrupted(database: Database, ops: Operator, clock: Clock, plan: Plan) -> None:
    """Leave the plan's run interrupted after some batches."""
    task: asyncio.Task[Any] | None = None

    def interrupt(progress: Progress) -> None:
        if progress.applied >= 10 and task:
            task.cancel()

    pace = Pace(batch_size=5)
    task = asyncio.create_task(commit(database, ops, clock, run_of(plan), plan.digest, pace=pace, progress=interrupt))
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("tamper", ["change", "delete"])
async def test_a_plan_that_was_altered_is_not_resumed_either(
    database: Database, ops: Operator, clock: Clock, plan: Plan, tamper: str
) -> None:
    await interrupted(database, ops, clock, plan)
    billed = await database["billing_records"].count_documents({})
    last = {"rows.record": "ord-59"}
    if tamper == "change":
        await database[ROWS].update_one(last, {"$set": {"rows.$.values.customer_id": "somebody"}})
    else:
        await database[ROWS].delete_one(last)
    with pytest.raises(Refused) as refused:
        await resume(database, ops, clock, run_of(plan))
    assert refused.value.code == "plan-altered"
    assert await database["billing_records"].count_documents({}) == billed


async def test_what_people_were_told_is_pinned_too(database: Database, ops: Operator, clock: Clock, plan: Plan) -> None:
    await database[RUNS].update_one({"_id": plan.run}, {"$set": {"summary.classes.change.amount_paise": 100}})
    with pytest.raises(Refused) as refused:
        await commit(database, ops, clock, run_of(plan), plan.digest)
    assert refused.value.code == "plan-altered"


@pytest.mark.parametrize(
    ("collection", "change"),
    [
        ("billing_records", {"$set": {"amount": 1.0}}),
        ("billing_records", {"$set": {"amount": "a lot"}}),
        ("orders", {"$set": {"billed": False}}),
    ],
)
async def test_totals_that_do_not_add_up_are_not_called_verified(
    database: Database, ops: Operator, clock: Clock, plan: Plan, collection: str, change: dict[str, Any]
) -> None:
    await interrupted(database, ops, clock, plan)
    billed = await database["billing_records"].find_one({})
    assert billed is not None
    of_order = {"order_id" if collection == "billing_records" else "id": billed["order_id"]}
    await database[collection].update_one(of_order, change)
    outcome = await resume(database, ops, clock, run_of(plan))
    assert (outcome.state, outcome.applied, outcome.verified) == ("done", 60, False)


async def test_a_second_bill_from_the_backend_is_not_called_verified(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await interrupted(database, ops, clock, plan)
    billed = await database["billing_records"].find_one({})
    assert billed is not None
    await database["billing_records"].insert_one({"order_id": billed["order_id"], "amount": 180.0})
    assert (await resume(database, ops, clock, run_of(plan))).verified is False


async def test_a_failing_server_leaves_the_run_to_be_resumed(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    async with failing(database, "insert", on="billing_records", errorCode=14031):
        with pytest.raises(ConsoleError):
            await commit(database, ops, clock, run_of(plan), plan.digest)
    assert (await show_run(database, ops, run_of(plan))).state == "interrupted"
    outcome = await resume(database, ops, clock, run_of(plan))
    assert (outcome.applied, outcome.failed, outcome.verified) == (60, 0, True)


@pytest.fixture
async def short_lived(database: Database) -> AsyncIterator[None]:
    """A server that ends transactions after a second."""
    name = "transactionLifetimeLimitSeconds"
    before = await database.client.admin.command({"setParameter": 1, name: 1})
    yield
    await database.client.admin.command({"setParameter": 1, name: before["was"]})


@pytest.mark.usefixtures("short_lived")
async def test_a_batch_that_the_server_ends_for_its_age_is_halved_until_it_fits(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    slow: dict[str, Any] = {"blockConnection": True, "blockTimeMS": 2_500}
    sizes: list[int] = []

    def note(progress: Progress) -> None:
        sizes.append(progress.done - sum(sizes))

    async with failing(database, "insert", on="audit_logs", mode={"times": 6}, **slow):
        done = await commit(database, ops, clock, run_of(plan), plan.digest, progress=note)
    assert (done.state, done.applied, done.failed, done.verified) == ("done", 60, 0, True)
    assert max(sizes) <= 10
    async with failing(database, "insert", on="audit_logs", mode={"times": 3}, errorCode=290):
        back = await rollback(database, ops, clock, run_of(plan), "wrong", pace=Pace(batch_size=8))
    assert (back.state, back.restored, back.verified) == ("rolled-back", 60, True)


@pytest.mark.usefixtures("short_lived")
async def test_a_record_alone_that_the_server_ends_for_its_age_stops_the_run(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    slow: dict[str, Any] = {"blockConnection": True, "blockTimeMS": 2_500}
    async with failing(database, "insert", on="audit_logs", **slow):
        with pytest.raises(TooLong, match="transactionLifetimeLimitSeconds"):
            await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=1))
    assert (await show_run(database, ops, run_of(plan))).state == "interrupted"
    assert (await resume(database, ops, clock, run_of(plan))).applied == 60


async def test_a_record_nested_too_deep_to_be_audited_is_left_and_the_rest_goes_on(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    nested: Document = {"x": 1}
    for _ in range(178):
        nested = {"a": nested}
    await database["orders"].update_one({"id": "ord-07"}, {"$set": {"meta": nested}})
    done = await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=5))
    assert (done.state, done.applied, done.failed, done.verified) == ("done", 59, 1, True)
    (left,) = await list_exceptions(database, ops, run_of(plan))
    assert left.record == "ord-07"
    assert "180 levels" in left.reason
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.restored, back.kept, back.verified) == (59, 0, True)


async def test_the_read_preference_of_the_address_breaks_no_write(
    database: Database, ops: Operator, clock: Clock, plan: Plan, mongod: EmbeddedMongod
) -> None:
    other = await connect(f"{mongod.uri}&readPreference=secondaryPreferred&w=1", database.name)
    try:
        assert (await commit(other, ops, clock, run_of(plan), plan.digest)).applied == 60
    finally:
        await other.client.close()


async def test_what_was_left_alone_is_listed_page_by_page(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await database["orders"].update_many({}, {"$set": {"total_amount": 1.0}})
    outcome = await commit(database, ops, clock, run_of(plan), plan.digest)
    assert (outcome.drifted, outcome.verified) == (60, True)
    first = await list_rows(database, ops, run_of(plan), "drifted", limit=40)
    rest = await list_rows(database, ops, run_of(plan), "drifted", first.next, limit=40)
    assert len({row.record for row in (*first.items, *rest.items)}) == 60
    assert rest.next is None
