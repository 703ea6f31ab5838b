"""A record's history: what it was at any time, how two times differ, each step between, and who touched it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from services.audit.doubts import with_doubts
from services.audit.entries import Entry, FieldChange, field_changes, masked
from services.clock import Clock, days_between, parse_day, parse_moment, read_day, read_timestamp, to_stored
from services.database import Database, Document
from services.errors import BadRequest
from services.history.reconstruction import AfterEntry, Point, RecordState, position, state_at
from services.history.trail import Mark, open_trail, place
from services.operators.operator import Operator
from services.paging import Page, list_kind, page_size, read_token, write_token
from services.records.masking import masked_value
from services.records.phones import hide_phones

_LIST = "history"
_MOST_NAMES = 50
_BLANK = Entry(None, "", "", "", "", "", None, None, None, None, {})


@dataclass(frozen=True)
class Comparison:
    """Two points of a record, the earlier first, and all its fields at both."""

    first: RecordState
    second: RecordState
    fields: tuple[FieldChange, ...]
    entries: int
    """How many entries stand between them."""


@dataclass(frozen=True)
class Change:
    """What an entry left behind."""

    state: RecordState
    fields: tuple[FieldChange, ...]
    """Those that the entry says it changed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a record's life, and the names of the fields that it changed."""

    entry: Entry
    """Without images and changes."""
    fields: tuple[str, ...]


async def as_of(
    database: Database, operator: Operator, clock: Clock, table: str, record_id: str, point: Point
) -> RecordState:
    """The record at a point of its life, masked for a viewer.

    Raises NotFound where neither an entry nor a stored record has that id.
    """
    operator.require("viewer", "read the audit trail")
    async with open_trail(database, table, record_id) as trail:
        state = await state_at(trail, clock(), table, record_id, point)
    return _shown(state, operator)


async def after_entry(
    database: Database, operator: Operator, clock: Clock, table: str, record_id: str, key: Any
) -> Change:
    """The record right after the entry of that `_id`, and what that entry changed; masked for a viewer.

    Raises NotFound for an entry of another record, Refused for one without a readable time.
    """
    operator.require("viewer", "read the audit trail")
    async with open_trail(database, table, record_id) as trail:
        state = await state_at(trail, clock(), table, record_id, AfterEntry(key))
        entry = await trail.entry(trail.mark(key))
    changed = tuple(_hidden(change, operator) for change in field_changes(entry) if change.kind != "same")
    return Change(_shown(state, operator), changed)


def fields_of(state: RecordState) -> tuple[FieldChange, ...]:
    """The record field by field, nested ones by dotted path, each as `new`."""
    return field_changes(replace(_BLANK, after=state.state))


async def compare(
    database: Database, operator: Operator, clock: Clock, table: str, record_id: str, one: Point, other: Point
) -> Comparison:
    """The record at two points, in the order of time, and what differs; masked for a viewer.

    Raises NotFound where neither an entry nor a stored record has that id.
    """
    operator.require("viewer", "read the audit trail")
    async with open_trail(database, table, record_id) as trail:
        now = clock()
        ends = sorted((one, other), key=lambda point: position(trail, point))
        first, second = [await state_at(trail, now, table, record_id, point) for point in ends]
        between = position(trail, ends[1])[0] - position(trail, ends[0])[0]
    fields = field_changes(replace(_BLANK, before=first.state, after=second.state))
    hidden = tuple(_hidden(change, operator) for change in fields)
    return Comparison(_shown(first, operator), _shown(second, operator), hidden, between)


async def steps(
    database: Database, operator: Operator, table: str, record_id: str, token: str | None = None,
    limit: int | None = None,
) -> Page[Step]:  # fmt: skip
    """A page of the record's entries, newest first; those without a readable time come last.

    Raises BadRequest for a token of another list.
    """
    operator.require("viewer", "read the audit trail")
    size, kind = page_size(limit), list_kind(_LIST, table, record_id)
    key = read_token(kind, token)
    async with open_trail(database, table, record_id) as trail:
        marks = [*reversed(trail.dated), *reversed(trail.undated)]
        if key is not None:
            last = place(read_timestamp(key.get("t")), key.get("i"))
            marks = [mark for mark in marks if mark.place < last]
        shown = marks[:size]
        silent = [mark for mark in shown if not mark.names and mark.head.action not in ("CREATE", "DELETE")]
        named = {str(entry.key): _changed(entry) async for entry in trail.entries(silent)}
    heads = await with_doubts(database, [mark.head for mark in shown])
    both = zip(shown, heads, strict=True)
    found = tuple(Step(head, mark.names or named.get(str(mark.key), ())) for mark, head in both)
    return Page(found, write_token(kind, _key(shown[-1])) if len(marks) > size else None)


def read_point(text: str, what: str = "time") -> Point:
    """A time that a person typed, in India unless it carries an offset; a day alone is its last moment; or `now`.

    Raises BadRequest.
    """
    word = text.strip().lower()
    if not word:
        raise BadRequest("bad-time", f"The {what} is empty; write a day or a time, for example 2026-11-05T06:12.")
    if word == "now":
        return "now"
    if word in ("today", "yesterday") or (len(word) == 10 and read_day(word)):
        after = days_between(None, parse_day(word, what))[1]
        if after is not None:
            return after - timedelta(microseconds=1)
    return parse_moment(text, what)


def _key(mark: Mark) -> Document:
    return {"t": to_stored(mark.at) if mark.at else None, "i": str(mark.key)}


def _changed(entry: Entry) -> tuple[str, ...]:
    return tuple(change.field for change in field_changes(entry) if change.kind != "same")[:_MOST_NAMES]


def _shown(state: RecordState, operator: Operator) -> RecordState:
    if not operator.masked:
        return state
    return replace(state, state=masked_value(state.state), entry=masked(state.entry) if state.entry else None)


def _hidden(change: FieldChange, operator: Operator) -> FieldChange:
    """The change without the phones and addresses that a viewer may not see; that there was one stays told."""
    if not operator.masked:
        return change
    old, new = (masked_value(value, change.field) for value in (change.old, change.new))
    return replace(change, field=hide_phones(change.field), old=old, new=new)
