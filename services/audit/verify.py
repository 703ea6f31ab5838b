"""The check of the audit trail: every hash is computed again from what is stored, and compared with the log.

One pass in the order of the log, a tile at a time; its end, what is not sealed yet, and what does not belong are read
in one snapshot. Memory grows with the streams and the problems, not with the entries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from services.audit.checkpoints import checked_checkpoints, read_copies
from services.audit.log import LEAVES, NODES, Checkpoint, last_checkpoint
from services.audit.problems import Problem, Problems
from services.audit.strays import check_rest
from services.audit.tree import TILE
from services.audit.walk import Walk
from services.database import Database, Session, told
from services.operators.operator import Operator

Progress = Callable[[int, int], None]
"""Hears of the leaves checked so far, and of all."""


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
        await check.go_through(None, await _readable_end(database))
        async with database.snapshot() as session:
            await check.go_through(session, None)
            await check.end(session)
            rest = await check_rest(check.walk, session, check.last.adopted if check.last else "")
    walk, found = check.walk, check.walk.problems
    return Verification(
        entries=rest.entries, sealed=walk.size, unsealed=rest.unsealed, adopted=walk.adopted, checkpoints=check.count,
        pinned=bool(trusted), problems=tuple(found.listed), problem_count=found.count,
    )  # fmt: skip


async def _readable_end(database: Database) -> Checkpoint | None:
    try:
        return await last_checkpoint(database)
    except ValidationError:
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
    """Whether a root did not fit: then none after it can."""

    async def go_through(self, session: Session | None, until: Checkpoint | None) -> None:
        """Check the leaves and the checkpoints behind those seen, up to a checkpoint or to the end."""
        database, walk = self.walk.database, self.walk
        checkpoints = checked_checkpoints(database, session, walk.problems, self.trusted, self.copies, self.last, until)
        ahead = await anext(checkpoints, None)
        total = until.size if until else None
        begin = {"_id": {"$not": {"$lt": walk.size // TILE}}}  # also tiles with names that are none
        async for tile in database[LEAVES].find(begin, session=session).sort("_id", 1).batch_size(64):
            if total is not None and walk.size >= total:
                break
            keys, hashes = walk.read_tile(tile)
            if total is not None:
                keys, hashes = keys[: total - walk.size], hashes[: total - walk.size]
            entries = await walk.fetch(keys, session)
            at = 0
            while at < len(keys):
                stop = min(len(keys), at + max(ahead.size - walk.size, 1)) if ahead else len(keys)
                walk.take(keys[at:stop], hashes[at:stop], entries)
                at = stop
                ahead = await self._compare(checkpoints, ahead)
            await walk.check_nodes(session, whole=True)
            if self.progress:
                self.progress(walk.size, max(total or 0, walk.size))
        while ahead:
            walk.problems.add(
                f"checkpoint {ahead.number}", "truncated",
                f"It names a log of {ahead.size} entries; the log has {walk.size}.",
            )  # fmt: skip
            self._pass(ahead)
            ahead = await anext(checkpoints, None)

    async def _compare(self, checkpoints: AsyncIterator[Checkpoint], ahead: Checkpoint | None) -> Checkpoint | None:
        while ahead and ahead.size <= self.walk.size:
            name = f"checkpoint {ahead.number}"
            if ahead.size < self.walk.size:
                self.walk.problems.add(name, "log-altered", "Its size is not that of the log at its place.")
            elif not self.broken and ahead.root != self.walk.frontier.root().hex():
                self.broken = True
                self.walk.problems.add(name, "log-altered", "Its root is not that of the leaves up to it.")
            elif not self.broken:
                self._compare_heads(name, ahead)
            self._pass(ahead)
            ahead = await anext(checkpoints, None)
        return ahead

    def _compare_heads(self, name: str, here: Checkpoint) -> None:
        for head in here.heads:
            seq, own = self.walk.streams.get(head.stream, (0, ""))
            if seq == head.seq and own != head.hash:
                self.walk.problems.add(name, "log-altered", f"The stream {head.stream} ended otherwise there.")

    def _pass(self, checkpoint: Checkpoint) -> None:
        self.last = checkpoint
        self.count += 1

    async def end(self, session: Session | None) -> None:
        """What may stand behind the last checkpoint: nothing."""
        walk, size = self.walk, self.last.size if self.last else 0
        await walk.check_nodes(session, whole=False)
        if walk.size > size:
            walk.problems.add(
                f"leaves {size // TILE}", "log-altered", f"{walk.size - size} leaves stand behind the last checkpoint."
            )
        nodes, level = 0, walk.size // TILE
        while level:
            nodes += -(-level // TILE)
            level //= TILE
        if await walk.database[NODES].count_documents({}, session=session) > nodes:
            walk.problems.add("nodes", "log-altered", "There are tiles that belong to no part of the log.")
        missing = sorted(number for number in self.copies if number > (self.last.number if self.last else -1))
        for number in missing:
            walk.problems.add(
                f"checkpoint {number}", "truncated", "A copy outside the database has it; the log ends before it."
            )
