"""One record's audit trail: its entries in the order of time, and the record as it is stored now, read at one moment.

However many entries there are and however large: first only where each stands in time, then pages of whole entries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import bson

from services.audit.doubts import doubts
from services.audit.entries import Entry, read_entry
from services.audit.filters import AuditFilters, about_record
from services.audit.logger import READINGS
from services.audit.reader import RAW
from services.audit.walk import as_name
from services.changes.changeset import AUDIT_LOGS
from services.clock import read_timestamp
from services.database import READ_LIMIT_MS, TOLERANT, Database, Document, Session, told
from services.deployment.indexes import AUDIT_BY_RECORD, AUDIT_BY_RESOURCE, Hint, Index, hint, hints
from services.errors import NotFound, Refused
from services.records.findings import Finding

MOST_ENTRIES = 100_000
_PAGE_ENTRIES = 200
_PAGE_BYTES = 8_000_000
_MOST_NAMES = 50
_WHOLE: Any = TOLERANT
_UNDATED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an entry stands in its record's life, and what it tells, without its images."""

    key: Any
    """Its `_id`."""
    at: datetime | None
    size: int
    whole_before: bool
    """Whether it tells the whole record as it was before, or that there was none."""
    whole_after: bool
    names: tuple[str, ...]
    """The fields that its `changes` name, at most 50; none where it has no such list."""
    head: Entry
    """The entry without images and changes."""

    @property
    def place(self) -> tuple[datetime, str]:
        """Its place in the order of time."""
        return place(self.at, self.key)


def place(at: datetime | None, key: object) -> tuple[datetime, str]:
    """Sorts as time does; entries of one instant by their id, those without a readable time first."""
    return at or _UNDATED, str(key)


@dataclass(frozen=True, slots=True)
class Present:
    """The stored record. `read` is False where it could not be looked up without scanning its collection."""

    read: bool
    document: Document | None = None
    twins: bool = False
    """Whether another record has the same id."""


class Trail:
    """A record's entries and its present. Within `open_trail` whole entries can be read."""

    def __init__(self, database: Database, session: Session | None, marks: list[Mark], present: Present) -> None:
        self._database = database
        self._session = session
        self.dated = tuple(sorted((mark for mark in marks if mark.at is not None), key=lambda mark: mark.place))
        self.undated = tuple(sorted((mark for mark in marks if mark.at is None), key=lambda mark: mark.place))
        self.present = present
        self.doubts: dict[str, Finding] = {}
        """What stands against the entries that were read whole, by their ids for people."""

    def mark(self, key: object) -> Mark:
        """The mark of the entry of that `_id`.

        Raises NotFound.
        """
        for mark in (*self.dated, *self.undated):
            if _name(mark.key) == _name(key):
                return mark
        raise NotFound("unknown-entry", f"No entry {key} is about this record.")

    async def entry(self, mark: Mark) -> Entry:
        """One whole entry."""
        async for entry in self.entries([mark]):
            return entry
        return mark.head  # gone meanwhile, on a server without snapshots

    async def entries(self, marks: Iterable[Mark]) -> AsyncIterator[Entry]:
        """The whole entries of these marks, in their order."""
        for page in _pages(marks):
            query = {"_id": {"$in": [mark.key for mark in page]}}
            stored = self._database[AUDIT_LOGS].with_options(codec_options=RAW)
            cursor = stored.find(query, session=self._session).max_time_ms(READ_LIMIT_MS)
            with told():
                raw = [bytes(document.raw) for document in await cursor.to_list()]
            against = await doubts(self._database, raw, self._session)
            entries = [read_entry(bson.decode(each, _WHOLE)) for each in raw]
            self.doubts |= {each.id: against[name] for each in entries if (name := as_name(each.key)) in against}
            found = {_name(entry.key): entry for entry in entries}
            for mark in page:
                if entry := found.get(_name(mark.key)):
                    yield entry


@asynccontextmanager
async def open_trail(database: Database, table: str, record_id: str) -> AsyncIterator[Trail]:
    """The trail of a record; `table` is its collection, or what the other writer calls its records.

    Raises Refused where there are more than MOST_ENTRIES entries.
    """
    queries = about_record(AuditFilters(tables=(table,), record_id=record_id))
    tables, ids = queries[0]["table"]["$in"], queries[0]["record_id"]["$in"]
    with told():
        by_record = await hints(database, AUDIT_BY_RECORD, AUDIT_BY_RESOURCE)
        collection = await _collection(database, tables)
        by_id = await hint(database, Index(collection, (("id", 1),))) if collection else None
        async with database.snapshot() as session:
            marks: dict[str, Mark] = {}
            for query, index in zip(queries, by_record, strict=True):
                await _add_marks(marks, database, query, index, ids, session)
            # The console's own bookkeeping is told as far as the trail tells it, and not looked through.
            known = collection and (marks or not collection.startswith("console_"))
            present = await _present(database, collection, ids, by_id, session) if known else Present(read=False)
            yield Trail(database, session, list(marks.values()), present)


