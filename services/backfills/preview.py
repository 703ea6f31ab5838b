"""Previews: what a backfill would do, counted to the paisa and pinned, with nothing written to the business."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

from bson.errors import BSONError
from pymongo.errors import OperationFailure, PyMongoError

from services.backfills.backfill import Backfill, Surroundings
from services.backfills.collector import rare_collections
from services.backfills.plan import (
    Decision,
    Group,
    Options,
    Plan,
    PlanDigest,
    Summary,
    Tally,
    plan_digest,
    row_body,
)
from services.backfills.registry import find_backfill
from services.backfills.runs import ROWS, RUNS, Run, keys_of, new_run_id, row_key
from services.clock import Clock, india_day, to_stored
from services.database import Database, Document, Session, told
from services.errors import BadRequest
from services.operators.operator import Operator

_CHUNK = 1_000
_UNAUTHORISED = 13
_BROKEN = (BSONError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a document that nobody thought of can raise."""


class _Tallies:
    """The counts of a plan while it grows."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.summary = Summary(classes={group: Tally() for group in groups})
        self._customers: set[str] = set()

    def add(self, decision: Decision) -> None:
        summary, amount = self.summary, decision.amount_paise or 0
        summary.examined += 1
        summary.classes[decision.group].add(amount)
        if decision.group == "needs-review" and decision.code:
            summary.review[decision.code] = summary.review.get(decision.code, 0) + 1
        if decision.group != "change":
            return
        if decision.customer_id:
            self._customers.add(decision.customer_id)
        if decision.month:
            summary.by_month.setdefault(decision.month, Tally()).add(amount)
        if decision.unconfirmed:
            summary.unconfirmed.add(amount)

    def finish(self) -> Summary:
        self.summary.customers = len(self._customers)
        self.summary.by_month = dict(sorted(self.summary.by_month.items()))
        return self.summary


class _Store:
    """The plan's rows on their way to the database, one batch written while the next is decided."""

    def __init__(self, database: Database, run: str) -> None:
        self.run = run
        self.refused: str | None = None
        self._database = database
        self._numbers: dict[str, int] = {}
        self._writing: asyncio.Task[None] | None = None

    def row(self, body: Document) -> Document:
        number = self._numbers.get(body["group"], 0)
        self._numbers[body["group"]] = number + 1
        return {"_id": row_key(self.run, body["group"], number), "body": body}

    async def write(self, rows: list[Document]) -> None:
        await self.settle()
        if rows and self.refused is None:
            self._writing = asyncio.create_task(self._insert(rows))

    async def settle(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def _insert(self, rows: list[Document]) -> None:
        try:
            await self._database[ROWS].insert_many(rows, ordered=False)
        except OperationFailure as error:
            if error.code != _UNAUTHORISED:
                raise
            self.refused = "The database user may only read, so the plan was not stored and cannot be committed."

    async def discard(self) -> None:
        with suppress(PyMongoError, asyncio.CancelledError):
            await self.settle()
        with suppress(PyMongoError):
            await self._database[ROWS].delete_many(keys_of(self.run))


async def preview(
    database: Database,
    operator: Operator,
    clock: Clock,
    name: str,
    options: Options | None = None,
    *,
    store: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """Decide every record in one moment's view of the database, and store the plan unless told not to.

    `progress` hears how many records have been examined. Storing needs the role ops; a plan that cannot be stored
    (a read-only server or database user) is still told, with the reason.
    """
    storing = store and not database.read_only
    operator.require("ops" if storing else "viewer", "store a plan" if storing else "look at plans")
    backfill, options, now = find_backfill(name), options or Options(), clock()
    if options.delivered_from and options.delivered_to and options.delivered_from > options.delivered_to:
        raise BadRequest("bad-range", "The first day is after the last.")
    surroundings = Surroundings(india_day(now))
    rows = _Store(database, new_run_id(now)) if storing else None
    tallies, digest = _Tallies(backfill.groups), PlanDigest(backfill.groups)
    try:
        with told(), rare_collections():
            async with database.snapshot() as session:
                async for bodies in _decided(database, backfill, options, surroundings, session, tallies):
                    for body in bodies:
                        digest.add(body)
                    if rows:
                        await rows.write([rows.row(body) for body in bodies])
                    if progress:
                        progress(tallies.summary.examined)
            if rows:
                await rows.settle()
            summary = tallies.finish()
            pinned = plan_digest(name, options, summary, digest.classes())
            if rows and rows.refused is None:
                await _store_run(database, operator, Run(
                    id=rows.run, backfill=name, options=options, digest=pinned, class_digests=digest.classes(),
                    state="planned",
                    created_at=now, created_by=operator.account, summary=summary,
                ))  # fmt: skip
    except BaseException:
        if rows:
            await asyncio.shield(rows.discard())
        raise
    unstored = rows.refused if rows else (database.read_only if store else "It was not asked to be stored.")
    stored = rows.run if rows and rows.refused is None else None
    return Plan(stored, name, pinned, options, now, summary, unstored)


async def _decided(
    database: Database,
    backfill: Backfill[Any],
    options: Options,
    surroundings: Surroundings,
    session: Session | None,
    tallies: _Tallies,
) -> AsyncIterator[list[Document]]:
    cursor = database[backfill.collection].find(backfill.scope(options), session=session).sort("_id")
    chunk: list[Document] = []
    async for document in cursor.batch_size(_CHUNK):
        chunk.append(document)
        if len(chunk) == _CHUNK:
            yield await _decide(database, backfill, options, surroundings, session, tallies, chunk)
            chunk = []
    if chunk:
        yield await _decide(database, backfill, options, surroundings, session, tallies, chunk)


async def _decide(
    database: Database,
    backfill: Backfill[Any],
    options: Options,
    surroundings: Surroundings,
    session: Session | None,
    tallies: _Tallies,
    chunk: list[Document],
) -> list[Document]:
    bodies = []
    for document, source in await _sources(database, backfill, session, chunk):
        try:
            if source is None:
                raise ValueError("The record cannot be read.")
            if not backfill.covers(source, options):
                continue
            decision = backfill.decide(source, options, surroundings)
            depends = backfill.digest(source) if decision.group == "change" else b""
            record, key = backfill.identify(source)
        except _BROKEN as error:
            decision, depends = Decision("needs-review", "record-unreadable", str(error)), b""
            record, key = str(document["_id"]), document["_id"]
        tallies.add(decision)
        bodies.append(row_body(record, key, decision, depends))
    await asyncio.sleep(0)  # a screen paints between two chunks
    return bodies


async def _sources(
    database: Database, backfill: Backfill[Any], session: Session | None, documents: list[Document]
) -> list[tuple[Document, Any]]:
    """The documents with their sources; one that breaks the loading of the others is loaded alone, or has none."""
    try:
        return list(zip(documents, await backfill.load(database, documents, session), strict=True))
    except _BROKEN:
        if len(documents) == 1:
            return [(documents[0], None)]
    alone = [await _sources(database, backfill, session, [document]) for document in documents]
    return [pair for pairs in alone for pair in pairs]


async def _store_run(database: Database, operator: Operator, run: Run) -> None:
    document = run.model_dump(by_alias=True, mode="json", exclude={"alive", "lease"})
    document |= {"created_at": to_stored(run.created_at), "lease": {"token": 0, "owner": "", "until": None}}
    await database[RUNS].insert_one(document)


async def latest_plan(database: Database, operator: Operator, name: str) -> Plan | None:
    """The newest stored plan of a backfill, for screens that must not count a million orders at once."""
    operator.require("viewer", "look at plans")
    with told():
        document = await database[RUNS].find_one({"backfill": name}, sort=[("_id", -1)])
    if document is None:
        return None
    run = Run.model_validate(document)
    return Plan(run.id, run.backfill, run.digest, run.options, run.created_at, run.summary)
