"""The check of the audit trail: every hash is computed again from what is stored, and compared with the log.

One pass in the order of the log, a tile at a time; its end, what is not sealed yet, and what does not belong are read
in one snapshot. Memory grows with the streams and the problems, not with the entries.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.audit.checkpoints import Seen, checked_checkpoints, read_copies
from services.audit.log import LEAVES, NODES, Checkpoint, last_checkpoint
from services.audit.problems import Problem, Problems
from services.audit.strays import check_rest
from services.audit.tree import TILE
from services.audit.walk import Stored, Walk
from services.database import Database, Document, Session, told
from services.errors import Refused
from services.operators.operator import Operator

Progress = Callable[[int, int], None]
"""Hears of the leaves checked so far, and of all."""
OF_THE_TRAIL = "This is of the trail. Whether a record is as its entries tell, its history says."
NOTHING_SEALED = "Nothing is sealed yet: an entry that was removed would leave no trace."
_AHEAD = 3
"""Tiles whose entries are fetched while one is checked."""


@dataclass(frozen=True)
class Verification:
    """What the check of the whole trail found."""

    entries: int
    """Entries that are there."""
    sealed: int
    """Entries that the log holds, whatever became of them."""
    unsealed: int
    """Entries that no seal has taken in yet."""
    adopted: int
    """Of the sealed ones, those without a chain: of older writers and others."""
    checkpoints: int
    newest: int | None
    """The number of the newest checkpoint; the first one is number 0."""
    pinned: bool
    """Whether the signatures were checked against keys from outside the database."""
    problems: tuple[Problem, ...]
    problem_count: int
    """All of them, where not all are listed."""


async def verify(
    database: Database,
    operator: Operator,
    *,
    trusted: Collection[str] = (),
    copies: Path | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Check the whole audit trail against its log.

    `trusted` are the public keys (hex) that may have signed; without any, those that the database names are taken.
    `copies` is a file of checkpoints kept outside. Raises NotPermitted, and BadRequest for a file that is none.
    """
    operator.require("auditor", "verify the audit trail")
    check = _Check(Walk(database, Problems()), trusted, read_copies(copies) if copies else {}, progress)
    with told():
        if until := await _readable_end(database):
            await check.go_through(None, until)
        async with database.snapshot() as session:
            await check.go_through(session, None)
            await check.end(session)
            rest = await check_rest(check.walk, session, check.last.adopted if check.last else "")
    walk, found = check.walk, check.walk.problems
    return Verification(
        entries=rest.entries, sealed=walk.size, unsealed=rest.unsealed, adopted=walk.adopted, checkpoints=check.count,
        newest=check.last.number if check.last else None, pinned=bool(trusted), problems=tuple(found.listed),
        problem_count=found.count,
    )  # fmt: skip


async def _readable_end(database: Database) -> Checkpoint | None:
    try:
        return await last_checkpoint(database)
    except Refused:
        return None


