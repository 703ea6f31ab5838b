"""Previews: what a backfill would do, counted to the paisa and pinned, with nothing written to the business."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from bson.errors import BSONError
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.errors import OperationFailure

from services.backfills.backfill import Backfill, Doubt, Surroundings
from services.backfills.collector import rare_collections
from services.backfills.pipeline import Behind, ahead
from services.backfills.plan import Decision, Group, Options, Plan, Summary, Tally, plan_digest, row_body
from services.backfills.plan_rows import PinnedRows, RowStore, thin_out
from services.backfills.registry import find_backfill
from services.backfills.runs import RUNS, Limits, Run, new_run_id
from services.clock import Clock, india_day, to_stored
from services.database import Database, Document, Session, told
from services.errors import BadRequest, Refused
from services.operators.operator import Operator

A = TypeVar("A")

_SESSIONS = 3
"""Of one moment: for the records, for what stands around them, and for the second opinion."""
_CHUNK = 4_000
_BREATH = 50
"""Records decided before the event loop may turn: a screen paints, the next chunk comes in."""
_BROKEN = (BSONError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a document that nobody thought of can raise."""
_NO_SNAPSHOT = 246
_PATIENCE = (0.05, 0.1, 0.2, 0.3, 0.4)
"""Seconds between the tries to read collections that have only just been made, or got an index."""


@dataclass(slots=True)
class _Sum:
    """A tally that is cheap to add to."""

    records: int = 0
    amount_paise: int = 0

    def add(self, amount_paise: int) -> None:
        self.records += 1
        self.amount_paise += amount_paise

    def tally(self) -> Tally:
        return Tally(records=self.records, amount_paise=self.amount_paise)


