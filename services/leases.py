"""What every lease on the server's clock is made of: its end, its renewal, and the end of a dead holder's sessions."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from services.database import Database, Document
from services.errors import Fenced

_UNKNOWN_SESSION_RIGHTS = 13


def holder() -> str:
    """Who holds a lease, for people: this machine and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def until(seconds: float) -> Document:
    """The end of a lease that is taken or renewed now."""
    return {"$add": ["$$NOW", int(seconds * 1000)]}


def over(field: str) -> Document:
    """Whether the lease whose end is in that field (`$until`) is over, or was never taken."""
    return {"$or": [{"$eq": [{"$type": field}, "null"]}, {"$lte": [field, "$$NOW"]}]}


@contextlib.asynccontextmanager
async def kept(renew: Callable[[], Awaitable[bool]], seconds: float, taken_over: Fenced) -> AsyncIterator[None]:
    """Renew a lease of so many seconds while the body runs.

    Where `renew` says that another one has it, the body is cancelled and `taken_over` is raised.
    """
    body = asyncio.current_task()
    lost = False

    async def keep_renewing() -> None:
        nonlocal lost
        while not lost:
            await asyncio.sleep(seconds / 3)
            with contextlib.suppress(PyMongoError):  # a lost connection heals, or the lease runs out and tells
                lost = not await renew()
        if body:
            body.cancel()

    renewal = asyncio.create_task(keep_renewing())
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            if body:
                body.uncancel()
            raise taken_over from None
        raise
    finally:
        renewal.cancel()


async def end_sessions(database: Database, sessions: Sequence[Any]) -> None:
    """End a dead holder's server sessions: an open transaction would hold its records until the server's 60 seconds."""
    try:
        await database.client.admin.command({"killSessions": [{"id": session} for session in sessions]})
    except OperationFailure as error:
        if error.code != _UNKNOWN_SESSION_RIGHTS:  # without the right, the server's limit ends them
            raise
