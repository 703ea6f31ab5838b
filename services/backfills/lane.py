"""A lane of a run: its share of the plan's rows, batch after batch, each batch one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson.errors import BSONError

from services.backfills.backfill import Backfill, Surroundings
from services.backfills.lease import Held
from services.backfills.runs import EXCEPTIONS, LANES, Lane, change_bodies
from services.changes.changeset import ChangeSet, transact
from services.clock import Clock
from services.database import Database, Document, Session
from services.errors import Conflict, Fenced, RecordRefused, Refused
from services.operators.operator import Operator


@dataclass(slots=True)
class Batch:
    """What became of a batch's rows."""

    applied: int = 0
    amount_paise: int = 0
    left: list[tuple[str, str, str]] = field(default_factory=list)
    """Record, `drifted` or `failed`, and the reason."""

    def count(self, outcome: str) -> int:
        """How many rows were left alone for that outcome."""
        return sum(1 for _, each, _ in self.left if each == outcome)


@dataclass(frozen=True, slots=True)
class LaneWork:
    """What all lanes of a run share."""

    database: Database
    operator: Operator
    clock: Clock
    backfill: Backfill[Any]
    held: Held
    surroundings: Surroundings
    batch_size: int


async def run_lane(work: LaneWork, lane: Lane, session: Session, landed: Callable[[Batch], None]) -> None:
    """Do the rest of a lane; `landed` hears of each batch after its transaction.

    Raises Fenced where another runner has taken over, Unreachable where the database is gone.
    """
    start = lane.next
    while start < lane.end:
        end = min(start + work.batch_size, lane.end)
        bodies = await change_bodies(work.database, work.held.run, start, end)
        if len(bodies) != end - start:
            raise Refused("plan-altered", f"Rows of the stored plan of {work.held.run} are missing; it stopped there.")
        await _land(work, lane, session, bodies, end, landed)
        start = end


async def _land(
    work: LaneWork, lane: Lane, session: Session, bodies: Sequence[Document], end: int, landed: Callable[[Batch], None]
) -> None:
    """Land rows whose last is number `end` - 1; where a record is at fault, halve until it stands alone.

    Any other failure, of the server or the connection, ends the runner and leaves the run to be resumed.
    """
    try:
        batch = await _transact(work, lane, session, bodies, end)
    except (Conflict, RecordRefused, BSONError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        if len(bodies) > 1:
            middle = len(bodies) // 2
            await _land(work, lane, session, bodies[:middle], end - len(bodies) + middle, landed)
            await _land(work, lane, session, bodies[middle:], end, landed)
            return
        batch = await _give_up(work, lane, session, bodies[0], end, str(error))
    landed(batch)


async def _transact(work: LaneWork, lane: Lane, session: Session, bodies: Sequence[Document], end: int) -> Batch:
    backfill, database = work.backfill, work.database

    async def apply(changes: ChangeSet) -> Batch:
        batch = Batch()
        found = await database[backfill.collection].find(
            {"_id": {"$in": [body["key"] for body in bodies]}}, session=changes.session
        ).to_list()  # fmt: skip
        sources = await backfill.load(database, found, changes.session)
        by_record = {backfill.identify(source)[0]: source for source in sources}
        for body in bodies:
            source = by_record.get(body["record"])
            if source is None or backfill.digest(source) != body["depends"]:
                reason = "it is gone" if source is None else "it changed since the preview"
                batch.left.append((body["record"], "drifted", reason))
                continue
            changes.add(*backfill.changes(source, body["values"], work.held.run, changes.now, work.surroundings))
            batch.applied += 1
            batch.amount_paise += body["amount_paise"] or 0
        await _checkpoint(work, lane, changes.session, end, batch)
        return batch

    return await transact(database, work.operator, work.clock, apply, session)


async def _give_up(work: LaneWork, lane: Lane, session: Session, body: Document, end: int, reason: str) -> Batch:
    batch = Batch(left=[(body["record"], "failed", reason)])

    async def note(changes: ChangeSet) -> None:
        await _checkpoint(work, lane, changes.session, end, batch)

    await transact(work.database, work.operator, work.clock, note, session)
    return batch


async def _checkpoint(work: LaneWork, lane: Lane, session: Session, end: int, batch: Batch) -> None:
    """Move the lane's checkpoint inside the batch's transaction; the filter is the fence."""
    counts = {
        "applied": batch.applied,
        "drifted": batch.count("drifted"),
        "failed": batch.count("failed"),
        "amount_paise": batch.amount_paise,
    }
    moved = await work.database[LANES].update_one(
        {"_id": lane.id, "token": work.held.token}, {"$set": {"next": end}, "$inc": counts}, session=session
    )
    if moved.matched_count == 0:
        raise Fenced("taken-over", f"Another runner has taken {work.held.run} over; this one has stopped.")
    if batch.left:
        left = [
            {"_id": f"{work.held.run}/{record}", "record": record, "outcome": outcome, "reason": reason}
            for record, outcome, reason in batch.left
        ]
        await work.database[EXCEPTIONS].insert_many(left, session=session)
