"""Where in which index the entries lie that are asked for, so that a page reads little more than it shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from math import prod
from typing import Any

from bson import ObjectId

from services.audit.filters import (
    NO_TABLE,
    AuditFilters,
    among_actions,
    among_users,
    matching,
    noted,
    spellings,
)
from services.changes.changeset import AUDIT_LOGS
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deployment.indexes import (
    AUDIT_BY_KIND,
    AUDIT_BY_RUN,
    AUDIT_BY_SESSION,
    AUDIT_BY_TABLE,
    AUDIT_BY_TIME,
    AUDIT_BY_USER,
    AUDIT_BY_USER_AND_KIND,
    Hint,
    Index,
    hint,
)
from services.errors import Refused

_MERGED = 200
"""So many pieces of an index the server merges in order; of more it sorts what it finds."""
_MOST_RANGES = 8
_BEHIND = 2  # every one of these indexes ends with the time and the key


@dataclass(frozen=True)
class Range:
    """A condition whose entries one index holds in the order of time."""

    condition: Document
    index: Hint | None


async def ranges(database: Database, filters: AuditFilters) -> tuple[Range, ...]:
    """The ranges that together are what the filters ask for, but for the days; no entry is in two.

    Without the indexes, and where the data names too many tables or actions, it is the whole trail by time.
    """
    if not (filters.tables or filters.users or filters.actions or filters.run or filters.session):
        return (Range(matching(filters), await hint(database, AUDIT_BY_TIME)),)
    parts = await asyncio.gather(*(_part(database, index, given) for index, given in _indexes(filters)))
    found = [each for part in parts if part for each in part]
    if len(found) > _MOST_RANGES or not all(parts):
        return (Range(matching(filters), await hint(database, AUDIT_BY_TIME)),)
    return tuple(found)


def _indexes(filters: AuditFilters) -> list[tuple[Index, Document]]:
    """An index for each of the stored shapes that may be among those asked for, and what is asked of it."""
    tables = {"$in": spellings(filters)}
    given = {**noted(filters), **among_users(filters), **among_actions(filters)}
    by_table = {**given, **({"table": tables} if filters.tables else {})}
    if filters.run:
        return [(AUDIT_BY_RUN, by_table)]
    if filters.session:
        return [(AUDIT_BY_SESSION, by_table)]
    first = AUDIT_BY_USER if filters.users else AUDIT_BY_TABLE
    if not filters.tables:
        return [(first, by_table)]
    second = AUDIT_BY_USER_AND_KIND if filters.users else AUDIT_BY_KIND
    return [(first, by_table), (second, {**given, "resource_type": tables, **NO_TABLE})]


async def _part(database: Database, index: Index, given: Document) -> list[Range] | None:
    """The ranges of one index; None where it does not serve."""
    keys = [field for field, _ in index.keys[:-_BEHIND]]
    known = {field: _asked(given[field]) for field in keys if field in given}
    rest = {field: condition for field, condition in given.items() if field not in keys}
    unknown = [field for field in keys if field not in given]
    # The server skips from value to value of a field where those before it are known.
    before = {field: {each: given[each] for each in keys[: keys.index(field)] if each in given} for field in unknown}
    present, *found = await asyncio.gather(
        hint(database, index), *(_values(database, field, before[field]) for field in unknown)
    )
    if present is None:
        return None
    for field, values in zip(unknown, found, strict=True):
        if values is None:
            return None
        known[field] = values
    return [
        Range({**{field: {"$in": values} for field, values in each.items()}, **rest}, present)
        for each in _split(known)
    ]  # fmt: skip


async def recorded(database: Database, index: Index, field: str | None = None) -> list[Any] | None:
    """Every value of a field that the entries of an index have, by default of its first; None without the index."""
    if await hint(database, index) is None:
        return None
    name, _ = index.keys[0]
    values = await _values(database, name, dict(index.partial or {}))
    if values is None or field in (None, name):
        return values
    return await _values(database, field or name, {name: {"$in": values}})


def _asked(condition: Any) -> list[Any]:
    return list(condition["$in"]) if isinstance(condition, dict) else [condition]


async def _values(database: Database, field: str, given: Document) -> list[Any] | None:
    """Every value of a field among the given; None where the server cannot tell quickly or they are no plain values."""
    try:
        with told():
            values = await database[AUDIT_LOGS].distinct(field, given, maxTimeMS=READ_LIMIT_MS)
    except Refused:  # too many for one answer
        return None
    plain = all(value is None or isinstance(value, (str, bool, int, float, ObjectId, datetime)) for value in values)
    return [None, *(value for value in values if value is not None)] if plain else None


def _split(known: dict[str, list[Any]]) -> list[dict[str, list[Any]]]:
    """The values in portions that the server can merge."""
    if prod(map(_pieces, known.values())) <= _MERGED:
        return [known]
    longest = max(known, key=lambda field: len(known[field]))
    values, middle = known[longest], len(known[longest]) // 2
    return [*_split({**known, longest: values[:middle]}), *_split({**known, longest: values[middle:]})]


def _pieces(values: list[Any]) -> int:
    return len(values) + (None in values)  # a missing field has two places in an index
