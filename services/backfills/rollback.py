"""Rollbacks: a run's records as they were before it, where nobody has changed them since."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.traces import read_entries
from services.backfills.lane import Batch, Task
from services.backfills.pace import Pace
from services.backfills.pinning import Row, pinned
from services.backfills.plan import ENTRIES_A_ROW
from services.backfills.runner import Job, Report, Runner
from services.backfills.runs import Lane, Left, RunView, State, Work, left_alone, load_lanes, load_run
from services.backfills.since import CHANGED, GONE
from services.backfills.verification import compare
from services.changes.changeset import Change, ChangeSet, Delete, Insert, Update
from services.changes.difference import differences, lookup
from services.changes.series import entry_id, series_of
from services.clock import Clock, to_stored
from services.database import WHOLE, Database, Document, Session
from services.errors import Refused
from services.operators.operator import Operator
from services.reminders.outbox import withdraw
from services.typed import typed_reason

_BEGINNING: tuple[State, ...] = ("done", "cancelled", "paused", "running")
_ALTERED = "an audit entry of its change is not as it was written"


async def rollback(
    database: Database,
    operator: Operator,
    clock: Clock,
    run: str,
    reason: str,
    *,
    pace: Pace | None = None,
    progress: Report | None = None,
) -> RunView:
    """Restore the records that a run changed; what changed since, and what was paid, is kept and listed.

    Reminders that were not sent are cancelled in the same transactions; those of kept bills that are still to be paid
    are held. Interrupted, it is gone on with by calling it again, or by `resume`: of the run, who began it and why
    stands; the audit entries of the rest have the reason of who went on. Raises NotFound for an unknown run, BadRequest
    without a reason, Refused for a run that changed nothing, is being worked on, or was rolled back already.
    """
    operator.require("ops", "roll a run back")
    database.require_writable()
    why = typed_reason(reason)
    stored = await load_run(database, run)
    if stored.state == "rolled-back":
        raise Refused("already-rolled-back", f"{run} was rolled back already; `backfill status {run}` shows it.")
    if stored.alive:
        raise Refused("already-running", f"A runner works on {run}; pause or cancel it first.")
    begun = stored.state == "rolling-back"
    if not begun and not any(lane.applied for lane in await load_lanes(database, run, "commit")):
        raise Refused("nothing-to-roll-back", f"{run} is {stored.state} and has changed no record.")
    job = Job(database, operator, clock, stored, await pinned(database, stored), pace or Pace(), progress)
    if begun:
        return await go_on_back(job, why)
    reversal = {"by": operator.account, "at": to_stored(clock()), "reason": why}
    return await _work(job, _BEGINNING, why, {"reversal": reversal})


async def go_on_back(job: Job, reason: str | None = None) -> RunView:
    """Go on with a rollback whose runner is gone, for the reason that it was begun with where no other is given."""
    reversal = job.stored.reversal
    return await _work(job, ("rolling-back",), reason or (reversal.reason if reversal else None), {})


async def _work(job: Job, states: Sequence[State], reason: str | None, stamp: Document) -> RunView:
    async def finish() -> Document:
        verified, _ = await compare(job.database, await load_run(job.database, job.stored.id))
        return {"state": "rolled-back", "verified": verified}

    runner = Runner(job, RollbackStep(), states, "rolling-back", stopped={}, stamp=stamp, reason=reason)
    return await runner.run(finish)


@dataclass(slots=True)
class RollbackStep:
    """Takes a batch of rows back by the images that the audit entries of the commit hold."""

    work: Work = "rollback"
    refusal: Left = "kept"
    _lanes: Sequence[Lane] = ()
    """The checkpoints of the commit."""
    _left: Collection[int] = ()
    """The rows that the commit left alone, by number."""

    async def ready(self, database: Database, run: str) -> None:
        """Read how far the commit came."""
        self._lanes = await load_lanes(database, run, "commit")
        self._left = await left_alone(database, run, ("drifted", "failed"))

    async def apply(self, task: Task, changes: ChangeSet, rows: Sequence[Row]) -> Batch:
        """The inverse changes of the rows that were applied, each row whole or not at all."""
        applied, batch = [row for row in rows if self._applied(row)], Batch()
        touched = {row.number: task.backfill.touches(row.body) for row in applied}
        entries, altered = await _entries(changes, task.run, touched)
        current = await _current(task, [each for pairs in touched.values() for each in pairs], changes.session)
        back: list[str] = []
        owed: list[str] = []
        for row in applied:
            now = [current.get(pair) for pair in touched[row.number]]
            inverse, kept = _inverse(touched[row.number], entries.get(row.number, {}), now)
            held = task.backfill.holds(now)
            why = held or (_ALTERED if row.number in altered else kept)
            if due := task.backfill.due(row.body):
                (owed if why and not held else back).append(due.order_id)
            if why:
                batch.left.append((row, "kept", why))
                continue
            changes.add(*inverse, first=row.number * ENTRIES_A_ROW)
            batch.applied += 1
            batch.amount_paise += row.body["amount_paise"] or 0
        if back or owed:
            changes.add(*await withdraw(task.database, changes.session, task.run, back, owed, now=changes.now))
        return batch

    async def give_up(self, task: Task, changes: ChangeSet, row: Row) -> None:
        """Its bill stands, and its reminder is held as that of any kept bill."""
        if due := task.backfill.due(row.body):
            owed = [due.order_id]
            changes.add(*await withdraw(task.database, changes.session, task.run, (), owed, now=changes.now))

    def _applied(self, row: Row) -> bool:
        lane = next(lane for lane in self._lanes if row.number < lane.end)
        return row.number < lane.next and row.number not in self._left


Touched = tuple[str, Any]
"""Collection and `_id`."""


async def _entries(
    changes: ChangeSet, run: str, touched: dict[int, Sequence[Touched]]
) -> tuple[dict[int, dict[int, Document]], set[int]]:
    """The commit's audit entries by row and by the place of the change in it, and the rows that have an altered one."""
    series = series_of(f"{run}/commit")
    places = {
        entry_id(series, number * ENTRIES_A_ROW + place): (number, place)
        for number, pairs in touched.items() for place in range(len(pairs))
    }  # fmt: skip
    entries, altered = await read_entries(changes, places)
    found: dict[int, dict[int, Document]] = {}
    for key, entry in entries.items():
        number, place = places[key]
        found.setdefault(number, {})[place] = entry
    return found, {places[key][0] for key in altered}


