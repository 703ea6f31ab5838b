"""What an edit changes, as people are shown it, and who changed a record before, as its entries tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.audit.entries import Entry, FieldChange, field_changes, read_entry
from services.audit.filters import AuditFilters, about_record
from services.audit.logger import READINGS
from services.changes.changeset import AUDIT_LOGS, ChangeSet
from services.changes.difference import ABSENT, lookup, same
from services.clock import format_moment
from services.database import Document
from services.records.fields import first

_UNDATED = datetime.min.replace(tzinfo=UTC)
_MOST = 2_000


async def entries_about(changes: ChangeSet, table: str, record_id: str) -> list[Entry]:
    """The audit entries of a record's changes, newest first, as the transaction sees them."""
    either = list(about_record(AuditFilters(tables=(table,), record_id=record_id)))
    matching = {"$or": either, "action": {"$nin": list(READINGS)}}
    found = await changes.database[AUDIT_LOGS].find(matching, session=changes.session).limit(_MOST).to_list()
    entries = [read_entry(document) for document in found]
    return sorted(entries, key=lambda entry: (entry.at or _UNDATED, str(entry.key)), reverse=True)


async def who_changed(changes: ChangeSet, table: str, document: Document, fields: Sequence[str]) -> str:
    """In words, who gave each of these fields of a record its value, and when.

    The backend leaves no trace of much that it does: a value that no entry tells of is its.
    """
    entries = await entries_about(changes, table, str(first(document, "id", "_id")))
    told = []
    for name in fields:
        entry = next((each for each in entries if name in _changed(each)), None)
        if entry and isinstance(entry.after, dict) and not same(entry.after.get(name), document.get(name)):
            entry = None
        by = (
            f"by {entry.user or 'somebody'}, {format_moment(entry.at)}"
            if entry
            else "by the backend, which keeps no trace"
        )
        told.append(f"{name.replace('_', ' ')} {by}")
    return "; ".join(told)


def _changed(entry: Entry) -> set[str]:
    return {change.field.partition(".")[0] for change in field_changes(entry) if change.kind != "same"}


def field_changes_of(before: Document, differing: Mapping[str, Mapping[str, Any]]) -> tuple[FieldChange, ...]:
    """Differences by dotted path, as `assigned_differences` finds them, for people."""
    return tuple(
        FieldChange(path, change["old"], change["new"], "added" if lookup(before, path) is ABSENT else "changed")
        for path, change in differing.items()
    )
