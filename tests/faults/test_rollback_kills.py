"""Rollbacks that are really killed: whatever the moment, every record ends as it was before the run."""

import random

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import commit, resume
from services.backfills.pace import Pace
from services.backfills.runs import load_run
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from tests.faults.exactness import assert_restored, exceptions, planned_orders
from tests.faults.processes import LEASE, kill_at_random, wait_for_lease


async def kill_often(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, *, kills: int, orders: int, batch: int
) -> None:
    chance = random.Random(kills)
    planned = await planned_orders(database, ops, clock, orders)
    await commit(database, ops, clock, planned.run, planned.digest)
    paid = set(chance.sample(sorted(planned.prices), orders // 50))
    await database["billing_records"].update_many(
        {"order_id": {"$in": sorted(paid)}}, {"$set": {"payment_status": "paid"}}
    )
    for done in range(kills):
        kind = chance.choice(("rollback", "resume")) if done else "rollback"
        if done:
            await wait_for_lease(database, planned.run)
            assert (await load_run(database, planned.run)).state == ("rolling-back" if done else "done")
        killed = kill_at_random(mongod.uri, planned, kind, chance, batch)
        assert killed, f"the rollback ended after {done} kills; give it more orders"
    await wait_for_lease(database, planned.run)
    assert 0 < await database["orders"].count_documents({"billed": False}) < orders - len(paid)
    outcome = await resume(database, ops, clock, planned.run, pace=Pace(500, LEASE))
    assert (outcome.state, outcome.verified) == ("rolled-back", True)
    assert await exceptions(planned, ops, "kept") == paid
    await assert_restored(planned, ops, paid)


async def test_a_rollback_killed_4_times_restores_every_record(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await kill_often(mongod, database, ops, clock, kills=4, orders=1_000, batch=8)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_a_rollback_of_20_000_killed_50_times_restores_every_record(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await kill_often(mongod, database, ops, clock, kills=50, orders=20_000, batch=25)
