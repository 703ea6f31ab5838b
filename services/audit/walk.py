"""The walk along the leaves of the log: each leaf beside its entry, each entry behind the one before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from bson import ObjectId

from services.audit.chain import (
    GENESIS,
    Link,
    content_hash,
    documents_in,
    key_of,
    read_hash,
    read_link,
    write_hash,
    write_key,
)
from services.audit.log import LEAVES, NODES, Checkpoint, leaves_of, node_key, split
from services.audit.problems import Problem, Problems
from services.audit.tree import TILE, Frontier
from services.changes.changeset import AUDIT_LOGS
from services.database import Database, Document, Session

_REMEMBERED = 10_000
"""Problems of a sort that are remembered, to tell more of them when more is known."""


class Stored(NamedTuple):
    """What is needed of a stored entry: the hash that its leaf should have, and its link where it has one."""

    content: bytes
    link: Link | None


class End(NamedTuple):
    """How far a stream was followed. An empty hash stands for one that nobody knows."""

    seq: int
    hash: str
    key: Any


_NOTHING = End(0, GENESIS, None)


class _Dispute(NamedTuple):
    """An entry and its leaf that disagree: one of them is not what it was."""

    problem: Problem
    key: Any
    own: bytes
    leaf: bytes
    signed: bool
    """Whether the leaves lead to a signed root: then it is not the leaf's hash that was changed."""


