"""The tree is the one of RFC 6962: compared with its recursive definition."""

import hashlib
from collections.abc import Sequence
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from services.audit.tree import EMPTY, TILE, Frontier, leaf, path_in, root_by_path, root_of

CONTENTS = [hashlib.sha256(str(number).encode()).digest() for number in range(70_000)]
sizes = st.one_of(st.integers(1, 600), st.sampled_from([TILE - 1, TILE, TILE + 1, 2 * TILE, 3 * TILE - 1]))


@cache
def oracle(begin: int, end: int) -> bytes:
    """MTH(D[begin:end]), as RFC 6962 section 2.1 defines it."""
    if begin == end:
        return hashlib.sha256(b"").digest()
    if end - begin == 1:
        return hashlib.sha256(b"\0" + CONTENTS[begin]).digest()
    split = begin + (1 << (end - begin - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + oracle(begin, split) + oracle(split, end)).digest()


def oracle_path(index: int, begin: int, end: int) -> list[bytes]:
    """PATH(index, D[begin:end]), as section 2.1.1 defines it."""
    if end - begin == 1:
        return []
    split = begin + (1 << (end - begin - 1).bit_length() - 1)
    if index < split:
        return [*oracle_path(index, begin, split), oracle(split, end)]
    return [*oracle_path(index, split, end), oracle(begin, split)]


def leaves(count: int) -> list[bytes]:
    return [leaf(content) for content in CONTENTS[:count]]


def grown(contents: Sequence[bytes], frontier: Frontier | None = None) -> Frontier:
    frontier = frontier or Frontier()
    for content in contents:
        frontier.add(content)
    return frontier


def test_an_empty_tree_has_the_root_of_the_standard() -> None:
    assert Frontier().root() == EMPTY == root_of([]) == oracle(0, 0)


def test_the_root_is_that_of_the_standard_at_every_size() -> None:
    frontier = Frontier()
    for size in range(1, 1_100):
        frontier.add(CONTENTS[size - 1])
        assert frontier.root() == oracle(0, size)


def test_the_root_is_that_of_the_standard_beyond_a_tile_of_tiles() -> None:
    for size in (TILE * TILE - 1, TILE * TILE, TILE * TILE + 1, 70_000):
        assert grown(CONTENTS[:size]).root() == oracle(0, size)


@given(sizes)
def test_nodes_of_one_level_lead_to_the_same_root(size: int) -> None:
    assert root_of(leaves(size)) == oracle(0, size)


@given(sizes, st.data())
def test_a_path_is_that_of_the_standard_and_leads_to_the_root(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = path_in(leaves(size), index)
    assert path == oracle_path(index, 0, size)
    assert root_by_path(CONTENTS[index], index, size, path) == oracle(0, size)


@given(sizes, st.data())
def test_no_other_leaf_place_or_path_leads_to_the_root(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = path_in(leaves(size), index), oracle(0, size)
    other = data.draw(st.integers(-2, size + 2).filter(lambda place: place != index))
    assert root_by_path(CONTENTS[index], other, size, path) != root
    assert root_by_path(CONTENTS[size], index, size, path) != root
    assert root_by_path(CONTENTS[index], index, size, [*path, CONTENTS[0]]) is None
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert root_by_path(CONTENTS[index], index, size, path[:at] + path[at + 1 :]) != root
        assert root_by_path(CONTENTS[index], index, size, [*path[:at], CONTENTS[0], *path[at + 1 :]]) != root


@given(sizes, st.integers(0, 600))
def test_a_frontier_that_was_stored_grows_on_as_if_it_never_had_been(size: int, more: int) -> None:
    rest = size % TILE
    tiles = [root_of(leaves(size)[at : at + TILE]) for at in range(0, size - rest, TILE)]
    stored = Frontier(size, [leaves(size)[size - rest :], tiles] if tiles else [leaves(size)[size - rest :]])
    assert grown(CONTENTS[size : size + more], stored).root() == oracle(0, size + more)
