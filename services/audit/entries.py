"""One audit entry, read tolerantly: both stored shapes, and whatever else other writers left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from bson import Decimal128, ObjectId

from services.changes.difference import same
from services.clock import read_timestamp
from services.records.fields import mapping
from services.records.findings import Finding
from services.records.masking import masked_value, private_values
from services.records.phones import hide_phones

Kind: TypeAlias = Literal["added", "removed", "changed", "same"]

SIZE = "size_of_entry"
"""A field that only `LISTED` gives: the bytes of an entry whose values were left out."""
_LARGEST_LISTED = 16_384
_LONGEST_WORD = 200
_NAMED = 5
_STATES = ("before", "after", "changes", "meta")
_HEAD = {"id": "id", "record_id": "id", "user": "id", "table": "", "action": ""}
"""What an entry's words are masked as: ids only where they are phones."""


def _word_of(field: str) -> dict[str, Any]:
    path = f"${field}"
    return {"$cond": [{"$eq": [{"$type": path}, "string"]}, {"$substrCP": [path, 0, _LONGEST_WORD]}, "$$REMOVE"]}


_WORDS = ("id", "table", "resource_type", "record_id", "resource_id", "action", "user_id")
_CUT: dict[str, Any] = {
    "_id": "$_id",
    "timestamp": "$timestamp",
    **{name: _word_of(name) for name in _WORDS},
    SIZE: {"$bsonSize": "$$ROOT"},
}
LISTED: dict[str, Any] = {
    "$replaceWith": {"$cond": [{"$lte": [{"$bsonSize": "$$ROOT"}, _LARGEST_LISTED]}, "$$ROOT", _CUT]}
}
"""The stage that makes of an entry what a list shows: of one above 16 KB only who, what and when."""


@dataclass(frozen=True)
class Entry:
    """An audit entry. `key` is its `_id`; `id` is what people see and what `get_entry` takes."""

    key: Any
    id: str
    table: str
    record_id: str
    action: str
    user: str
    at: datetime | None
    before: Any
    after: Any
    changes: Any
    meta: Mapping[str, Any]
    """What its writer noted beside it: `run`, `session`, `request`, `reason`, ...; empty where there is nothing."""
    findings: tuple[Finding, ...] = ()
    user_name: str = ""
    """Who the user is, where only an id is stored and the name was looked up; so is the record's."""
    record_name: str = ""
    size: int = 0
    """In bytes, where its values were left out for that."""
    doubt: Finding | None = None
    """What stands against it, where that was looked up: it was altered, or not written by the console."""

    @property
    def who(self) -> str:
        """The user for people: by name, with the beginning of the id."""
        return named(self.user, self.user_name)

    @property
    def what(self) -> str:
        """The record for people, likewise."""
        return f"{self.table}/{named(self.record_id, self.record_name)}"


def named(key: str, name: str) -> str:
    """A name with the beginning of its id; the id alone where there is no name."""
    return f"{name} ({key[:8]})" if name else key


@dataclass(frozen=True)
class FieldChange:
    """One field of the record: its dotted path, and its values before and after."""

    field: str
    old: Any
    new: Any
    kind: Kind


def read_entry(document: Mapping[str, Any]) -> Entry:
    """The entry in a document of `audit_logs`, of either shape. Never raises: what is broken becomes a finding."""
    at = read_timestamp(document.get("timestamp"))
    table = _words(document, "table", "resource_type")
    record_id = _words(document, "record_id", "resource_id")
    action = _words(document, "action").upper()
    user = _words(document, "user_id")
    found = []
    if at is None:
        found.append(Finding("undated", "The entry has no readable time."))
    if not table or not record_id:
        found.append(Finding("no-record", "The entry does not say which record it is about."))
    if not action:
        found.append(Finding("no-action", "The entry does not say what was done."))
    if not user:
        found.append(Finding("no-user", "The entry does not say who did it."))
    changes = document.get("changes")
    if changes is not None and not isinstance(changes, Mapping):
        found.append(Finding("odd-changes", "The changes of the entry are not a list of fields."))
    size = cut if isinstance(cut := document.get(SIZE), int) else 0
    if size:
        found.append(_large(size))
    return Entry(
        key=document.get("_id"),
        id=_words(document, "id") or str(document.get("_id", "")),
        table=table,
        record_id=record_id,
        action=action,
        user=user,
        at=at,
        before=document.get("before"),
        after=document.get("after"),
        changes=changes,
        meta=mapping(document.get("meta")),
        findings=tuple(found),
        size=size,
    )


def listed(entry: Entry, size: int) -> Entry:
    """What a list shows of a whole entry of so many bytes, as `LISTED` reads it."""
    if size <= _LARGEST_LISTED:
        return entry
    words = {name: getattr(entry, name)[:_LONGEST_WORD] for name in ("id", "table", "record_id", "action", "user")}
    found = (*entry.findings, _large(size))
    return replace(entry, before=None, after=None, changes=None, meta={}, findings=found, size=size, **words)


