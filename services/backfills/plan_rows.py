"""A plan's rows: pinned by a digest, on their way to the database, and what is left of plans that nobody wants."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure, PyMongoError

from services.backfills.packs import PACK, ROWS, pack_key, pins_key, placed_pin, without_key
from services.backfills.pipeline import Behind
from services.backfills.plan import Group
from services.backfills.runs import RUNS, keys_of, run_ids_before
from services.database import Database, Document

_UNAUTHORISED = 13
_LARGEST = 1 << 20
"""Bytes of a pack of several rows."""
_UNWANTED_AFTER = timedelta(days=30)
_ORPHANED_AFTER = timedelta(days=1)
_RUNS_AT_ONCE = 200
_PACKS_AT_ONCE = 1_000


class PinnedRows:
    """The rows of one plan in packs, as they are stored, with a pin for each, and SHA-256 over those of each class."""

    def __init__(self, run: str, groups: Sequence[Group]) -> None:
        self._run = run
        self._waiting: dict[Group, list[Document]] = {group: [] for group in groups}
        self._packed = dict.fromkeys(groups, 0)
        self._classes = {group: hashlib.sha256() for group in groups}
        self._pins = {group: bytearray() for group in groups}

    def add(self, bodies: Sequence[Document]) -> list[bytes]:
        """The packs that are full with these bodies; the others wait for more."""
        packs: list[bytes] = []
        for body in bodies:
            group = body["group"]
            waiting = self._waiting[group]
            waiting.append(body)
            if len(waiting) == PACK:
                packs += self._pack(group, waiting)
                waiting.clear()
        return packs

    def rest(self) -> list[bytes]:
        """The packs of what still waits, once there is no more."""
        packs: list[bytes] = []
        for group, waiting in self._waiting.items():
            if waiting:
                packs += self._pack(group, waiting)
                waiting.clear()
        return packs

    def _pack(self, group: Group, bodies: Sequence[Document]) -> list[bytes]:
        first = self._packed[group]
        key = pack_key(self._run, group, first)
        pack = bson.encode({"_id": key, "first": first, "rows": bodies})
        if len(pack) > _LARGEST and len(bodies) > 1:
            middle = len(bodies) // 2
            return self._pack(group, bodies[:middle]) + self._pack(group, bodies[middle:])
        self._packed[group] += len(bodies)
        # Hashed are the bytes that the database answers when asked for the pack without its `_id`: the keys are no
        # part of the digest, so that equal plans have the same.
        bare = without_key(pack, key)
        self._classes[group].update(bare)
        self._pins[group] += placed_pin(first, bare)
        return [pack]

    def digests(self) -> dict[Group, str]:
        """The digest of each class, once nothing waits."""
        return {group: running.hexdigest() for group, running in self._classes.items()}

    def pins(self) -> list[bytes]:
        """The pins of each class's packs, as they are stored, once nothing waits."""
        kept = [(group, bytes(pins)) for group, pins in self._pins.items() if pins]
        return [bson.encode({"_id": pins_key(self._run, group), "pins": pins}) for group, pins in kept]

    def pin_digests(self) -> dict[Group, str]:
        """The digest of each class's pins, once nothing waits."""
        return {group: hashlib.sha256(pins).hexdigest() for group, pins in self._pins.items()}


class RowStore:
    """Packs of rows on their way to the database, one batch written while the next is decided."""

    def __init__(self, database: Database, run: str) -> None:
        self.refused: str | None = None
        self._database = database
        self._run = run
        self._writing = Behind()

    async def write(self, packs: Sequence[bytes]) -> None:
        """Wait for the batch before, and begin with this one."""
        await self._writing.follow(self._insert(packs))

    async def settle(self) -> None:
        """Wait until every row is written."""
        await self._writing.settle()

    async def complete(self, run: Document) -> bool:
        """Store the run that the rows belong to; False where the database user may not store a plan."""
        await self.settle()
        if self.refused is None:
            await self._permitted(self._database[RUNS].insert_one(run))
        return self.refused is None

    async def _insert(self, packs: Sequence[bytes]) -> None:
        if packs and self.refused is None:
            documents = [RawBSONDocument(pack) for pack in packs]
            await self._permitted(self._database[ROWS].insert_many(documents, ordered=False))

    async def _permitted(self, writing: Awaitable[object]) -> None:
        try:
            await writing
        except OperationFailure as error:
            if error.code != _UNAUTHORISED:
                raise
            self.refused = "The database user may only read, so the plan was not stored and cannot be committed."

    async def discard(self) -> None:
        """Take away what was written, as far as the connection still allows."""
        with suppress(PyMongoError, asyncio.CancelledError):
            await self.settle()
        with suppress(PyMongoError):
            await self._database[ROWS].delete_many(keys_of(self._run))


async def thin_out(database: Database, now: datetime) -> None:
    """Forget plans that were never committed in a month, and rows that a killed preview left a day ago or earlier.

    Bounded: what is more than some ten thousand rows is left to the next preview, and all of it where the database
    user may only read.
    """
    try:
        await _forget_plans(database, now)
        await _forget_rows(database, now)
    except OperationFailure as error:
        if error.code != _UNAUTHORISED:
            raise


async def _forget_plans(database: Database, now: datetime) -> None:
    unwanted = {"_id": run_ids_before(now - _UNWANTED_AFTER), "state": "planned"}
    async for run in database[RUNS].find(unwanted, {"_id": 1}).sort("_id").limit(_RUNS_AT_ONCE):
        # Its rows are orphans from here on; a commit that has begun meanwhile keeps both.
        await database[RUNS].delete_one({"_id": run["_id"], "state": "planned"})


async def _forget_rows(database: Database, now: datetime) -> None:
    left = _PACKS_AT_ONCE
    for run_id in await _orphans(database, now):
        while left > 0:
            oldest = database[ROWS].find(keys_of(run_id), {"_id": 1}).sort("_id")
            found = await oldest.limit(min(left, 200)).to_list()
            if not found:
                break
            await database[ROWS].delete_many({"_id": {"$gte": found[0]["_id"], "$lte": found[-1]["_id"]}})
            left -= len(found)


async def _orphans(database: Database, now: datetime) -> list[str]:
    """Runs of which there are rows, but no run, the newest first: one seek in the index for each that has rows."""
    below = run_ids_before(now - _ORPHANED_AFTER)
    seen: list[str] = []
    while len(seen) < _RUNS_AT_ONCE:
        row = await database[ROWS].find_one({"_id": below}, {"_id": 1}, sort=[("_id", -1)])
        if row is None:
            break
        seen.append(str(row["_id"]).split("/")[0])
        below = {"$lt": f"{seen[-1]}/"}
    known = {run["_id"] async for run in database[RUNS].find({"_id": {"$in": seen}}, {"_id": 1})}
    return [run for run in seen if run not in known]
