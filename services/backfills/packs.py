"""A plan's rows as they are stored: in packs of fifty to a document, which costs a third of a document for each."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

from services.database import READ_LIMIT_MS, WHOLE, Database, Document, Session

ROWS = "console_plan_rows"
PACK = 50
"""No pack reaches over a multiple of it; rows that take much room stand in smaller ones."""
_ASKED = 500
"""Packs that one question asks for."""
_PIN = 16
"""Bytes of a pack's pin."""
_placed = struct.Struct(f">I{_PIN}s")
_size = struct.Struct("<i")
_BEFORE_REST = 14
"""Bytes of a pack before its rest, beside the key: the pack's length, and of `_id` type, name, length and end."""


def pack_key(run: str, group: str, first: int) -> str:
    """The `_id` of the pack whose first row has that number: those of one class of one run stand in order."""
    return f"{run}/{group}/{first:09d}"


def pack_start(number: int) -> int:
    """The lowest number at which the pack of that row can begin."""
    return number - number % PACK


def pins_key(run: str, group: str) -> str:
    """The `_id` of the pins of one class of one run, behind all its packs."""
    return f"{run}/~{group}"


def without_key(pack: bytes, key: str) -> bytes:
    """The bytes that the database answers when asked for the pack of that key without its `_id`."""
    rest = pack[_BEFORE_REST + len(key.encode()) :]
    return _size.pack(_size.size + len(rest)) + rest


def pin(pack: bytes) -> bytes:
    """What a pack without its key is known by."""
    return hashlib.blake2b(pack, digest_size=_PIN).digest()


def placed_pin(first: int, pack: bytes) -> bytes:
    """The pin of a pack with its place, as a plan keeps those of a class one after the other."""
    return _placed.pack(first, pin(pack))


def pins_by_key(run: str, group: str, pins: bytes) -> dict[str, bytes]:
    """The pins of a class by the keys of their packs, in order."""
    return {pack_key(run, group, first): each for first, each in _placed.iter_unpack(pins)}


def change_packs(run: str, start: int, end: int) -> Document:
    """The filter of the packs in which the plan's rows to change from number `start` up to `end` are."""
    return {"_id": {"$gte": pack_key(run, "change", pack_start(start)), "$lt": pack_key(run, "change", end)}}


def unpacked(packs: Iterable[Document]) -> Iterator[tuple[int, Document]]:
    """The bodies in some packs with their numbers; what was altered so that it is none is left out."""
    for pack in packs:
        first, rows = pack.get("first"), pack.get("rows")
        if isinstance(first, int) and isinstance(rows, list):
            yield from ((number, body) for number, body in enumerate(rows, first) if isinstance(body, dict))


async def change_bodies(
    database: Database, run: str, start: int, end: int, without: Sequence[str] = ()
) -> list[tuple[int, Document]]:
    """The bodies of those rows with their numbers, in order, whole or without some fields, which may be dotted."""
    projection = {"_id": 0, **{f"rows.{name}": 0 for name in without}}
    found = database[ROWS].find(change_packs(run, start, end), projection, batch_size=WHOLE).sort("_id")
    packs = await found.max_time_ms(READ_LIMIT_MS).to_list()
    return [(number, body) for number, body in unpacked(packs) if start <= number < end]


async def numbered_bodies(
    database: Database,
    run: str,
    numbers: Iterable[int],
    fields: Mapping[str, int],
    session: Session | None = None,
    limit_ms: int | None = None,
) -> AsyncIterator[tuple[int, Document]]:
    """The rows to change of these numbers, as far as they are there; `fields` are those of a body."""
    wanted = set(numbers)
    starts = sorted({pack_start(number) for number in wanted})
    projection = {f"rows.{name}": which for name, which in fields.items()}
    if all(fields.values()):
        projection["first"] = 1
    for at in range(0, len(starts), _ASKED):
        packs = [change_packs(run, first, first + PACK) for first in starts[at : at + _ASKED]]
        found = database[ROWS].find({"$or": packs}, projection, session=session)
        async for pack in found.max_time_ms(limit_ms) if limit_ms else found:
            for number, body in unpacked([pack]):
                if number in wanted:
                    yield number, body
