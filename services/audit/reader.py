"""Pages of the audit trail: entries of several kinds of time and several ranges as one list, newest first."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from bson import Binary, Decimal128, ObjectId
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.cursor import AsyncCursor

from services.audit.entries import LISTED
from services.audit.filters import AuditFilters, in_days
from services.audit.ranges import Range
from services.changes.changeset import AUDIT_LOGS
from services.clock import read_timestamp
from services.database import READ_LIMIT_MS, TOLERANT, Database, Document, told
from services.deployment.indexes import AUDIT_BY_TIME, Hint
from services.paging import below

T = TypeVar("T")
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_OTHER_TYPES = ["double", "int", "long", "decimal", "object", "array", "binData", "objectId", "bool"]
_OTHER_TYPES += ["regex", "javascript", "timestamp", "minKey", "maxKey"]
_LOOKED_AT = 2_000
"""Whole entries that are read at once while they are looked through; the first time fewer, as few may do."""
_FIRST_LOOK = 125
_HELD = 32_000_000
"""Bytes of them that are held at once."""


RAW: Any = TOLERANT.with_options(document_class=RawBSONDocument)
"""Documents that are read when they are needed."""
_BY_KEY: Hint = [("_id", -1)]


@dataclass(frozen=True)
class Kind:
    """Entries whose times an index holds in one order. Text and dates sort apart, so each is a kind of its own."""

    name: str
    condition: Document
    mixed: bool = False
    """Whether its times are of several types: a plain comparison would leave the other types out."""
    order: Hint = field(default_factory=lambda: list(AUDIT_BY_TIME.keys))


TEXT = Kind("text", {"timestamp": {"$gte": "20", "$lt": "21"}})
DATE = Kind("date", {"timestamp": {"$gte": OLDEST, "$lt": LATEST}})
_UNDATED = (
    Kind("late", {"timestamp": {"$gte": LATEST}}),
    Kind("early", {"timestamp": {"$lt": OLDEST}}),
    Kind("words", {"timestamp": {"$gte": "21"}}),
    Kind("blank", {"timestamp": {"$lt": "20"}}),
    Kind("other", {"timestamp": {"$type": _OTHER_TYPES}}, mixed=True),
    Kind("none", {"timestamp": None}, order=_BY_KEY),
)


class Stopped(Exception):
    """The time for looking through entries is over."""


class Reader:
    """Reads on from the positions of each kind, which it moves as entries are taken."""

    def __init__(
        self, database: Database, filters: AuditFilters, ranges: Sequence[Range], positions: dict[str, Document]
    ) -> None:
        self._database = database
        self._raw = database[AUDIT_LOGS].with_options(codec_options=RAW)
        self._ranges = ranges
        self.positions = positions
        dated: list[Kind] = [TEXT, DATE]
        if days := in_days(filters):
            dated = [Kind(name, condition) for name, condition in days.items()]
        self._groups: list[Sequence[Kind]] = [dated] if days else [dated, _UNDATED]

    async def listed(self, size: int) -> AsyncGenerator[Document, None]:
        """Entries newest first, of each what a list shows, read in portions of that size."""
        async for kind, document in self._each(size, whole=False):
            yield document
            self._take(kind, document)

    async def whole(
        self, wanted: Callable[[RawBSONDocument], T | None], seconds: float | None = None
    ) -> AsyncGenerator[T, None]:
        """What `wanted` makes of whole entries, newest first; those of which it makes nothing are passed over.

        Raises Stopped after so many seconds; the positions then say where.
        """
        end = None if seconds is None else time.monotonic() + seconds
        async for kind, document in self._each(_FIRST_LOOK, whole=True):
            if (found := wanted(document)) is not None:
                yield found
            self._take(kind, document)
            if end is not None and time.monotonic() > end:
                raise Stopped

    def _take(self, kind: Kind, document: Any) -> None:
        self.positions[kind.name] = {"t": document.get("timestamp"), "i": document["_id"]}

    async def _each(self, size: int, *, whole: bool) -> AsyncGenerator[tuple[Kind, Any], None]:
        for group in self._groups:
            async for found in self._merged(group, size, whole):
                yield found

    async def _merged(self, group: Sequence[Kind], size: int, whole: bool) -> AsyncGenerator[tuple[Kind, Any], None]:
        """The kinds of a group as one list by instant; text that is no time stays where its text sorts."""
        waiting: dict[str, deque[Any]] = {kind.name: deque() for kind in group}
        reading = set(waiting)
        while True:
            empty = [kind for kind in group if kind.name in reading and not waiting[kind.name]]
            portions = await asyncio.gather(*(self._read(kind, size, whole) for kind in empty))
            for kind, (found, more) in zip(empty, portions, strict=True):
                waiting[kind.name].extend((read_timestamp(each.get("timestamp")), each) for each in found)
                if not more:
                    reading.discard(kind.name)
            if whole:
                size = min(2 * size, _LOOKED_AT)
            heads = [kind for kind in group if waiting[kind.name]]
            if not heads:
                return
            # Of those without a time, `max` takes the first.
            newest = max(heads, key=lambda kind: waiting[kind.name][0][0] or LATEST)
            yield newest, waiting[newest.name].popleft()[1]

    async def _read(self, kind: Kind, size: int, whole: bool) -> tuple[list[Any], bool]:
        """The next entries of a kind, and whether there are more behind them."""
        parts = await asyncio.gather(*(self._read_range(kind, each, size, whole) for each in self._ranges))
        if len(parts) == 1:
            return parts[0]
        # Behind the last that was read of a range, another of it may come before those of the others.
        ends = [_order(found[-1]) for found, more in parts if more]
        keyed = [(_order(document), document) for found, _ in parts for document in found]
        keyed.sort(key=lambda pair: pair[0], reverse=True)
        return [document for key, document in keyed if all(key >= end for end in ends)], bool(ends)

    async def _read_range(self, kind: Kind, each: Range, size: int, whole: bool) -> tuple[list[Any], bool]:
        found: list[Any] = []
        for condition, order in _behind(kind, self.positions.get(kind.name)):
            clauses = [clause for clause in (kind.condition, each.condition, condition) if clause]
            documents, more = await self._find({"$and": clauses}, order, each.index, size - len(found), whole)
            found += documents
            if more:
                return found, True
        return found, False

    async def _find(
        self, query: Document, order: Hint, index: Hint | None, size: int, whole: bool
    ) -> tuple[list[Any], bool]:
        with told():
            if whole:
                found = self._raw.find(query).sort(order).limit(size).batch_size(size).max_time_ms(READ_LIMIT_MS)
                return await _within_bytes(found.hint(index) if index else found, size)
            return await in_list(self._database, query, order, index, size)


async def in_list(
    database: Database, query: Document, order: Hint | None, index: Hint | None, size: int
) -> tuple[list[Document], bool]:
    """So many entries as a list shows them, and whether there may be more."""
    stages: list[Document] = [{"$match": query}, *([{"$sort": dict(order)}] if order else ()), {"$limit": size}, LISTED]
    options: Document = {"hint": dict(index)} if index else {}
    cursor = await database[AUDIT_LOGS].aggregate(stages, maxTimeMS=READ_LIMIT_MS, batchSize=size, **options)
    found = await cursor.to_list()
    return found, len(found) == size


async def _within_bytes(cursor: AsyncCursor[RawBSONDocument], size: int) -> tuple[list[Any], bool]:
    """The documents of a cursor, no more than memory should hold; and whether there may be more."""
    found, held = [], 0
    async with cursor:
        async for document in cursor:
            found.append(document)
            held += len(document.raw)
            if held > _HELD:
                return found, True
    return found, len(found) == size


def _order(document: Any) -> tuple[Any, Any]:
    return sorting(document.get("timestamp")), sorting(document["_id"])


def sorting(value: Any) -> tuple[int, Any]:
    """A key that sorts values as the server does: by type, then by value; rare types by how they are written."""
    if value is None:
        return 5, 0
    if isinstance(value, bool):
        return 40, value
    if isinstance(value, (int, float)):
        return 10, (0, value) if value == value else (-1, 0)
    if isinstance(value, Decimal128):
        return 10, (0, float(value.to_decimal()))
    if isinstance(value, str):
        return 15, value.encode("utf-8", "surrogatepass")
    if isinstance(value, (bytes, Binary)):
        return 30, (len(value), bytes(value))
    if isinstance(value, ObjectId):
        return 35, value.binary
    if isinstance(value, datetime):
        return 45, value.timestamp() * 1000
    if isinstance(value, DatetimeMS):
        return 45, int(value)
    return 50, repr(value)


def _behind(kind: Kind, position: Document | None) -> list[tuple[Document, Hint]]:
    """What of a kind is behind a position, part by part, each with its order; an index has each in one piece."""
    if position is None:
        return [({}, kind.order)]
    moment, same_time = {"$literal": position["t"]}, below(position["i"])
    if kind.mixed:
        after = [{"$and": [{"$eq": ["$timestamp", moment]}, same_time["$expr"]]}, {"$lt": ["$timestamp", moment]}]
        return [({"$expr": {"$or": after}}, kind.order)]
    if position["t"] is None:
        return [(same_time, kind.order)]
    at_that_time = {"timestamp": {"$eq": position["t"]}, **same_time}
    return [(at_that_time, _BY_KEY), ({"timestamp": {"$lt": position["t"]}}, kind.order)]
