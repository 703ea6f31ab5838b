"""A clean log is found clean, whatever its shape."""

import random
from pathlib import Path

import pytest
from bson import ObjectId
from pymongo import IndexModel

from services.audit.checkpoints import read_copies
from services.audit.log import Checkpoint, last_checkpoint
from services.audit.prove import prove
from services.audit.seal import seal
from services.audit.verify import verify
from services.database import Database
from services.errors import BadRequest, NotPermitted
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.audit.sealed import AUDITOR, NOW, SealedTrail

BY_ID = {"_id": {"$type": "objectId"}}

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
    assert found.checkpoints == (len([line for line in trail.copies.read_text().splitlines() if line]) if copies else 0)


async def test_no_query_of_seal_check_or_proof_scans_a_collection(database: Database, tmp_path: Path) -> None:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(2), 40, (30, 20), 5)
    await database["audit_logs"].create_indexes([IndexModel("id", partialFilterExpression=BY_ID)])
    await database["audit_logs"].delete_one({"_id": trail.streams[trail.open][3]})  # so that all is compared

    async def work() -> None:
        await seal(database, trail.keeper, lambda: NOW)
        assert {problem.kind for problem in (await trail.check()).problems} == {"removed"}
        await prove(database, AUDITOR, "old-2")

    watched = await watch(database, work())
    watched.assert_indexed()
    assert len(watched.queries) > 20


async def test_a_file_of_copies_that_is_none_is_refused(database: Database, tmp_path: Path, auditor: Operator) -> None:
    path = tmp_path / "copies"
    for content in ("x", "[]", "5", "{}", '{"number": "a"}', "null", "\x00"):
        path.write_text(content)
        with pytest.raises(BadRequest, match="no file of checkpoints"):
            await verify(database, auditor, copies=path)
    with pytest.raises(BadRequest, match="cannot be read"):
        await verify(database, auditor, copies=tmp_path)


async def test_what_a_crash_left_of_a_line_of_copies_hides_no_other(database: Database, tmp_path: Path) -> None:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(4), 0, (3, 4, 5), 0)
    torn = trail.copies.read_text()
    trail.copies.write_text(torn + torn.splitlines()[-1][:50])
    operator = Operator("later", ("ops",))
    await trail.write(operator, 2)
    await seal(database, trail.keeper, lambda: NOW)
    assert (await trail.check(trusted=True, copies=True)).problems == ()
    newest = (await last_checkpoint(database)) or None
    assert newest is not None
    assert newest.hash in read_copies(trail.copies).values()


async def test_a_session_that_ends_during_the_check_raises_no_alarm(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(5), 0, (3, 4, 5), 0)
    seen = await last_checkpoint(database)
    await seal(database, trail.keeper, lambda: NOW, ended=[trail.open])
    ended = await last_checkpoint(database)
    assert seen is not None
    assert ended is not None
    assert (ended.size, ended.number) == (seen.size, seen.number + 1)

    async def as_it_was_at_the_beginning(_: Database) -> Checkpoint:
        return seen

    monkeypatch.setattr("services.audit.verify._readable_end", as_it_was_at_the_beginning)
    assert (await verify(database, AUDITOR)).problems == ()


async def test_only_auditors_check_the_trail(database: Database, ops: Operator) -> None:
    with pytest.raises(NotPermitted):
        await verify(database, ops)


async def test_without_a_log_everything_waits(database: Database, auditor: Operator) -> None:
    await database["audit_logs"].insert_many([{"_id": ObjectId()}, {"_id": "x", "chain": None}, {"_id": 5}])
    found = await verify(database, auditor)
    assert (found.problems, found.entries, found.sealed, found.unsealed, found.pinned) == ((), 3, 0, 3, False)


async def test_progress_is_told_as_it_is_made(database: Database, tmp_path: Path, auditor: Operator) -> None:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(3), 600, (10,), 0)
    told: list[tuple[int, int]] = []
    await verify(database, auditor, progress=lambda done, total: told.append((done, total)))
    assert told[:3] == [(256, 610), (512, 610), (610, 610)]
    assert set(told[3:]) <= {(610, 610)}
