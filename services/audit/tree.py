"""The Merkle tree of RFC 6962, in tiles of 256 hashes: a node of level n covers 256 nodes of the level below."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

TILE = 256
EMPTY = hashlib.sha256(b"").digest()


def leaf(content: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over nodes of one level, of which the last may cover less than the others."""
    if not hashes:
        return EMPTY
    row = list(hashes)
    while len(row) > 1:
        # Pairs from the left; what is left over moves up as it is. For RFC 6962's splits this is the same tree.
        pairs = [node(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(row) - len(row) % 2 :]
    return row[0]


def path_in(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings of a node on the way to `root_of`, from below."""
    row, path = list(hashes), []
    while len(row) > 1:
        sibling = index ^ 1
        if sibling < len(row):
            path.append(row[sibling])
        pairs = [node(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(row) - len(row) % 2 :]
        index //= 2
    return path


def root_by_path(content: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that follows from a leaf's content and its path; None where the path is not one of such a tree."""
    if not 0 <= index < size:
        return None
    here, last, rest = leaf(content), size - 1, list(path)
    while last:
        if index % 2 == 1:
            if not rest:
                return None
            here = node(rest.pop(0), here)
        elif index < last:
            if not rest:
                return None
            here = node(here, rest.pop(0))
        index, last = index // 2, last // 2
    return None if rest else here


class Frontier:
    """The growing edge of a tree: of each level the last tile, still open."""

    def __init__(self, size: int = 0, levels: Sequence[Sequence[bytes]] = ()) -> None:
        self.size = size
        self._levels = [list(level) for level in levels] or [[]]
        self.nodes: dict[tuple[int, int], list[bytes]] = {}
        """Tiles above the leaves that changed, by level and number; whoever stores or checks them takes them out."""

    def add(self, content: bytes) -> None:
        """One more leaf."""
        self._levels[0].append(leaf(content))
        self.size += 1
        level = 0
        while len(self._levels[level]) == TILE:
            above = root_of(self._levels[level])
            self._levels[level] = []
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(above)
            number = (self.size // TILE**level - 1) // TILE
            self.nodes[level, number] = list(self._levels[level])

    def root(self) -> bytes:
        """The root over all leaves so far."""
        below: list[bytes] = []
        for level in self._levels:
            row = level + below
            below = [root_of(row)] if row else []
        return below[0] if below else EMPTY
