"""Which audit entries are asked for: the words of a request, the query that they make, and the same test here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from bson import ObjectId

from services.audit.entries import Entry, changed_fields, holds
from services.clock import days_between, parse_day, to_stored
from services.database import Document
from services.errors import BadRequest

# What the other writer calls a record of the collection.
ENTITIES = {
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
_COLLECTIONS = {entity: collection for collection, entity in ENTITIES.items()}
# No offset from UTC is larger, so no stored text is further from its instant.
_LARGEST_OFFSET = timedelta(hours=14)
_NOT_IN_UTC = r"^(?!\d{4}-\d\d-\d\dT\d\d:\d\d.*(\+00:00|Z)$)"
SHORTEST = 6
"""Characters of a session, a run or a request below which a beginning says too little."""
_LONGEST_TEXT = 200
_MOST_WORDS = 20
NO_TABLE: Document = {"table": {"$in": [None, ""]}}
"""The second stored shape: what it names is read only where there is no table."""

Words: TypeAlias = str | Iterable[str] | None
"""One or several words; a string is parted at its commas."""


@dataclass(frozen=True)
class AuditFilters:
    """Which entries: all that is given applies together, of several users, tables or actions any one.

    Days are whole days in India, the last included.
    """

    tables: tuple[str, ...] = ()
    record_id: str | None = None
    """Of the one table given."""
    users: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    run: str | None = None
    session: str | None = None
    request: str | None = None
    field: str | None = None
    """A changed field by its dotted path; a path's beginning stands for all below it."""
    text: str | None = None
    """Somewhere in a value before or after, in any case."""

    @property
    def by_looking(self) -> bool:
        """Whether no index knows the answer, so that entries are looked through."""
        return self.field is not None or self.text is not None or self.request is not None


def read_filters(
    record: str | None = None,
    user: Words = None,
    table: Words = None,
    action: Words = None,
    first_day: str | None = None,
    last_day: str | None = None,
    *,
    run: str | None = None,
    session: str | None = None,
    request: str | None = None,
    field: str | None = None,
    text: str | None = None,
) -> AuditFilters:
    """The filters that a person typed; `record` is TABLE/ID.

    Raises BadRequest for words that make none.
    """
    tables, record_id = _several(table, "table"), None
    if record is not None:
        of_table, slash, record_id = record.strip().partition("/")
        if not slash or not of_table or not record_id:
            raise BadRequest("bad-record", f"{record!r} is no record; write TABLE/ID, for example orders/ord_1f0c.")
        if tables and of_table not in tables:
            raise BadRequest("bad-record", f"The record {record!r} is not in the table {', '.join(tables)!r}.")
        tables = (of_table,)
    filters = AuditFilters(
        tables=tables,
        record_id=record_id,
        users=_several(user, "user"),
        actions=_several(action, "action"),
        first_day=parse_day(first_day, "first day") if first_day is not None else None,
        last_day=parse_day(last_day, "last day") if last_day is not None else None,
        run=_word(run, "run"),
        session=_word(session, "session"),
        request=_word(request, "request"),
        field=_word(field, "field"),
        text=_word(text, "text"),
    )
    if filters.first_day and filters.last_day and filters.last_day < filters.first_day:
        raise BadRequest("bad-range", "The last day lies before the first.")
    if filters.text and len(filters.text) > _LONGEST_TEXT:
        raise BadRequest("bad-text", f"Look for at most {_LONGEST_TEXT} characters.")
    return filters


def filter_words(filters: AuditFilters) -> dict[str, Any]:
    """The filters as plain words that `read_filters` takes; what is not asked for is left out."""
    alone = filters.record_id is None
    words: dict[str, Any] = {
        "record": None if alone else f"{filters.tables[0]}/{filters.record_id}",
        "user": list(filters.users),
        "table": list(filters.tables) if alone else [],
        "action": list(filters.actions),
        "first_day": filters.first_day and filters.first_day.isoformat(),
        "last_day": filters.last_day and filters.last_day.isoformat(),
        **{name: getattr(filters, name) for name in ("run", "session", "request", "field", "text")},
    }
    return {name: word for name, word in words.items() if word}


def matching(filters: AuditFilters) -> Document:
    """The part of the query that the server can answer, but for the time and the record; over both stored shapes."""
    clauses = [clause for clause in (among_users(filters), among_actions(filters), noted(filters)) if clause]
    if filters.tables and filters.record_id is None:
        tables = {"$in": spellings(filters)}
        clauses.append({"$or": [{"table": tables}, {"resource_type": tables, **NO_TABLE}]})
    return {"$and": clauses} if clauses else {}


def among_users(filters: AuditFilters) -> Document:
    """The condition of the users asked for."""
    return {"user_id": {"$in": list(filters.users)}} if filters.users else {}


def among_actions(filters: AuditFilters) -> Document:
    """The condition of the actions asked for, in the cases that writers use."""
    cases = {case for word in filters.actions for case in (word, word.upper(), word.lower(), word.capitalize())}
    return {"action": {"$in": sorted(cases)}} if cases else {}


