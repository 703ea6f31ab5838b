"""The chain of a stream of audit entries: each entry carries the hash of the one before it.

An entry's hash is SHA-256 over its BSON as the database stores it, with the hash itself as 64 zeros: BSON is typed and
keeps the order of fields, so what reads back can be checked byte by byte. `chain` is the last field and its parts have
fixed places from the end, `{stream, seq (Int64), prev, hash}`: checking needs no decoding.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bson
from bson import MinKey, json_util
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

from services.database import TOLERANT, Document

GENESIS = "0" * 64
"""Stands before the first entry of a stream."""
LONGEST_LIFE = 24 * 3600.0
"""Seconds after which a writer begins a new stream, so that a sealer may leave old ones alone."""

_HASH = slice(-67, -3)  # before the ends of the text, of `chain` and of the entry
_HASH_HEAD = (slice(-77, -67), b"\x02hash\x00\x41\x00\x00\x00")
_PREV = slice(-142, -78)
_PREV_HEAD = (slice(-152, -142), b"\x02prev\x00\x41\x00\x00\x00")
_SEQ_HEAD = (slice(-165, -160), b"\x12seq\x00")
_SEQ = slice(-160, -152)
_AS_STORED: bson.CodecOptions[RawBSONDocument] = bson.CodecOptions(document_class=RawBSONDocument)
_CHAIN = b"\x03chain\x00"
_LONGEST_STREAM = 200


@dataclass(frozen=True, slots=True)
class Link:
    """An entry's place in its stream, and whether its content still has the hash that it carries."""

    stream: str
    seq: int
    prev: str
    hash: str
    intact: bool


def read_link(entry: bytes) -> Link | None:
    """The link of a stored entry; None where it carries none in the form that this module writes."""
    if len(entry) < 200 or any(entry[place] != head for place, head in (_HASH_HEAD, _PREV_HEAD, _SEQ_HEAD)):
        return None
    begin = entry.rfind(_CHAIN, -165 - _LONGEST_STREAM, -165)
    if begin < 0:
        return None
    (length,) = struct.unpack_from("<i", entry, begin + len(_CHAIN))
    if begin + len(_CHAIN) + length != len(entry) - 1:
        return None
    try:
        # Between `{chain: {stream: ` with the text's length and the text's own end.
        stream = entry[begin + len(_CHAIN) + 16 : -166].decode()
        prev, carried = entry[_PREV].decode(), entry[_HASH].decode()
    except UnicodeDecodeError:
        return None
    (seq,) = struct.unpack("<q", entry[_SEQ])
    return Link(stream, seq, prev, carried, _digest(entry) == carried)


def content_hash(entry: bytes) -> bytes:
    """What the log holds of an entry without a chain: the hash of all of it."""
    return hashlib.sha256(entry).digest()


def documents_in(batch: bytes) -> Iterator[bytes]:
    """The stored documents of a batch as the server sends it."""
    at = 0
    while at < len(batch):
        (length,) = struct.unpack_from("<i", batch, at)
        yield batch[at : at + length]
        at += length


def key_of(entry: bytes) -> Any:
    """The `_id` of a stored entry."""
    return RawBSONDocument(entry, _AS_STORED)["_id"]


def write_key(key: Any) -> str:
    """An `_id` of any type as text."""
    return json_util.dumps(key, json_options=json_util.CANONICAL_JSON_OPTIONS)


def read_key(text: str) -> Any:
    """The `_id` of that text; before all others where there is none."""
    return json_util.loads(text, json_options=json_util.CANONICAL_JSON_OPTIONS) if text else MinKey()


def _digest(entry: bytes) -> str:
    digest = hashlib.sha256(entry[:-67])
    digest.update(GENESIS.encode() + entry[-3:])
    return digest.hexdigest()


class Stream:
    """The one writer of a stream. Its transactions take turns (`turn`); what did not land was never linked.

    Where the server did not say whether a transaction landed, nobody here knows the stream's end: the writer leaves
    it as it is and begins another.
    """

    def __init__(self, name: str) -> None:
        self.turn = asyncio.Lock()
        self.written: list[str] = []
        """The ids under which something of it landed."""
        self._name = name
        self._lives = 0
        self._begin()

    def _begin(self) -> None:
        self.id = self._name if self._lives == 0 else f"{self._name}~{self._lives}"
        self._lives += 1
        self._born = time.monotonic()
        self._landed = self._next = (0, GENESIS)
        self._unsure = False

    @property
    def is_new(self) -> bool:
        """Whether nothing of it has landed yet."""
        return self._landed[0] == 0

    def rewind(self) -> None:
        """Before a transaction's work, which the server may ask for again."""
        if time.monotonic() - self._born > LONGEST_LIFE:
            self._begin()
        self._next, self._unsure = self._landed, False

    def link(self, entry: Document) -> RawBSONDocument:
        """The entry as it is stored, linked behind the last one."""
        seq, prev = self._next
        chain = {"stream": self.id, "seq": Int64(seq + 1), "prev": prev, "hash": GENESIS}
        raw = bson.encode({**entry, "chain": chain}, codec_options=TOLERANT)
        digest = hashlib.sha256(raw).hexdigest()
        self._next = seq + 1, digest
        return RawBSONDocument(raw[:-67] + digest.encode() + raw[-3:], _AS_STORED)

    def handed_over(self) -> None:
        """After the work: from here only the server knows whether it landed."""
        self._unsure = True

    def landed(self) -> None:
        """The transaction has landed."""
        if self.is_new and self._next != self._landed:
            self.written.append(self.id)
        self._landed = self._next

    def failed(self) -> None:
        """The transaction has failed, or may have."""
        if self._unsure and self._next != self._landed:
            self._begin()
