"""Who changed, after a run, the records that its rollback kept: as far as the audit trail has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pymongo.errors import OperationFailure

from services.audit.doubts import with_doubts
from services.audit.entries import Entry, named, read_entry
from services.audit.filters import AuditFilters, about_records, table_of
from services.audit.logger import READINGS
from services.audit.names import names_of_people
from services.backfills.plan import ENTRIES_A_ROW, Changed
from services.changes.changeset import AUDIT_LOGS
from services.changes.series import entry_id, series_of
from services.database import NO_SUCH_INDEX, READ_LIMIT_MS, WHOLE, Database, Document
from services.deployment.indexes import AUDIT_BY_RECORD, AUDIT_BY_RESOURCE, Index

CHANGED, GONE = "it was changed since", "it is gone"
"""Why a rollback keeps a row whichever of its records it is; every other reason is of the first that it wrote."""
_MOST = 5_000
"""Entries of one stored shape about the records of a page; where there are more, nobody is named."""
_FIELDS = dict.fromkeys(
    ("id", "table", "record_id", "resource_type", "resource_id", "action", "user_id", "timestamp", "meta.run"), 1
)


async def changed_since(database: Database, run: str, exceptions: Iterable[Document]) -> dict[int, Changed]:
    """The last change after the run's own of the records of these kept rows, by the row's number.

    Three questions to the trail, whatever the number of rows, and what stands against the entries that answer them.
    """
    kept = {each["number"]: each["reason"] for each in exceptions if isinstance(each.get("number"), int)}
    written = await _written(database, run, kept)
    found = await _newest(database, run, written)
    entries = await with_doubts(database, list(found.values()))
    people = await names_of_people(database, {entry.user for entry in entries})
    return {
        number: Changed(
            named(entry.user, people.get(entry.user, "")), entry.at, table_of(entry.table),
            entry.doubt.code if entry.doubt else None,
        )
        for number, entry in zip(found, entries, strict=True)
    }  # fmt: skip


_Record = tuple[str, str]
"""Collection and id, as the trail has them."""


async def _written(database: Database, run: str, kept: Mapping[int, str]) -> dict[_Record, tuple[int, datetime]]:
    """The records that the commit of these rows wrote, each with the row's number and the time."""
    series = series_of(f"{run}/commit")
    places = {
        entry_id(series, number * ENTRIES_A_ROW + place): (number, place)
        for number in kept for place in range(ENTRIES_A_ROW)
    }  # fmt: skip
    written: dict[_Record, tuple[int, datetime]] = {}
    found = database[AUDIT_LOGS].find({"_id": {"$in": list(places)}}, _FIELDS, batch_size=WHOLE)
    async for document in found.max_time_ms(READ_LIMIT_MS):
        entry, (number, place) = read_entry(document), places[document["_id"]]
        if entry.at and entry.record_id and (place == 0 or kept[number] in (CHANGED, GONE)):
            written[entry.table, entry.record_id] = number, entry.at
    return written


async def _newest(database: Database, run: str, written: Mapping[_Record, tuple[int, datetime]]) -> dict[int, Entry]:
    if not written:
        return {}
    tables, ids = (sorted({record[part] for record in written}) for part in (0, 1))
    shapes = about_records(AuditFilters(tables=tuple(tables)), ids)
    others = {"action": {"$nin": list(READINGS)}, "meta.run": {"$ne": run}}
    found: list[Document] = []
    for about, index in zip(shapes, (AUDIT_BY_RECORD, AUDIT_BY_RESOURCE), strict=True):
        if (documents := await _entries(database, about | others, index)) is None:
            return {}
        found += documents
    newest: dict[int, tuple[datetime, Entry]] = {}
    for entry in map(read_entry, found):
        number, at = written.get((table_of(entry.table), entry.record_id), (None, None))
        if number is None or at is None or entry.at is None or entry.at <= at:
            continue
        if number not in newest or newest[number][0] < entry.at:
            newest[number] = entry.at, entry
    return {number: entry for number, (_, entry) in newest.items()}


async def _entries(database: Database, matching: Document, index: Index) -> list[Document] | None:
    """The entries that match; None where they are too many, and without the index that finds them."""
    found = database[AUDIT_LOGS].find(matching, _FIELDS, batch_size=WHOLE).hint(list(index.keys)).limit(_MOST)
    try:
        documents = await found.max_time_ms(READ_LIMIT_MS).to_list()
    except OperationFailure as error:
        if error.code != NO_SUCH_INDEX:
            raise
        return None
    return documents if len(documents) < _MOST else None
