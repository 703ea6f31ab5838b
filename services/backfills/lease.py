"""One runner at a time: a lease on the server's clock, and a fencing token that every batch carries."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services import leases
from services.backfills.runs import LANES, RUNS, Lane, State, Work, keys_of, lane_key, load_lanes
from services.database import Database, Document, Session, told
from services.errors import Fenced, Refused


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that this runner has taken."""

    run: str
    token: int
    seconds: float


async def take(
    database: Database, run: str, states: Sequence[State], state: State, seconds: float, stamp: Document
) -> Held:
    """Take the lease of a run that is in one of these states and whose last lease, if any, is over.

    The run is in `state` then, and carries the values of `stamp`.

    Raises Refused while another runner holds it.
    """
    fixed = {name: {"$literal": value} for name, value in stamp.items()}
    lease = {"token": {"$add": ["$lease.token", 1]}, "owner": leases.holder(), "until": leases.until(seconds)}
    with told():
        taken = await database[RUNS].find_one_and_update(
            {"_id": run, "state": {"$in": list(states)}, "$expr": leases.over("$lease.until")},
            [{"$set": {"state": state, "lease": lease, "wanted": None, "paused": False, "began.at": "$$NOW", **fixed}}],
            return_document=ReturnDocument.AFTER,
        )
    if taken is None:
        raise Refused("already-running", f"Another runner works on {run}. `backfill status {run}` shows its progress.")
    return Held(run, int(taken["lease"]["token"]), seconds)


def kept(database: Database, held: Held) -> AbstractAsyncContextManager[None]:
    """Renew the lease while the body runs; where another runner has it, the body is cancelled and Fenced is raised."""

    async def renew() -> bool:
        update = [{"$set": {"lease.until": leases.until(held.seconds)}}]
        return (await database[RUNS].update_one(_mine(held), update)).matched_count > 0

    return leases.kept(renew, held.seconds, taken_over(held.run))


async def give_back(database: Database, held: Held, changes: Document) -> None:
    """End the lease and write the run's new state with it; nothing happens where another runner has the run.

    The lanes' sessions go back to the driver, which uses them for other work: a takeover must not end them.
    """
    with told():
        await database[RUNS].update_one(_mine(held), {"$set": {**changes, "lease.until": None, "wanted": None}})
        await database[LANES].update_many({**keys_of(held.run), "token": held.token}, {"$unset": {"session": ""}})


async def shut_out(database: Database, run: str, token: int) -> None:
    """Keep every runner of an older token from landing anything more; what is behind the checkpoints is final then.

    All lanes are fenced, whatever the work: a stalled commit may not go on under a rollback. A killed runner's
    sessions are ended first: its open transaction would else hold its records until the server's limit of 60 seconds.
    Who was taken over without having noticed shuts nobody out.
    """
    older = {**keys_of(run), **_no_newer(token)}
    with told():
        stale = [lane["session"] async for lane in database[LANES].find(older) if "session" in lane]
        if stale:
            await leases.end_sessions(database, stale)
        await database[LANES].update_many(older, {"$set": {"token": token}, "$unset": {"session": ""}})


async def open_lanes(database: Database, held: Held, work: Work, rows: int, sessions: Sequence[Session]) -> list[Lane]:
    """The run's lanes for that work, made when it begins, with this runner's token and session in each.

    The runners before are shut out first. Raises Fenced where another runner has taken over meanwhile.
    """
    await shut_out(database, held.run, held.token)
    with told():
        for number, session in enumerate(sessions):
            bounds = [rows * number // len(sessions), rows * (number + 1) // len(sessions)]
            fresh = {"next": bounds[0], "end": bounds[1]}
            mine = {"token": held.token, "session": session.session_id["id"]}
            lane = {"_id": lane_key(held.run, work, number), **_no_newer(held.token)}
            try:
                await database[LANES].update_one(lane, {"$set": mine, "$setOnInsert": fresh}, upsert=True)
            except DuplicateKeyError as error:
                raise taken_over(held.run) from error
    return await load_lanes(database, held.run, work)


def taken_over(run: str) -> Fenced:
    """What a runner is told that lost its lease."""
    return Fenced("taken-over", f"Another runner has taken {run} over; this one has stopped.")


def _no_newer(token: int) -> Document:
    return {"token": {"$not": {"$gt": token}}}


def _mine(held: Held) -> Document:
    return {"_id": held.run, "lease.token": held.token}
