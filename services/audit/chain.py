"""The chain of a stream of audit entries: each entry carries the hash of the one before it.

An entry's hash is SHA-256 over its BSON as the database stores it, with the hash itself left blank: BSON is typed and
keeps the order of fields, so what reads back can be checked byte by byte. `chain` is the last field and its parts have
fixed places from the end, `{stream, seq (Int64), prev, hash}`: checking needs no decoding. Hashes are 43 letters of
base64url: text, which the backend can serve as JSON, and a third shorter than hexadecimal digits.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import bson
from bson import MinKey, ObjectId, json_util
from bson.codec_options import DatetimeConversion
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

from services.database import TOLERANT, Document

GENESIS = "A" * 43
"""No hash: stands before the first entry of a stream, and for the hash while it is computed."""
LONGEST_LIFE = 24 * 3600.0
"""Seconds after which a writer begins a new stream, so that a sealer may leave old ones alone."""
REMEMBERED = 131_072
"""Entries of a stream that its writer keeps in mind until they are sealed: some 28 MB."""

_BLANK = GENESIS.encode()
_CHAIN = re.compile(
    rb"\x03chain\0(.{4})\x02stream\0(.{4})([^\0]{1,200})\0\x12seq\0(.{8})"
    rb"\x02prev\0\x2c\0\0\0([A-Za-z0-9_-]{43})\0\x02hash\0\x2c\0\0\0([A-Za-z0-9_-]{43})\0\0\0\Z",
    re.DOTALL,
)
_LONGEST = 400
"""Bytes from the end in which `chain` stands."""
_TEXT_KEY, _OBJECT_KEY = b"\x02_id\0", b"\x07_id\0"
_HASH = re.compile("[A-Za-z0-9_-]{43}")
_length = struct.Struct("<i").unpack_from
_TAIL = 46
"""Bytes from the hash to the end of the entry, itself included."""
_AS_STORED: bson.CodecOptions[RawBSONDocument] = bson.CodecOptions(
    document_class=RawBSONDocument,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)


def _elapsed() -> float:
    """Seconds, those that the machine slept included: a stream's life is told by those who were awake."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.time()


class Link(NamedTuple):
    """An entry's place in its stream, and whether its content still has the hash that it carries."""

    stream: str
    seq: int
    prev: str
    hash: str
    intact: bool


def read_link(entry: bytes) -> Link | None:
    """The link of a stored entry; None where it carries none in the form that this module writes."""
    found = _CHAIN.search(entry, max(0, len(entry) - _LONGEST))
    if found is None:
        return None
    length, text_length, stream, seq, prev, carried = found.groups()
    if (_number(length), _number(text_length)) != (len(entry) - 8 - found.start(), len(stream) + 1):
        return None
    try:
        name = stream.decode()
    except UnicodeDecodeError:
        return None
    own = carried.decode()
    return Link(name, _number(seq), prev.decode(), own, _digest(entry) == own)


def _number(stored: bytes) -> int:
    return int.from_bytes(stored, "little", signed=True)


def carried_hash(entry: Document) -> bytes | None:
    """The hash that the chain of a decoded entry carries; None where it is no hash."""
    chain = entry.get("chain")
    carried = chain.get("hash") if isinstance(chain, dict) and isinstance(chain.get("seq"), int) else None
    return read_hash(carried) if isinstance(carried, str) and _HASH.fullmatch(carried) else None


def write_hash(content: bytes) -> str:
    """A hash as `chain` carries it."""
    return base64.urlsafe_b64encode(content)[:43].decode()


def read_hash(text: str) -> bytes:
    """The hash in text of that form."""
    return base64.urlsafe_b64decode(text + "=")


def content_hash(entry: bytes) -> bytes:
    """What the log holds of an entry without a chain: the hash of all of it."""
    return hashlib.sha256(entry).digest()


def documents_in(batch: bytes) -> Iterator[bytes]:
    """The stored documents of a raw batch as the server sends it."""
    at = 0
    while at < len(batch):
        (length,) = _length(batch, at)
        yield batch[at : at + length]
        at += length


