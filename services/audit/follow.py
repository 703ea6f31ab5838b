"""The audit trail as it is written: a change stream, taken up again after an election."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from services.audit.entries import Entry, masked, read_entry
from services.audit.filters import AuditFilters, accepts
from services.changes.changeset import AUDIT_LOGS
from services.database import Database, describe
from services.errors import Refused
from services.operators.operator import Operator

PATIENCE_SECONDS = 60.0
"""How long a database that is away is waited for."""
_AGAIN_AFTER = 0.5
_GONE = (280, 286)
"""The server no longer has what came since."""
_INSERTS: list[dict[str, Any]] = [{"$match": {"operationType": "insert"}}]


async def follow(database: Database, operator: Operator, filters: AuditFilters) -> AsyncGenerator[Entry, None]:
    """The entries that match, from now on and without a gap.

    Raises Refused on a server without a replica set, and where the server has forgotten what came while it could not
    be reached; Unreachable where it stays away.
    """
    if database.read_only:
        raise Refused("no-change-streams", database.read_only)
    seen: Mapping[str, Any] | None = None
    away: float | None = None
    while True:
        try:
            stream = await database[AUDIT_LOGS].watch(_INSERTS, resume_after=seen, max_await_time_ms=1_000)
            async with stream:
                seen, away = stream.resume_token or seen, None
                while True:
                    change = await stream.try_next()
                    seen, away = stream.resume_token or seen, None
                    if not stream.alive:  # the collection was dropped or renamed: this stream says nothing more
                        raise _lost()
                    if change is not None and (entry := _wanted(change["fullDocument"], operator, filters)):
                        yield entry
        except PyMongoError as error:
            if isinstance(error, OperationFailure) and error.code in _GONE:
                raise _lost() from error
            away = away or time.monotonic()
            if not _passing(error) or time.monotonic() - away > PATIENCE_SECONDS:
                raise describe(error) from error
            await asyncio.sleep(_AGAIN_AFTER)


def _lost() -> Refused:
    return Refused("follow-lost", "The server no longer knows what was written meanwhile: `audit list` has it.")


def _wanted(document: Mapping[str, Any], operator: Operator, filters: AuditFilters) -> Entry | None:
    entry = read_entry(document)
    seen = masked(entry) if operator.masked else entry
    return seen if accepts(filters, entry, seen) else None


def _passing(error: PyMongoError) -> bool:
    return isinstance(error, ConnectionFailure) or error.has_error_label("ResumableChangeStreamError")
