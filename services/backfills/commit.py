"""Commits: exactly the plan, in transactions of some hundred records with the checkpoint inside."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from services.backfills.backfill import Surroundings
from services.backfills.collector import rare_collections
from services.backfills.lane import Batch, LaneWork, run_lane
from services.backfills.lease import Held, give_back, kept, open_lanes, take
from services.backfills.plan import Tally, plan_digest
from services.backfills.registry import find_backfill
from services.backfills.runs import (
    ROWS,
    Run,
    State,
    change_bodies,
    change_rows,
    left_alone,
    load_lanes,
    load_run,
    view,
)
from services.clock import Clock, india_day
from services.database import Database, Session, told
from services.errors import BadRequest, ConsoleError, Refused
from services.operators.operator import Operator

LARGEST_BATCH = 2_000
_LANES = 2
"""Batches on their way at once: while the server writes one, the next is read and checked."""
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a commit is; `rate` is records a second of this runner, times are seconds."""

    planned: int
    applied: int
    drifted: int
    failed: int
    amount_paise: int
    seconds: float
    rate: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run; `verified` is None before its end."""

    run: str
    state: State
    planned: int
    applied: int
    drifted: int
    failed: int
    amount_paise: int
    verified: bool | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How a commit goes about it: records a transaction, and the lease that a dead runner leaves behind."""

    batch_size: int = 500
    lease_seconds: float = 10.0
    credit_days: int = 7

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= LARGEST_BATCH:
            raise BadRequest("bad-batch-size", f"A batch holds 1 to {LARGEST_BATCH} records.")


Report = Callable[[Progress], None]


async def commit(
    database: Database,
    operator: Operator,
    clock: Clock,
    run: str,
    digest: str,
    *,
    pace: Pace | None = None,
    progress: Report | None = None,
) -> Outcome:
    """Do exactly what the plan of that digest says.

    Raises NotFound for an unknown run, Refused for another digest, for a plan that was committed already, was
    altered in the database, or is being worked on. Interrupted, it can be resumed.
    """
    operator.require("ops", "commit a plan")
    database.require_writable()
    stored = await load_run(database, run)
    _require_open(stored, digest)
    await _require_unaltered(database, stored)
    return await _work(_Commit(database, operator, clock, stored, pace or Pace(), progress), ("planned", "approved"))


async def resume(
    database: Database,
    operator: Operator,
    clock: Clock,
    run: str,
    *,
    pace: Pace | None = None,
    progress: Report | None = None,
) -> Outcome:
    """Go on with a run whose runner is gone, from its checkpoints; waits for the dead runner's lease to end.

    Raises NotFound for an unknown run, Refused for one that is not interrupted or whose runner lives.
    """
    operator.require("ops", "resume a run")
    database.require_writable()
    stored = await load_run(database, run)
    open_states: tuple[State, ...] = ("running", "interrupted", "paused")
    if stored.state not in open_states:
        raise Refused("not-interrupted", f"{run} is {stored.state}; there is nothing to resume.")
    lease = stored.lease.until
    while stored.alive and stored.lease.until == lease:
        await asyncio.sleep(0.1)
        stored = await load_run(database, run)
    if stored.state == "done":
        return await status(database, operator, run)
    await _require_unaltered(database, stored)
    return await _work(_Commit(database, operator, clock, stored, pace or Pace(), progress), open_states)


async def status(database: Database, operator: Operator, run: str) -> Outcome:
    """What has become of a run so far."""
    operator.require("viewer", "look at runs")
    return await _outcome(database, await load_run(database, run))


def _require_open(stored: Run, digest: str) -> None:
    run = stored.id
    if digest != stored.digest:
        message = (
            f"The plan of {run} has another digest. Commit only what was previewed; `backfill list` names digests."
        )
        raise Refused("digest-mismatch", message)
    if stored.state == "done":
        raise Refused("already-committed", f"{run} was committed already; `backfill status {run}` shows what it did.")
    if stored.present_state in ("interrupted", "paused"):
        raise Refused("interrupted", f"{run} was begun and is {stored.present_state}; use `backfill resume {run}`.")
    if stored.state == "running":
        raise Refused("already-running", f"Another runner works on {run}. `backfill status {run}` shows its progress.")
    if stored.state not in ("planned", "approved"):
        raise Refused("not-open", f"{run} is {stored.state} and cannot be committed.")


async def _require_unaltered(database: Database, stored: Run) -> None:
    digest, rows = hashlib.sha256(), change_rows(stored.id, 0, stored.planned)
    with told():
        async for batch in database[ROWS].find_raw_batches(rows, {"_id": 0}).sort("_id"):
            digest.update(cast(bytes, batch))
    classes = {**stored.class_digests, "change": digest.hexdigest()}
    if plan_digest(stored.backfill, stored.options, stored.summary, classes) != stored.digest:
        message = f"The stored plan of {stored.id} is not what was previewed: its rows were altered. Preview again."
        raise Refused("plan-altered", message)


