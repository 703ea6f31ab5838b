"""What the audit trail comes to: counts by action, user, table, day and hour, added up on the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.audit.entries import named
from services.audit.filters import ENTITIES, AuditFilters, in_days, of_request, table_of
from services.audit.names import names_of_people
from services.audit.ranges import ranges
from services.audit.reader import LATEST, OLDEST
from services.changes.changeset import AUDIT_LOGS
from services.database import Database, Document, told
from services.errors import BadRequest

_LIMIT_MS = 120_000
_MOST_NAMED = 500
_EPOCH, _HOUR = datetime(1970, 1, 1, tzinfo=UTC), timedelta(hours=1)
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
    names: Mapping[str, str] = field(default_factory=dict)
    """The names of the users with the most entries by their ids, where an id is all that entries have."""

    def who(self, user: str) -> str:
        """A user for people, as lists of entries show one."""
        return named(user, self.names.get(user, ""))


async def report(database: Database, filters: AuditFilters) -> AuditReport:
    """Add up the entries that match.

    Raises BadRequest for filters by record, field or text: those are looked through, not added up.
    """
    if filters.record_id is not None or filters.field is not None or filters.text is not None:
        raise BadRequest("bad-report", "A report takes no record, field or text; list those with `audit list`.")
    found = await ranges(database, filters)
    request: Document = {"meta.request": of_request(filters.request)} if filters.request else {}
    conditions = [
        {"$and": [{}, *(part for part in (each.condition, days, request) if part)]}
        for each in found for days in in_days(filters).values() or ({},)
    ]  # fmt: skip
    match = {"$or": conditions} if len(conditions) > 1 else conditions[0]
    options: Document = {"hint": dict(found[0].index)} if len(found) == 1 and found[0].index else {}
    with told():
        cursor = await database[AUDIT_LOGS].aggregate(
            [{"$match": match}, *_COUNTING], maxTimeMS=_LIMIT_MS, allowDiskUse=True, **options
        )
        (counted,) = await cursor.to_list()
    made = _report(counted)
    return replace(made, names=await names_of_people(database, list(made.by_user)[:_MOST_NAMED]))


def _report(counted: Document) -> AuditReport:
    actions: Counter[str] = Counter()
    users: Counter[str] = Counter()
    tables: Counter[str] = Counter()
    for row in counted["cells"]:
        key, entries = row["_id"], row["entries"]
        actions[_words(key.get("action")).upper()] += entries
        users[_words(key.get("user"))] += entries
        tables[table_of(_words(key.get("table")))] += entries
    days: Counter[str] = Counter()
    week = [[0] * 24 for _ in range(7)]
    dated = [row for row in counted["hours"] if row["_id"] is not None]
    for row in dated:
        at = _EPOCH + int(row["_id"]) * _HOUR  # the hours are India's, though written as UTC's
        days[at.date().isoformat()] += row["entries"]
        week[at.weekday()][at.hour] += row["entries"]
    return AuditReport(
        entries=actions.total(),
        records=counted["records"][0]["records"] if counted["records"] else 0,
        first=min((row["first"] for row in dated), default=None),
        last=max((row["last"] for row in dated), default=None),
        undated=actions.total() - days.total(),
        by_action=_largest(actions),
        by_user=_largest(users),
        by_table=_largest(tables),
        by_day=dict(sorted(days.items())),
        by_weekday_hour=tuple(tuple(hours) for hours in week),
    )


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


def _collection() -> Document:
    """The table, where it is what the second shape calls a collection's records, as that collection."""
    place = {"$indexOfArray": [list(ENTITIES.values()), "$table"]}
    known = {"$arrayElemAt": [list(ENTITIES), "$$place"]}
    return {"$let": {"vars": {"place": place}, "in": {"$cond": [{"$gte": ["$$place", 0]}, known, "$table"]}}}


def _counting() -> list[Document]:
    """The stages that count: one row for each action, user and table that occur together, one an hour, the records."""
    record = _either("record_id", "resource_id")
    fields = {
        "_id": 0,
        "action": 1,
        "user": "$user_id",
        "table": _either("table", "resource_type"),
        "record": {"$convert": {"input": record, "to": _TEXT, "onError": record}},
        "at": _instant(),
    }
    hour = {"$floor": {"$divide": [{"$add": [{"$toLong": "$at"}, _OFFSET_MS]}, 3_600_000]}}
    count = {"entries": {"$sum": 1}}
    named = {"table": {"$nin": [None, ""]}, "record": {"$nin": [None, ""]}}
    return [
        {"$project": fields},
        {
            "$facet": {
                "cells": [{"$group": {"_id": {"action": "$action", "user": "$user", "table": "$table"}, **count}}],
                "hours": [{"$group": {"_id": hour, **count, "first": {"$min": "$at"}, "last": {"$max": "$at"}}}],
                "records": [
                    {"$match": named},
                    {"$group": {"_id": {"table": _collection(), "record": "$record"}}},
                    {"$count": "records"},
                ],
            }
        },
    ]


_COUNTING = _counting()


def _words(value: Any) -> str:
    return "" if value is None else str(value)


def _largest(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