@dataclass
class _Check:
    """Goes through leaves and checkpoints side by side: each checkpoint's root is that of the leaves up to it."""

    walk: Walk
    trusted: Collection[str]
    copies: Mapping[int, str]
    progress: Progress | None
    last: Checkpoint | None = None
    count: int = 0
    broken: bool = False
    """Whether the last root did not fit: then most often none after it does."""

    async def go_through(self, session: Session | None, until: Checkpoint | None) -> None:
        """Check the leaves and the checkpoints behind those seen, up to a checkpoint or to the end."""
        database, walk = self.walk.database, self.walk
        checkpoints = checked_checkpoints(database, session, walk.problems, self.trusted, self.copies, self.last, until)
        ahead = await anext(checkpoints, None)
        if walk.size:  # a seal that only ends streams is of the size that was reached before
            ahead = await self._compare(checkpoints, ahead)
        total = until.size if until else None
        async with contextlib.aclosing(self._tiles(session)) as tiles:
            async for tile, entries in tiles:
                keys, hashes = walk.read_tile(tile)
                if total is not None:
                    keys, hashes = keys[: total - walk.size], hashes[: total - walk.size]
                at = 0
                while at < len(keys):
                    stop = min(len(keys), at + max(ahead.checkpoint.size - walk.size, 1)) if ahead else len(keys)
                    walk.take(keys[at:stop], hashes[at:stop], entries)
                    at = stop
                    ahead = await self._compare(checkpoints, ahead)
                await walk.check_nodes(session, whole=True)
                if self.progress:
                    self.progress(walk.size, max(total or 0, walk.size))
                if total is not None and walk.size >= total:
                    break
        while ahead:
            here = ahead.checkpoint
            detail = f"It names a log of {here.size} entries; the log has {walk.size}."
            walk.problems.add(f"checkpoint {here.number}", "truncated", detail)
            walk.whole = False
            ahead = await self._pass(checkpoints, ahead, fits=False)

    async def _tiles(self, session: Session | None) -> AsyncGenerator[tuple[Document, Mapping[Any, Stored]]]:
        """The tiles behind those seen, and what is stored of their entries: fetched ahead, so that the server works
        while leaves are checked; in a snapshot, whose session knows one operation at a time, one after the other.
        """
        walk = self.walk
        behind = {"_id": {"$not": {"$lt": walk.size // TILE}}} if walk.size else {}  # also names that are none
        waiting: deque[tuple[Document, asyncio.Task[dict[Any, Stored]]]] = deque()
        try:
            async for tile in walk.database[LEAVES].find(behind, session=session).sort("_id", 1).batch_size(64):
                keys = tile.get("entries")
                fetching = asyncio.create_task(walk.fetch(keys if isinstance(keys, list) else [], session))
                waiting.append((tile, fetching))
                if session or len(waiting) == _AHEAD:
                    yield await _first(waiting)
            while waiting:
                yield await _first(waiting)
        finally:
            for _, fetching in waiting:
                fetching.cancel()
            await asyncio.gather(*(fetching for _, fetching in waiting), return_exceptions=True)

    async def _compare(self, checkpoints: AsyncIterator[Seen], ahead: Seen | None) -> Seen | None:
        walk = self.walk
        while ahead and ahead.checkpoint.size <= walk.size:
            here = ahead.checkpoint
            fits = here.size == walk.size and here.root == walk.frontier.root().hex()
            if here.size < walk.size:
                detail = "Its size is not that of the log at its place."
                walk.problems.add(f"checkpoint {here.number}", "log-altered", detail)
            else:
                if not fits and not self.broken:
                    detail = "Its root is not that of the leaves up to it."
                    walk.problems.add(f"checkpoint {here.number}", "log-altered", detail)
                self.broken = not fits
            ahead = await self._pass(checkpoints, ahead, fits=fits)
        return ahead

    async def _pass(self, checkpoints: AsyncIterator[Seen], seen: Seen, *, fits: bool) -> Seen | None:
        self.last = seen.checkpoint
        self.count += 1
        self.walk.reach(seen.checkpoint, signed=seen.signed, fits=fits)
        return await anext(checkpoints, None)

    async def end(self, session: Session | None) -> None:
        """What may stand behind the last checkpoint: nothing."""
        walk, size = self.walk, self.last.size if self.last else 0
        await walk.check_nodes(session, whole=False)
        if walk.size > size:
            detail = f"{walk.size - size} leaves stand behind the last checkpoint."
            walk.problems.add(f"leaves {size // TILE}", "log-altered", detail)
        nodes, level = 0, walk.size // TILE
        while level:
            nodes += -(-level // TILE)
            level //= TILE
        if await walk.database[NODES].count_documents({}, session=session, hint="_id_") > nodes:
            walk.problems.add("nodes", "log-altered", "There are tiles that belong to no part of the log.")
        missing = sorted(number for number in self.copies if number > (self.last.number if self.last else -1))
        for number in missing:
            detail = "A copy outside the database has it; the log ends before it."
            walk.problems.add(f"checkpoint {number}", "truncated", detail)
        await walk.settle(session)


async def _first(
    waiting: deque[tuple[Document, asyncio.Task[dict[Any, Stored]]]],
) -> tuple[Document, Mapping[Any, Stored]]:
    tile, fetching = waiting[0]
    stored = await fetching
    waiting.popleft()
    return tile, stored
