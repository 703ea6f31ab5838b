"""The sealer: takes new audit entries into the log, and signs how far it came.

Whoever writes seals at the end of a run and of a session; what a killed process left is sealed by the next one. Two
sealers at once conflict on the checkpoint's number, and one of them looks again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pymongo
from bson import Int64, ObjectId
from bson.binary import Binary
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from services.audit.chain import (
    LONGEST_LIFE,
    carried_hash,
    content_hash,
    documents_in,
    key_of,
    read_key,
    write_hash,
    write_key,
)
from services.audit.checkpoints import last_copied
from services.audit.log import (
    CHECKPOINTS,
    KEYS,
    LEAVES,
    NO_CHECKPOINT,
    NODES,
    Checkpoint,
    Head,
    last_checkpoint,
    load_frontier,
    log_altered,
    node_key,
    read_checkpoint,
)
from services.audit.signing import Signer
from services.audit.trail import Trail
from services.audit.tree import TILE
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.changes.transaction import run_transaction
from services.clock import Clock, to_stored
from services.database import READ_LIMIT_MS, Database, Document, Session, told
from services.deployment.indexes import AUDIT_BY_CHAIN, hint
from services.errors import Refused
from services.operators.operator import Operator

T = TypeVar("T")

_AT_ONCE = 32_768
"""Entries in one checkpoint: what a transaction holds easily."""
_ADOPTED_AT_ONCE = 8_192
_WRITE_CONFLICT = 112
_PATIENCE = 20.0
"""Seconds for a checkpoint: a killed sealer's transaction holds the log for a minute, and no session waits for that."""
ADOPTED_AFTER = timedelta(minutes=10)
"""Other writers' clocks may differ by as much: younger entries of theirs wait for a later seal."""


@dataclass
class _Batch:
    """What a checkpoint takes in, in order."""

    entries: list[Any] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """Streams that are sealed to their end."""
    adopted: str = ""


async def seal_session(database: Database, operator: Operator, clock: Clock) -> None:
    """At the end of a session: seal what it wrote, as `seal_finished` does."""
    operator.trail.end(operator.trail.streams)
    await seal_finished(database, operator.trail, clock)


async def seal_finished(database: Database, trail: Trail, clock: Clock) -> None:
    """Seal the streams that nothing more is written to, with whatever others left; nothing where there are none.

    Raises the refusals of the key and of the database: what is not sealed now is sealed by the next one.
    """
    finished = frozenset(trail.finished)
    if finished and not database.read_only:
        await seal(database, trail, clock, ended=finished)
        for name in finished:
            trail.finished.pop(name, None)


async def seal_everything(
    database: Database, operator: Operator, clock: Clock, *, progress: Callable[[int, int], None] | None = None
) -> Checkpoint | None:
    """Seal all there is, older entries too. `progress` hears how many are sealed, and about how many there are.

    Raises NotPermitted without the role ops or auditor.
    """
    if not operator.has("ops"):
        operator.require("auditor", "seal the audit trail")
    database.require_writable()
    with told():
        total = await database[AUDIT_LOGS].estimated_document_count()
    tell = (lambda size: progress(size, max(size, total))) if progress else None
    return await seal(database, operator.trail, clock, everything=True, progress=tell)


