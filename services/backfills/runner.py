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
from services.backfills.runs import Lane, Run, State, Totals, Wish, load_lanes
from services.clock import Clock, india_day
from services.database import Database, Document, Session
from services.errors import ConsoleError
from services.operators.operator import Operator

_LANES = 2
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


@dataclass
class Runner:
    """One runner's work on a run."""

    database: Database
    operator: Operator
    clock: Clock
    stored: Run
    pace: Pace
    progress: Report | None
    step: Step
    pins: Pins
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
        return round(self.stored.seconds + time.monotonic() - self.begun, 3)

    async def run(self, finish: Callable[[], Awaitable[Document]]) -> None:
        """Work until the rows are done, then write what `finish` says of the run, or until an operator wants a stop.

        Raises Refused where another runner has the run, and whatever ended the work: then the run can be resumed.
        """
        database, run = self.database, self.stored.id
        lanes = await load_lanes(database, run, self.step.work)
        rows = Totals.of(lanes, self.stored.planned).rows
        held = await take(
            database, run, self.states, self.working, self.pace.lease_seconds, self.stamp | {"began.rows": rows}
        )
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with kept(database, held):
                    with rare_collections():
                        wish = await self._work(held)
                        await stack.enter_async_context(self._sealing())
                        state = self.stopped.get(wish, self.working) if wish else None
                        ending = {"state": state} if state else await patiently(self.pace, finish)
            except BaseException as error:
                if not isinstance(error, ConsoleError) or error.code != "taken-over":
                    with contextlib.suppress(Exception):  # without a connection the lease runs out by itself
                        left = {"seconds": self.seconds}
                        await asyncio.shield(asyncio.wait_for(give_back(database, held, left), 5))
                raise
            ending |= {"seconds": self.seconds}
            await patiently(self.pace, lambda: give_back(database, held, ending))

    @contextlib.asynccontextmanager
    async def _sealing(self) -> AsyncIterator[None]:
        """Seal what the run wrote beside what is left to do; what is not sealed now, the next sealer seals."""
        sealing = asyncio.create_task(seal_finished(self.database, self.operator.trail, self.clock))
        try:
            yield
            with contextlib.suppress(ConsoleError):
                await sealing
        finally:
            sealing.cancel()
            await asyncio.gather(sealing, return_exceptions=True)

    async def _work(self, held: Held) -> Wish | None:
        database, pace = self.database, self.pace
        surroundings = Surroundings(india_day(self.clock()), pace.credit_days)
        backfill, throttle = find_backfill(self.stored.backfill), Throttle(database, pace)
        async with contextlib.AsyncExitStack() as stack:
            sessions: list[Session] = [
                await stack.enter_async_context(database.client.start_session()) for _ in range(_LANES)
            ]
            work, rows = self.step.work, self.stored.planned
            lanes = await patiently(pace, lambda: open_lanes(database, held, work, rows, sessions))
            await patiently(pace, lambda: self.step.ready(database, held.run))
            # The token makes the names new: what a runner before wrote is its own.
            streams = {lane.id: self.operator.trail.stream(f"{lane.id}/{held.token}") for lane in lanes}
            stack.callback(lambda: self.operator.trail.end(streams.values()))
            task = Task(
                database, self.operator, self.clock, backfill, held, surroundings, pace, throttle, self.step, self.pins,
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
        planner = self.stored.created_by
        return Purpose(
            reason=self.reason, run=self.stored.id, on_behalf_of=planner if planner != self.operator.account else None
        )

    def _teller(self, lanes: Sequence[Lane], throttle: Throttle) -> Callable[[], None]:
        planned, begun = self.stored.planned, time.monotonic()
        before = Totals.of(lanes, planned).rows

        def tell() -> None:
            if self.progress is None:
                return
            done = Totals.of(lanes, planned)
            rate = (done.rows - before) / max(time.monotonic() - begun, 0.001)
            self.progress(Progress(
                planned=planned, applied=done.applied, drifted=done.drifted, failed=done.failed, kept=done.kept,
                amount_paise=done.amount_paise, seconds=self.seconds, rate=rate,
                seconds_left=(planned - done.rows) / rate if rate else None, lag=throttle.lag,
            ))  # fmt: skip

        return tell
