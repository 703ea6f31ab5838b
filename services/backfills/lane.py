"""A lane of a run: its share of the plan's rows, batch after batch, each batch one transaction with its checkpoint."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from bson.errors import BSONError

from services.audit.chain import Stream
from services.audit.logger import Purpose
from services.backfills.backfill import Backfill, Surroundings
from services.backfills.lease import Held, taken_over
from services.backfills.pace import Pace, Throttle
from services.backfills.pinning import Pins, Row
from services.backfills.runs import (
    EXCEPTIONS,
    LANES,
    RUNS,
    Lane,
    Left,
    Wish,
    Work,
    keys_of,
    load_lanes,
)
from services.changes.changeset import ChangeSet, transact
from services.changes.series import series_of
from services.clock import Clock
from services.database import Database, Document, Session, told
from services.errors import Conflict, RecordRefused, TooLong, Unreachable
from services.operators.operator import Operator

T = TypeVar("T")

_OF_ONE_RECORD = (
    Conflict,
    RecordRefused,
    BSONError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
_AWAY = ("connection-lost", "no-connection", "commit-unknown")
_AGAIN_AFTER = 0.5
"""Seconds between two tries while the database is away, and between two looks while a batch must wait."""


@dataclass(slots=True)
class Batch:
    """What became of a batch's rows."""

    applied: int = 0
    amount_paise: int = 0
    left: list[tuple[Row, Left, str]] = field(default_factory=list)
    """Each row that was left alone, with its outcome and the reason."""
    recovered: int = 0
    """Rows that had failed before."""

    def counts(self) -> dict[str, int]:
        """What a lane's checkpoint adds up."""
        counts = {"applied": self.applied, "amount_paise": self.amount_paise, "failed": -self.recovered}
        for _, outcome, _ in self.left:
            counts[outcome] = counts.get(outcome, 0) + 1
        return counts


class Step(Protocol):
    """What a run does with a batch of rows."""

    @property
    def work(self) -> Work:
        """Which of the run's lanes it moves."""

    @property
    def refusal(self) -> Left:
        """The outcome of a row that cannot be written."""

    async def ready(self, database: Database, run: str) -> None:
        """Read what it needs of the run, once no other runner can land anything."""

    async def apply(self, task: Task, changes: ChangeSet, rows: Sequence[Row]) -> Batch:
        """Add the rows' changes to the batch's change set; runs again when the server asks for a retry."""

    async def give_up(self, task: Task, changes: ChangeSet, row: Row) -> None:
        """Add what belongs to a row that cannot be written, beside its being listed."""


@dataclass(frozen=True, slots=True)
class Task:
    """What all lanes of a run share."""

    database: Database
    operator: Operator
    clock: Clock
    backfill: Backfill[Any]
    held: Held
    surroundings: Surroundings
    pace: Pace
    throttle: Throttle
    step: Step
    pins: Pins
    purpose: Purpose
    streams: Mapping[str, Stream]
    """Each lane's stream of audit entries, by the lane's id."""

    @property
    def run(self) -> str:
        """The run's id."""
        return self.held.run


async def run_lane(task: Task, lane: Lane, session: Session, landed: Callable[[], None]) -> Wish | None:
    """Do the rest of a lane, or as much until an operator wants it paused or cancelled, which is returned.

    The lane counts each batch after its transaction, and `landed` hears of it. A database that is away is waited
    for; the checkpoint then tells what had landed. Raises Fenced where another runner has taken over, Unreachable
    where the database stays away.
    """
    away: float | None = None
    unsure = False
    while lane.next < lane.end:
        try:
            if unsure:
                await _reload(task, lane)
                unsure = False
                continue
            if wish := await _wish(task):
                return wish
            if await task.throttle.must_wait():
                landed()
                away = None
                await asyncio.sleep(_AGAIN_AFTER)
                continue
            rows = await task.pins.rows(task.database, lane.next, min(lane.next + task.throttle.size, lane.end))
            await _land(task, lane, session, rows, landed)
            away = None
        except Unreachable as error:
            away, unsure = away or time.monotonic(), True
            if error.code not in _AWAY or time.monotonic() - away > task.pace.patience:
                raise
            await asyncio.sleep(_AGAIN_AFTER)
    return None


async def patiently(pace: Pace, work: Callable[[], Awaitable[T]]) -> T:
    """Do something that may be repeated; while the database is away, try it again."""
    begun = time.monotonic()
    while True:
        try:
            return await work()
        except Unreachable as error:
            if error.code not in _AWAY or time.monotonic() - begun > pace.patience:
                raise
            await asyncio.sleep(_AGAIN_AFTER)


