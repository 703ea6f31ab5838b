"""One sender at a time, by a lease on the server's clock; a dead sender's open questions are found by its token."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import OperationFailure, PyMongoError

from services.database import Database, Document, Session, told
from services.errors import Fenced, Refused

SENDER = "console_sender"
_KEY = "reminders"
_LOOK_AGAIN = 0.1
_UNKNOWN_SESSION_RIGHTS = 13


@dataclass(frozen=True, slots=True)
class Turn:
    """The lease that this sender has taken."""

    token: int
    seconds: float
    recent: Mapping[str, float]
    """The phones that the sender before wrote to last, with the seconds since."""


async def take(database: Database, seconds: float, sessions: Sequence[Session]) -> Turn:
    """Take the lease once the last one is over, for a sender with these sessions; a dead sender's is waited for.

    A dead sender's sessions are ended: its open transactions would else hold their records until the server's limit
    of 60 seconds. Raises Refused while another sender renews the lease.
    """
    over: Document = {"$or": [{"$eq": [{"$type": "$until"}, "null"]}, {"$lte": ["$until", "$$NOW"]}]}
    values = {
        "token": {"$add": ["$token", 1]},
        "owner": f"{socket.gethostname()}:{os.getpid()}",
        "until": _until(seconds),
        "idle": {"$divide": [{"$subtract": ["$$NOW", {"$ifNull": ["$ended", "$$NOW"]}]}, 1000]},
    }
    with told():
        await database[SENDER].update_one({"_id": _KEY}, {"$setOnInsert": {"token": 0, "until": None}}, upsert=True)
        seen = await database[SENDER].find_one({"_id": _KEY}) or {}
        while True:
            taken = await database[SENDER].find_one_and_update(
                {"_id": _KEY, "$expr": over}, [{"$set": values}], return_document=ReturnDocument.AFTER
            )
            if taken:
                break
            now = await database[SENDER].find_one({"_id": _KEY}) or {}
            if (now.get("token"), now.get("until")) != (seen.get("token"), seen.get("until")):
                raise Refused("already-sending", "Another sender is at work; it sends all that is due.")
            await asyncio.sleep(_LOOK_AGAIN)
        mine = {"sessions": [session.session_id["id"] for session in sessions]}
        before = await database[SENDER].find_one_and_update({"_id": _KEY, "token": taken["token"]}, {"$set": mine})
        if stale := (before or {}).get("sessions"):
            await _end(database, stale)
    recent = {each["phone"]: each["ago"] + taken["idle"] for each in taken.get("recent", ())}
    return Turn(int(taken["token"]), seconds, recent)


async def confirm(database: Database, turn: Turn) -> None:
    """Raises Fenced where another sender has taken the lease."""
    with told():
        mine = await database[SENDER].find_one(_mine(turn), {"_id": 1})
    if mine is None:
        raise taken_over()


def taken_over() -> Fenced:
    """What a sender is told whose lease another one has."""
    return Fenced("taken-over", "Another sender has taken over; this one has stopped.")


@contextlib.asynccontextmanager
async def kept(database: Database, turn: Turn) -> AsyncIterator[None]:
    """Renew the lease while the body runs; where another sender has it, the body is cancelled and Fenced is raised."""
    body = asyncio.current_task()
    lost = False

    async def renew() -> None:
        nonlocal lost
        while not lost:
            await asyncio.sleep(turn.seconds / 3)
            with contextlib.suppress(PyMongoError):  # a lost connection heals, or the lease runs out and tells
                renewed = await database[SENDER].update_one(_mine(turn), [{"$set": {"until": _until(turn.seconds)}}])
                lost = renewed.matched_count == 0
        if body:
            body.cancel()

    renewal = asyncio.create_task(renew())
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            if body:
                body.uncancel()
            raise taken_over() from None
        raise
    finally:
        renewal.cancel()


async def give_back(database: Database, turn: Turn, recent: Mapping[str, float]) -> None:
    """End the lease, and leave word of whom the messages of the last seconds went to.

    The sessions go back to the driver, which uses them for other work: the next sender must not end them.
    """
    phones = [{"phone": phone, "ago": ago} for phone, ago in recent.items()]
    ending = {"until": "$$NOW", "ended": "$$NOW", "recent": {"$literal": phones}, "sessions": []}
    with told():
        await database[SENDER].update_one(_mine(turn), [{"$set": ending}])


async def _end(database: Database, sessions: Sequence[Any]) -> None:
    try:
        await database.client.admin.command({"killSessions": [{"id": session} for session in sessions]})
    except OperationFailure as error:
        if error.code != _UNKNOWN_SESSION_RIGHTS:  # without the right, the server's limit ends them
            raise


def _mine(turn: Turn) -> Document:
    return {"_id": _KEY, "token": turn.token}


def _until(seconds: float) -> Document:
    return {"$add": ["$$NOW", int(seconds * 1000)]}
