"""A transaction that leaves nothing behind when its time is over, and tells what it waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pymongo
from pymongo import ReadPreference
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError
from pymongo.read_concern import ReadConcern

from services.database import DURABLE, Database, Session

T = TypeVar("T")

_SNAPSHOT = ReadConcern("snapshot")
_FAREWELL = 2.0


async def run_transaction(database: Database, session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
    """Run `work` in a transaction, again when the server asks for a retry, until the deadline of `pymongo.timeout`.

    Raises the driver's failures; the end of the time from what was tried again last, where there was such.
    """
    retried: list[PyMongoError] = []

    async def once(open_session: Session) -> T:
        try:
            return await work(open_session)
        except PyMongoError as error:
            if error.has_error_label("TransientTransactionError"):
                retried[:] = [error]
            raise

    try:
        return await session.with_transaction(once, _SNAPSHOT, DURABLE, ReadPreference.PRIMARY)
    except PyMongoError as error:
        if error.timeout and not isinstance(error, ServerSelectionTimeoutError):
            await _abandon(database, session)
            if retried and retried[0] is not error:
                raise error from retried[0]
        raise


async def _abandon(database: Database, session: Session) -> None:
    """End a transaction for which there was no time left to abort it: it would hold its records for a minute."""
    with contextlib.suppress(PyMongoError, TimeoutError), pymongo.timeout(None):  # the deadline is over
        async with asyncio.timeout(_FAREWELL):
            await database.client.admin.command({"killSessions": [session.session_id]})
