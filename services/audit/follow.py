"""The audit trail as it is written: a change stream, taken up again after an election."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, TypeAlias

from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from services.audit.doubts import with_doubts
from services.audit.entries import Entry, masked, read_entry
from services.audit.filters import AuditFilters, accepts
from services.changes.changeset import AUDIT_LOGS
from services.database import Database, Document, describe
from services.errors import Refused, Unreachable
from services.operators.operator import Operator

PATIENCE_SECONDS = 60.0
"""How long a database that is away is waited for."""
_AGAIN_AFTER = 0.5
_AT_ONCE = 100
"""Entries that are held to their hashes together, where so many come at once."""
_AWAIT_MS = 2_000
"""How long the server holds an answer back while nothing is written; an entry is answered at once."""
_MORE_SECONDS = 0.05
"""How long entries that were read wait for others, to be held to their hashes together."""
Place: TypeAlias = Mapping[str, Any] | None
"""From where a stream is taken up again."""
_GONE = (280, 286)
"""The server no longer has what came since."""
_INSERTS: list[dict[str, Any]] = [{"$match": {"operationType": "insert"}}]


async def follow(database: Database, operator: Operator, filters: AuditFilters) -> AsyncGenerator[Entry, None]:
    """The entries that match, from now on and without a gap, each with what stands against it.

    Raises Refused on a server without a replica set, and where the server has forgotten what came while it could not
    be reached; Unreachable where it stays away.
    """
    if database.read_only:
        raise Refused("no-change-streams", database.read_only)
    seen: Place = None
    away: float | None = None
    while True:
        try:
            stream = await database[AUDIT_LOGS].watch(_INSERTS, resume_after=seen, max_await_time_ms=_AWAIT_MS)
            async with stream, contextlib.aclosing(_changes(stream)) as changes:
                seen, away = stream.resume_token or seen, None
                async for written, place in changes:
                    away = None
                    wanted = [entry for each in written if (entry := _wanted(each, operator, filters))]
                    # What was read and not yet told is read again after a lost connection.
                    told, seen = await with_doubts(database, wanted), place or seen
                    for entry in told:
                        yield entry
        except (PyMongoError, Unreachable) as error:
            cause = error.__cause__ if isinstance(error, Unreachable) else error
            if not isinstance(cause, PyMongoError):
                raise
            if isinstance(cause, OperationFailure) and cause.code in _GONE:
                raise _lost() from cause
            away = away or time.monotonic()
            if not _passing(cause) or time.monotonic() - away > PATIENCE_SECONDS:
                raise describe(cause) from cause
            await asyncio.sleep(_AGAIN_AFTER)


async def _changes(stream: AsyncChangeStream[Document]) -> AsyncGenerator[tuple[list[Document], Place], None]:
    """What was written, as it comes, with the place behind it; nothing where the server has nothing to say for long."""
    written: list[Document] = []
    place: Place = None
    asked: asyncio.Task[Document | None] | None = None
    try:
        while True:
            asked = asked or asyncio.create_task(stream.try_next())
            done, _ = await asyncio.wait([asked], timeout=_MORE_SECONDS if written else None)
            change = None
            if done:
                change, asked = asked.result(), None
                if not stream.alive:  # the collection was dropped or renamed: this stream says nothing more
                    raise _lost()
                place = change["_id"] if change else stream.resume_token
            if change:
                written.append(change["fullDocument"])
            if not change or len(written) == _AT_ONCE:
                yield written, place
                written = []
    finally:
        if asked:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)


def _lost() -> Refused:
    return Refused("follow-lost", "The server no longer knows what was written meanwhile: `audit list` has it.")


def _wanted(document: Mapping[str, Any], operator: Operator, filters: AuditFilters) -> Entry | None:
    entry = read_entry(document)
    seen = masked(entry) if operator.masked else entry
    return seen if accepts(filters, entry, seen) else None


def _passing(error: PyMongoError) -> bool:
    return isinstance(error, ConnectionFailure) or error.has_error_label("ResumableChangeStreamError")
