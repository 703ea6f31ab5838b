"""The entries without a leaf: those that wait to be sealed, and those that do not belong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bson import ObjectId

from services.audit.chain import documents_in, key_of, read_key, read_link
from services.audit.log import LEAVES
from services.audit.walk import Walk, as_name
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.database import Database, Session
from services.deployment.indexes import AUDIT_BY_CHAIN, hint

_AT_ONCE = 1_000


@dataclass(frozen=True)
class Rest:
    """How many entries there are, and how many of them wait to be sealed."""

    entries: int
    unsealed: int


async def check_rest(walk: Walk, session: Session | None, adopted: str) -> Rest:
    """Check what is not sealed, and the list of streams; look for strays only where the count says that there are."""
    database = walk.database
    unsealed = await _check_streams(walk, session)
    waiting = await _count_unadopted(database, session, adopted)
    entries = await database[AUDIT_LOGS].count_documents({}, session=session, hint="_id_")
    if entries != walk.present + unsealed + waiting:
        await _name_strays(walk, session, adopted)
    return Rest(entries, unsealed + waiting)


async def _check_streams(walk: Walk, session: Session | None) -> int:
    """Follow each open stream behind its last leaf; returns how many entries belong there."""
    database, count, known = walk.database, 0, set()
    by_chain = await hint(database, AUDIT_BY_CHAIN)
    async for stream in database[STREAMS].find({}, session=session):
        name = stream["_id"]
        known.add(name)
        sealed = walk.streams.get(name, (0, "0" * 64))
        if (stream.get("sealed"), stream.get("head")) != sealed:
            walk.problems.add(f"stream {name}", "log-altered", "Its end is not where the log says.")
        if stream.get("ended") is not True:
            count += await _follow(walk, session, name, sealed[0], by_chain)
    for name in walk.streams.keys() - known:
        walk.problems.add(f"stream {name}", "log-altered", "It is not in the list of streams any more.")
    return count


async def _follow(walk: Walk, session: Session | None, stream: str, sealed: int, by_chain: Any) -> int:
    count = 0
    cursor = walk.database[AUDIT_LOGS].find_raw_batches(
        {"chain.stream": stream, "chain.seq": {"$gt": sealed}}, session=session,
        sort=[("chain.stream", 1), ("chain.seq", 1)], hint=by_chain,
    )  # fmt: skip
    async for entry in _documents(cursor):
        link, key = read_link(entry), key_of(entry)
        count += 1
        if link is None or not link.intact:
            walk.problems.add(key, "altered", "Its content does not fit its own hash.")
            if link:
                walk.streams[stream] = link.seq, link.hash
        else:
            walk.follow(key, link.stream, link.seq, link.prev, link.hash)
    return count


async def _count_unadopted(database: Database, session: Session | None, adopted: str) -> int:
    """Entries without a chain behind the last one that was taken in."""
    position, count = read_key(adopted), 0
    cursor = database[AUDIT_LOGS].find_raw_batches(
        {"chain": None}, {"_id": 1}, session=session, hint="_id_", min={"_id": position}
    )
    async for document in _documents(cursor):
        count += key_of(document) != position
    return count


async def _name_strays(walk: Walk, session: Session | None, adopted: str) -> None:
    cursor = walk.database[AUDIT_LOGS].find_raw_batches({}, {"_id": 1}, session=session, hint="_id_", sort=[("_id", 1)])
    keys: list[Any] = []
    async for document in _documents(cursor):
        keys.append(key_of(document))
        if len(keys) == _AT_ONCE:
            await _look_at(walk, session, keys, adopted)
            keys = []
    await _look_at(walk, session, keys, adopted)


async def _look_at(walk: Walk, session: Session | None, keys: Sequence[Any], adopted: str) -> None:
    leaves: set[Any] = set()
    async for tile in walk.database[LEAVES].find({"entries": {"$in": list(keys)}}, {"entries": 1}, session=session):
        leaves.update(map(as_name, tile["entries"] if isinstance(tile["entries"], list) else ()))
    strays = [key for key in keys if as_name(key) not in leaves]
    if not strays:
        return
    open_streams = {
        stream["_id"]: stream.get("sealed", 0)
        async for stream in walk.database[STREAMS].find({"ended": {"$ne": True}}, session=session)
    }
    for entry in (await walk.fetch(strays, session)).values():
        await _judge(walk, session, entry, adopted, open_streams)


async def _judge(walk: Walk, session: Session | None, entry: bytes, adopted: str, open_streams: dict[str, int]) -> None:
    key, link = key_of(entry), read_link(entry)
    if link is None:
        if adopted and not _behind(key, adopted):
            walk.problems.add(key, "inserted", "It stands among entries that were sealed, and was not there then.")
        return
    if link.seq > open_streams.get(link.stream, link.seq):
        return  # it waits to be sealed, and was looked at there
    place = {"chain.stream": link.stream, "chain.seq": link.seq, "_id": {"$ne": key}}
    if await walk.database[AUDIT_LOGS].find_one(place, {"_id": 1}, session=session):
        walk.problems.add(key, "forked", f"Another entry has its place {link.seq} in the stream {link.stream}.")
    elif link.seq <= walk.streams.get(link.stream, (0, ""))[0]:
        walk.problems.add(key, "log-altered", "Its leaf is not in the log any more.")
    else:
        walk.problems.add(key, "inserted", f"Nobody may write into the stream {link.stream} any more, or ever could.")


def _behind(key: Any, adopted: str) -> bool:
    position = read_key(adopted)
    if isinstance(key, ObjectId) and isinstance(position, ObjectId):
        return key > position
    return not isinstance(position, ObjectId) or not isinstance(key, str)


async def _documents(cursor: Any) -> AsyncIterator[bytes]:
    async for batch in cursor:
        for document in documents_in(cast(bytes, batch)):
            yield document