def noted(filters: AuditFilters) -> Document:
    """The condition of what the console notes beside its entries, where an index has it."""
    asked = {"meta.run": filters.run, "meta.session": filters.session}
    return {field: value for field, value in asked.items() if value is not None}


def about_record(filters: AuditFilters) -> tuple[Document, Document]:
    """The queries for a record's entries: of the first stored shape, and of the second."""
    return about_records(filters, [filters.record_id])


def about_records(filters: AuditFilters, records: Sequence[str | None]) -> tuple[Document, Document]:
    """Likewise those for the entries of several records of the tables asked for."""
    tables = {"$in": spellings(filters)}
    ids: list[Any] = [*records, *(ObjectId(each) for each in records if ObjectId.is_valid(each))]
    return (
        {"table": tables, "record_id": {"$in": ids}},
        {"resource_id": {"$in": ids, "$exists": True}, "resource_type": tables},
    )


def in_days(filters: AuditFilters) -> dict[str, Document]:
    """The exact conditions on `timestamp` by kind: as text, as text that sorts behind the range, and as a date.

    Text is first narrowed by how it sorts, with room for every offset, and then compared as the instant it names; what
    sorts behind the range can be of it only where it is not in UTC. Empty without a range.
    """
    first, after = days_between(filters.first_day, filters.last_day)
    if first is None and after is None:
        return {}
    instant: dict[str, Any] = {"$dateFromString": {"dateString": "$timestamp", "onError": None, "onNull": None}}
    exact: list[Document] = [{"$ne": [instant, None]}]
    as_date: Document = {}
    as_text: Document = {}
    if first is not None:
        as_date["$gte"] = first
        as_text["$gte"] = _day_of(first - _LARGEST_OFFSET)
        exact.append({"$gte": [instant, first]})
    if after is not None:
        as_date["$lt"] = after
        as_text["$lt"] = to_stored(after)[:16]
        exact.append({"$lt": [instant, after]})
    within = {"$expr": {"$and": exact}}
    kinds: dict[str, Document] = {"text": {"timestamp": as_text, **within}}
    if after is not None:
        ahead = {"$gte": as_text["$lt"], "$lt": _day_of(after + _LARGEST_OFFSET + timedelta(days=1))}
        kinds["ahead"] = {"timestamp": {**ahead, "$regex": _NOT_IN_UTC}, **within}
    return {**kinds, "date": {"timestamp": as_date}}


def of_request(typed: str) -> re.Pattern[str]:
    """What a request's id is that a person means: that one, or one that begins so where that says enough."""
    forms = "|".join(map(re.escape, dict.fromkeys((typed, typed.lower()))))
    return re.compile(f"^(?:{forms})" if len(typed) >= SHORTEST else f"^(?:{forms})$")


def accepts(filters: AuditFilters, entry: Entry, seen: Entry) -> bool:
    """Whether an entry is one of those asked for; text is sought in what the operator may see of it."""
    first, after = days_between(filters.first_day, filters.last_day)
    noted_here, request = (("run", filters.run), ("session", filters.session)), entry.meta.get("request")
    return (
        (not filters.tables or entry.table in spellings(filters))
        and (filters.record_id is None or entry.record_id == filters.record_id)
        and (not filters.users or entry.user in filters.users)
        and (not filters.actions or entry.action in {word.upper() for word in filters.actions})
        and ((first is None and after is None) or entry.at is not None)
        and (first is None or entry.at is None or entry.at >= first)
        and (after is None or entry.at is None or entry.at < after)
        and all(wanted is None or entry.meta.get(name) == wanted for name, wanted in noted_here)
        and (not filters.request or (isinstance(request, str) and bool(of_request(filters.request).match(request))))
        and (filters.field is None or _changes_field(entry, filters.field))
        and (filters.text is None or _has_text(seen, filters.text.lower()))
    )


def table_of(name: str) -> str:
    """The collection that a table's name in either shape stands for."""
    return _COLLECTIONS.get(name, name)


def spellings(filters: AuditFilters) -> list[str]:
    """The tables asked for in every spelling of the two shapes."""
    return sorted({word for table in filters.tables for word in (table, ENTITIES.get(table, table), table_of(table))})


def _changes_field(entry: Entry, field: str) -> bool:
    return any(name == field or name.startswith(f"{field}.") for name in changed_fields(entry))


def _has_text(entry: Entry, words: str) -> bool:
    return any(holds(value, words) for value in (entry.before, entry.after, entry.changes))


def _day_of(moment: datetime) -> str:
    return to_stored(moment)[:10]


def _several(words: Words, what: str) -> tuple[str, ...]:
    if words is None:
        return ()
    given = words.split(",") if isinstance(words, str) else [part for word in words for part in word.split(",")]
    found = tuple(dict.fromkeys(_word(part, what) or "" for part in given))
    if len(found) > _MOST_WORDS:
        raise BadRequest(f"bad-{what}", f"At most {_MOST_WORDS} of them can be asked for at once.")
    return found


def _word(text: str | None, what: str) -> str | None:
    if text is None:
        return None
    if not text.strip():
        raise BadRequest(f"bad-{what}", f"The {what} to look for is empty.")
    return text.strip()