class _Found:
    """The counts of a plan while it grows, and where the second opinion differs."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.examined = 0
        self.doubts = 0
        self._first: Doubt | None = None
        self._classes = {group: _Sum() for group in groups}
        self._months: dict[str, _Sum] = {}
        self._review: dict[str, int] = {}
        self._unconfirmed = _Sum()
        self._customers: set[str] = set()

    def add(self, decision: Decision) -> None:
        amount, group = decision.amount_paise or 0, decision.group
        self.examined += 1
        self._classes[group].add(amount)
        if group == "needs-review" and decision.code:
            self._review[decision.code] = self._review.get(decision.code, 0) + 1
        if group != "change":
            return
        if decision.customer_id:
            self._customers.add(decision.customer_id)
        if decision.month:
            self._months.setdefault(decision.month, _Sum()).add(amount)
        if decision.unconfirmed:
            self._unconfirmed.add(amount)

    def doubt(self, doubts: Sequence[Doubt]) -> None:
        if doubts:
            self.doubts += len(doubts)
            self._first = self._first or doubts[0]

    def summary(self) -> Summary:
        return Summary(
            examined=self.examined,
            classes={group: each.tally() for group, each in self._classes.items()},
            customers=len(self._customers),
            by_month={month: self._months[month].tally() for month in sorted(self._months)},
            review=self._review,
            unconfirmed=self._unconfirmed.tally(),
        )

    def disagreement(self) -> str | None:
        """Why no plan is offered."""
        if self._first is None:
            return None
        records = "1 record" if self.doubts == 1 else f"{self.doubts} records"
        return (
            f"Computed a second time, by the database, {records} came to something else, so no plan is offered. "
            f"The first is {self._first.record}: {self._first.decided} here, {self._first.recomputed} there. "
            "Look at it with `orders show`; --dry-run shows the counts all the same."
        )


async def preview(
    database: Database,
    operator: Operator,
    clock: Clock,
    name: str,
    options: Options | None = None,
    *,
    store: bool = True,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """Decide every record in one moment's view of the database, and store the plan unless told not to.

    `progress` hears how many records have been examined. Storing needs the role ops; a plan that cannot be stored
    (a read-only server or database user) is still told, with the reason. The plan keeps the limits above which two
    operators decide, whoever commits it. Raises Refused, and stores nothing, where
    the database computes something else for any record.
    """
    storing = store and not database.read_only
    operator.require("ops" if storing else "viewer", "store a plan" if storing else "look at plans")
    backfill, options, now = find_backfill(name), options or Options(), clock()
    if options.delivered_from and options.delivered_to and options.delivered_from > options.delivered_to:
        raise BadRequest("bad-range", "The first day is after the last.")
    backfill.require_options(options)
    work = _Preview(database, operator, now, backfill, options, storing, limits or Limits(), progress)
    with told(), rare_collections():
        if storing:
            await thin_out(database, now)
        plan = await _patiently(work.run)
    if plan.unstored_because is None and not plan.stored:
        plan = replace(plan, unstored_because=database.read_only if store else "It was not asked to be stored.")
    return plan


async def _patiently(work: Callable[[], Coroutine[Any, Any, A]]) -> A:
    """Do the work again while the server has no snapshot of what it reads, for about a second."""
    for pause in (*_PATIENCE, None):
        try:
            return await work()
        except OperationFailure as error:
            if error.code != _NO_SNAPSHOT:
                raise
            if pause is None:
                break
        await asyncio.sleep(pause)
    raise Refused("no-snapshot", "Collections or indexes are being made just now; preview again in a moment.")


@dataclass(frozen=True, slots=True)
class _Preview:
    """What one preview is about."""

    database: Database
    operator: Operator
    now: datetime
    backfill: Backfill[Any]
    options: Options
    storing: bool
    limits: Limits
    progress: Callable[[int], None] | None

    async def run(self) -> Plan:
        """Examine all records, store the rows on the way and the run at the end."""
        backfill, run = self.backfill, new_run_id(self.now)
        found, pinned = _Found(backfill.groups), PinnedRows(run, backfill.groups)
        rows = RowStore(self.database, run) if self.storing else None
        try:
            async with self.database.snapshots(_SESSIONS, backfill.collection) as sessions:
                if sessions:
                    await self._examine(sessions, found, pinned, rows)
            rest = pinned.rest()
            if rows:
                await rows.write([*rest, *pinned.pins()])
                await rows.settle()
            disagreement = found.disagreement()
            if rows and disagreement:
                raise Refused("paths-disagree", disagreement)
            summary, digests, pins = found.summary(), pinned.digests(), pinned.pin_digests()
            digest = plan_digest(backfill.name, self.options, summary, digests, pins)
            stored = rows is not None and await rows.complete(_document(Run(
                id=run, backfill=backfill.name, options=self.options, digest=digest, class_digests=digests,
                pin_digests=pins, state="planned", created_at=self.now, created_by=self.operator.account,
                summary=summary, limits=self.limits,
            )))  # fmt: skip
        except BaseException:
            if rows:
                await asyncio.shield(rows.discard())
            raise
        unstored = rows.refused if rows else disagreement
        return Plan(run if stored else None, backfill.name, digest, self.options, self.now, summary, unstored)

    async def _examine(
        self, sessions: Sequence[Session | None], found: _Found, pinned: PinnedRows, rows: RowStore | None
    ) -> None:
        """Decide chunk after chunk; meanwhile the server reads the next ones, and looks once more at the last."""
        *readers, checker = sessions
        checks, reader = Behind(), _Reader(self.database, self.backfill, self.options, *readers)
        try:
            async with contextlib.aclosing(ahead(reader.chunks())) as chunks:
                async for chunk in chunks:
                    changing, stored = await self._decide(chunk, found, pinned)
                    await checks.follow(self._check(changing, found, checker))
                    if rows:
                        await rows.write(stored)
                    if self.progress:
                        self.progress(found.examined)
            await checks.settle()
        finally:
            await checks.end()

    async def _check(self, changing: Sequence[Document], found: _Found, session: Session | None) -> None:
        """The second opinion on rows to change; none without a snapshot, where the two could differ by an edit."""
        if changing and session is not None:
            found.doubt(await self.backfill.second_opinion(self.database, changing, session))

    async def _decide(self, chunk: _Chunk, found: _Found, pinned: PinnedRows) -> tuple[list[Document], list[bytes]]:
        """The rows to change, and the packs of rows that are full.

        A few records at a time are decided, written down and let go of, while the processor has them at hand.
        """
        changing: list[Document] = []
        stored: list[bytes] = []
        surroundings = Surroundings(india_day(self.now))
        while chunk:
            bodies = []
            for document, source in chunk[:_BREATH]:
                if (body := self._body(document, source, surroundings, found)) is not None:
                    bodies.append(body)
            del chunk[:_BREATH]
            stored += pinned.add(bodies)
            changing += [body for body in bodies if body["group"] == "change"]
            await asyncio.sleep(0)
        return changing, stored

    def _body(self, document: Document, source: Any, surroundings: Surroundings, found: _Found) -> Document | None:
        backfill = self.backfill
        try:
            if source is None:
                raise ValueError("The record cannot be read.")
            if not backfill.covers(source, self.options):
                return None
            decision = backfill.decide(source, self.options, surroundings)
            depends = backfill.digest(source) if decision.group == "change" else b""
            record, key = backfill.identify(source)
        except _BROKEN as error:
            decision, depends = Decision("needs-review", "record-unreadable", str(error)), b""
            record, key = str(document["_id"]), document["_id"]
        found.add(decision)
        return row_body(record, key, decision, depends)


_Chunk: TypeAlias = list[tuple[Document, Any]]
"""Records with their sources, None where a record cannot be read."""


class _Reader:
    """The reading end of a preview: the records through one session, what stands around them through another."""

    def __init__(
        self,
        database: Database,
        backfill: Backfill[Any],
        options: Options,
        records: Session | None,
        surroundings: Session | None,
    ) -> None:
        self._database, self._backfill, self._session = database, backfill, surroundings
        found = database[backfill.collection].find(backfill.scope(options), backfill.fields, session=records)
        self._cursor: AsyncCursor[Document] = found.sort("_id").batch_size(_CHUNK)

    async def chunks(self) -> AsyncGenerator[_Chunk, None]:
        """All records, chunk by chunk."""
        async with contextlib.aclosing(ahead(self._documents())) as read:
            async for documents in read:
                chunk = await self._sources(documents)
                documents.clear()  # nothing but the chunk holds a record: once decided, it is let go of
                yield chunk

    async def _documents(self) -> AsyncGenerator[list[Document], None]:
        async with self._cursor as cursor:
            while documents := await cursor.to_list(_CHUNK):
                yield documents

    async def _sources(self, documents: list[Document]) -> _Chunk:
        """The records with their sources; one that breaks the loading of the others is found by halving."""
        try:
            sources = await self._backfill.load(self._database, documents, self._session)
            return list(zip(documents, sources, strict=True))
        except _BROKEN:
            if len(documents) == 1:
                return [(documents[0], None)]
        middle = len(documents) // 2
        return await self._sources(documents[:middle]) + await self._sources(documents[middle:])


def _document(run: Run) -> Document:
    document = run.model_dump(by_alias=True, mode="json", exclude={"alive", "since", "lease"})
    return document | {"created_at": to_stored(run.created_at), "lease": {"token": 0, "owner": "", "until": None}}


async def latest_plan(database: Database, operator: Operator, name: str) -> Plan | None:
    """The newest stored plan of a backfill, for screens that must not count a million orders at once."""
    operator.require("viewer", "look at plans")
    with told():
        document = await database[RUNS].find_one({"backfill": name}, sort=[("_id", -1)])
    if document is None:
        return None
    run = Run.model_validate(document)
    return Plan(run.id, run.backfill, run.digest, run.options, run.created_at, run.summary)
