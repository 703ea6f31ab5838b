"""Runners that are really killed: whatever the moment, the run ends exact."""

import random

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import resume
from services.backfills.pace import Pace
from services.backfills.runs import load_run, show_run
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from tests.faults.exactness import assert_exact, planned_orders
from tests.faults.processes import LEASE, kill_at_random, wait_for_lease


async def kill_often(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, *, kills: int, orders: int, batch: int
) -> None:
    chance = random.Random(kills)
    planned = await planned_orders(database, ops, clock, orders)
    for done in range(kills):
        begun = (await load_run(database, planned.run)).state != "planned"
        killed = kill_at_random(mongod.uri, planned, "resume" if begun else "commit", chance, batch)
        assert killed, f"the run ended after {done} kills; give it more orders"
    await wait_for_lease(database, planned.run)
    between = await show_run(database, ops, planned.run)
    assert between.state == "interrupted"
    assert 0 < between.applied == await database["billing_records"].count_documents({})
    outcome = await resume(database, ops, clock, planned.run, pace=Pace(500, LEASE))
    assert (outcome.state, outcome.applied, outcome.drifted, outcome.failed) == ("done", orders, 0, 0)
    assert (outcome.verified, outcome.amount_paise) == (True, sum(planned.prices.values()))
    await assert_exact(planned, ops)


async def test_8_kills_at_random_moments_lose_and_repeat_nothing(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await kill_often(mongod, database, ops, clock, kills=8, orders=2_000, batch=10)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_200_kills_over_50_000_orders_lose_and_repeat_nothing(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await kill_often(mongod, database, ops, clock, kills=200, orders=50_000, batch=25)