@dataclass
class Walk:
    """How far the check has come."""

    database: Database
    problems: Problems
    frontier: Frontier = field(default_factory=Frontier)
    ends: dict[str, End] = field(default_factory=dict)
    """The end of each stream, by what the leaves say."""
    closed: set[str] = field(default_factory=set)
    """Streams that are sealed to their end, by what the checkpoints say."""
    present: int = 0
    """Entries that are there, of those with a leaf."""
    adopted: int = 0
    whole: bool = True
    """Whether no leaf is missing."""
    orphans: dict[bytes, Problem | None] = field(default_factory=dict)
    """The hashes of leaves without their entry, and what was told of it; perhaps only its id was changed."""
    gaps: dict[tuple[str, int], Problem] = field(default_factory=dict)
    """Places of streams that were passed over."""
    _damaged: set[str] = field(default_factory=set)
    """The hashes of entries that are not what they were: what names them before itself is not at fault."""
    _branches: dict[str, tuple[str, Problem, Any]] = field(default_factory=dict)
    """Of a stream that has a place twice: the hash of the second entry, what was told of it, and the first's id."""
    _fresh: list[_Dispute] = field(default_factory=list)
    _disputes: list[_Dispute] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many leaves were seen."""
        return self.frontier.size

    def read_tile(self, tile: Document) -> tuple[list[Any], list[bytes]]:
        """The entries' ids and the hashes of a tile, from the first leaf not seen yet; what it lacks is a problem."""
        number, expected = tile["_id"], self.size // TILE
        entries, packed = tile.get("entries"), tile.get("hashes")
        if not isinstance(number, int) or isinstance(number, bool) or number < expected:
            self.problems.add(f"leaves {number}", "log-altered", "This tile does not belong here.")
            return [], []
        if number > expected:
            self._skip(number * TILE - self.size)
        if not isinstance(entries, list) or not isinstance(packed, bytes):
            self.problems.add(f"leaves {number}", "log-altered", "This tile holds no leaves.")
            return [], []
        hashes = split(packed)
        if len(entries) != len(hashes) or len(entries) > TILE or len(packed) % 32:
            self.problems.add(f"leaves {number}", "log-altered", "It has not as many hashes as entries.")
        width, seen = min(len(entries), len(packed) // 32, TILE), self.size - number * TILE
        return entries[seen:width], hashes[seen:width]

    def _skip(self, count: int) -> None:
        detail = f"The {count} leaves from number {self.size} on are missing."
        self.problems.add(f"leaves {self.size // TILE}", "log-altered", detail)
        self.whole = False
        for _ in range(count):
            self.frontier.add(b"")

    async def fetch(self, keys: Sequence[Any], session: Session | None) -> dict[Any, Stored]:
        """What is stored under these ids."""
        cursor = self.database[AUDIT_LOGS].find_raw_batches({"_id": {"$in": list(keys)}}, session=session, hint="_id_")
        found: dict[Any, Stored] = {}
        async for batch in cursor:
            for entry in documents_in(cast(bytes, batch)):  # the driver's types tell of documents
                link = read_link(entry)
                content = read_hash(link.hash) if link else content_hash(entry)
                found[as_name(key_of(entry))] = Stored(content, link)
        return found

    def take(self, keys: Sequence[Any], hashes: Sequence[bytes], entries: Mapping[Any, Stored]) -> None:
        """Check leaves against their entries."""
        for key, leaf in zip(keys, hashes, strict=True):
            self.frontier.add(leaf)
            stored = entries.get(as_name(key))
            if stored is None:
                problem = self.problems.add(key, "removed", "The log has the entry; the audit trail has not.")
                self._lose(leaf, problem)
                continue
            self.present += 1
            content, link = stored
            if link and not link.intact:
                self._lose(leaf, None)
                self.problems.add(key, "altered", "Its content does not fit its own hash.")
            elif content != leaf:
                self._dispute(key, content, leaf)
            elif link:
                self.follow(key, link)
            else:
                self.adopted += 1

    def _lose(self, leaf: bytes, problem: Problem | None) -> None:
        self._damaged.add(write_hash(leaf))
        if len(self.orphans) < _REMEMBERED:
            self.orphans[leaf] = problem

    def _dispute(self, key: Any, own: bytes, leaf: bytes) -> None:
        self._lose(leaf, None)
        self._damaged.add(write_hash(own))
        problem = self.problems.add(key, "altered", "It is not what was sealed.")
        if len(self._fresh) + len(self._disputes) < _REMEMBERED:
            self._fresh.append(_Dispute(problem, key, own, leaf, signed=False))

    def follow(self, key: Any, link: Link) -> None:
        """Check an entry's place behind the last one of its stream."""
        stream, seq, prev, own, _ = link
        end = self.ends.get(stream, _NOTHING)
        if stream in self.closed:
            self.problems.add(key, "inserted", f"The stream {stream} had ended.")
        if seq <= end.seq:
            self._repeat(key, link, end)
            return
        if seq != end.seq + 1 or (prev != end.hash and end.hash):
            branch = self._branches.pop(stream, None)
            if branch and branch[0] == prev:  # the second of two was the right one
                branch[1].entry = str(branch[2])
            elif prev not in self._damaged:
                self._miss(key, stream, end.seq, seq)
        self.ends[stream] = End(seq, own, key)

    def _repeat(self, key: Any, link: Link, end: End) -> None:
        gap = self.gaps.pop((link.stream, link.seq), None)
        if gap:  # it was missed, and is here: out of order
            gap.entry, gap.kind, gap.detail = str(key), "reordered", f"It is out of order in the stream {link.stream}."
            return
        detail = f"The stream {link.stream} has its place {link.seq} twice."
        problem = self.problems.add(key, "forked", detail)
        if link.seq == end.seq:
            self._branches[link.stream] = link.hash, problem, end.key

    def _miss(self, key: Any, stream: str, last: int, seq: int) -> None:
        if seq == last + 1:
            self.problems.add(key, "reordered", f"It does not follow the entry before it in the stream {stream}.")
            return
        for missing in range(last + 1, min(seq, last + 1 + _REMEMBERED)):
            name = f"{stream}#{missing}"
            problem = self.problems.add(name, "removed", f"The stream {stream} lacks its entry {missing}.")
            if len(self.gaps) < _REMEMBERED:
                self.gaps[stream, missing] = problem

    def reach(self, here: Checkpoint, *, signed: bool, fits: bool) -> None:
        """Note what a checkpoint says of the leaves up to it; `fits` where its root is theirs."""
        self._disputes += [dispute._replace(signed=signed and fits) for dispute in self._fresh]
        self._fresh.clear()
        if not signed:
            return
        for head in here.heads:
            end = self.ends.get(head.stream, _NOTHING)
            if (end.seq, end.hash) == (head.seq, head.hash):
                continue
            if fits and head.hash not in self._damaged:
                detail = f"The stream {head.stream} ended otherwise there."
                self.problems.add(f"checkpoint {here.number}", "log-altered", detail)
            self.ends[head.stream] = End(head.seq, head.hash, None)
        self.closed.update(here.ended)

    async def settle(self, session: Session | None) -> None:
        """At the end: who is at fault where entries and leaves disagree."""
        disputes = self._disputes + self._fresh
        leaves = {dispute.leaf for dispute in disputes}
        for dispute in disputes:
            if not dispute.signed or dispute.own in leaves or await self._has_leaf(dispute, session):
                dispute.problem.kind, dispute.problem.detail = "log-altered", "Its leaf is not its own any more."

    async def _has_leaf(self, dispute: _Dispute, session: Session | None) -> bool:
        """Whether the entry has another leaf, that fits."""
        async for tile in self.database[LEAVES].find({"entries": dispute.key}, session=session):
            name = as_name(dispute.key)
            if any(as_name(key) == name and content == dispute.own for key, content in leaves_of(tile)):
                return True
        return False

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
