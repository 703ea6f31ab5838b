"""Fifty runners are started at the same moment: one works, the others are refused and change nothing."""

import contextlib

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import commit
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from tests.faults.exactness import assert_exact, assert_restored, planned_orders
from tests.faults.processes import runner

STARTS = 50
REFUSALS = {
    "commit": {"refused already-running", "refused already-committed"},
    # A resume waits for a living runner, and finds its work done.
    "resume": {"refused already-running", "refused not-interrupted"},
    "rollback": {"refused already-running", "refused already-rolled-back"},
}


async def start_at_once(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, kind: str, *, processes: int, orders: int
) -> None:
    planned = await planned_orders(database, ops, clock, orders)
    if kind == "resume":
        with runner(mongod.uri, planned, batch=5) as killed:
            killed.go()
            assert killed.wait_for_batches(3)
    elif kind == "rollback":
        await commit(database, ops, clock, planned.run, planned.digest)
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(runner(mongod.uri, planned, kind, batch=20, lease=10, starts=STARTS // processes))
            for _ in range(processes)
        ]
        for each in started:
            assert each.says.readline() == "connected\n"
        for each in started:
            each.go()
        outcomes = [line for each in started for line in each.outcomes()]
    done = "ended rolled-back" if kind == "rollback" else "ended done"
    assert outcomes.count(done) == 1
    assert len(outcomes) == STARTS
    assert set(outcomes) - {done} <= REFUSALS[kind]
    await (assert_restored(planned, ops) if kind == "rollback" else assert_exact(planned, ops))


@pytest.mark.parametrize("kind", ["commit", "resume", "rollback"])
async def test_of_50_starts_in_2_processes_one_works(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, kind: str
) -> None:
    await start_at_once(mongod, database, ops, clock, kind, processes=2, orders=300)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["commit", "resume", "rollback"])
async def test_of_50_processes_one_works(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, kind: str
) -> None:
    await start_at_once(mongod, database, ops, clock, kind, processes=STARTS, orders=10_000)
