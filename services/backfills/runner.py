"""The one runner of a run: it takes the lease, works the lanes in parallel, and leaves the run in its new state."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.audit.logger import Purpose
from services.audit.seal import seal_finished
from services.backfills.backfill import Surroundings
from services.backfills.collector import rare_collections
from services.backfills.lane import Step, Task, patiently, retry_failed, run_lane
from services.backfills.lease import Held, give_back, kept, open_lanes, take
from services.backfills.pace import Pace, Throttle
from services.backfills.pinning import Pins
from services.backfills.registry import find_backfill
from services.backfills.runs import Lane, Run, RunView, State, Totals, Wish, load_lanes, show_run
from services.clock import Clock, india_day
from services.database import Database, Document, Session
from services.errors import ConsoleError
from services.operators.operator import Operator

_LANES = 3
"""Batches on their way at once: while the server writes one, the next is read and checked."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `rate` is records a second of this runner, times are seconds."""

    planned: int
    applied: int
    """Records changed, or in a rollback restored."""
    drifted: int
    failed: int
    kept: int
    amount_paise: int
    seconds: float
    rate: float
    seconds_left: float | None
    lag: float
    """Seconds that the slowest secondary is behind; the run waits while it is too much."""

    @property
    def done(self) -> int:
        """Records that are dealt with."""
        return self.applied + self.drifted + self.failed + self.kept


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A run to be worked on: where, by whom, how hard, and who hears of its progress."""

    database: Database
    operator: Operator
    clock: Clock
    stored: Run
    pins: Pins
    pace: Pace
    progress: Report | None


@dataclass
class Runner:
    """One runner's work on a run."""

    job: Job
    step: Step
    states: Sequence[State]
    """The states in which the run may be begun or gone on with."""
    working: State
    """The run's state while this runner works."""
    stopped: Mapping[Wish, State]
    """Its state after an operator's wish was heeded, where it is another one."""
    stamp: Document = field(default_factory=dict)
    """What is written on the run when the lease is taken."""
    reason: str | None = None
    """Why, as the operator told it; on every audit entry."""
    again: bool = False
    """Whether records that failed before are tried once more."""
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long the run has been worked on, by this runner and those before."""
        return round(self.job.stored.seconds + time.monotonic() - self.begun, 3)

    async def run(self, finish: Callable[[], Awaitable[Document]]) -> RunView:
        """Work until the rows are done, then write what `finish` says of the run, or until an operator wants a stop.

        Returns the run as it is then. Raises Refused where another runner has the run, and whatever ended the work:
        then the run can be resumed.
        """
        database, stored, pace = self.job.database, self.job.stored, self.job.pace
        rows = Totals.of(await load_lanes(database, stored.id, self.step.work)).rows
        stamp = self.stamp | {"began.rows": rows}
        held = await take(database, stored.id, self.states, self.working, pace.lease_seconds, stamp)
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with kept(database, held):
                    with rare_collections():
                        wish = await self._work(held)
                        await stack.enter_async_context(self._sealing())
                        state = self.stopped.get(wish, self.working) if wish else None
                        halted = {"state": state, "paused": state == self.working}
                        ending = halted if state else await patiently(pace, finish)
            except BaseException as error:
                if not isinstance(error, ConsoleError) or error.code != "taken-over":
                    with contextlib.suppress(Exception):  # without a connection the lease runs out by itself
                        left = {"seconds": self.seconds}
                        await asyncio.shield(asyncio.wait_for(give_back(database, held, left), 5))
                raise
            ending |= {"seconds": self.seconds}
            await patiently(pace, lambda: give_back(database, held, ending))
        return await show_run(database, self.job.operator, stored.id)

    @contextlib.asynccontextmanager
    async def _sealing(self) -> AsyncIterator[None]:
        """Seal what the run wrote beside what is left to do; what is not sealed now, the next sealer seals."""
        sealing = asyncio.create_task(seal_finished(self.job.database, self.job.operator.trail, self.job.clock))
        try:
            yield
            with contextlib.suppress(ConsoleError):
                await sealing
        finally:
            sealing.cancel()
            await asyncio.gather(sealing, return_exceptions=True)

    async def _work(self, held: Held) -> Wish | None:
        job, database, pace = self.job, self.job.database, self.job.pace
        surroundings = Surroundings(india_day(job.clock()), pace.credit_days)
        backfill, throttle = find_backfill(job.stored.backfill), Throttle(database, pace)
        async with contextlib.AsyncExitStack() as stack:
            work, rows = self.step.work, job.stored.planned
            begun = await patiently(pace, lambda: load_lanes(database, held.run, work))
            # Who goes on with a run keeps its lanes, however many another version of the console laid out.
            number = len(begun) if begun and begun[-1].end == rows else _LANES
            sessions: list[Session] = [
                await stack.enter_async_context(database.client.start_session()) for _ in range(number)
            ]
            lanes = await patiently(pace, lambda: open_lanes(database, held, work, rows, sessions))
            await patiently(pace, lambda: self.step.ready(database, held.run))
            # The token makes the names new: what a runner before wrote is its own.
            streams = {lane.id: job.operator.trail.stream(f"{lane.id}/{held.token}") for lane in lanes}
            stack.callback(lambda: job.operator.trail.end(streams.values()))
            task = Task(
                database, job.operator, job.clock, backfill, held, surroundings, pace, throttle, self.step, job.pins,
                self._purpose(), streams,
            )  # fmt: skip
            told = self._teller(lanes, throttle)
            running = [
                asyncio.create_task(run_lane(task, lane, session, told))
                for lane, session in zip(lanes, sessions, strict=True)
            ]
            try:
                wishes = await asyncio.gather(*running)
                wish = next((wish for wish in wishes if wish), None)
                if self.again and wish is None:
                    wish = await retry_failed(task, lanes, sessions[0], told)
                return wish
            finally:
                for each in running:
                    if not each.cancelling():  # a second cancel would interrupt the abort of its transaction
                        each.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    def _purpose(self) -> Purpose:
        planner, operator = self.job.stored.created_by, self.job.operator
        return Purpose(
            reason=self.reason, run=self.job.stored.id, on_behalf_of=planner if planner != operator.account else None
        )

    def _teller(self, lanes: Sequence[Lane], throttle: Throttle) -> Callable[[], None]:
        planned, begun, progress = self.job.stored.planned, time.monotonic(), self.job.progress
        before = Totals.of(lanes).rows

        def tell() -> None:
            if progress is None:
                return
            done = Totals.of(lanes)
            rate = (done.rows - before) / max(time.monotonic() - begun, 0.001)
            progress(Progress(
                planned=planned, applied=done.applied, drifted=done.drifted, failed=done.failed, kept=done.kept,
                amount_paise=done.amount_paise, seconds=self.seconds, rate=rate,
                seconds_left=(planned - done.rows) / rate if rate else None, lag=throttle.lag,
            ))  # fmt: skip

        return tell
