"""Which audit entries are asked for: the words of a request, and the query that they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bson import ObjectId

from services.clock import days_between, parse_day, to_stored
from services.database import Document
from services.errors import BadRequest

# What the other writer calls a record of the collection.
_ENTITIES = {
    "orders": "order",
    "users": "user",
    "customers_v2": "customer",
    "subscriptions_v2": "subscription",
    "products": "product",
    "billing_records": "billing_record",
    "delivery_statuses": "delivery_status",
    "delivery_boys_v2": "delivery_boy",
    "payment_transactions": "payment",
}
_COLLECTIONS = {entity: collection for collection, entity in _ENTITIES.items()}
# No offset from UTC is larger, so no stored text is further from its instant.
_LARGEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True)
class AuditFilters:
    """Which entries: all that is given applies together. Days are whole days in India, the last included."""

    table: str | None = None
    record_id: str | None = None
    user: str | None = None
    action: str | None = None
    first_day: date | None = None
    last_day: date | None = None


def read_filters(
    record: str | None = None,
    user: str | None = None,
    table: str | None = None,
    action: str | None = None,
    first_day: str | None = None,
    last_day: str | None = None,
) -> AuditFilters:
    """The filters that a person typed; `record` is TABLE/ID.

    Raises BadRequest for words that make none.
    """
    record_id = None
    if record is not None:
        of_table, slash, record_id = record.strip().partition("/")
        if not slash or not of_table or not record_id:
            raise BadRequest("bad-record", f"{record!r} is no record; write TABLE/ID, for example orders/ord_1f0c.")
        if table is not None and table != of_table:
            raise BadRequest("bad-record", f"The record {record!r} is not in the table {table!r}.")
        table = of_table
    filters = AuditFilters(
        table=_word(table, "table"),
        record_id=record_id,
        user=_word(user, "user"),
        action=_word(action, "action"),
        first_day=parse_day(first_day, "first day") if first_day is not None else None,
        last_day=parse_day(last_day, "last day") if last_day is not None else None,
    )
    if filters.first_day and filters.last_day and filters.last_day < filters.first_day:
        raise BadRequest("bad-range", "The last day lies before the first.")
    return filters


def matching(filters: AuditFilters) -> Document:
    """The part of the query about everything but the time, over both stored shapes."""
    clauses: list[Document] = []
    if filters.user is not None:
        clauses.append({"user_id": filters.user})
    if filters.action is not None:
        word = filters.action
        clauses.append({"action": {"$in": sorted({word, word.upper(), word.lower(), word.capitalize()})}})
    if filters.table is not None and filters.record_id is None:
        tables = {"$in": _spellings(filters.table)}
        clauses.append({"$or": [{"table": tables}, {"resource_type": tables}]})
    return {"$and": clauses} if clauses else {}


def about_record(table: str, record_id: str) -> tuple[Document, Document]:
    """The queries for a record's entries: of the first stored shape, and of the second."""
    tables = {"$in": _spellings(table)}
    ids: list[Any] = [record_id]
    if ObjectId.is_valid(record_id):
        ids.append(ObjectId(record_id))
    return (
        {"table": tables, "record_id": {"$in": ids}},
        {"resource_id": {"$in": ids, "$exists": True}, "resource_type": tables},
    )


def in_days(filters: AuditFilters) -> tuple[Document, Document] | None:
    """The conditions on `timestamp` as text and as a date, each exact; None without a range.

    Text is first narrowed by how it sorts, with room for every offset, and then compared as the instant it names.
    """
    first, after = days_between(filters.first_day, filters.last_day)
    if first is None and after is None:
        return None
    as_date: Document = {}
    as_text: Document = {}
    instant: dict[str, Any] = {"$dateFromString": {"dateString": "$timestamp", "onError": None, "onNull": None}}
    exact: list[Document] = [{"$ne": [instant, None]}]
    if first is not None:
        as_date["$gte"] = first
        as_text["$gte"] = _day_of(first - _LARGEST_OFFSET)
        exact.append({"$gte": [instant, first]})
    if after is not None:
        as_date["$lt"] = after
        as_text["$lt"] = _day_of(after + _LARGEST_OFFSET + timedelta(days=1))
        exact.append({"$lt": [instant, after]})
    return {"timestamp": as_text, "$expr": {"$and": exact}}, {"timestamp": as_date}


def _day_of(moment: datetime) -> str:
    return to_stored(moment)[:10]


def _spellings(table: str) -> list[str]:
    return sorted({table, _ENTITIES.get(table, table), _COLLECTIONS.get(table, table)})


def _word(text: str | None, what: str) -> str | None:
    if text is None:
        return None
    if not text.strip():
        raise BadRequest(f"bad-{what}", f"The {what} to look for is empty.")
    return text.strip()
