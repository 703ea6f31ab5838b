"""A clean log is found clean, whatever its shape."""

import random
from pathlib import Path

import pytest

from services.database import Database
from tests.services.audit.sealed import SealedTrail

SHAPES: dict[str, tuple[int, tuple[int, ...], int]] = {
    "one": (0, (1,), 0),
    "old ones only, and one": (700, (1,), 0),
    "a tile but one": (0, (255,), 0),
    "a tile": (0, (256,), 0),
    "a tile and one": (0, (257,), 0),
    "two tiles": (112, (200, 200), 0),
    "several streams and a rest": (130, (40, 1, 300, 24, 90), 13),
    "nothing but a rest": (0, (30,), 30),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_clean_log_has_no_problem_and_exact_counts(database: Database, tmp_path: Path, shape: str) -> None:
    old, streams, rest = SHAPES[shape]
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(shape), old, streams, rest)
    copies = trail.copies.exists()
    found = await trail.check(trusted=True, copies=copies)
    assert found.problems == ()
    assert (found.entries, found.sealed) == (old + sum(streams), old + sum(streams) - rest)
    assert (found.unsealed, found.adopted, found.pinned) == (rest, old, True)
    assert found.checkpoints == (len(trail.copies.read_text().splitlines()) if copies else 0)