async def retry_failed(task: Task, lanes: Sequence[Lane], session: Session, landed: Callable[[], None]) -> Wish | None:
    """Try the rows again that failed, each alone; what lands is no exception any more, and the counts follow.

    Ends where an operator wants a stop, which is returned.
    """

    async def try_again(exception: Document) -> None:
        lane = next(lane for lane in lanes if exception["number"] < lane.end)
        (row,) = await task.pins.rows(task.database, exception["number"], exception["number"] + 1)
        with contextlib.suppress(*_OF_ONE_RECORD):
            _count(lane, await _transact(task, lane, session, [row], again=exception["_id"]))
            landed()

    for exception in await patiently(task.pace, lambda: _failed(task)):
        if wish := await patiently(task.pace, lambda: _wish(task)):
            return wish
        await patiently(task.pace, functools.partial(try_again, exception))
    return None


async def _failed(task: Task) -> list[Document]:
    with told():
        return await task.database[EXCEPTIONS].find({**keys_of(task.run), "outcome": "failed"}).to_list()


async def _wish(task: Task) -> Wish | None:
    with told():
        run = await task.database[RUNS].find_one({"_id": task.run}, {"wanted": 1})
    return run.get("wanted") if run else None


async def _reload(task: Task, lane: Lane) -> None:
    """Take over what the database says of the lane."""
    there = next(each for each in await load_lanes(task.database, task.run, task.step.work) if each.id == lane.id)
    for name in Lane.model_fields:
        setattr(lane, name, getattr(there, name))


async def _land(task: Task, lane: Lane, session: Session, rows: Sequence[Row], landed: Callable[[], None]) -> None:
    """Land rows; where a record is at fault, halve until it stands alone, and where they take too long, until they fit.

    Any other failure, of the server or the connection, leaves the rows undone.
    """
    begun = time.monotonic()
    try:
        batch = await _transact(task, lane, session, rows)
    except (TooLong, *_OF_ONE_RECORD) as error:
        if isinstance(error, TooLong):
            task.throttle.too_long(len(rows))
        if len(rows) > 1:
            middle = len(rows) // 2
            await _land(task, lane, session, rows[:middle], landed)
            await _land(task, lane, session, rows[middle:], landed)
            return
        if isinstance(error, TooLong):
            raise
        batch = await _give_up(task, lane, session, rows[0], str(error))
    task.throttle.took(time.monotonic() - begun)
    lane.next = rows[-1].number + 1
    _count(lane, batch)
    landed()


def _count(lane: Lane, batch: Batch) -> None:
    for name, number in batch.counts().items():
        setattr(lane, name, getattr(lane, name) + number)


async def _transact(task: Task, lane: Lane, session: Session, rows: Sequence[Row], again: str | None = None) -> Batch:
    async def apply(changes: ChangeSet) -> Batch:
        if again:
            gone = await task.database[EXCEPTIONS].delete_one({"_id": again}, session=changes.session)
            if gone.deleted_count == 0:  # it landed, and the answer was lost
                return Batch()
        batch = await task.step.apply(task, changes, rows)
        batch.recovered = 1 if again else 0
        await _checkpoint(task, lane, changes.session, max(lane.next, rows[-1].number + 1), rows, batch)
        return batch

    series = series_of(f"{task.run}/{task.step.work}")
    return await transact(
        task.database, task.operator, task.clock, apply, session,
        purpose=task.purpose, stream=task.streams[lane.id], series=series,
    )  # fmt: skip


async def _give_up(task: Task, lane: Lane, session: Session, row: Row, reason: str) -> Batch:
    batch = Batch(left=[(row, task.step.refusal, reason)])

    async def note(changes: ChangeSet) -> None:
        await task.step.give_up(task, changes, row)
        await _checkpoint(task, lane, changes.session, row.number + 1, [row], batch)

    await transact(task.database, task.operator, task.clock, note, session, stream=task.streams[lane.id])
    return batch


async def _checkpoint(task: Task, lane: Lane, session: Session, end: int, rows: Sequence[Row], batch: Batch) -> None:
    """Move the lane's checkpoint inside the batch's transaction; the filter is the fence."""
    mine = {"_id": lane.id, "token": task.held.token}
    moved = await task.database[LANES].update_one(
        {**mine, "next": lane.next}, {"$set": {"next": end}, "$inc": batch.counts()}, session=session
    )
    if moved.matched_count == 0:
        if await task.database[LANES].find_one(mine, session=session):
            raise Unreachable("commit-unknown", f"The checkpoint of {task.run} is not where this runner left it.")
        raise taken_over(task.run)
    if batch.left:
        left = [
            {"_id": f"{task.run}/{task.step.work}/{row.number:09d}", "record": row.body["record"],
             "number": row.number, "outcome": outcome, "reason": reason}
            for row, outcome, reason in batch.left
        ]  # fmt: skip
        await task.database[EXCEPTIONS].insert_many(left, session=session)
