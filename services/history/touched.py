"""Who touched a record: each user with their actions and times, counted on the server over both stored shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from services.audit.doubts import UNCHECKED
from services.audit.filters import AuditFilters, about_record
from services.audit.query import AuditQuery
from services.changes.changeset import AUDIT_LOGS
from services.clock import read_timestamp
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deployment.indexes import AUDIT_BY_RECORD, AUDIT_BY_RESOURCE, hint
from services.operators.operator import Operator, shown_to
from services.paging import LARGEST_PAGE

# As read_timestamp has it.
_OLDEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_WRITTEN = {"$regexMatch": {"input": "$timestamp", "regex": "^20[0-9]{2}-"}}


@dataclass(frozen=True)
class Touch:
    """One user's entries about a record. `user` is empty where entries name nobody."""

    user: str
    entries: int
    actions: Mapping[str, int]
    first: datetime | None
    """None where none of the entries has a readable time."""
    last: datetime | None
    doubted: int | None
    """How many of them something stands against; None where the record has too many entries to look at each."""


async def who_touched(database: Database, operator: Operator, table: str, record_id: str) -> tuple[Touch, ...]:
    """Everybody who touched the record, whoever did so last first."""
    operator.require("viewer", "read the audit trail")
    first_shape, second_shape = about_record(AuditFilters(tables=(table,), record_id=record_id))
    # An entry that carries the fields of both shapes is one entry.
    queries = ((AUDIT_BY_RECORD, first_shape), (AUDIT_BY_RESOURCE, {"$and": [second_shape, {"$nor": [first_shape]}]}))
    touches: dict[str, Touch] = {}
    with told():
        for index, query in queries:
            options: Document = {"maxTimeMS": READ_LIMIT_MS}
            if found := await hint(database, index):
                options["hint"] = dict(found)
            cursor = await database[AUDIT_LOGS].aggregate(_pipeline(query), **options)
            async for group in cursor:
                _add(touches, group)
    doubted = await _doubted(database, operator, table, record_id, sum(each.entries for each in touches.values()))
    shown = shown_to(operator, list(touches.values()))
    known = [replace(each, doubted=None if doubted is None else doubted[each.user]) for each in shown]
    return tuple(sorted(known, key=lambda touch: (-_seconds(touch.last), touch.user)))


async def _doubted(
    database: Database, operator: Operator, table: str, record_id: str, entries: int
) -> Counter[str] | None:
    """Each user's entries about the record that something stands against."""
    if entries > LARGEST_PAGE:
        return None
    page = await AuditQuery(database, operator).by_record(table, record_id, limit=LARGEST_PAGE)
    return Counter(entry.user for entry in page.items if entry.doubt and entry.doubt.code != UNCHECKED)


def _pipeline(query: Document) -> list[Document]:
    is_date, is_text = ({"$eq": [{"$type": "$timestamp"}, kind]} for kind in ("date", "string"))
    text = {"$dateFromString": {"dateString": "$timestamp", "onError": None, "onNull": None}}
    cases = [
        {"case": is_date, "then": "$timestamp"},
        {"case": {"$cond": [is_text, _WRITTEN, False]}, "then": text},
    ]
    instant = {"$switch": {"branches": cases, "default": None}}
    # Beside the instant, which the server knows to the millisecond, the time as it is stored.
    known = {"$and": [{"$gte": [instant, _OLDEST]}, {"$lt": [instant, _LATEST]}]}
    at = {"$cond": [known, {"at": instant, "stored": "$timestamp"}, None]}
    group = {"_id": {"user": "$user_id", "action": "$action"}, "count": {"$sum": 1}}
    return [
        {"$match": query},
        {"$project": {"user_id": 1, "action": 1, "at": at}},
        {"$group": group | {"first": {"$min": "$at"}, "last": {"$max": "$at"}}},
    ]


def _add(touches: dict[str, Touch], group: Mapping[str, Any]) -> None:
    user, action = (_words(group["_id"].get(name)) for name in ("user", "action"))
    known = touches.get(user, Touch(user, 0, {}, None, None, None))
    times = [time for time in (known.first, known.last, _time(group["first"]), _time(group["last"])) if time]
    touches[user] = Touch(
        user=user,
        entries=known.entries + group["count"],
        actions={**known.actions, action.upper(): known.actions.get(action.upper(), 0) + group["count"]},
        first=min(times, default=None),
        last=max(times, default=None),
        doubted=None,
    )


def _time(found: Mapping[str, Any] | None) -> datetime | None:
    return read_timestamp(found["stored"]) if found else None


def _words(value: object) -> str:
    return "" if value is None else str(value)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