def _large(size: int) -> Finding:
    return Finding("large", f"The entry has {size:,} bytes: a list leaves its values out, `audit show` does not.")


def masked(entry: Entry) -> Entry:
    """The entry without the phones and addresses that it holds, for an operator who may not see them; it says so."""
    parts: dict[str, Any] = {name: masked_value(getattr(entry, name)) for name in _STATES}
    words = {name: masked_value(getattr(entry, name), field) for name, field in _HEAD.items()}
    return replace(entry, **parts, **words, findings=(*entry.findings, *_withheld(entry)))


def _withheld(entry: Entry) -> list[Finding]:
    """What is masked, and what of it changed: both values look alike behind a mask."""
    told = [*field_changes(entry), *_listed(entry.changes)]
    private = {each.field: each for each in told if _hides(each.field, each.old) or _hides(each.field, each.new)}
    inside = [name for state in (entry.before, entry.after, entry.meta) for name in private_values(state)]
    more = [name for name in inside if not any(_one_of(name, known) for known in private)]
    if not (names := list(dict.fromkeys([*private, *more]))):
        return []
    changed = [name for name, change in private.items() if change.kind == "changed"]
    of_these = f" Changed: {_some(changed)}." if changed else ""
    message = f"Phones and addresses are withheld from viewers: {_some(names)}.{of_these}"
    return [Finding("withheld", f"{hide_phones(message)} `audit reveal` shows them, for a reason.")]


def _hides(field: str, value: Any) -> bool:
    return bool(private_values({field: value}))


def _one_of(name: str, known: str) -> bool:
    """Whether one of two paths lies within the other."""
    return known.startswith(f"{name}.") or name.startswith(f"{known}.")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def holds(value: Any, words: str) -> bool:
    """Whether a value, or one inside of it, has these lower case words in it in any case."""
    if isinstance(value, str):
        return words in value.lower()
    if isinstance(value, Mapping):
        return any(holds(inner, words) for inner in value.values())
    if isinstance(value, list):
        return any(holds(inner, words) for inner in value)
    if isinstance(value, datetime):
        return words in value.isoformat().lower()
    return isinstance(value, (bool, int, float, ObjectId, Decimal128)) and words in str(value).lower()


def field_changes(entry: Entry) -> tuple[FieldChange, ...]:
    """The fields of the record before and after, nested ones by dotted path, in stored order.

    From the two states where there is one, also the fields that stayed the same; else from the entry's
    `changes`, whatever they are.
    """
    before, after = entry.before, entry.after
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        old = _flat(before) if isinstance(before, Mapping) else {}
        new = _flat(after) if isinstance(after, Mapping) else {}
        return tuple(_between(field, old, new) for field in {**old, **new})
    return tuple(_listed(entry.changes))


def changed_fields(entry: Entry) -> tuple[str, ...]:
    """The fields that an entry says were changed, by dotted path; a record's creation and its end change none."""
    alone = isinstance(entry.before, Mapping) != isinstance(entry.after, Mapping)
    found = _listed(entry.changes) if alone else field_changes(entry)
    return tuple(change.field for change in found if change.kind != "same")


def _words(document: Mapping[str, Any], *fields: str) -> str:
    for field in fields:
        value = document.get(field)
        if value is not None and value != "":
            return str(value)
    return ""


def _flat(record: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        here = f"{path}{name}"
        if isinstance(value, Mapping) and value:
            flat.update(_flat(value, f"{here}."))
        else:
            flat[here] = value
    return flat


def _between(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> FieldChange:
    before, after = old.get(field), new.get(field)
    if field not in old:
        return FieldChange(field, None, after, "added")
    if field not in new:
        return FieldChange(field, before, None, "removed")
    return FieldChange(field, before, after, "same" if same(before, after) else "changed")


def _listed(changes: Any) -> list[FieldChange]:
    if isinstance(changes, Mapping):
        return [_told(str(field), change) for field, change in changes.items()]
    if isinstance(changes, (list, tuple)):
        return [_told(_name_of(change), change) for change in changes]
    return [] if changes is None or changes == "" else [FieldChange("changes", None, changes, "changed")]


def _name_of(change: Any) -> str:
    return str(change.get("field", "changes")) if isinstance(change, Mapping) else "changes"


def _told(field: str, change: Any) -> FieldChange:
    if not isinstance(change, Mapping) or not ("old" in change or "new" in change):
        return FieldChange(field, None, change, "changed")
    old, new = change.get("old"), change.get("new")
    if old is None and new is not None:
        return FieldChange(field, old, new, "added")
    if new is None and old is not None:
        return FieldChange(field, old, new, "removed")
    return FieldChange(field, old, new, "same" if same(old, new) else "changed")
