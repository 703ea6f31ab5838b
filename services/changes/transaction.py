"""A transaction that leaves nothing behind when its time is over, and tells what it waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pymongo
from pymongo import ReadPreference
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError
from pymongo.read_concern import ReadConcern

from services.database import DURABLE, Database, Session, code_of
from services.errors import TooLong

T = TypeVar("T")

_SNAPSHOT = ReadConcern("snapshot")
_FAREWELL = 2.0
_LIFETIME_EXCEEDED, _NO_SUCH_TRANSACTION = 290, 251
"""How the server ends a transaction for its age: in the middle of a statement, or between two."""
_SHORTEST_LIFETIME = 1.0
"""The least seconds that a server can be told to let a transaction live."""


async def run_transaction(database: Database, session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
    """Run `work` in a transaction, again when the server asks for a retry, until the deadline of `pymongo.timeout`.

    Raises TooLong where the server ended it for its age: again it would take as long. Raises the driver's failures;
    the end of the time from what was tried again last, where there was such.
    """
    retried: list[PyMongoError] = []

    async def once(open_session: Session) -> T:
        begun = time.monotonic()
        try:
            return await work(open_session)
        except PyMongoError as error:
            if code_of(error) == _NO_SUCH_TRANSACTION and time.monotonic() - begun >= _SHORTEST_LIFETIME:
                raise _too_long() from error
            if error.has_error_label("TransientTransactionError"):
                retried[:] = [error]
            raise

    try:
        return await session.with_transaction(once, _SNAPSHOT, DURABLE, ReadPreference.PRIMARY)
    except PyMongoError as error:
        if code_of(error) == _LIFETIME_EXCEEDED:
            raise _too_long() from error
        if error.timeout and not isinstance(error, ServerSelectionTimeoutError):
            await _abandon(database, session)
            if retried and retried[0] is not error:
                raise error from retried[0]
        raise


def _too_long() -> TooLong:
    return TooLong(
        "transaction-too-long",
        "The server ended a transaction that took longer than its transactionLifetimeLimitSeconds. Nothing of it was "
        "written; try again when the server has less to do, or raise that limit.",
    )


async def _abandon(database: Database, session: Session) -> None:
    """End a transaction for which there was no time left to abort it: it would hold its records for a minute."""
    with contextlib.suppress(PyMongoError, TimeoutError), pymongo.timeout(None):  # the deadline is over
        async with asyncio.timeout(_FAREWELL):
            await database.client.admin.command({"killSessions": [session.session_id]})