@dataclass
class _Commit:
    """One runner's work on a run."""

    database: Database
    operator: Operator
    clock: Clock
    stored: Run
    pace: Pace
    progress: Report | None
    begun: float = field(default_factory=time.monotonic)
    done: Batch = field(default_factory=Batch)
    before: Batch = field(default_factory=Batch)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def landed(self, batch: Batch) -> None:
        self.done.applied += batch.applied
        self.done.amount_paise += batch.amount_paise
        self.done.left += batch.left
        if self.progress:
            self.progress(self._so_far())

    def _so_far(self) -> Progress:
        done, before = self.done, self.before
        rows = done.applied + len(done.left)
        rate = rows / self.seconds if self.seconds > 0 else 0.0
        left = self.stored.planned - rows - before.applied - len(before.left)
        return Progress(
            planned=self.stored.planned,
            applied=done.applied + before.applied,
            drifted=done.count("drifted") + before.count("drifted"),
            failed=done.count("failed") + before.count("failed"),
            amount_paise=done.amount_paise + before.amount_paise,
            seconds=self.seconds,
            rate=rate,
            seconds_left=left / rate if rate else None,
        )


async def _work(commit: _Commit, states: tuple[State, ...]) -> Outcome:
    database, stored = commit.database, commit.stored
    held = await take(database, stored.id, states, commit.pace.lease_seconds)
    try:
        async with kept(database, held):
            with rare_collections():
                await _run_lanes(commit, held)
            verified = await _verified(database, stored)
    except BaseException as error:
        if not isinstance(error, ConsoleError) or error.code != "taken-over":
            with contextlib.suppress(Exception):  # without a connection the lease runs out by itself
                ending = {"state": "interrupted", "seconds": stored.seconds + commit.seconds}
                await asyncio.shield(asyncio.wait_for(give_back(database, held, ending), 5))
        raise
    seconds = round(stored.seconds + commit.seconds, 3)
    await give_back(database, held, {"state": "done", "verified": verified, "seconds": seconds})
    return await status(database, commit.operator, stored.id)


async def _run_lanes(commit: _Commit, held: Held) -> None:
    database, stored = commit.database, commit.stored
    backfill = find_backfill(stored.backfill)
    surroundings = Surroundings(india_day(commit.clock()), commit.pace.credit_days)
    work = LaneWork(database, commit.operator, commit.clock, backfill, held, surroundings, commit.pace.batch_size)
    async with contextlib.AsyncExitStack() as stack:
        sessions: list[Session] = [
            await stack.enter_async_context(database.client.start_session()) for _ in range(_LANES)
        ]
        lanes = await open_lanes(database, held, stored.planned, sessions)
        for lane in lanes:
            commit.before.applied += lane.applied
            commit.before.amount_paise += lane.amount_paise
            commit.before.left += [("", "drifted", "")] * lane.drifted + [("", "failed", "")] * lane.failed
        running = [
            asyncio.create_task(run_lane(work, lane, session, commit.landed))
            for lane, session in zip(lanes, sessions, strict=True)
        ]
        try:
            await asyncio.gather(*running)
        finally:
            for task in running:
                if not task.cancelling():  # a second cancel would interrupt the abort of its transaction
                    task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _verified(database: Database, stored: Run) -> bool:
    """Whether every row is accounted for, and the server's sums over the business are what the lanes counted."""
    backfill, found = find_backfill(stored.backfill), Tally()
    with told():
        left = await left_alone(database, stored.id)
        for start in range(0, stored.planned, _CHUNK):
            bodies = await change_bodies(database, stored.id, start, start + _CHUNK, ("record", "key"))
            applied = [body for body in bodies if body["record"] not in left]
            part = await backfill.landed(database, stored.id, applied)
            found = Tally(records=found.records + part.records, amount_paise=found.amount_paise + part.amount_paise)
    lanes = await load_lanes(database, stored.id)
    counted = Tally(records=sum(lane.applied for lane in lanes), amount_paise=sum(lane.amount_paise for lane in lanes))
    return found == counted and counted.records + len(left) == stored.planned


async def _outcome(database: Database, stored: Run) -> Outcome:
    shown = await view(database, stored)
    return Outcome(
        run=shown.run, state=shown.state, planned=shown.planned, applied=shown.applied, drifted=shown.drifted,
        failed=shown.failed, amount_paise=shown.amount_paise, verified=shown.verified, seconds=shown.seconds,
    )  # fmt: skip
