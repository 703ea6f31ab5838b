"""What an edit changes, as people are shown it, and who changed a record before, as its entries tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import bson

from services.audit.chain import Link, read_link
from services.audit.entries import Entry, FieldChange, field_changes, read_entry
from services.audit.filters import AuditFilters, about_record
from services.audit.logger import READINGS
from services.audit.reader import RAW
from services.changes.changeset import AUDIT_LOGS, ChangeSet
from services.changes.difference import ABSENT, lookup, same
from services.clock import format_moment
from services.database import TOLERANT, WHOLE, Document
from services.errors import Refused

_UNDATED = datetime.min.replace(tzinfo=UTC)
_MOST = 2_000


async def entries_about(changes: ChangeSet, table: str, record_id: str) -> list[Entry]:
    """The audit entries of a record's changes, newest first, as the transaction sees them."""
    either = list(about_record(AuditFilters(tables=(table,), record_id=record_id)))
    matching = {"$or": either, "action": {"$nin": list(READINGS)}}
    found = await changes.database[AUDIT_LOGS].find(matching, session=changes.session).limit(_MOST).to_list()
    entries = [read_entry(document) for document in found]
    return sorted(entries, key=lambda entry: (entry.at or _UNDATED, str(entry.key)), reverse=True)


async def entries_as_written(changes: ChangeSet, keys: Collection[str]) -> dict[str, Document]:
    """The audit entries of these `_id`s, as far as they are there. Raises Refused where one is altered."""
    entries, altered = await read_entries(changes, keys)
    if altered:
        raise Refused(
            "entry-altered",
            f"The audit entry {min(altered)} is not as it was written, so nothing is restored from it; "
            "an auditor's `audit verify` says more.",
        )
    return entries


async def read_entries(changes: ChangeSet, keys: Collection[str]) -> tuple[dict[str, Document], set[str]]:
    """The audit entries of these `_id`s, as far as they are there, and which of them are not as they were written.

    Those do not have the hash of their content any more, or not the one that their stream goes on from.
    """
    collection, matching = changes.database[AUDIT_LOGS].with_options(codec_options=RAW), {"_id": {"$in": list(keys)}}
    stored = await collection.find(matching, session=changes.session, batch_size=WHOLE).to_list()
    entries = [bson.decode(raw.raw, codec_options=TOLERANT) for raw in stored]
    links = {entry["_id"]: read_link(raw.raw) for entry, raw in zip(entries, stored, strict=True)}
    sound = {key: link for key, link in links.items() if link and link.intact}
    goes_on_from = await _following(changes, sound.values())
    written = {key for key, link in sound.items() if goes_on_from.get((link.stream, link.seq), link.hash) == link.hash}
    return {entry["_id"]: entry for entry in entries}, links.keys() - written


async def _following(changes: ChangeSet, links: Iterable[Link]) -> dict[tuple[str, int], Any]:
    """The hash that the next entry of the stream goes on from, where there is one, by each link's place."""
    streams: dict[str, list[int]] = {}
    for link in links:
        streams.setdefault(link.stream, []).append(link.seq + 1)
    found = {}
    for stream, seqs in streams.items():
        places, fields = {"chain.stream": stream, "chain.seq": {"$in": seqs}}, {"chain.seq": 1, "chain.prev": 1}
        cursor = changes.database[AUDIT_LOGS].find(places, fields, session=changes.session, batch_size=WHOLE)
        async for entry in cursor:
            if isinstance(seq := lookup(entry, "chain.seq"), int):
                found[stream, seq - 1] = lookup(entry, "chain.prev")
    return found


async def who_changed(
    changes: ChangeSet, table: str, record_id: str, fields: Iterable[str], present: Document
) -> dict[str, str]:
    """In words, who gave each of these fields of the record its present value and when, by the field's path.

    The backend leaves no trace of much that it does.
    """
    entries = await entries_about(changes, table, record_id)
    return {path: _giver(entries, path, present) or "by the backend, which keeps no trace" for path in fields}


async def who_gave(changes: ChangeSet, table: str, record_id: str, path: str, present: Document) -> str:
    """As `who_changed`, of one field: ` by asha, 2026-11-22 10:00`; empty where no entry tells it."""
    by = _giver(await entries_about(changes, table, record_id), path, present)
    return f" {by}" if by else ""


def _giver(entries: Iterable[Entry], path: str, present: Document) -> str:
    entry = next((each for each in entries if _gave(each, path, present)), None)
    return f"by {entry.user or 'somebody'}, {format_moment(entry.at)}" if entry else ""


def in_words(told: Mapping[str, str]) -> str:
    """What `who_changed` found, as one phrase: `notes by asha, 2026-11-22 10:00; status by ...`."""
    return "; ".join(f"{path.replace('_', ' ')} {by}" for path, by in told.items())


def _gave(entry: Entry, path: str, present: Document) -> bool:
    """Whether an entry changed a field, and to what it is now as far as the entry says."""
    if path.partition(".")[0] not in _changed(entry):
        return False
    return not isinstance(entry.after, dict) or same(lookup(entry.after, path), lookup(present, path))


def _changed(entry: Entry) -> set[str]:
    return {change.field.partition(".")[0] for change in field_changes(entry) if change.kind != "same"}


def field_changes_of(before: Document, differing: Mapping[str, Mapping[str, Any]]) -> tuple[FieldChange, ...]:
    """Differences by dotted path, as `assigned_differences` finds them, for people."""
    return tuple(
        FieldChange(path, change["old"], change["new"], "added" if lookup(before, path) is ABSENT else "changed")
        for path, change in differing.items()
    )
