"""What the audit trail comes to: counts by action, user, table, day and hour, added up on the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.audit.filters import ENTITIES, AuditFilters, in_days, table_of
from services.audit.ranges import ranges
from services.audit.reader import LATEST, OLDEST
from services.changes.changeset import AUDIT_LOGS
from services.database import Database, Document, Session, told
from services.errors import BadRequest

_LIMIT_MS = 120_000
_HOUR = timedelta(hours=1)
_TEXT = "string"
# India is half an hour off the hours of UTC, and has no daylight saving.
_OFFSET_MS = int(timedelta(hours=5, minutes=30).total_seconds() * 1000)


@dataclass(frozen=True)
class AuditReport:
    """Counts of entries of both shapes; days, hours and weekdays are India's. The largest counts come first."""

    entries: int
    records: int
    """Different records that they are about."""
    first: datetime | None
    last: datetime | None
    undated: int
    """Entries without a readable time: in no day and no hour."""
    by_action: Mapping[str, int]
    by_user: Mapping[str, int]
    by_table: Mapping[str, int]
    by_day: Mapping[str, int]
    """`YYYY-MM-DD` to entries, in the order of days; days without any are left out."""
    by_weekday_hour: tuple[tuple[int, ...], ...]
    """Seven rows from Monday on, of 24 hours each."""


async def report(database: Database, filters: AuditFilters) -> AuditReport:
    """Add up the entries that match.

    Raises BadRequest for filters by record, field or text: those are looked through, not added up.
    """
    if filters.record_id is not None or filters.field is not None or filters.text is not None:
        raise BadRequest("bad-report", "A report takes no record, field or text; list those with `audit list`.")
    found = await ranges(database, filters)
    request = {"meta.request": filters.request} if filters.request is not None else {}
    conditions = [
        {"$and": [{}, *(part for part in (each.condition, days, request) if part)]}
        for each in found for days in in_days(filters).values() or ({},)
    ]  # fmt: skip
    match = {"$or": conditions} if len(conditions) > 1 else conditions[0]
    options: Document = {"hint": dict(found[0].index)} if len(found) == 1 and found[0].index else {}
    async with database.snapshot() as session:
        cells = _Cells()
        await cells.read(database, match, options, session)
        records = await _records(database, match, options, session)
    return cells.report(records)


class _Cells:
    """The counts by action, user, table and hour, as they come from the server."""

    def __init__(self) -> None:
        self._actions: Counter[str] = Counter()
        self._users: Counter[str] = Counter()
        self._tables: Counter[str] = Counter()
        self._hours: Counter[datetime | None] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None

    async def read(self, database: Database, match: Document, options: Document, session: Session | None) -> None:
        """Add up; the server has one row for each action, user, table and hour that occur together."""
        hour = {"$floor": {"$divide": [{"$add": [{"$toLong": "$at"}, _OFFSET_MS]}, 3_600_000]}}
        key = {"action": "$action", "user": "$user_id", "table": _TABLE, "hour": hour}
        group = {"_id": key, "entries": {"$sum": 1}, "first": {"$min": "$at"}, "last": {"$max": "$at"}}
        fields = {"action": 1, "user_id": 1, "table": 1, "resource_type": 1, "at": _INSTANT}
        pipeline: list[Document] = [{"$match": match}, {"$project": fields}, {"$group": group}]
        with told():
            cursor = await database[AUDIT_LOGS].aggregate(
                pipeline, session=session, maxTimeMS=_LIMIT_MS, allowDiskUse=True, **options
            )
            async for row in cursor:
                self._add(row)

    def _add(self, row: Document) -> None:
        key, entries = row["_id"], row["entries"]
        self._actions[_words(key.get("action")).upper()] += entries
        self._users[_words(key.get("user"))] += entries
        self._tables[table_of(_words(key.get("table")))] += entries
        hour = key.get("hour")
        at = None if hour is None else datetime(1970, 1, 1, tzinfo=UTC) + int(hour) * _HOUR
        self._hours[at] += entries
        if row["first"] is not None:
            self._first = min(self._first or row["first"], row["first"])
            self._last = max(self._last or row["last"], row["last"])

    def report(self, records: int) -> AuditReport:
        """The counts each for itself."""
        days: Counter[str] = Counter()
        week = [[0] * 24 for _ in range(7)]
        for at, entries in self._hours.items():  # the hours are India's, though written as UTC's
            if at is not None:
                days[at.date().isoformat()] += entries
                week[at.weekday()][at.hour] += entries
        return AuditReport(
            entries=self._hours.total(),
            records=records,
            first=self._first,
            last=self._last,
            undated=self._hours[None],
            by_action=_largest(self._actions),
            by_user=_largest(self._users),
            by_table=_largest(self._tables),
            by_day=dict(sorted(days.items())),
            by_weekday_hour=tuple(tuple(hours) for hours in week),
        )


async def _records(database: Database, match: Document, options: Document, session: Session | None) -> int:
    """How many records the entries are about; what the second shape calls an order is one of `orders`."""
    fields = {"table": 1, "resource_type": 1, "record_id": 1, "resource_id": 1}
    names, collections = list(ENTITIES.values()), list(ENTITIES)
    place = {"$indexOfArray": [names, "$$name"]}
    known = {"$arrayElemAt": [collections, "$$place"]}
    table = {
        "$let": {
            "vars": {"name": _TABLE},
            "in": {
                "$let": {
                    "vars": {"place": place},
                    "in": {"$cond": [{"$gte": ["$$place", 0]}, known, "$$name"]},
                }
            },
        }
    }
    record = _either("record_id", "resource_id")
    pipeline: list[Document] = [
        {"$match": match},
        {"$project": fields},
        {
            "$group": {
                "_id": {"table": table, "record": {"$convert": {"input": record, "to": _TEXT, "onError": record}}}
            }
        },
        {"$match": {"_id.table": {"$nin": [None, ""]}, "_id.record": {"$nin": [None, ""]}}},
        {"$count": "records"},
    ]
    with told():
        cursor = await database[AUDIT_LOGS].aggregate(
            pipeline, session=session, maxTimeMS=_LIMIT_MS, allowDiskUse=True, **options
        )
        found = await cursor.to_list()
    return int(found[0]["records"]) if found else 0


def _either(first: str, second: str) -> Document:
    """The field of the first shape, or where it is missing or empty that of the second, as `read_entry` reads it."""
    return {"$cond": [{"$in": [{"$ifNull": [f"${first}", ""]}, [""]]}, f"${second}", f"${first}"]}


def _instant() -> Document:
    read = {"$dateFromString": {"dateString": "$timestamp", "onError": None, "onNull": None}}
    at = {
        "$switch": {
            "branches": [
                {"case": {"$eq": [{"$type": "$timestamp"}, _TEXT]}, "then": read},
                {"case": {"$eq": [{"$type": "$timestamp"}, "date"]}, "then": "$timestamp"},
            ],
            "default": None,
        }
    }
    readable = {"$and": [{"$gte": ["$$at", OLDEST]}, {"$lt": ["$$at", LATEST]}]}
    return {"$let": {"vars": {"at": at}, "in": {"$cond": [readable, "$$at", None]}}}


_TABLE = _either("table", "resource_type")
_INSTANT = _instant()


def _words(value: Any) -> str:
    return "" if value is None else str(value)


def _largest(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
