"""Proofs: for every leaf of logs of many sizes, and worthless once a single character of them has changed."""

import json
import random
from pathlib import Path

import pytest

from services.audit.log import CHECKPOINTS, LEAVES
from services.audit.prove import Proof, check, prove, read_proof
from services.audit.seal import seal
from services.audit.signing import Signer
from services.changes.changeset import AUDIT_LOGS
from services.database import Database
from services.errors import BadRequest, NotFound, NotPermitted, Refused
from services.operators.operator import Operator
from tests.services.audit.sealed import AUDITOR, NOW, SealedTrail


async def sealed_trail(database: Database, folder: Path, old: int, *streams: int, rest: int = 0) -> SealedTrail:
    trail = SealedTrail(database, folder / "copies")
    await trail.build(random.Random(old), old, streams, rest)
    return trail


async def test_every_entry_of_a_growing_log_is_proven(database: Database, tmp_path: Path) -> None:
    trail = await sealed_trail(database, tmp_path, 3, 1, 2, 5, 37, 208, 1, 30)
    places = set()
    for key in (*trail.adopted, *(key for entries in trail.streams.values() for key in entries)):
        proven = check(await prove(database, AUDITOR, str(key)), [trail.keeper.signer.public])
        assert (proven.entry, proven.pinned) == (str(key), True)
        places.add(proven.index)
    assert places == set(range(287))


async def test_the_first_and_the_last_entry_are_proven_at_every_size(database: Database, tmp_path: Path) -> None:
    trail = await sealed_trail(database, tmp_path, 0, 1)
    writer, size = Operator("grower", ("ops",)), 1
    for number in range(1, 34):
        await trail.write(writer, number)
        size += number
        made = await seal(database, trail.keeper, lambda: NOW)
        assert made
        assert made.size == size
        found = database[AUDIT_LOGS].find({"chain.stream": writer.trail.own.id}).sort("chain.seq", 1)
        ids = [entry["_id"] async for entry in found]
        for place in {0, len(ids) // 2, len(ids) - 1}:
            proof = await prove(database, AUDITOR, ids[place])
            assert (check(proof).index, proof.size) == (place + 1, size)


async def test_an_entry_is_found_by_the_id_that_people_see(database: Database, tmp_path: Path) -> None:
    await sealed_trail(database, tmp_path, 4, 3)
    entry = await database[AUDIT_LOGS].find_one({"id": "old-2"})
    assert entry
    assert check(await prove(database, AUDITOR, "old-2")).entry == str(entry["_id"])


async def test_no_character_of_a_proof_can_change(database: Database, tmp_path: Path) -> None:
    trail = await sealed_trail(database, tmp_path, 3, 40)
    text = (await prove(database, AUDITOR, next(iter(trail.streams.values()))[7])).model_dump_json()
    proof = read_proof(text)
    assert check(proof).pinned is False
    for at in range(len(text)):
        for other in ("0", "A" if text[at].islower() else "z", text[at].swapcase()):
            changed = text[:at] + other + text[at + 1 :]
            if other == text[at]:
                continue
            with pytest.raises((Refused, BadRequest)):
                check(read_proof(changed))


async def test_a_proof_in_another_form_is_refused(database: Database, tmp_path: Path) -> None:
    trail = await sealed_trail(database, tmp_path, 3, 40)
    fields = json.loads((await prove(database, AUDITOR, str(trail.adopted[0]))).model_dump_json())
    forms: tuple[dict[str, object], ...] = (
        {"index": float(fields["index"])}, {"index": str(fields["index"])}, {"index": -1}, {"size": 44},
        {"path": [node.upper() for node in fields["path"]]}, {"path": [*fields["path"], fields["path"][0]]},
        {"path": fields["path"][:-1]}, {"entry": "!"}, {"entry": ""}, {"entry": "AAAA"}, {"extra": 1},
        {"public_key": fields["public_key"].upper()}, {"public_key": Signer.of(None).public}, {"checkpoint": {}},
    )  # fmt: skip
    for odd in forms:
        with pytest.raises((Refused, BadRequest)):
            check(read_proof(json.dumps({**fields, **odd})))
    for text in ("", "[]", "{}", "null", "[" * 10_000, "\0"):
        with pytest.raises(BadRequest):
            read_proof(text)


async def test_a_checkpoint_of_another_key_is_refused_where_one_is_trusted(database: Database, tmp_path: Path) -> None:
    trail = await sealed_trail(database, tmp_path, 3, 5)
    proof = await prove(database, AUDITOR, str(trail.adopted[0]))
    stranger = Signer.of(None)
    forged = proof.model_copy(update={"checkpoint": proof.checkpoint.signed(stranger), "public_key": stranger.public})
    assert check(forged).pinned is False
    with pytest.raises(Refused, match="not by a trusted key"):
        check(forged, [trail.keeper.signer.public])


async def test_what_cannot_be_proven_is_refused(database: Database, tmp_path: Path, viewer: Operator) -> None:
    trail = await sealed_trail(database, tmp_path, 3, 20, rest=2)
    with pytest.raises(NotFound):
        await prove(database, AUDITOR, "nobody")
    with pytest.raises(NotPermitted):
        await prove(database, viewer, str(trail.adopted[0]))
    with pytest.raises(Refused, match="is not sealed yet"):
        await prove(database, AUDITOR, trail.streams[trail.open][-1])
    changed = trail.streams[trail.open][3]
    await database[AUDIT_LOGS].update_one({"_id": changed}, {"$set": {"user_id": "x"}})
    with pytest.raises(Refused, match="was altered"):
        await prove(database, AUDITOR, changed)


@pytest.mark.parametrize("harm", [{"hashes": 5}, {"hashes": b"x"}, {"entries": "text"}])
async def test_a_harmed_log_is_refused_in_words(database: Database, tmp_path: Path, harm: dict[str, object]) -> None:
    trail = await sealed_trail(database, tmp_path, 3, 20)
    key = trail.streams[trail.open][3]
    if "entries" in harm:
        harm = {"entries": key}
    await database[LEAVES].update_one({"_id": 0}, {"$set": harm})
    with pytest.raises(Refused):
        await prove(database, AUDITOR, key)
    await database[CHECKPOINTS].update_many({}, {"$set": {"size": "x"}})
    with pytest.raises(Refused, match="newest checkpoint"):
        await prove(database, AUDITOR, key)


def test_a_proof_names_its_fields() -> None:
    assert set(Proof.model_fields) == {"entry", "index", "size", "path", "checkpoint", "public_key"}
