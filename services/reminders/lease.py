"""One sender at a time, by a lease on the server's clock; a dead sender's open questions are found by its token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from pymongo import ReturnDocument

from services import leases
from services.database import Database, Document, Session, told
from services.errors import Fenced, Refused

SENDER = "console_sender"
_KEY = "reminders"
_LOOK_AGAIN = 0.1


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
    values = {
        "token": {"$add": ["$token", 1]},
        "owner": leases.holder(),
        "until": leases.until(seconds),
        "idle": {"$divide": [{"$subtract": ["$$NOW", {"$ifNull": ["$ended", "$$NOW"]}]}, 1000]},
    }
    with told():
        await database[SENDER].update_one({"_id": _KEY}, {"$setOnInsert": {"token": 0, "until": None}}, upsert=True)
        seen = await database[SENDER].find_one({"_id": _KEY}) or {}
        while True:
            taken = await database[SENDER].find_one_and_update(
                {"_id": _KEY, "$expr": leases.over("$until")}, [{"$set": values}], return_document=ReturnDocument.AFTER
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
            await leases.end_sessions(database, stale)
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


def kept(database: Database, turn: Turn) -> AbstractAsyncContextManager[None]:
    """Renew the lease while the body runs; where another sender has it, the body is cancelled and Fenced is raised."""

    async def renew() -> bool:
        update = [{"$set": {"until": leases.until(turn.seconds)}}]
        return (await database[SENDER].update_one(_mine(turn), update)).matched_count > 0

    return leases.kept(renew, turn.seconds, taken_over())


async def give_back(database: Database, turn: Turn, recent: Mapping[str, float]) -> None:
    """End the lease, and leave word of whom the messages of the last seconds went to.

    The sessions go back to the driver, which uses them for other work: the next sender must not end them.
    """
    phones = [{"phone": phone, "ago": ago} for phone, ago in recent.items()]
    ending = {"until": "$$NOW", "ended": "$$NOW", "recent": {"$literal": phones}, "sessions": []}
    with told():
        await database[SENDER].update_one(_mine(turn), [{"$set": ending}])


def _mine(turn: Turn) -> Document:
    return {"_id": _KEY, "token": turn.token}
