"""A plan's rows: pinned by a digest, on their way to the database, and what is left of plans that nobody wants."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure, PyMongoError

from services.backfills.pipeline import Behind
from services.backfills.plan import Group
from services.backfills.runs import ROWS, RUNS, keys_of, row_key, run_ids_before
from services.database import Database, Document

_UNAUTHORISED = 13
_size = struct.Struct("<i").pack
_BEFORE_BODY = 14
"""Bytes of a row before its body, beside the key: the row's length, and of `_id` type, name, length and end."""
_UNWANTED_AFTER = timedelta(days=30)
_ORPHANED_AFTER = timedelta(days=1)
_RUNS_AT_ONCE = 200
_ROWS_AT_ONCE = 50_000


class PinnedRows:
    """The rows of one plan in the bytes in which they are stored, and SHA-256 over those of each class in order."""

    def __init__(self, run: str, groups: Sequence[Group]) -> None:
        self._run = run
        self._numbers = dict.fromkeys(groups, 0)
        self._classes = {group: hashlib.sha256() for group in groups}

    def add(self, bodies: Sequence[Document]) -> list[bytes]:
        """The stored rows of these bodies; the keys are no part of the digest, so that equal plans have the same."""
        rows = []
        hashed: dict[Group, list[bytes]] = {group: [] for group in self._classes}
        for body in bodies:
            group = body["group"]
            number = self._numbers[group]
            self._numbers[group] = number + 1
            key = row_key(self._run, group, number)
            row = bson.encode({"_id": key, "body": body})
            # Hashed are the bytes that the database answers when asked for the row without its `_id`.
            rest = row[_BEFORE_BODY + len(key) :]
            hashed[group] += (_size(4 + len(rest)), rest)
            rows.append(row)
        for group, parts in hashed.items():
            self._classes[group].update(b"".join(parts))
        return rows

    def digests(self) -> dict[Group, str]:
        """The digest of each class."""
        return {group: running.hexdigest() for group, running in self._classes.items()}


class RowStore:
    """Rows on their way to the database, one batch written while the next is decided."""

    def __init__(self, database: Database, run: str) -> None:
        self.refused: str | None = None
        self._database = database
        self._run = run
        self._writing = Behind()

    async def write(self, rows: Sequence[bytes]) -> None:
        """Wait for the batch before, and begin with this one."""
        await self._writing.follow(self._insert(rows))

    async def settle(self) -> None:
        """Wait until every row is written."""
        await self._writing.settle()

    async def complete(self, run: Document) -> bool:
        """Store the run that the rows belong to; False where the database user may not store a plan."""
        await self.settle()
        if self.refused is None:
            await self._permitted(self._database[RUNS].insert_one(run))
        return self.refused is None

    async def _insert(self, rows: Sequence[bytes]) -> None:
        if rows and self.refused is None:
            documents = [RawBSONDocument(row) for row in rows]
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
    left = _ROWS_AT_ONCE
    for run_id in await _orphans(database, now):
        while left > 0:
            oldest = database[ROWS].find(keys_of(run_id), {"_id": 1}).sort("_id")
            found = await oldest.limit(min(left, 10_000)).to_list()
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
