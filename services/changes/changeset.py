"""A change set: guarded changes and their audit entries, in one transaction. All of it lands, or none of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import bson
import pymongo
from pymongo import UpdateMany, UpdateOne

from services.audit.chain import GENESIS, Stream
from services.audit.logger import Action, AuditLogger, Facts, Purpose
from services.changes.difference import ABSENT, assigned_differences, lookup
from services.changes.series import entry_id, new_series
from services.changes.transaction import run_transaction
from services.clock import Clock, to_stored
from services.database import Database, Document, Session, told
from services.errors import Conflict
from services.operators.operator import Operator

T = TypeVar("T")

AUDIT_LOGS = "audit_logs"
STREAMS = "console_audit_streams"
"""The streams of the audit chain: who writes each, and how far it is sealed."""
_PATIENCE = 15.0
"""Seconds until somebody who waits for a change is told that it cannot be made; the driver alone tries for 120."""


@dataclass(frozen=True, slots=True)
class Insert:
    """A new record."""

    collection: str
    document: Document
    action: Action = "CREATE"


@dataclass(frozen=True, slots=True)
class Update:
    """New values for fields of a record, applied only while the guard's fields still have the guard's values."""

    collection: str
    before: Document
    """The whole document as read in this transaction."""
    values: Mapping[str, Any]
    """By dotted path; ABSENT takes a field away."""
    guard: Mapping[str, Any]
    action: Action = "UPDATE"


@dataclass(frozen=True, slots=True)
class Delete:
    """The end of a record."""

    collection: str
    before: Document
    action: Action = "DELETE"


Change: TypeAlias = Insert | Update | Delete
_NO_PURPOSE = Purpose()


@dataclass(frozen=True, slots=True)
class Access:
    """A sensitive reading: an entry without a change, whose `after` says what was read and why."""

    collection: str
    record_id: str
    action: Action
    """READ or EXPORT."""
    noted: Document


class ChangeSet:
    """What one transaction does. Read through `session`; what is added here is written when the work returns."""

    def __init__(
        self,
        database: Database,
        operator: Operator,
        session: Session,
        now: datetime,
        stream: Stream,
        series: str | None = None,
        purpose: Purpose = _NO_PURPOSE,
    ) -> None:
        self.database = database
        self.session = session
        self.now = now
        self._operator = operator
        self._purpose = purpose
        self._stream = stream
        self._own = new_series()
        self._series = series or self._own
        self._logger = AuditLogger(operator, now, self._own[:-1], purpose)
        self._numbers = itertools.count()
        self._changes: list[tuple[Change | Access, dict[str, Any], str]] = []

    def add(self, *changes: Change, first: int | None = None) -> int:
        """Add changes and return how many there were; an update that changes no value is left out, unaudited.

        `first` numbers the entries in the given series from there, so that they can be found again by their ids.
        """
        before = len(self._changes)
        series, numbers = (self._own, self._numbers) if first is None else (self._series, itertools.count(first))
        for number, change in zip(numbers, changes, strict=False):
            if not isinstance(change, Update):
                self._changes.append((change, {}, entry_id(series, number)))
            elif differing := assigned_differences(change.before, change.values):
                self._changes.append((change, differing, entry_id(series, number)))
        return len(self._changes) - before

    def note(self, access: Access) -> None:
        """Add the entry of a reading."""
        self._changes.append((access, {}, entry_id(self._own, next(self._numbers))))

    async def apply(self) -> None:
        """Write the changes and their audit entries.

        Raises Conflict where a guard no longer holds.
        """
        if not self._changes:
            return
        entries = [self._stream.link(self._entry(*each)) for each in self._changes]
        changes = [change for change, _, _ in self._changes]
        for collection, documents in _grouped(c for c in changes if isinstance(c, Insert)).items():
            await self.database[collection].insert_many([c.document for c in documents], session=self.session)
        for collection, updates in _grouped(c for c in changes if isinstance(c, Update)).items():
            await self._update(collection, updates)
        for collection, deletes in _grouped(c for c in changes if isinstance(c, Delete)).items():
            keys = [c.before["_id"] for c in deletes]
            gone = await self.database[collection].delete_many({"_id": {"$in": keys}}, session=self.session)
            _require(gone.deleted_count, len(deletes), collection)
        if self._stream.is_new:
            await self.database[STREAMS].insert_one(self._opened(), session=self.session)
        await self.database[AUDIT_LOGS].insert_many(entries, session=self.session)

    def _opened(self) -> Document:
        return {
            "_id": self._stream.id,
            "operator": self._operator.account,
            "session": self._operator.trail.session,
            "run": self._purpose.run,
            "opened_at": to_stored(self.now),
            "sealed": 0,
            "head": GENESIS,
            "ended": False,
        }

    async def _update(self, collection: str, updates: list[Update]) -> None:
        # Records that share guard and values share a statement: the server's cost is by the statement.
        groups: dict[bytes, list[Update]] = {}
        for update in updates:
            key = bson.encode({"guard": dict(update.guard), **_assignment(update.values)})
            groups.setdefault(key, []).append(update)
        statements: list[UpdateMany | UpdateOne] = []
        for group in groups.values():
            keys = [update.before["_id"] for update in group]
            matching = {"_id": {"$in": keys} if len(keys) > 1 else keys[0], **group[0].guard}
            kind = UpdateMany if len(keys) > 1 else UpdateOne
            statements.append(kind(matching, _assignment(group[0].values), hint="_id_"))
        result = await self.database[collection].bulk_write(statements, session=self.session)
        _require(result.matched_count, len(updates), collection)

    def _entry(self, change: Change | Access, differing: dict[str, Any], entry: str) -> Document:
        before = _shown(change.before) if isinstance(change, (Update, Delete)) else None
        if isinstance(change, Update):
            after: Document | None = applied(before or {}, change.values)
        elif isinstance(change, Insert):
            after = _shown(change.document)
        else:
            after = change.noted if isinstance(change, Access) else None
        record = before if after is None else after
        facts = Facts(_record_id(change, record or {}), before, after, differing)
        return self._logger.entry(entry, change.collection, change.action, facts)


async def transact(
    database: Database,
    operator: Operator,
    clock: Clock,
    work: Callable[[ChangeSet], Awaitable[T]],
    session: Session | None = None,
    *,
    purpose: Purpose = _NO_PURPOSE,
    stream: Stream | None = None,
    series: str | None = None,
    write: bool = True,
) -> T:
    """Run `work` in a transaction, then write the changes that it added, with their audit entries.

    `work` runs again when the server asks for a retry, so it keeps no state of its own. The entries go into `stream`,
    by default the operator's own, whose transactions take turns. `series` begins the ids of the entries that are
    numbered, for one who must find them again. With `write=False` what was added is dropped, and no turn is waited
    for. Without a session of the caller's own, all of it is tried for some seconds only. Raises Refused on a server
    without transactions, Conflict where a guard failed, and the driver's failures as refusals.
    """
    database.require_writable()
    chain = (stream or operator.trail.own) if write else Stream("")
    patience = None if session else _PATIENCE

    async def once(open_session: Session) -> T:
        chain.rewind()
        change_set = ChangeSet(database, operator, open_session, clock(), chain, series, purpose)
        result = await work(change_set)
        if write:
            await change_set.apply()
        chain.handed_over()
        return result

    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(told())
        stack.enter_context(pymongo.timeout(patience))
        await stack.enter_async_context(_turn(chain, patience))
        if session is None:
            session = await stack.enter_async_context(database.client.start_session())
        try:
            result = await run_transaction(database, session, once)
        except BaseException:
            chain.failed()
            raise
        chain.landed()
        return result


@contextlib.asynccontextmanager
async def _turn(chain: Stream, patience: float | None) -> AsyncIterator[None]:
    """Have the stream, once the transactions before have ended. Raises Conflict after so many seconds."""
    try:
        async with asyncio.timeout(patience):
            await chain.turn.acquire()
    except TimeoutError:
        message = "An earlier change of yours has not ended yet. Nothing of this one was written; try again."
        raise Conflict("change-waiting", message) from None
    try:
        yield
    finally:
        chain.turn.release()


async def note_access(database: Database, operator: Operator, clock: Clock, access: Access) -> None:
    """Write the entry of a sensitive reading; what it is about is read or shown only after this returns.

    Raises as `transact`.
    """

    async def work(changes: ChangeSet) -> None:
        changes.note(access)

    await transact(database, operator, clock, work, purpose=Purpose(reason=access.noted.get("reason")))


def _grouped(changes: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for change in changes:
        groups.setdefault(change.collection, []).append(change)
    return groups


def _shown(document: Document) -> Document:
    # The backend serves audit entries as JSON: an ObjectId inside would break its answer.
    shown = dict(document)
    shown.pop("_id", None)
    return shown


def _assignment(values: Mapping[str, Any]) -> Document:
    """The update that assigns these values."""
    operators: Document = {"$set": {path: value for path, value in values.items() if value is not ABSENT}}
    if len(operators["$set"]) < len(values):
        operators["$unset"] = {path: "" for path, value in values.items() if value is ABSENT}
    return {name: fields for name, fields in operators.items() if fields}


def applied(document: Document, values: Mapping[str, Any]) -> Document:
    """The document with these values at their dotted paths; the one given stays as it is."""
    after = dict(document)
    for path, value in values.items():
        if value is ABSENT and lookup(after, path) is ABSENT:
            continue  # parents on the way to nothing are not made
        *parents, last = path.split(".")
        inner = after
        for parent in parents:
            inner[parent] = dict(inner.get(parent) or {})
            inner = inner[parent]
        if value is ABSENT:
            inner.pop(last, None)
        else:
            inner[last] = value
    return after


def _record_id(change: Change | Access, record: Document) -> Any:
    if isinstance(change, Access):
        return change.record_id
    if record.get("id") is not None:
        return record["id"]
    return str(change.document.get("_id") if isinstance(change, Insert) else change.before["_id"])


def _require(actual: int, expected: int, collection: str) -> None:
    if actual != expected:
        raise Conflict(
            "changed-meanwhile",
            f"A record in {collection} was changed by somebody else in this moment. Nothing was written; look again.",
        )