async def seal(
    database: Database,
    trail: Trail,
    clock: Clock,
    *,
    ended: Collection[str] = (),
    everything: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Checkpoint | None:
    """Take all new entries of the chain into the log, and a share of older entries; with `everything`, all of those.

    Unless `everything` is asked for, a log that somebody else holds is not waited for long. `progress` hears how many
    entries the log holds. Returns the newest checkpoint, None where there is none.
    """
    newest: Checkpoint | None = None
    while True:
        with told(), pymongo.timeout(None if everything else _PATIENCE):
            made, more = await _seal_once(database, trail, clock(), ended)
        if made is None:
            break
        newest = made
        if trail.copies:
            await _copy(database, trail.copies, made)
        if progress:
            progress(made.size)
        if not more and not everything:
            break
    with told():
        newest = newest or await last_checkpoint(database)
    if newest and trail.copies:
        await _copy(database, trail.copies)
    return newest


async def _seal_once(
    database: Database, trail: Trail, now: datetime, ended: Collection[str]
) -> tuple[Checkpoint | None, bool]:
    """One checkpoint, None where nothing was new; and whether the chains have more."""
    signer = trail.signer
    await _publish(database, signer)

    async def once(session: Session) -> tuple[Checkpoint | None, bool]:
        before = await last_checkpoint(database, session)
        batch = _Batch(adopted=before.adopted if before else "")
        more = await _gather(database, trail, batch, session, now, ended)
        await _adopt(database, batch, session, now)
        await _mark(database, batch, session)
        if not batch.entries and not batch.ended:
            return None, False
        size = before.size if before else 0
        frontier = await load_frontier(database, size, session)
        if before and frontier.root().hex() != before.root:
            raise log_altered("The end of the audit log")  # nothing is signed on top of that
        for content in batch.hashes:
            frontier.add(content)
        await _store(database, batch, size, frontier.nodes, session)
        made = Checkpoint(
            number=before.number + 1 if before else 0, size=frontier.size, root=frontier.root().hex(),
            previous=before.hash if before else NO_CHECKPOINT, at=to_stored(now), heads=batch.heads,
            ended=batch.ended, adopted=batch.adopted, key=signer.key,
        ).signed(signer)  # fmt: skip
        await database[CHECKPOINTS].insert_one(made.stored(), session=session)
        return made, more

    return await _unless_held(database, once)


async def _unless_held(database: Database, once: Callable[[Session], Awaitable[T]]) -> T:
    """Do it in a transaction. Raises Refused where somebody else's keeps it from landing while there is patience."""
    held = False

    async def watched(session: Session) -> T:
        nonlocal held
        try:
            return await once(session)
        except OperationFailure as error:
            held = held or error.code == _WRITE_CONFLICT
            raise

    async with database.client.start_session() as session:
        try:
            return await run_transaction(database, session, watched)
        except PyMongoError as error:
            # Patience can end in any command, also in one that would have told of the conflict once more.
            if error.has_error_label("UnknownTransactionCommitResult") or not (error.timeout and held):
                raise
            message = "Somebody else holds the audit log; a killed session does for a minute. A later seal goes on."
            raise Refused("log-busy", message) from error


async def _publish(database: Database, signer: Signer) -> None:
    if await database[KEYS].find_one({"_id": signer.key}) is None:
        with contextlib.suppress(DuplicateKeyError):  # another session of this account was quicker
            await database[KEYS].insert_one({"_id": signer.key, "public": signer.public})


@dataclass(frozen=True)
class _Fresh:
    """What a stream has behind its seal: ids and hashes in order, and where they end."""

    entries: Sequence[tuple[Any, bytes]]
    head: Head | None
    more: bool = False
    """Whether there may be still more."""


async def _gather(
    database: Database, trail: Trail, batch: _Batch, session: Session, now: datetime, ended: Collection[str]
) -> bool:
    """Take in what the open streams have new; True where there may be still more."""
    by_chain = await hint(database, AUDIT_BY_CHAIN)
    old = to_stored(now - timedelta(seconds=2 * LONGEST_LIFE))
    async for stream in database[STREAMS].find({"ended": False}, session=session).sort("opened_at", 1):
        room = _AT_ONCE - len(batch.entries)
        if room <= 0:
            return True
        name, sealed = stream["_id"], stream.get("sealed")
        if type(sealed) not in (int, Int64):
            continue  # somebody altered it: nobody can tell how far it is sealed, and the check names it
        fresh = _remembered(trail, name, sealed, room) or await _read(database, name, sealed, room, session, by_chain)
        leaf = {"entries": fresh.entries[0][0]} if fresh.entries else None
        if leaf and await database[LEAVES].find_one(leaf, {"_id": 1}, session=session):
            continue  # the list of streams was altered: it is sealed further than it says
        for entry, content in fresh.entries:
            batch.entries.append(entry)
            batch.hashes.append(content)
        if fresh.head:
            batch.heads.append(fresh.head)
        if not fresh.more and (name in ended or str(stream.get("opened_at")) < old):
            batch.ended.append(name)
    return len(batch.entries) >= _AT_ONCE


def _remembered(trail: Trail, name: str, sealed: Any, room: int) -> _Fresh | None:
    """What this session wrote, as it was written: the check tells what became of it since. None where it cannot say."""
    tail = trail.tail(name)
    entries = tail.after(sealed, room) if tail else None
    if entries is None:
        return None
    head = Head(stream=name, seq=sealed + len(entries), hash=write_hash(entries[-1][1])) if entries else None
    return _Fresh(entries, head, more=len(entries) == room)


async def _read(database: Database, name: str, sealed: Any, room: int, session: Session, by_chain: Any) -> _Fresh:
    """What others wrote, or this session long ago. Whatever else is wrong with it is sealed, and the check names it."""
    cursor = database[AUDIT_LOGS].find(
        {"chain.stream": name, "chain.seq": {"$gt": sealed}}, {"chain.seq": 1, "chain.hash": 1}, session=session
    ).sort({"chain.stream": 1, "chain.seq": 1}).limit(room)  # fmt: skip
    found = await (cursor.hint(by_chain) if by_chain else cursor).to_list()
    sound = [(entry, content) for entry in found if (content := carried_hash(entry))]
    last = sound[-1][0]["chain"] if sound else None
    head = Head(stream=name, seq=int(last["seq"]), hash=last["hash"]) if last else None
    return _Fresh([(entry["_id"], content) for entry, content in sound], head, more=len(found) == room)


async def _adopt(database: Database, batch: _Batch, session: Session, now: datetime) -> None:
    """Take in a share of the entries without a chain, of older writers and others, in the order of their ids.

    ObjectIds grow with time, so what comes later comes behind; of other ids only those are adopted that were there
    before the first ObjectId was.
    """
    position, until = read_key(batch.adopted), ObjectId.from_datetime(now - ADOPTED_AFTER)
    if isinstance(position, ObjectId) and position >= until:
        return
    count = len(batch.entries)
    cursor = database[AUDIT_LOGS].find_raw_batches(
        {"chain": None}, session=session, hint="_id_", limit=_ADOPTED_AT_ONCE, min={"_id": position}, max={"_id": until}
    )
    async for documents in cursor:
        for document in documents_in(cast(bytes, documents)):  # the driver's types tell of documents
            key = key_of(document)
            if key != position:
                batch.entries.append(key)
                batch.hashes.append(content_hash(document))
                batch.adopted = write_key(key)
    if len(batch.entries) - count < _ADOPTED_AT_ONCE - 1:
        batch.adopted = write_key(until)  # nobody looks there again


async def _mark(database: Database, batch: _Batch, session: Session) -> None:
    heads = {head.stream: {"sealed": head.seq, "head": head.hash} for head in batch.heads}
    changes = {name: heads.get(name, {}) | ({"ended": True} if name in batch.ended else {}) for name in
               {*heads, *batch.ended}}  # fmt: skip
    if changes:
        updates = [UpdateOne({"_id": name}, {"$set": values}) for name, values in changes.items()]
        await database[STREAMS].bulk_write(updates, session=session)


async def _store(
    database: Database, batch: _Batch, size: int, nodes: Mapping[tuple[int, int], Sequence[bytes]], session: Session
) -> None:
    """Fill the last tile of leaves up, make new ones behind it, and keep the tiles above them."""
    entries, hashes = batch.entries, batch.hashes
    number, there = divmod(size, TILE)
    tiles: list[Document] = []
    if there:
        tile = await database[LEAVES].find_one({"_id": number}, session=session) or {"entries": [], "hashes": b""}
        room = TILE - there
        tiles.append(
            _tile(number, tile["entries"][:there] + entries[:room], tile["hashes"][: there * 32], hashes[:room])
        )
        entries, hashes, number = entries[room:], hashes[room:], number + 1
    for at in range(0, len(entries), TILE):
        tiles.append(_tile(number + at // TILE, entries[at : at + TILE], b"", hashes[at : at + TILE]))
    if tiles:  # none where a seal only ends streams, and the last tile is full
        writes = [ReplaceOne({"_id": t["_id"]}, t, upsert=True) for t in tiles]
        await database[LEAVES].bulk_write(writes, session=session)
    if nodes:
        above = [{"_id": node_key(*place), "hashes": Binary(b"".join(row))} for place, row in nodes.items()]
        await database[NODES].bulk_write(
            [ReplaceOne({"_id": t["_id"]}, t, upsert=True) for t in above], session=session
        )


def _tile(number: int, entries: Sequence[Any], packed: bytes, hashes: Sequence[bytes]) -> Document:
    return {"_id": number, "entries": list(entries), "hashes": Binary(packed + b"".join(hashes))}


async def _copy(database: Database, path: Path, made: Checkpoint | None = None) -> None:
    """A line more in the file of checkpoints for each that it lacks behind its last one, on the disk before more is
    sealed; what could not be copied once is copied then. A new log beside an old file is told by what it made.
    """
    last = last_copied(path)
    with told():
        behind = database[CHECKPOINTS].find({"_id": {"$gt": last}}).sort("_id", 1).max_time_ms(READ_LIMIT_MS)
        missing = [checkpoint async for document in behind if (checkpoint := read_checkpoint(document))]
    if made and made.number <= last:
        missing.append(made)
    if not missing:
        return
    # A line break before each too: what a crash left of the line before takes nothing else along.
    lines = "".join(f"\n{json.dumps(each.model_dump(mode='json'), sort_keys=True)}\n" for each in missing)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise Refused("no-copy", f"The checkpoint could not be copied to {path}: {error}.") from None
