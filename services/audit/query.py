"""Questions to the audit trail: pages newest first, one entry, the report, and what is being written now."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import bson
from bson import ObjectId
from bson.raw_bson import RawBSONDocument

from services.audit.doubts import with_doubts
from services.audit.entries import Entry, listed, masked, read_entry
from services.audit.filters import AuditFilters, about_record, accepts, in_days, matching
from services.audit.follow import follow
from services.audit.log import LEAVES
from services.audit.names import with_names
from services.audit.ranges import ranges
from services.audit.reader import RAW, Reader, Stopped, in_list
from services.audit.report import AuditReport, report
from services.changes.changeset import AUDIT_LOGS
from services.clock import format_moment, read_timestamp, to_stored
from services.database import READ_LIMIT_MS, TOLERANT, Database, Document, told
from services.deployment.indexes import AUDIT_BY_RECORD, AUDIT_BY_RESOURCE, Hint, hints
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator, shown_to
from services.paging import Page, bad_token, page_size, read_token, write_token
from services.records.masking import masked_view

_LIST = "audit"
_RECORD_LIST = "audit-record"
RECORD_ENTRIES = 2_000
"""Entries of one record that are put in order at once."""
LOOKING_SECONDS = 2.0
"""How long one page looks through entries for what no index knows."""

_UNDATED_AT = datetime.min.replace(tzinfo=UTC)
_WHOLE: Any = TOLERANT
# Numbers, times and ids are written with these alone.
_ONLY_IN_TEXT = re.compile(r"[^0-9a-filnrstu+\-.:]")
_ASCII = re.compile(r"[\x00-\x7f]+")


class AuditQuery:
    """What an operator asks of the audit trail of a database; phones and addresses are masked for a viewer."""

    def __init__(self, database: Database, operator: Operator) -> None:
        self._database = database
        self._operator = operator

    async def by_record(
        self, table: str, record_id: str, token: str | None = None, limit: int | None = None
    ) -> Page[Entry]:
        """A record's history, newest first, from both stored shapes."""
        return await self.page(AuditFilters(tables=(table,), record_id=record_id), token, limit)

    async def by_user(self, user: str, token: str | None = None, limit: int | None = None) -> Page[Entry]:
        """What one user did."""
        return await self.page(AuditFilters(users=(user,)), token, limit)

    async def by_table(self, table: str, token: str | None = None, limit: int | None = None) -> Page[Entry]:
        """What was done to the records of a collection."""
        return await self.page(AuditFilters(tables=(table,)), token, limit)

    async def by_action(self, action: str, token: str | None = None, limit: int | None = None) -> Page[Entry]:
        """The entries of an action, in any case."""
        return await self.page(AuditFilters(actions=(action,)), token, limit)

    async def by_date_range(
        self, first_day: date | None, last_day: date | None, token: str | None = None, limit: int | None = None
    ) -> Page[Entry]:
        """The entries of whole days in India, the last day included."""
        return await self.page(AuditFilters(first_day=first_day, last_day=last_day), token, limit)

    async def report(self, filters: AuditFilters) -> AuditReport:
        """What the entries that match come to, exact at any size. Raises BadRequest as `report`."""
        self._operator.require("viewer", "read the audit trail")
        made = await report(self._database, filters)
        if not self._operator.masked:
            return made
        return replace(
            made,
            by_action=_masked_counts(made.by_action),
            by_user=_masked_counts(made.by_user, "user"),
            by_table=_masked_counts(made.by_table),
            names={masked_view(user, "user"): masked_view(name) for user, name in made.names.items()},
        )

    def follow(self, filters: AuditFilters) -> AsyncGenerator[Entry, None]:
        """The entries that match as they are written, for ever. Raises as `follow`."""
        self._operator.require("viewer", "read the audit trail")
        return follow(self._database, self._operator, filters)

    async def page(self, filters: AuditFilters, token: str | None = None, limit: int | None = None) -> Page[Entry]:
        """The entries that match, newest first; entries without a readable time come last.

        A field, text and a request are looked for, as no index knows them: what is found in `LOOKING_SECONDS` is a
        page, whose note says how far it looked and whose token goes on. Raises BadRequest for a token of
        another list, Refused for a record with more than `RECORD_ENTRIES` entries.
        """
        self._operator.require("viewer", "read the audit trail")
        size = page_size(limit)
        if filters.record_id is not None:
            page = await self._record_page(filters, token, size)
        elif filters.by_looking:
            page = await self._looked_for(filters, token, size)
        else:
            page = await self._indexed_page(filters, token, size)
        items = tuple(map(masked, page.items)) if self._operator.masked else page.items
        return replace(page, items=await self._told(items))

    async def entry(self, entry_id: str) -> Entry:
        """The whole entry with that id, or with that `_id` where it has none.

        Raises NotFound.
        """
        self._operator.require("viewer", "read the audit trail")
        with told():
            for key in entry_keys(entry_id):
                document = await self._database[AUDIT_LOGS].find_one(key, max_time_ms=READ_LIMIT_MS)
                if document is not None:
                    entry = read_entry(document)
                    shown = masked(entry) if self._operator.masked else entry
                    return (await self._told([shown]))[0]
            raise await no_entry(self._database, entry_id)

    async def _told(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """The entries with what stands against them and the names of what they are about.

        In a name, too, people write phones.
        """
        doubted, named = await asyncio.gather(with_doubts(self._database, entries), with_names(self._database, entries))
        return tuple(
            replace(
                each,
                doubt=entry.doubt,
                user_name=shown_to(self._operator, each.user_name),
                record_name=shown_to(self._operator, each.record_name),
            )
            for each, entry in zip(named, doubted, strict=True)
        )

    async def _indexed_page(self, filters: AuditFilters, token: str | None, size: int) -> Page[Entry]:
        reader = Reader(self._database, filters, await ranges(self._database, filters), _positions(token))
        found: list[Document] = []
        async with aclosing(reader.listed(size + 1)) as documents:
            async for document in documents:
                if len(found) == size:
                    break
                found.append(document)
            else:
                return Page(tuple(map(read_entry, found)), None)
        return Page(tuple(map(read_entry, found)), write_token(_LIST, reader.positions))

    async def _looked_for(self, filters: AuditFilters, token: str | None, size: int) -> Page[Entry]:
        looked = Looking(filters, mask=self._operator.masked)
        reader = Reader(self._database, filters, await ranges(self._database, filters), _positions(token))
        found: list[Entry] = []
        note = None
        try:
            async with aclosing(reader.whole(looked, LOOKING_SECONDS)) as wanted:
                async for entry in wanted:
                    if len(found) == size:
                        break
                    found.append(entry)
                else:
                    return Page(tuple(found), None)
        except Stopped:
            entries = "1 entry" if looked.entries == 1 else f"{looked.entries:,} entries"
            note = (
                f"Looked through {entries} in {LOOKING_SECONDS:.0f} s, back to "
                f"{format_moment(looked.back_to)} in India; the next page looks further back."
            )
        return Page(tuple(found), write_token(_LIST, reader.positions), note)

    async def _record_page(self, filters: AuditFilters, token: str | None, size: int) -> Page[Entry]:
        """One record has few entries, so all are read by its index and put in order here."""
        if len(filters.tables) != 1:
            raise BadRequest("bad-record", "A record is named by its table and its id.")
        position = read_token(_RECORD_LIST, token)
        found = await hints(self._database, AUDIT_BY_RECORD, AUDIT_BY_RESOURCE)
        both = zip(about_record(filters), found, strict=True)
        parts = await asyncio.gather(*(self._record_entries(filters, query, index) for query, index in both))
        entries = sorted((entry for part in parts for entry in part), key=_order, reverse=True)
        if position is not None:
            last = (read_timestamp(position.get("t")) or _UNDATED_AT, str(position.get("i")))
            entries = [entry for entry in entries if _order(entry) < last]
        shown = entries[:size]
        more = write_token(_RECORD_LIST, _position(shown[-1])) if len(entries) > size else None
        return Page(tuple(shown), more)

    async def _record_entries(self, filters: AuditFilters, query: Document, index: Hint | None) -> list[Entry]:
        looked = Looking(filters, mask=self._operator.masked)
        found: dict[str, Entry] = {}
        read = 0
        most = RECORD_ENTRIES + 1
        for condition in in_days(filters).values() or ({},):
            clauses = {"$and": [clause for clause in (query, matching(filters), condition) if clause]}
            with told():
                if not filters.by_looking:
                    documents, _ = await in_list(self._database, clauses, None, index, most)
                    read += len(documents)
                    found |= {str(entry.key): entry for entry in map(read_entry, documents)}
                    continue
                collection = self._database[AUDIT_LOGS].with_options(codec_options=RAW)
                cursor = collection.find(clauses).limit(most).max_time_ms(READ_LIMIT_MS)
                async for document in cursor.hint(index) if index else cursor:
                    read += 1
                    if entry := looked(document):
                        found[str(entry.key)] = entry
        if read > RECORD_ENTRIES:
            raise Refused(
                "too-many-entries",
                f"More than {RECORD_ENTRIES:,} entries are about this record; narrow them by days: --from and --to.",
            )
        return list(found.values())


def _masked_counts(counts: Mapping[str, int], field: str = "") -> dict[str, int]:
    """Counts by words: those that look alike behind a mask are one."""
    shown: Counter[str] = Counter()
    for words, entries in counts.items():
        shown[masked_view(words, field)] += entries
    return dict(shown)


class Looking:
    """Picks the entries that match out of whole ones and counts what it looked at.

    `mask`: text is sought only where the operator may see it.
    """

    def __init__(self, filters: AuditFilters, *, mask: bool) -> None:
        self._filters = filters
        self._mask = mask
        self._stored = _surely_stored(filters)
        self.entries = 0
        self.back_to: datetime | None = None

    def __call__(self, document: RawBSONDocument) -> Entry | None:
        """The entry as a list shows it, where it matches."""
        self.entries += 1
        size = len(document.raw)
        self.back_to = read_timestamp(document.get("timestamp")) or self.back_to
        raw = bytes(document.raw).lower()
        if not all(word in raw for word in self._stored):
            return None
        whole = read_entry(bson.decode(document.raw, _WHOLE))
        seen = masked(whole) if self._mask else whole
        return listed(whole, size) if accepts(self._filters, whole, seen) else None


def entry_keys(entry_id: str) -> list[Document]:
    """The queries by which the entry of an id is found, the likeliest first."""
    keys: list[Document] = [{"_id": entry_id}, {"id": entry_id, "_id": {"$type": "objectId"}}]
    return [*keys, {"_id": ObjectId(entry_id)}] if ObjectId.is_valid(entry_id) else keys


async def no_entry(database: Database, entry_id: str) -> NotFound:
    """The refusal of an id that no entry has, or none has any more."""
    keys = [key["_id"] for key in entry_keys(entry_id) if "id" not in key]
    if await database[LEAVES].find_one({"entries": {"$in": keys}}, {"_id": 1}, max_time_ms=READ_LIMIT_MS):
        words = f"The audit entry {entry_id} was sealed and is gone: somebody removed it. `audit verify` tells more."
        return NotFound("entry-removed", words)
    return NotFound("unknown-entry", f"There is no audit entry {entry_id}; `audit list` shows the ids.")


def _surely_stored(filters: AuditFilters) -> list[bytes]:
    """Bytes that an entry must have in it to match, but for the case of ASCII letters."""
    words = [word for word in (filters.request, (filters.field or "").rpartition(".")[2]) if word]
    if filters.text and _ONLY_IN_TEXT.search(filters.text.lower()):  # a number's digits are not stored as text
        words.append(filters.text)
    return [max(parts, key=len).encode() for word in words if (parts := _ASCII.findall(word.lower()))]


def _positions(token: str | None) -> dict[str, Document]:
    positions = read_token(_LIST, token) or {}
    # The values stand only where the server takes them literally, so any are safe.
    if not all(isinstance(position, dict) and position.keys() == {"t", "i"} for position in positions.values()):
        raise bad_token()
    return positions


def _order(entry: Entry) -> tuple[datetime, str]:
    return entry.at or _UNDATED_AT, str(entry.key)


def _position(entry: Entry) -> Document:
    return {"t": to_stored(entry.at) if entry.at else None, "i": str(entry.key)}
