"""The walk along the leaves of the log: each leaf beside its entry, each entry behind the one before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from bson import ObjectId

from services.audit.chain import GENESIS, content_hash, documents_in, key_of, read_link, write_key
from services.audit.log import NODES, node_key
from services.audit.problems import Problem, Problems
from services.audit.tree import TILE, Frontier
from services.changes.changeset import AUDIT_LOGS
from services.database import Database, Document, Session

_GAPS = 10_000
"""Missing places that are remembered, to tell a moved entry from a removed one."""


@dataclass
class Walk:
    """How far the check has come."""

    database: Database
    problems: Problems
    frontier: Frontier = field(default_factory=Frontier)
    streams: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The end of each stream, by what the leaves say."""
    present: int = 0
    """Entries that are there, of those with a leaf."""
    adopted: int = 0
    _damaged: set[str] = field(default_factory=set)
    """The hashes of entries that are not what they were: what names them before itself is not at fault."""
    _gaps: dict[tuple[str, int], Problem] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many leaves were seen."""
        return self.frontier.size

    def read_tile(self, tile: Document) -> tuple[list[Any], list[bytes]]:
        """The entries' ids and the hashes of a tile, from the first leaf not seen yet; what it lacks is a problem."""
        number, expected = tile["_id"], self.size // TILE
        entries, packed = tile.get("entries"), tile.get("hashes")
        if not isinstance(number, int) or number < expected:
            self.problems.add(f"leaves {number}", "log-altered", "This tile does not belong here.")
            return [], []
        if number > expected:
            self._skip(number * TILE - self.size)
        if not isinstance(entries, list) or not isinstance(packed, bytes):
            self.problems.add(f"leaves {number}", "log-altered", "This tile holds no leaves.")
            return [], []
        hashes = [packed[at : at + 32] for at in range(0, len(packed), 32)]
        if len(entries) != len(hashes) or len(entries) > TILE or len(packed) % 32:
            self.problems.add(f"leaves {number}", "log-altered", "This tile has as many hashes as entries no more.")
        width, seen = min(len(entries), len(hashes), TILE), self.size - number * TILE
        return entries[seen:width], hashes[seen:width]

    def _skip(self, count: int) -> None:
        detail = f"The {count} leaves from number {self.size} on are missing."
        self.problems.add(f"leaves {self.size // TILE}", "log-altered", detail)
        for _ in range(count):
            self.frontier.add(b"")

    async def fetch(self, keys: Sequence[Any], session: Session | None) -> dict[Any, bytes]:
        """The stored entries by their ids."""
        cursor = self.database[AUDIT_LOGS].find_raw_batches({"_id": {"$in": list(keys)}}, session=session, hint="_id_")
        found: dict[Any, bytes] = {}
        async for batch in cursor:
            for document in documents_in(cast(bytes, batch)):  # the driver's types tell of documents
                found[as_name(key_of(document))] = document
        return found

    def take(self, keys: Sequence[Any], hashes: Sequence[bytes], entries: Mapping[Any, bytes]) -> None:
        """Check leaves against their entries."""
        for key, content in zip(keys, hashes, strict=True):
            self.frontier.add(content)
            entry = entries.get(as_name(key))
            if entry is None:
                self._damaged.add(content.hex())
                self.problems.add(key, "removed", "The log has the entry; the audit trail has not.")
                continue
            self.present += 1
            link = read_link(entry)
            if link is None:
                self.adopted += 1
                if content_hash(entry) != content:
                    self._alter(key, content, "It is not what was sealed.")
            elif not link.intact:
                self._alter(key, content, "Its content does not fit its own hash.")
            elif link.hash != content.hex():
                self._alter(key, content, "It and its leaf in the log disagree.")
            else:
                self.follow(key, link.stream, link.seq, link.prev, link.hash)

    def _alter(self, key: Any, content: bytes, detail: str) -> None:
        self._damaged.add(content.hex())
        self.problems.add(key, "altered", detail)

    def follow(self, key: Any, stream: str, seq: int, prev: str, own: str) -> None:
        """Check an entry's place behind the last one of its stream."""
        last, head = self.streams.get(stream, (0, GENESIS))
        if seq == last + 1 and prev == head:
            self.streams[stream] = seq, own
            return
        if seq <= last:
            gap = self._gaps.pop((stream, seq), None)
            if gap:  # it was missed, and is here: out of order
                gap.entry, gap.kind, gap.detail = str(key), "reordered", f"It is out of order in the stream {stream}."
            else:
                self.problems.add(key, "forked", f"The stream {stream} has its place {seq} twice.")
            return
        if prev not in self._damaged:
            self._miss(key, stream, last, seq)
        self.streams[stream] = seq, own

    def _miss(self, key: Any, stream: str, last: int, seq: int) -> None:
        if seq == last + 1:
            self.problems.add(key, "reordered", f"It does not follow the entry before it in the stream {stream}.")
            return
        for missing in range(last + 1, min(seq, last + 1 + _GAPS)):
            name = f"{stream}#{missing}"
            problem = self.problems.add(name, "removed", f"The stream {stream} lacks its entry {missing}.")
            if len(self._gaps) < _GAPS:
                self._gaps[stream, missing] = problem

    async def check_nodes(self, session: Session | None, *, whole: bool) -> None:
        """Compare the tiles above the leaves with the stored ones: the whole ones, at the end those still open too."""
        ready = [place for place, row in self.frontier.nodes.items() if not whole or len(row) == TILE]
        for place in ready:
            row = self.frontier.nodes.pop(place)
            stored = await self.database[NODES].find_one({"_id": node_key(*place)}, session=session)
            if stored is None or stored.get("hashes") != b"".join(row):
                self.problems.add(f"nodes {node_key(*place)}", "log-altered", "It does not fit the leaves below it.")


def as_name(key: Any) -> Any:
    """An `_id` of any type as a key of a dictionary."""
    return key if isinstance(key, (str, ObjectId)) else write_key(key)