async def _current(task: Task, touched: Sequence[Touched], session: Session) -> dict[Touched, Document]:
    keys: dict[str, list[Any]] = {}
    for collection, key in touched:
        keys.setdefault(collection, []).append(key)
    found: dict[Touched, Document] = {}
    for collection, wanted in keys.items():
        cursor = task.database[collection].find({"_id": {"$in": wanted}}, session=session, batch_size=WHOLE)
        found |= {(collection, document["_id"]): document for document in await cursor.to_list()}
    return found


def _inverse(
    touched: Sequence[Touched], entries: dict[int, Document], now: Sequence[Document | None]
) -> tuple[list[Change], str]:
    """The changes that undo a row's, last first; or why the row must be kept."""
    if len(entries) != len(touched):
        return [], "not all audit entries of its change are there"
    inverse: list[Change] = []
    for place, entry in sorted(entries.items(), reverse=True):
        (collection, key), current = touched[place], now[place]
        if not _unchanged(entry["after"], current):
            return [], CHANGED if current else GONE
        if entry["before"] is None and current is not None:
            inverse.append(Delete(collection, current))
        elif entry["after"] is None:
            inverse.append(Insert(collection, {"_id": key, **entry["before"]}))
        elif current is not None:
            values = {path: lookup(entry["before"], path) for path in entry["changes"]}
            guard = {path: lookup(current, path) for path in entry["changes"]}
            inverse.append(Update(collection, current, values, guard))
    return inverse, ""


def _unchanged(after: Document | None, current: Document | None) -> bool:
    if after is None or current is None:
        return after is current
    return not differences({"_id": current["_id"], **after}, current)
