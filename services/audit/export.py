"""The audit trail as a file: JSON lines that prove themselves, CSV and workbooks; of any size in bounded memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, get_args

import bson
from bson import json_util
from bson.raw_bson import RawBSONDocument

from services.audit.chain import key_of
from services.audit.doubts import MEANINGS, doubts
from services.audit.entries import changed_fields, read_entry
from services.audit.filters import AuditFilters, filter_words
from services.audit.query import Looking
from services.audit.ranges import ranges
from services.audit.reader import Reader
from services.audit.walk import as_name
from services.changes.changeset import AUDIT_LOGS, Access, note_access
from services.clock import Clock, to_stored
from services.database import TOLERANT, Database
from services.errors import BadRequest, Refused
from services.exports.files import require_place, write_file
from services.exports.tables import Cell, Column, Export, Table
from services.operators.operator import Operator
from services.records.findings import Finding
from services.typed import typed_reason

Format: TypeAlias = Literal["jsonl", "csv", "xlsx"]
FORMATS: tuple[Format, ...] = get_args(Format)
Sign: TypeAlias = Callable[[bytes], Mapping[str, Any]]
"""Makes a signature, as it stands in the file, of the bytes that `manifest_bytes` gives."""

_FORM = "delivery-console audit export 1"
DOUBT = "console_doubt"
"""The field of a line that tells what stands against its entry; it is not stored."""
_SHEET_ROWS = 1_048_575
_AT_ONCE, _HELD = 500, 4_000_000
"""Entries and bytes that the file is handed at once."""
_WHOLE: Any = TOLERANT
_COLUMNS = tuple(
    Column(name, title)
    for name, title in (
        ("timestamp", "Time (UTC)"), ("user_id", "User"), ("action", "Action"), ("table", "Table"),
        ("record_id", "Record"), ("id", "Entry"), ("doubt", "Doubt"), ("fields", "Fields changed"),
        ("reason", "Reason"), ("run", "Run"), ("session", "Session"), ("request", "Request"),
        ("before", "Before"), ("after", "After"), ("changes", "Changes"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """A file that was written. `manifest` is of JSON lines alone, and stands as the file's last line."""

    path: Path
    format: Format
    entries: int
    size: int
    """In bytes."""
    manifest: Mapping[str, Any] | None
    doubts: Mapping[str, int]
    """How many entries something stands against, by the code that `doubts` gives it."""

    @property
    def doubts_told(self) -> list[str]:
        """A sentence for each sort of doubt."""
        return [f"{self.doubts[code]:,} {code}: {MEANINGS[code]}" for code in MEANINGS if code in self.doubts]


@dataclass(frozen=True)
class Checked:
    """What a file of JSON lines says of itself, and whether it is so."""

    manifest: Mapping[str, Any]
    signature: Mapping[str, Any] | None
    entries: int
    sha256: str

    @property
    def intact(self) -> bool:
        """Whether the lines are those that the manifest was made of; who made it, only a signature tells."""
        return (self.manifest.get("entries"), self.manifest.get("sha256")) == (self.entries, self.sha256)


def format_of(path: Path, named: str | None = None) -> Format:
    """The format that was named, else the one of the file's ending. Raises BadRequest."""
    word = (path.suffix.lstrip(".") if named is None else named).strip().lower()
    for known in FORMATS:
        if word == known:
            return known
    raise BadRequest("unknown-format", f"{word!r} names no format; the formats are {', '.join(FORMATS)}.")


async def export(
    database: Database, operator: Operator, clock: Clock, filters: AuditFilters, path: Path, format: Format,
    reason: str, *, replace: bool = False, sign: Sign | None = None,
) -> Exported:  # fmt: skip
    """Write the entries that match to a file of mode 0600, newest first, whole or not at all.

    The trail has an entry EXPORT with the reason before the first is read. Raises BadRequest without a reason, as
    `write_file` for a place where no file can be, and Refused where a sheet has too few rows for them.
    """
    operator.require("auditor", "export the audit trail")
    why = typed_reason(reason)
    require_place(path, replace=replace)
    number, now = str(uuid.uuid4()), clock()
    words = filter_words(filters)
    noted = {"reason": why, "format": format, "file": path.name, "filters": words}
    await note_access(database, operator, clock, Access(AUDIT_LOGS, number, "EXPORT", noted))
    reader = Reader(database, filters, await ranges(database, filters), {})
    looked = Looking(filters, mask=operator.masked)
    about = {
        "form": _FORM, "export": number, "database": database.name, "filters": words, "reason": why,
        "exported_by": operator.account, "exported_at": to_stored(now),
    }  # fmt: skip

    def wanted(document: RawBSONDocument) -> RawBSONDocument | None:
        return document if not filters.by_looking or looked(document) else None

    pulled = _Pulled(database, reader.whole(wanted))
    writing = _Writing(pulled, about, sign)
    try:
        size = await asyncio.to_thread(write_file, path, getattr(writing, format), replace=replace)
    finally:
        pulled.stopped = True  # the thread outlives a Ctrl+C until it asks for more
    return Exported(path, format, pulled.entries, size, writing.manifest, dict(pulled.doubts))


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The one form of a manifest that is signed: JSON in ASCII, names sorted, without spaces."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode("ascii")


