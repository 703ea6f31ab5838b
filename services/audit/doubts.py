"""What stands against single audit entries, cheap enough for every list: a page of them is held to its hashes at once.

An entry is held to its own hash and, where it is sealed, to its leaf. What entries say of each other, and whether one
is missing, only the check of the whole trail tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

from services.audit.chain import Link, content_hash, documents_in, key_of, read_hash, read_link
from services.audit.entries import Entry
from services.audit.log import LEAVES, split
from services.audit.reader import RAW
from services.audit.walk import as_name
from services.changes.changeset import AUDIT_LOGS
from services.database import NO_SUCH_INDEX, READ_LIMIT_MS, Database, Document, Session, told
from services.deployment.indexes import LEAVES_BY_ENTRY
from services.operators.directory import operators_among
from services.records.findings import Finding

ALTERED, UNCHAINED, UNCHECKED = "altered", "unchained", "unchecked"
MEANINGS = {
    ALTERED: "It is not as it was written or sealed. Believe nothing of it.",
    UNCHAINED: "It bears the name of an operator, and the console did not write it.",
    UNCHECKED: "It is too large to be checked in a list; `audit show` checks it.",
}
"""What a doubt says by its code, of whichever entry."""
_SMALL = 16_384
_HELD = 8_000_000
"""Bytes of larger entries that a list reads to check them."""


async def with_doubts(database: Database, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries of a page, each with what stands against it."""
    if not entries:
        return ()
    keys = [entry.key for entry in entries]
    with told():
        stored, leaves, operators = await asyncio.gather(
            _stored(database, keys), _leaves(database, keys), operators_among(database, {each.user for each in entries})
        )
    found = _judged(stored.values(), leaves, operators)
    for entry in entries:
        if as_name(entry.key) not in stored and entry.size > _SMALL:
            words = f"At {entry.size:,} bytes it is not checked in a list; `audit show` checks it."
            found[as_name(entry.key)] = Finding(UNCHECKED, words)
    return tuple(replace(entry, doubt=found.get(as_name(entry.key))) for entry in entries)


async def doubts(database: Database, stored: Collection[bytes], session: Session | None = None) -> dict[Any, Finding]:
    """What stands against stored entries, by their `_id` as `as_name` has it; nothing of those that hold.

    `altered`: it is not what was written or sealed. `unchained`: it bears the name of an operator of the console, and
    the console did not write it.
    """
    unchained = {_user(entry) for entry in stored if read_link(entry) is None}
    with told():
        leaves = await _leaves(database, list(map(key_of, stored)), session)
        return _judged(stored, leaves, await operators_among(database, unchained, session))


def altered(link: Link | None, entry: bytes, sealed: Collection[bytes]) -> str:
    """What shows that a stored entry is not as it was written; `sealed` are the hashes that the log has of it."""
    if link and not link.intact:
        return "its content does not fit its hash"
    content = read_hash(link.hash) if link else content_hash(entry)
    return "it is not what was sealed" if sealed and content not in sealed else ""


def _judged(
    stored: Iterable[bytes], leaves: Mapping[Any, Collection[bytes]], operators: Collection[str]
) -> dict[Any, Finding]:
    found = {}
    for entry in stored:
        name, link = as_name(key_of(entry)), read_link(entry)
        if words := altered(link, entry, leaves.get(name, ())):
            found[name] = Finding(ALTERED, f"It was altered: {words}. Believe nothing of it.")
        elif link is None and (user := _user(entry)) in operators:
            words = f"It bears the name of the operator {user}, but no chain: the console did not write it."
            found[name] = Finding(UNCHAINED, words)
    return found


def _user(entry: bytes) -> str:
    return str(RawBSONDocument(entry, RAW).get("user_id"))


async def _stored(database: Database, keys: Sequence[Any]) -> dict[Any, bytes]:
    """What is stored under these `_id`s; of large entries only some."""
    small = {"$expr": {"$lte": [{"$bsonSize": "$$ROOT"}, _SMALL]}}
    found = await _read(database, {"_id": {"$in": list(keys)}, **small}, len(keys))
    if larger := [key for key in keys if as_name(key) not in found]:
        found |= await _read(database, {"_id": {"$in": larger}}, len(larger))
    return found


async def _read(database: Database, matching: Document, size: int) -> dict[Any, bytes]:
    found: dict[Any, bytes] = {}
    held = 0
    options = {"hint": "_id_", "batch_size": size + 1, "max_time_ms": READ_LIMIT_MS}
    async with database[AUDIT_LOGS].find_raw_batches(matching, **options) as cursor:
        async for batch in cursor:
            for entry in documents_in(cast(bytes, batch)):  # the driver's types tell of documents
                found[as_name(key_of(entry))] = entry
                held += len(entry)
            if held > _HELD:
                break
    return found


async def _leaves(database: Database, keys: Sequence[Any], session: Session | None = None) -> dict[Any, list[bytes]]:
    """The hashes that the log has of the entries of these `_id`s; of none without the index that finds them."""
    # The server picks the few of 256 ids: a page may be spread over as many tiles as it has entries.
    ids: Document = {"$cond": [{"$isArray": "$entries"}, "$entries", []]}
    here: Document = {"$setIntersection": [ids, {"$literal": list(keys)}]}
    places = {"$map": {"input": here, "in": {"key": "$$this", "at": {"$indexOfArray": [ids, "$$this"]}}}}
    found: dict[Any, list[bytes]] = {}
    try:
        tiles = await database[LEAVES].aggregate(
            [{"$match": {"entries": {"$in": list(keys)}}}, {"$project": {"hashes": 1, "places": places}}],
            session=session, hint=dict(LEAVES_BY_ENTRY.keys), batchSize=len(keys) + 1, maxTimeMS=READ_LIMIT_MS,
        )  # fmt: skip
    except OperationFailure as error:
        if error.code != NO_SUCH_INDEX:
            raise
        return found
    async for tile in tiles:
        hashes = split(packed) if isinstance(packed := tile.get("hashes"), bytes) else []
        for place in tile["places"]:
            found.setdefault(as_name(place["key"]), []).extend(hashes[place["at"] : place["at"] + 1])
    return found
