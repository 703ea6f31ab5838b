"""The entries without a leaf: those that wait to be sealed, and those that do not belong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bson import ObjectId

from services.audit.chain import GENESIS, Link, documents_in, key_of, read_key, read_link
from services.audit.log import LEAVES, leaves_of
from services.audit.walk import End, Stored, Walk, as_name
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.database import Database, Session
from services.deployment.indexes import AUDIT_BY_CHAIN, hint

_AT_ONCE = 1_000
_BEHIND = "It has no chain, and stands where all was sealed before."
_FOREIGN = (
    "It has no chain, and its id is no ObjectId as the backend's are: nothing tells when it came, so it is not "
    "taken in. Ask who writes such entries; they count as inserted."
)


@dataclass(frozen=True)
class Rest:
    """How many entries there are, and how many of them wait to be sealed."""

    entries: int
    unsealed: int


async def check_rest(walk: Walk, session: Session | None, adopted: str) -> Rest:
    """Check what is not sealed, and the list of streams; look for strays only where there can be some."""
    database = walk.database
    sealed = {name: end.seq for name, end in walk.ends.items()}
    followed: set[str] = set()
    unsealed = await _check_streams(walk, session, followed)
    waiting = await _count_unadopted(database, session, adopted)
    entries = await database[AUDIT_LOGS].count_documents({}, session=session, hint="_id_")
    if walk.problems.count or entries != walk.present + unsealed + waiting:
        await _Strays(walk, session, adopted, sealed, followed).name()
    return Rest(entries, unsealed + waiting)


async def _check_streams(walk: Walk, session: Session | None, followed: set[str]) -> int:
    """Follow each open stream behind its last leaf; returns how many entries belong there."""
    database, count, known = walk.database, 0, set()
    by_chain = await hint(database, AUDIT_BY_CHAIN)
    async for stream in database[STREAMS].find({}, session=session, hint="_id_"):
        name = stream["_id"]
        if not isinstance(name, str):
            walk.problems.add(f"stream {name}", "log-altered", "This is no stream.")
            continue
        known.add(name)
        end = walk.ends.get(name, End(0, GENESIS, None))
        if (stream.get("sealed"), stream.get("head")) != (end.seq, end.hash):
            walk.problems.add(f"stream {name}", "log-altered", "Its end is not where the log says.")
        if (stream.get("ended") is True) != (name in walk.closed):
            walk.problems.add(f"stream {name}", "log-altered", "The log says otherwise of whether it ended.")
        if name not in walk.closed:
            count += await _follow(walk, session, name, end.seq, by_chain)
            followed.add(name)
    for name in walk.ends.keys() - known:
        walk.problems.add(f"stream {name}", "log-altered", "It is not in the list of streams.")
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
        if link and link.intact and link.stream == stream:
            walk.follow(key, link)
            continue
        walk.problems.add(key, "altered", "Its content does not fit its own hash.")
        # It has the next place, or the one that it names; what its hash was, nobody can tell.
        end = walk.ends.get(stream, End(0, GENESIS, None))
        walk.ends[stream] = End(link.seq if link and link.seq > end.seq else end.seq + 1, "", key)
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


@dataclass(frozen=True)
class _Strays:
    """Names the entries that have no leaf and do not wait for one."""

    walk: Walk
    session: Session | None
    adopted: str
    sealed: dict[str, int]
    """How far each stream is sealed."""
    followed: set[str]
    """The streams that are open."""

    async def name(self) -> None:
        """Compare all entries with the leaves, by their ids."""
        cursor = self.walk.database[AUDIT_LOGS].find_raw_batches(
            {}, {"_id": 1}, session=self.session, hint="_id_", sort=[("_id", 1)]
        )
        keys: list[Any] = []
        async for document in _documents(cursor):
            keys.append(key_of(document))
            if len(keys) == _AT_ONCE:
                await self._look_at(keys)
                keys = []
        await self._look_at(keys)

    async def _look_at(self, keys: Sequence[Any]) -> None:
        database = self.walk.database
        leaves: set[Any] = set()
        cursor = database[LEAVES].find({"entries": {"$in": list(keys)}}, session=self.session)
        async for tile in cursor:
            leaves.update(as_name(key) for key, _ in leaves_of(tile))
        strays = {as_name(key): key for key in keys if as_name(key) not in leaves}
        for name, stored in (await self.walk.fetch(list(strays.values()), self.session)).items():
            if name in strays:
                await self._judge(strays[name], stored)

    async def _judge(self, key: Any, stored: Stored) -> None:
        walk = self.walk
        if str(key) in walk.problems.named:
            return
        if stored.content in walk.orphans:
            problem = walk.orphans[stored.content] or walk.problems.add(key, "log-altered", "")
            problem.entry, problem.kind = str(key), "log-altered"
            problem.detail = "The log names another id in place of its own."
        elif stored.link:
            await self._judge_chained(key, stored.link)
        else:
            await self._judge_unchained(key)

    async def _judge_chained(self, key: Any, link: Link) -> None:
        walk, stream, seq = self.walk, link.stream, link.seq
        place = {"chain.stream": stream, "chain.seq": seq}
        passed = walk.gaps.pop((stream, seq), None)
        if passed:
            passed.entry, passed.kind, passed.detail = str(key), "log-altered", "It has no leaf in the log."
        elif stream in self.followed and seq > self.sealed.get(stream, 0) and await self._find({**place, "_id": key}):
            return  # it waits to be sealed, and was looked at there
        elif await self._find({**place, "_id": {"$ne": key}}):
            walk.problems.add(key, "forked", f"Another entry has its place {seq} in the stream {stream}.")
        elif seq <= self.sealed.get(stream, 0):
            if walk.whole:
                walk.problems.add(key, "inserted", f"It was not there when the stream {stream} was sealed.")
            else:
                walk.problems.add(key, "log-altered", "Its leaf is not in the log any more.")
        elif stream in self.sealed and stream not in self.followed | walk.closed:
            walk.problems.add(key, "log-altered", f"Its stream {stream} is not in the list of streams.")
        else:
            walk.problems.add(key, "inserted", f"Nobody may write into the stream {stream} any more, or ever could.")

    async def _judge_unchained(self, key: Any) -> None:
        walk = self.walk
        chain = (await self._find({"_id": key}, {"chain": 1}) or {}).get("chain")
        if chain is not None:
            place = (chain.get("stream"), chain.get("seq")) if isinstance(chain, dict) else None
            passed = next((gap for gap in walk.gaps if gap == place), None)
            problem = walk.gaps.pop(passed) if passed else walk.problems.add(key, "altered", "")
            problem.entry, problem.kind, problem.detail = str(key), "altered", "Its chain cannot be read."
        elif self.adopted and not await self._waits(key):
            if walk.whole:
                walk.problems.add(key, "inserted", _BEHIND if isinstance(key, ObjectId) else _FOREIGN)
            else:
                walk.problems.add(key, "log-altered", "Its leaf is not in the log any more.")

    async def _waits(self, key: Any) -> bool:
        position = read_key(self.adopted)
        behind = self.walk.database[AUDIT_LOGS].find({"_id": key}, {"_id": 1}, session=self.session, hint="_id_")
        return key != position and bool(await behind.min([("_id", position)]).to_list())

    async def _find(self, matching: dict[str, Any], fields: dict[str, int] | None = None) -> Any:
        return await self.walk.database[AUDIT_LOGS].find_one(matching, fields or {"_id": 1}, session=self.session)


async def _documents(cursor: Any) -> AsyncIterator[bytes]:
    async for batch in cursor:
        for document in documents_in(cast(bytes, batch)):
            yield document
