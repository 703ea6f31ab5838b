"""The log that seals the audit trail: a Merkle tree over the entries' hashes, in tiles, under signed checkpoints.

A document of `console_audit_leaves` is a tile of 256 leaves: the ids of the entries and their hashes, in the order in
which they were sealed. `console_audit_nodes` holds the tiles above (services/audit/tree.py). A checkpoint names size
and root of the tree at a moment and the ends of the streams that it took further, and carries the hash of the
checkpoint before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.audit.signing import Signer, key_name, signed_by
from services.audit.tree import TILE, Frontier, leaf, path_in, root_of
from services.database import READ_LIMIT_MS, Database, Document, Session
from services.errors import Refused

LEAVES = "console_audit_leaves"
NODES = "console_audit_nodes"
CHECKPOINTS = "console_audit_checkpoints"
KEYS = "console_audit_keys"
NO_CHECKPOINT = "0" * 64


class Head(BaseModel):
    """How far a stream is sealed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    stream: str
    seq: int
    hash: str


class Checkpoint(BaseModel):
    """A document of `console_audit_checkpoints`; what is signed is everything but the signature."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid", strict=True)

    number: int = Field(alias="_id")
    size: int
    root: str
    previous: str
    """The hash of the checkpoint before."""
    at: str
    heads: list[Head]
    ended: list[str]
    """Streams that are sealed to their end: nothing can come behind it."""
    adopted: str
    """Entries without a chain are taken in up to this `_id`; empty before any was."""
    key: str
    """The name of the key that signed."""
    signature: str = ""

    @property
    def text(self) -> bytes:
        """What is signed: canonical JSON."""
        return json.dumps(self.model_dump(exclude={"signature"}), sort_keys=True, separators=(",", ":")).encode()

    @property
    def hash(self) -> str:
        """What the next checkpoint names."""
        return hashlib.sha256(self.text + self.signature.encode()).hexdigest()

    def signed(self, signer: Signer) -> Checkpoint:
        """The checkpoint with the key's signature."""
        named = self.model_copy(update={"key": signer.key})
        return named.model_copy(update={"signature": signer.sign(named.text)})

    def is_signed_by(self, public: str) -> bool:
        """Whether the signature is that of the public key."""
        return self.key == key_name(public) and signed_by(public, self.signature, self.text)

    def stored(self) -> Document:
        """The document."""
        return self.model_dump(by_alias=True)


async def last_checkpoint(database: Database, session: Session | None = None) -> Checkpoint | None:
    """The newest checkpoint. Raises Refused where it was altered beyond reading."""
    found = await database[CHECKPOINTS].find({}, session=session).sort("_id", -1).limit(1).to_list()
    newest = read_checkpoint(found[0]) if found else None
    if found and newest is None:
        raise log_altered("The newest checkpoint")
    return newest


def read_checkpoint(document: Document) -> Checkpoint | None:
    """A stored checkpoint; None where it was altered beyond reading."""
    try:
        return Checkpoint.model_validate(document)
    except ValidationError:
        return None


def log_altered(part: str) -> Refused:
    """The refusal to work on with a part of the log."""
    return Refused("log-altered", f"{part} is not what was sealed; `audit verify` tells more.")


def node_key(level: int, number: int) -> str:
    """The `_id` of a tile above the leaves."""
    return f"{level}/{number:010d}"


def split(hashes: bytes) -> list[bytes]:
    """Packed hashes, one by one."""
    return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]


def leaves_of(tile: Document) -> list[tuple[Any, bytes]]:
    """The ids and hashes of a tile, as far as it has both."""
    entries, packed = tile.get("entries"), tile.get("hashes")
    if not isinstance(entries, list) or not isinstance(packed, bytes):
        return []
    return list(zip(entries, split(packed[: len(packed) // 32 * 32]), strict=False))


async def load_frontier(database: Database, size: int, session: Session | None = None) -> Frontier:
    """The growing edge of the stored tree."""
    levels: list[list[bytes]] = []
    level, count = 0, size
    while count or level == 0:
        number, there = divmod(count, TILE)
        levels.append((await _tile(database, level, number, session))[:there] if there else [])
        level, count = level + 1, number
    return Frontier(size, levels)


async def _tile(database: Database, level: int, number: int, session: Session | None) -> list[bytes]:
    if level == 0:
        tile = await database[LEAVES].find_one({"_id": number}, {"hashes": 1}, session=session)
    else:
        tile = await database[NODES].find_one({"_id": node_key(level, number)}, session=session)
    packed = tile.get("hashes") if tile else b""
    hashes = split(packed) if isinstance(packed, bytes) else []
    return [leaf(content) for content in hashes] if level == 0 else hashes


async def inclusion_path(database: Database, index: int, size: int) -> list[bytes]:
    """The siblings of a leaf on the way to the root of the tree of that size: a few tiles are read."""

    async def row(level: int, number: int) -> Sequence[bytes]:
        full = size // TILE**level
        nodes = (await _tile(database, level, number, None))[: max(0, min(TILE, full - number * TILE))]
        partial = size % TILE**level
        if partial and full // TILE == number:
            nodes.append(root_of(await row(level - 1, full)))
        return nodes

    path: list[bytes] = []
    level = 0
    while True:
        path += path_in(await row(level, index // TILE), index % TILE)
        if size <= TILE ** (level + 1):
            return path
        level, index = level + 1, index // TILE


async def find_leaf(database: Database, key: Any) -> int | None:
    """The place of an entry's leaf, by the entry's `_id`. Raises Refused where its tile was altered beyond reading."""
    tile = await database[LEAVES].find_one({"entries": key}, {"entries": 1}, max_time_ms=READ_LIMIT_MS)
    if tile is None:
        return None
    if not isinstance(tile["entries"], list) or not isinstance(tile["_id"], int):
        raise log_altered(f"The tile {tile['_id']} of leaves")
    return tile["_id"] * TILE + tile["entries"].index(key)
