"""The copies of checkpoints outside the database: what could not be copied is copied by the next seal."""

from pathlib import Path

import pytest

from services.audit.checkpoints import last_copied, read_copies
from services.audit.log import CHECKPOINTS
from services.audit.seal import seal
from services.database import Database
from services.errors import Refused
from services.operators.operator import Operator
from tests.services.audit.sealed import NOW, SealedTrail, empty_trail


async def sealed_without_a_copy(trail: SealedTrail, name: str) -> None:
    """A seal whose copy has no place: where the file should be is a folder."""
    kept = trail.copies.read_bytes() if trail.copies.exists() else None
    trail.copies.unlink(missing_ok=True)
    trail.copies.mkdir()
    await trail.write(Operator(name, ("ops",)), 2)
    with pytest.raises(Refused) as refusal:
        await seal(trail.database, trail.keeper, lambda: NOW)
    assert refusal.value.code == "no-copy"
    trail.copies.rmdir()
    if kept is not None:
        trail.copies.write_bytes(kept)


async def test_the_next_seal_copies_what_is_missing(database: Database, tmp_path: Path) -> None:
    trail = await empty_trail(database, tmp_path)
    await sealed_without_a_copy(trail, "first")
    await trail.write(Operator("second", ("ops",)), 2)
    await seal(database, trail.keeper, lambda: NOW)
    assert sorted(read_copies(trail.copies)) == [0, 1]
    await sealed_without_a_copy(trail, "third")
    await sealed_without_a_copy(trail, "fourth")
    await seal(database, trail.keeper, lambda: NOW)  # there is nothing new to seal
    assert sorted(read_copies(trail.copies)) == [0, 1, 2, 3]
    assert (await trail.check(copies=True)).problems == ()
    before = trail.copies.read_bytes()
    await seal(database, trail.keeper, lambda: NOW)
    assert trail.copies.read_bytes() == before


async def test_a_new_log_beside_an_old_file_is_told_in_it(database: Database, tmp_path: Path) -> None:
    trail = await empty_trail(database, tmp_path)
    for name in ("first", "second"):
        await trail.write(Operator(name, ("ops",)), 2)
        await seal(database, trail.keeper, lambda: NOW)
    for name in ("leaves", "nodes", "checkpoints", "streams"):
        await database[f"console_audit_{name}"].delete_many({})
    await database["audit_logs"].delete_many({})
    await trail.write(Operator("third", ("ops",)), 2)
    await seal(database, trail.keeper, lambda: NOW)
    assert await database[CHECKPOINTS].count_documents({}) == 1
    assert trail.copies.read_text().count('"number": 0,') == 2
    assert {problem.kind for problem in (await trail.check(copies=True)).problems} == {"log-altered", "truncated"}


@pytest.mark.parametrize(
    ("text", "number"),
    [("", -1), ("nonsense\n[]\n5\n", -1), ('{"number": 3}\n', 3), ('{"number": 3}\n{"number": 4, "si', 3),
     ('{"number": 7}\n' + "x" * 200_000, 7), ('\n{"number": 8}\n\n' + "\n" * 70_000, 8)],
)  # fmt: skip
def test_the_last_whole_line_tells_how_far_it_came(tmp_path: Path, text: str, number: int) -> None:
    file = tmp_path / "copies"
    file.write_text(text)
    assert last_copied(file) == number
    assert last_copied(tmp_path / "none") == -1