def key_of(entry: bytes) -> Any:
    """The `_id` of a stored entry, which the server keeps first."""
    if entry[4:9] == _TEXT_KEY:
        return entry[13 : 12 + _number(entry[9:13])].decode(errors="replace")
    return ObjectId(entry[9:21]) if entry[4:9] == _OBJECT_KEY else RawBSONDocument(entry, _AS_STORED)["_id"]


def write_key(key: Any) -> str:
    """An `_id` of any type as text."""
    return json_util.dumps(key, json_options=json_util.CANONICAL_JSON_OPTIONS)


def read_key(text: str) -> Any:
    """The `_id` of that text; before all others where there is none."""
    return json_util.loads(text, json_options=json_util.CANONICAL_JSON_OPTIONS) if text else MinKey()


def _digest(entry: bytes) -> str:
    digest = hashlib.sha256(entry[:-_TAIL])
    digest.update(_BLANK + entry[-3:])
    return write_hash(digest.digest())


class Tail:
    """The end of a stream, as its writer knows it to have landed: so what is sealed is what was written."""

    def __init__(self) -> None:
        self.seq = 0
        self.hash = GENESIS
        self._recent: deque[tuple[str, bytes]] = deque(maxlen=REMEMBERED)

    def after(self, seq: Any, count: int) -> list[tuple[str, bytes]] | None:
        """The ids and hashes of so many entries behind that place; None where nobody here remembers them."""
        first = self.seq - len(self._recent)
        if not isinstance(seq, int) or not first <= seq <= self.seq:
            return None
        return list(islice(self._recent, seq - first, seq - first + count))

    def landed(self, linked: list[tuple[str, bytes]]) -> None:
        """These entries have landed behind the last."""
        self.seq, self.hash = self.seq + len(linked), write_hash(linked[-1][1])
        self._recent.extend(linked)


class Stream:
    """The one writer of a stream. Its transactions take turns (`turn`); what did not land was never linked.

    Where the server did not say whether a transaction landed, nobody here knows the stream's end: the writer leaves
    it as it is and begins another.
    """

    def __init__(self, name: str) -> None:
        self.turn = asyncio.Lock()
        self.written: dict[str, Tail] = {}
        """By id, what landed under it, where nothing more can that is not known here."""
        self._name = name
        self._lives = 0
        self._begin()

    def _begin(self) -> None:
        self.id = self._name if self._lives == 0 else f"{self._name}~{self._lives}"
        self._lives += 1
        self._born = _elapsed()
        self._tail = Tail()
        self._next = self._tail.seq, self._tail.hash
        self._linked: list[tuple[str, bytes]] = []
        self._unsure = False

    @property
    def is_new(self) -> bool:
        """Whether nothing of it has landed yet."""
        return self._tail.seq == 0

    def rewind(self) -> None:
        """Before a transaction's work, which the server may ask for again."""
        if _elapsed() - self._born > LONGEST_LIFE:
            self._begin()
        self._next = self._tail.seq, self._tail.hash
        self._linked, self._unsure = [], False

    def link(self, entry: Document) -> RawBSONDocument:
        """The entry as it is stored, linked behind the last one."""
        seq, prev = self._next
        chain = {"stream": self.id, "seq": Int64(seq + 1), "prev": prev, "hash": GENESIS}
        raw = bson.encode({**entry, "chain": chain}, codec_options=TOLERANT)
        content = hashlib.sha256(raw).digest()
        digest = write_hash(content)
        self._next = seq + 1, digest
        self._linked.append((entry["_id"], content))
        return RawBSONDocument(raw[:-_TAIL] + digest.encode() + raw[-3:], _AS_STORED)

    def handed_over(self) -> None:
        """After the work: from here only the server knows whether it landed."""
        self._unsure = True

    def landed(self) -> None:
        """The transaction has landed."""
        if self._linked:
            self._tail.landed(self._linked)
            self.written[self.id] = self._tail

    def failed(self) -> None:
        """The transaction has failed, or may have: then it may still land, and its stream has no known end."""
        if self._unsure and self._linked:
            self.written.pop(self.id, None)
            self._begin()
