"""The audit trail, newest first: pages of it, one entry, and one record's history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from services.audit.entries import Entry, masked, read_entry
from services.audit.filters import AuditFilters, about_record, in_days, matching
from services.changes.changeset import AUDIT_LOGS
from services.clock import read_timestamp, to_stored
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deployment.indexes import AUDIT_BY_RECORD, AUDIT_BY_RESOURCE, AUDIT_BY_TIME, AUDIT_BY_USER, Hint, hint
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator
from services.paging import Page, bad_token, page_size, read_token, write_token

_LIST = "audit"
_RECORD_LIST = "audit-record"
RECORD_ENTRIES = 2_000
"""Entries of one record that are put in order at once."""

_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_UNDATED_AT = datetime.min.replace(tzinfo=UTC)
_OTHER_TYPES = ["double", "int", "long", "decimal", "object", "array", "binData", "objectId", "bool"]
_OTHER_TYPES += ["regex", "javascript", "timestamp", "minKey", "maxKey"]


@dataclass(frozen=True)
class _Stream:
    """Entries that one index holds in one order. Text and dates sort apart, so each is a stream of its own."""

    name: str
    condition: Document
    mixed: bool = False
    """Whether its times are of several types: a plain comparison would leave the other types out."""


_TEXT = _Stream("text", {"timestamp": {"$gte": "20", "$lt": "21"}})
_DATE = _Stream("date", {"timestamp": {"$gte": _OLDEST, "$lt": _LATEST}})
_UNDATED = (
    _Stream("late", {"timestamp": {"$gte": _LATEST}}),
    _Stream("early", {"timestamp": {"$lt": _OLDEST}}),
    _Stream("words", {"timestamp": {"$gte": "21"}}),
    _Stream("blank", {"timestamp": {"$lt": "20"}}),
    _Stream("other", {"timestamp": {"$type": _OTHER_TYPES}}, mixed=True),
    _Stream("none", {"timestamp": None}),
)


async def list_entries(
    database: Database, operator: Operator, filters: AuditFilters, token: str | None = None, limit: int | None = None
) -> Page[Entry]:
    """A page of the entries that match, newest first; entries without a readable time come last.

    Raises BadRequest for a token of another list.
    """
    operator.require("viewer", "read the audit trail")
    page = await _page(database, filters, token, page_size(limit))
    return replace(page, items=tuple(map(masked, page.items))) if operator.masked else page


async def _page(database: Database, filters: AuditFilters, token: str | None, size: int) -> Page[Entry]:
    if filters.record_id is not None:
        if filters.table is None:
            raise BadRequest("bad-record", "A record is named by its table and its id.")
        return await _record_page(database, filters, filters.table, filters.record_id, token, size)
    index = AUDIT_BY_USER if filters.user is not None else AUDIT_BY_TIME
    # Without the index the list still comes, slower; with it no other plan is worth trying.
    return await _Reader(database, filters, _positions(token), await hint(database, index)).page(size)


async def history(
    database: Database, operator: Operator, table: str, record_id: str, limit: int | None = None
) -> tuple[Entry, ...]:
    """The newest entries about one record, newest first."""
    page = await list_entries(database, operator, AuditFilters(table=table, record_id=record_id), None, limit)
    return page.items


async def get_entry(database: Database, operator: Operator, entry_id: str) -> Entry:
    """The entry with that id, or with that `_id` where it has none.

    Raises NotFound.
    """
    operator.require("viewer", "read the audit trail")
    keys: list[Document] = [{"_id": entry_id}, {"id": entry_id, "_id": {"$type": "objectId"}}]
    if ObjectId.is_valid(entry_id):
        keys.append({"_id": ObjectId(entry_id)})
    with told():
        for key in keys:
            document = await database[AUDIT_LOGS].find_one(key, max_time_ms=READ_LIMIT_MS)
            if document is not None:
                entry = read_entry(document)
                return masked(entry) if operator.masked else entry
    raise NotFound("unknown-entry", f"There is no audit entry {entry_id}; `audit list` shows the ids.")


class _Reader:
    """Merges the streams of one request, each read on from its own position."""

    def __init__(
        self,
        database: Database,
        filters: AuditFilters,
        positions: dict[str, Document],
        index: list[tuple[str, int]] | None,
    ) -> None:
        self._database = database
        self._matching = matching(filters)
        self._days = in_days(filters)
        self._positions = positions
        self._hint = index

    async def page(self, size: int) -> Page[Entry]:
        """The next entries over all streams, and the token behind them."""
        text, dates = _TEXT, _DATE
        if self._days:
            text, dates = _Stream(_TEXT.name, self._days[0]), _Stream(_DATE.name, self._days[1])
        found = _merged(await self._read(text, size + 1), await self._read(dates, size + 1))
        if not self._days:
            for stream in _UNDATED:
                if len(found) > size:
                    break
                found += await self._read(stream, size + 1 - len(found))
        shown = found[:size]
        positions = dict(self._positions)
        for stream_name, document in shown:
            positions[stream_name] = {"t": document.get("timestamp"), "i": document["_id"]}
        more = write_token(_LIST, positions) if len(found) > size else None
        return Page(tuple(read_entry(document) for _, document in shown), more)

    async def _read(self, stream: _Stream, limit: int) -> list[tuple[str, Document]]:
        clauses = [stream.condition, self._matching, _behind(stream, self._positions.get(stream.name))]
        cursor = self._database[AUDIT_LOGS].find({"$and": [clause for clause in clauses if clause]})
        cursor = cursor.sort(list(AUDIT_BY_TIME.keys)).limit(limit).max_time_ms(READ_LIMIT_MS)
        if self._hint:
            cursor = cursor.hint(self._hint)
        with told():
            return [(stream.name, document) for document in await cursor.to_list()]


def _behind(stream: _Stream, position: Document | None) -> Document:
    """The part of a stream after a position; `$expr` compares across types, as the index orders them."""
    if position is None:
        return {}
    time, key = {"$literal": position["t"]}, {"$literal": position["i"]}
    after: Document = {"$lt": ["$_id", key]}
    if stream.mixed:
        same_time = {"$and": [{"$eq": ["$timestamp", time]}, after]}
        return {"$expr": {"$or": [{"$lt": ["$timestamp", time]}, same_time]}}
    if position["t"] is None:
        return {"$expr": after}
    return {"timestamp": {"$lte": position["t"]}, "$or": [{"timestamp": {"$lt": position["t"]}}, {"$expr": after}]}


def _positions(token: str | None) -> dict[str, Document]:
    positions = read_token(_LIST, token) or {}
    # The values stand only where the server takes them literally, so any are safe.
    if not all(isinstance(position, dict) and position.keys() == {"t", "i"} for position in positions.values()):
        raise bad_token()
    return positions


def _merged(text: list[tuple[str, Document]], dates: list[tuple[str, Document]]) -> list[tuple[str, Document]]:
    """Two lists, each newest first, as one by instant; text that is no time stays where its text sorts."""
    merged: list[tuple[str, Document]] = []
    while text and dates:
        of_text, of_date = read_entry(text[0][1]).at, read_entry(dates[0][1]).at
        take_text = of_text is None or of_date is None or of_text >= of_date
        merged.append((text if take_text else dates).pop(0))
    return merged + text + dates


async def _record_page(
    database: Database, filters: AuditFilters, table: str, record_id: str, token: str | None, size: int
) -> Page[Entry]:
    """One record has few entries, so all are read by its index and put in order here."""
    position = read_token(_RECORD_LIST, token)
    entries: list[Entry] = []
    for index, query in zip((AUDIT_BY_RECORD, AUDIT_BY_RESOURCE), about_record(table, record_id), strict=True):
        entries += await _record_entries(database, filters, query, await hint(database, index))
    entries.sort(key=_order, reverse=True)
    if position is not None:
        last = (read_timestamp(position.get("t")) or _UNDATED_AT, str(position.get("i")))
        entries = [entry for entry in entries if _order(entry) < last]
    shown = entries[:size]
    more = write_token(_RECORD_LIST, _position(shown[-1])) if len(entries) > size else None
    return Page(tuple(shown), more)


async def _record_entries(
    database: Database, filters: AuditFilters, query: Document, index: Hint | None
) -> list[Entry]:
    days = in_days(filters)
    found: dict[Any, Document] = {}
    for condition in days or ({},):
        clauses = [clause for clause in (query, matching(filters), condition) if clause]
        cursor = database[AUDIT_LOGS].find({"$and": clauses}).limit(RECORD_ENTRIES + 1).max_time_ms(READ_LIMIT_MS)
        if index:
            cursor = cursor.hint(index)
        with told():
            found |= {str(document["_id"]): document for document in await cursor.to_list()}
    if len(found) > RECORD_ENTRIES:
        raise Refused(
            "too-many-entries",
            f"More than {RECORD_ENTRIES:,} entries are about this record; narrow them by days with --from and --to.",
        )
    return [read_entry(document) for document in found.values()]


def _order(entry: Entry) -> tuple[datetime, str]:
    return entry.at or _UNDATED_AT, str(entry.key)


def _position(entry: Entry) -> Document:
    return {"t": to_stored(entry.at) if entry.at else None, "i": str(entry.key)}