def check_export(path: Path) -> Checked:
    """Read a file of JSON lines again, without any database.

    Raises BadRequest for a file that is none.
    """
    digest, entries, last = hashlib.sha256(), 0, b""
    try:
        with path.open("rb") as stream:
            for line in stream:
                if last:
                    digest.update(last)
                    entries += 1
                last = line
        closing = json.loads(last)
        manifest, signature = closing["manifest"], closing["signature"]
        if isinstance(manifest, dict) and (signature is None or isinstance(signature, dict)):
            return Checked(manifest, signature, entries, digest.hexdigest())
    except OSError as error:
        raise BadRequest("no-file", f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError):
        pass
    raise BadRequest("no-manifest", f"The last line of {path} is no manifest: it is no export, or it was cut off.")


class _Pulled:
    """The documents for a thread, fetched by the event loop, a few at once."""

    def __init__(self, database: Database, documents: AsyncGenerator[RawBSONDocument, None]) -> None:
        self._database = database
        self._documents = documents
        self._loop = asyncio.get_running_loop()
        self.stopped = False
        self.entries = 0
        self.doubts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[tuple[dict[str, Any], Finding | None]]:
        while found := asyncio.run_coroutine_threadsafe(self._next(), self._loop).result():
            for document, doubt in found:
                self.entries += 1
                self.doubts.update([doubt.code] if doubt else ())
                yield bson.decode(document, _WHOLE), doubt

    async def _next(self) -> list[tuple[bytes, Finding | None]]:
        if self.stopped:
            raise Refused("stopped", "The export was stopped; no file was written.")
        found: list[bytes] = []
        held = 0
        async for document in self._documents:
            found.append(bytes(document.raw))
            held += len(document.raw)
            if len(found) == _AT_ONCE or held > _HELD:
                break
        against = await doubts(self._database, found) if found else {}
        return [(entry, against.get(as_name(key_of(entry)))) for entry in found]


class _Writing:
    """The three forms of a file."""

    def __init__(self, documents: _Pulled, about: dict[str, Any], sign: Sign | None) -> None:
        self._documents = documents
        self._about = about
        self._sign = sign
        self.manifest: Mapping[str, Any] | None = None

    def jsonl(self, stream: BinaryIO) -> None:
        """A line of canonical Extended JSON for each entry, then the manifest with the SHA-256 of those lines.

        An entry stands there as it is stored; one that is in doubt says so in a field more, `DOUBT`.
        """
        digest = hashlib.sha256()
        for stored, doubt in self._documents:
            document = {**stored, DOUBT: f"{doubt.code}: {doubt.message}"} if doubt else stored
            line = json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS).encode("ascii") + b"\n"
            digest.update(line)
            stream.write(line)
        counts = {"entries": self._documents.entries, "doubts": dict(self._documents.doubts)}
        self.manifest = {**self._about, **counts, "sha256": digest.hexdigest()}
        signature = self._sign(manifest_bytes(self.manifest)) if self._sign else None
        closing = {"manifest": self.manifest, "signature": signature}
        stream.write(manifest_bytes(closing) + b"\n")

    def csv(self, stream: BinaryIO) -> None:
        """A row for each entry."""
        from services.exports.csv import write_csv

        words = TextIOWrapper(stream, encoding="utf-8", newline="")
        write_csv(Export("", (), [self._table()]), words)
        words.detach()

    def xlsx(self, stream: BinaryIO) -> None:
        """A sheet about the export, and one with a row for each entry."""
        from services.exports.xlsx import write_xlsx

        facts = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in self._about.items()]
        write_xlsx(Export("Audit trail", facts, [self._table(most=_SHEET_ROWS)]), stream)

    def _table(self, most: int | None = None) -> Table:
        return Table("entries", "Entries", _COLUMNS, self._rows(most))

    def _rows(self, most: int | None) -> Iterator[list[Cell]]:
        for document, doubt in self._documents:
            if most is not None and self._documents.entries > most:
                raise Refused(
                    "too-many-rows", f"A sheet holds {most:,} entries; ask for fewer days, or write .csv or .jsonl."
                )
            yield _row(document, doubt)


def _row(document: dict[str, Any], doubt: Finding | None) -> list[Cell]:
    entry = read_entry(document)
    stored = document.get("timestamp")
    when = to_stored(entry.at) if isinstance(entry.at, datetime) else "" if stored is None else str(stored)
    against = f"{doubt.code}: {doubt.message}" if doubt else ""
    named = [
        entry.user,
        entry.action,
        entry.table,
        entry.record_id,
        entry.id,
        against,
        ", ".join(changed_fields(entry)),
    ]
    noted = [str(entry.meta.get(name) or "") for name in ("reason", "run", "session", "request")]
    values = [None if value is None else json_util.dumps(value) for value in (entry.before, entry.after, entry.changes)]
    return [when, *named, *noted, *values]
