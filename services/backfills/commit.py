"""Commits: exactly the plan, in transactions of some hundred records with the checkpoint inside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.backfills.approval import require_approval
from services.backfills.landing import hashable
from services.backfills.lane import Batch, Task
from services.backfills.pace import Pace
from services.backfills.pinning import Row, pinned
from services.backfills.plan import ENTRIES_A_ROW
from services.backfills.rollback import go_on_back
from services.backfills.runner import Job, Report, Runner
from services.backfills.runs import Left, Limits, Run, RunView, State, Wish, Work, load_run, show_run
from services.backfills.verification import compare
from services.changes.changeset import ChangeSet
from services.changes.turns import take_turns
from services.clock import Clock
from services.database import WHOLE, Database, Document
from services.errors import Refused
from services.operators.operator import Operator
from services.reminders.outbox import Due, hold


async def commit(
    database: Database,
    operator: Operator,
    clock: Clock,
    run: str,
    digest: str,
    *,
    pace: Pace | None = None,
    limits: Limits | None = None,
    progress: Report | None = None,
) -> RunView:
    """Do exactly what the plan of that digest says.

    Raises NotFound for an unknown run, Refused for another digest, for a plan that was committed already, was
    altered in the database, needs another operator's approval, or is being worked on. Interrupted, it can be resumed.
    """
    operator.require("ops", "commit a plan")
    database.require_writable()
    stored = await load_run(database, run)
    _require_open(stored, digest)
    require_approval(stored, limits or Limits())
    pins = await pinned(database, stored)
    job = Job(database, operator, clock, stored, pins, pace or Pace(), progress)
    return await _work(job, ("planned", "approved"))


async def resume(
    database: Database,
    operator: Operator,
    clock: Clock,
    run: str,
    *,
    pace: Pace | None = None,
    progress: Report | None = None,
) -> RunView:
    """Go on with a paused or interrupted run from its checkpoints, and try once more what failed before.

    Waits for a dead runner's lease to end. Raises NotFound for an unknown run, Refused for one with nothing to go
    on with or whose runner lives.
    """
    operator.require("ops", "resume a run")
    database.require_writable()
    stored = await load_run(database, run)
    pins = await pinned(database, stored)  # before the waiting: a long plan takes seconds to check
    lease = stored.lease.until
    while stored.alive and stored.lease.until == lease:
        await asyncio.sleep(0.1)
        stored = await load_run(database, run)
    job = Job(database, operator, clock, stored, pins, pace or Pace(), progress)
    if stored.state == "rolling-back":
        return await go_on_back(job)
    open_states: tuple[State, ...] = ("running", "paused")
    if stored.state == "done":
        seen = await show_run(database, operator, run)
        if not seen.failed:
            raise Refused("not-interrupted", f"{run} is done, and none of its records failed.")
        open_states = ("done",)
    elif stored.state not in open_states:
        raise Refused("not-interrupted", f"{run} is {stored.state}; there is nothing to resume.")
    return await _work(job, open_states, again=True)


async def _work(job: Job, states: Sequence[State], *, again: bool = False) -> RunView:
    async def finish() -> Document:
        verified, _ = await compare(job.database, job.stored)
        return {"state": "done", "verified": verified}

    stopped: dict[Wish, State] = {"pause": "paused", "cancel": "cancelled"}
    return await Runner(job, CommitStep(), states, "running", stopped, again=again).run(finish)


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


@dataclass(frozen=True, slots=True)
class CommitStep:
    """Brings a batch of rows into the database, where what they depend on is what it was."""

    work: Work = "commit"
    refusal: Left = "failed"

    async def ready(self, database: Database, run: str) -> None:
        """It needs nothing but the rows."""

    async def give_up(self, task: Task, changes: ChangeSet, row: Row) -> None:
        """Nothing was done to it."""

    async def apply(self, task: Task, changes: ChangeSet, rows: Sequence[Row]) -> Batch:
        """The rows' changes and what becomes due by them; a record that changed since the preview has drifted."""
        backfill, database, batch = task.backfill, task.database, Batch()
        found = await database[backfill.collection].find(
            {"_id": {"$in": [row.body["key"] for row in rows]}}, session=changes.session, batch_size=WHOLE
        ).to_list()  # fmt: skip
        sources = await backfill.load(database, found, changes.session)
        by_key = {hashable(backfill.identify(source)[1]): source for source in sources}
        dues: list[Due] = []
        turns: list[str] = []
        for row in rows:
            body, source = row.body, by_key.get(hashable(row.body["key"]))
            if source is None or backfill.digest(source) != body["depends"]:
                reason = "it is gone" if source is None else "it changed since the preview"
                batch.left.append((row, "drifted", reason))
                continue
            changed = backfill.changes(source, body["values"], task.run, changes.now, task.surroundings)
            if changes.add(*changed, first=row.number * ENTRIES_A_ROW) != len(backfill.touches(body)):
                raise ValueError("A change would change nothing, and could not be taken back.")
            turns += backfill.turns(body)
            if due := backfill.due(body):
                dues.append(due)
            batch.applied += 1
            batch.amount_paise += body["amount_paise"] or 0
        await take_turns(changes, turns)
        if dues:
            changes.add(*await hold(database, changes.session, task.run, dues, changes.now))
        return batch