async def _add_marks(
    marks: dict[str, Mark], database: Database, query: Document, index: Hint | None, ids: list[Any],
    session: Session | None,
) -> None:  # fmt: skip
    changes = {**query, "action": {"$nin": list(READINGS)}}
    cursor = database[AUDIT_LOGS].find(changes, _outline(ids), session=session).max_time_ms(READ_LIMIT_MS)
    async for document in cursor.hint(index) if index else cursor:
        marks[_name(document["_id"])] = _mark(document)
        if len(marks) > MOST_ENTRIES:
            raise Refused("too-many-entries", f"More than {MOST_ENTRIES:,} entries are about this record.")


def _outline(ids: list[Any]) -> Document:
    """What a mark is made of; the images and the values stay on the server."""
    fields = ("id", "table", "record_id", "resource_type", "resource_id", "action", "user_id", "timestamp")
    listed = {"$slice": [{"$objectToArray": "$changes"}, _MOST_NAMES]}
    return {
        **dict.fromkeys(fields, 1),
        "size": {"$bsonSize": "$$ROOT"},
        "before_type": {"$type": "$before"},
        "after_type": {"$type": "$after"},
        "before_named": {"$in": ["$before.id", {"$literal": ids}]},
        "after_named": {"$in": ["$after.id", {"$literal": ids}]},
        "names": {
            "$cond": [
                {"$eq": [{"$type": "$changes"}, "object"]},
                {"$map": {"input": listed, "in": "$$this.k"}},
                [],
            ]
        },
    }


def _mark(document: Document) -> Mark:
    head = replace(read_entry(document), size=document["size"])
    # The change set writes an entry's id into both, and whole records into its images.
    own = isinstance(head.key, str) and head.key == document.get("id")
    names = tuple(document["names"])
    return Mark(
        key=head.key,
        at=read_timestamp(document.get("timestamp")),
        size=document["size"],
        whole_before=_whole(document, "before", own=own, none=head.action == "CREATE" and not names),
        whole_after=_whole(document, "after", own=own, none=head.action == "DELETE" and not names),
        names=names,
        head=head,
    )


def _whole(document: Mapping[str, Any], side: str, *, own: bool, none: bool) -> bool:
    kind = document[f"{side}_type"]
    if kind == "object":
        return own or bool(document[f"{side}_named"])
    return none and kind in ("null", "missing", "undefined")


async def _collection(database: Database, tables: list[str]) -> str | None:
    """The collection among the spellings of a table; None where there is none of that name."""
    wanted = {"name": {"$in": tables, "$not": {"$regex": r"^system\."}}, "type": "collection"}
    listed = await database.command({"listCollections": 1, "filter": wanted, "nameOnly": True,
                                     "authorizedCollections": True})  # fmt: skip
    names = [str(found["name"]) for found in listed["cursor"]["firstBatch"]]
    return names[0] if names else None


async def _present(
    database: Database, collection: str | None, ids: list[Any], by_id: Hint | None, session: Session | None
) -> Present:
    """The record that has the id; one without an `id` is known by its `_id`, as in the change set's entries."""
    if collection is None:
        return Present(read=False)
    records = database[collection]
    if by_id:
        cursor = records.find({"id": {"$in": ids}}, session=session).hint(by_id)
        found = await cursor.limit(2).max_time_ms(READ_LIMIT_MS).to_list()
        if found:
            return Present(True, found[0], twins=len(found) > 1)
    cursor = records.find({"_id": {"$in": ids}}, session=session)
    for document in await cursor.max_time_ms(READ_LIMIT_MS).to_list():
        if document.get("id") is None or document["id"] in ids:
            return Present(True, document)
    return Present(read=by_id is not None)


def _pages(marks: Iterable[Mark]) -> Iterator[Sequence[Mark]]:
    page: list[Mark] = []
    size = 0
    for mark in marks:
        if page and (len(page) == _PAGE_ENTRIES or size + mark.size > _PAGE_BYTES):
            yield page
            page, size = [], 0
        page.append(mark)
        size += mark.size
    if page:
        yield page


def _name(key: object) -> str:
    return f"{type(key).__name__} {key}"
