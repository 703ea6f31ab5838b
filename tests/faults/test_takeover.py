"""A runner is killed with a transaction open, and another is told to resume at once."""

import random
import signal
import time

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import resume
from services.backfills.pace import Pace
from services.backfills.runner import Progress
from services.backfills.runs import RunView
from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from tests.faults.exactness import Planned, assert_exact, planned_orders
from tests.faults.processes import lease_end, runner

RESUMES_WITHIN = 2.0
"""Seconds after the end of the dead runner's lease."""


async def open_transactions(database: Database) -> int:
    pipeline: list[Document] = [
        {"$currentOp": {"allUsers": True, "idleSessions": True}},
        {"$match": {"transaction": {"$exists": True}, "appName": "delivery-console"}},
    ]
    return len(await (await database.client.admin.aggregate(pipeline)).to_list())


async def kill_in_a_transaction(uri: str, planned: Planned, chance: random.Random, batch: int, lease: float) -> None:
    """Kill a runner again and again until one leaves a transaction open on the server."""
    for kind in ("commit", *["resume"] * 20):
        with runner(uri, planned, kind, batch=batch, lease=lease) as killed:
            killed.go()
            assert killed.wait_for_batches(chance.randrange(2, 6))
            killed.signal(signal.SIGKILL)
            killed.process.wait()
        if await open_transactions(planned.database):
            return
    raise AssertionError("no kill left a transaction open")


async def take_over(planned: Planned, ops: Operator, clock: Clock, lease: float) -> tuple[RunView, float]:
    """Resume at once; also the seconds from the end of the dead runner's lease to the first batch that landed."""
    landed: list[float] = []

    def note(progress: Progress) -> None:
        landed.append(time.time())

    ends = await lease_end(planned.database, planned.run)
    outcome = await resume(
        planned.database, ops, clock, planned.run, pace=Pace(lease_seconds=lease), progress=note
    )  # fmt: skip
    return outcome, landed[0] - ends


async def test_a_takeover_ends_the_dead_runners_transaction(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    planned = await planned_orders(database, ops, clock, 2_000)
    await kill_in_a_transaction(mongod.uri, planned, random.Random(1), 20, 2.0)
    outcome, _ = await take_over(planned, ops, clock, 2.0)
    assert (outcome.state, outcome.verified) == ("done", True)
    assert await open_transactions(database) == 0
    await assert_exact(planned, ops)


@pytest.mark.long
@pytest.mark.benchmark
@pytest.mark.timeout(1200)
async def test_progress_resumes_within_2_seconds_of_the_leases_end(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = await planned_orders(database, ops, clock, 50_000)
    await kill_in_a_transaction(mongod.uri, planned, random.Random(2), 500, 15.0)
    _, seconds = await take_over(planned, ops, clock, 15.0)
    with capsys.disabled():
        print(f"\nfrom the end of a lease of 15 s to the next batch: {seconds:.2f} s, 50,000 orders")
    assert seconds < RESUMES_WITHIN
    await assert_exact(planned, ops)
