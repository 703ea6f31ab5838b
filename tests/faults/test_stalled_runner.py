"""A runner stands still past its lease and then goes on: what it did not own any more it does not touch."""

import asyncio
import signal

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import commit, resume
from services.backfills.control import cancel, pause
from services.backfills.pace import Pace
from services.backfills.rollback import rollback
from services.backfills.runs import LANES, RUNS, RunView
from services.clock import Clock
from services.database import Database
from services.errors import Fenced
from services.operators.operator import Operator
from tests.faults.exactness import Planned, assert_exact, assert_restored, hashes, planned_orders
from tests.faults.processes import LEASE, runner, wait_for_lease

ORDERS = 1_200


async def take_over(planned: Planned, ops: Operator, clock: Clock, how: str) -> RunView:
    database, run, pace = planned.database, planned.run, Pace(500, LEASE)
    if how == "resume":
        return await resume(database, ops, clock, run, pace=pace)
    if how == "rollback":
        return await rollback(database, ops, clock, run, "billed too early", pace=pace)
    return await (cancel if how == "cancel" else pause)(database, ops, run)


@pytest.mark.parametrize("how", ["resume", "rollback", "cancel", "pause"])
async def test_a_stalled_and_revived_commit_writes_nothing(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, how: str
) -> None:
    planned = await planned_orders(database, ops, clock, ORDERS)
    with runner(mongod.uri, planned, batch=10) as stalled:
        stalled.go()
        assert stalled.wait_for_batches(5)
        stalled.signal(signal.SIGSTOP)
        await wait_for_lease(database, planned.run)
        after = await take_over(planned, ops, clock, how)
        assert 0 < after.applied < ORDERS or how == "resume"
        # The server may have been told to commit a batch just before the stop; what is done now is done.
        untouched = await hashes(database)
        stalled.signal(signal.SIGCONT)
        assert stalled.outcomes() == ["refused taken-over"]
    assert await hashes(database) == untouched
    if how == "resume":
        await assert_exact(planned, ops)
    elif how == "rollback":
        assert (after.state, after.restored, after.verified) == ("rolled-back", after.applied, True)
        assert await database["orders"].count_documents({"billed": True}) == 0
    else:
        assert after.state == ("cancelled" if how == "cancel" else "paused")
        assert await database["billing_records"].count_documents({}) == after.applied


@pytest.mark.parametrize("how", ["resume", "rollback", "cancel", "pause"])
async def test_the_fence_holds_where_the_lease_does_not(
    database: Database, ops: Operator, clock: Clock, how: str
) -> None:
    """The runner at work is sure of its lease for minutes, and does not look at it."""
    planned = await planned_orders(database, ops, clock, ORDERS)
    begun = asyncio.Event()
    work = asyncio.create_task(commit(
        database, ops, clock, planned.run, planned.digest, pace=Pace(10, 600.0), progress=lambda _: begun.set()
    ))  # fmt: skip
    await begun.wait()
    await database[RUNS].update_one({"_id": planned.run}, {"$set": {"lease.until": None}})
    after = await take_over(planned, ops, clock, how)
    billed = await database["billing_records"].count_documents({})
    with pytest.raises(Fenced):
        await work
    assert await database["billing_records"].count_documents({}) == billed
    assert billed == (0 if how == "rollback" else after.applied)
    if how == "rollback":
        assert (after.state, after.restored, after.verified) == ("rolled-back", after.applied, True)
        assert await database["orders"].count_documents({"billed": True}) == 0
    elif how == "resume":
        await assert_exact(planned, ops)


async def test_a_stalled_and_revived_rollback_writes_nothing(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    planned = await planned_orders(database, ops, clock, ORDERS)
    await commit(database, ops, clock, planned.run, planned.digest)
    with runner(mongod.uri, planned, "rollback", batch=10) as stalled:
        stalled.go()
        assert stalled.wait_for_batches(5)
        stalled.signal(signal.SIGSTOP)
        await wait_for_lease(database, planned.run)
        assert (await take_over(planned, ops, clock, "resume")).state == "rolled-back"
        untouched = await hashes(database)
        stalled.signal(signal.SIGCONT)
        assert stalled.outcomes() == ["refused taken-over"]
    assert await hashes(database) == untouched
    await assert_restored(planned, ops)


async def test_a_runner_that_stalled_and_that_nobody_replaced_goes_on(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    planned = await planned_orders(database, ops, clock, ORDERS)
    with runner(mongod.uri, planned, batch=10) as stalled:
        stalled.go()
        assert stalled.wait_for_batches(5)
        stalled.signal(signal.SIGSTOP)
        await wait_for_lease(database, planned.run)
        stalled.signal(signal.SIGCONT)
        assert stalled.outcomes() == ["ended done"]
    assert await database[LANES].distinct("token") == [1]
    await assert_exact(planned, ops)
