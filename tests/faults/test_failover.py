"""The primary is killed in the middle of a run: the runner goes on by itself, and the run ends exact."""

import asyncio
import signal
import time

import pytest

from services.backfills.runs import State, Work, load_lanes, load_run
from services.clock import Clock
from services.database import connect
from services.operators.operator import Operator
from tests.faults.exactness import Planned, assert_exact, assert_restored, planned_orders
from tests.faults.processes import runner
from tests.faults.replica_set import ReplicaSet


async def fail_over_often(
    replica_set: ReplicaSet, ops: Operator, clock: Clock, *, kills: int, orders: int, back: bool = False
) -> None:
    database = await connect(replica_set.uri, "failover")
    try:
        planned = await planned_orders(database, ops, clock, orders)
        stages: list[tuple[Work, State, State]] = [
            ("commit", "running", "done"),
            ("rollback", "rolling-back", "rolled-back"),
        ]
        for kind, working, state in stages[: 2 if back else 1]:
            with runner(replica_set.uri, planned, kind, batch=5, lease=5) as started:
                started.go()
                for _ in range(kills):
                    assert await asyncio.to_thread(started.wait_for_batches, 20), "the run ended before the kill"
                    dead = await asyncio.to_thread(replica_set.kill_primary)
                    await progress(planned, kind, 10)
                    assert (await load_run(database, planned.run)).state == working, "the run ended with the primary"
                    started.signal(signal.SIGSTOP)  # so that it has work left for the next kill
                    dead.start()
                    await asyncio.to_thread(replica_set.wait_until_whole)
                    started.signal(signal.SIGCONT)
                assert await asyncio.to_thread(started.outcomes) == [f"ended {state}"]
            await (assert_exact(planned, ops) if state == "done" else assert_restored(planned, ops))
    finally:
        await database.client.close()


async def progress(planned: Planned, kind: Work, records: int) -> None:
    """Wait until that many more records have landed."""

    async def applied() -> int:
        return sum(lane.applied for lane in await load_lanes(planned.database, planned.run, kind))

    patience, wanted = time.monotonic() + 60, await applied() + records
    while await applied() < wanted:
        assert time.monotonic() < patience


async def test_a_run_survives_2_kills_of_the_primary(replica_set: ReplicaSet, ops: Operator, clock: Clock) -> None:
    await fail_over_often(replica_set, ops, clock, kills=2, orders=1_000)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_a_run_goes_on_while_the_primary_is_stalled_and_after_it_revived(
    replica_set: ReplicaSet, ops: Operator, clock: Clock
) -> None:
    database = await connect(replica_set.uri, "stalled")
    try:
        planned = await planned_orders(database, ops, clock, 5_000)
        with runner(replica_set.uri, planned, batch=5, lease=5) as started:
            started.go()
            for _ in range(3):
                assert await asyncio.to_thread(started.wait_for_batches, 20), "the run ended before the stall"
                stalled = await asyncio.to_thread(replica_set.stall_primary)
                await progress(planned, "commit", 100)
                stalled.signal(signal.SIGCONT)
                await asyncio.to_thread(replica_set.wait_until_whole)
            assert await asyncio.to_thread(started.outcomes) == ["ended done"]
        await assert_exact(planned, ops)
    finally:
        await database.client.close()


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_a_run_and_its_rollback_survive_10_kills_of_the_primary_each(
    replica_set: ReplicaSet, ops: Operator, clock: Clock
) -> None:
    await fail_over_often(replica_set, ops, clock, kills=10, orders=20_000, back=True)
