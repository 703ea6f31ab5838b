"""Between writing and sealing: what a session wrote is sealed as it was written, whatever the database says by then."""

import random
from pathlib import Path
from typing import Any

import pytest
from bson import MaxKey, Regex

from services.audit import chain
from services.audit.seal import seal, seal_session
from services.changes.changeset import AUDIT_LOGS, STREAMS, ChangeSet, Insert, transact
from services.database import Database
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.audit.attacks_on_entries import rehashed
from tests.services.audit.sealed import NOW, SealedTrail


@pytest.fixture
async def trail(database: Database, tmp_path: Path) -> SealedTrail:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(0), 0, (), 0)
    return trail


async def last_entry(database: Database, operator: Operator) -> Any:
    """The newest entry of the operator: nothing is linked behind it, so a new hash breaks no chain."""
    stream = operator.trail.own.id
    return await database[AUDIT_LOGS].find_one({"chain.stream": stream}, sort=[("chain.seq", -1)])


async def test_an_entry_that_was_altered_whole_before_its_seal_is_named(
    database: Database, ops: Operator, trail: SealedTrail
) -> None:
    await trail.write(ops, 5)
    entry = await last_entry(database, ops)
    forged = rehashed(entry | {"user_id": "somebody-else"})
    await database[AUDIT_LOGS].replace_one({"_id": entry["_id"]}, forged)
    await seal_session(database, ops, lambda: NOW)
    found = await trail.check()
    assert [(each.entry, each.kind) for each in found.problems] == [(entry["_id"], "altered")]


async def test_an_entry_that_was_removed_before_its_seal_is_named(
    database: Database, ops: Operator, trail: SealedTrail
) -> None:
    await trail.write(ops, 5)
    entry = await last_entry(database, ops)
    await database[AUDIT_LOGS].delete_one({"_id": entry["_id"]})
    await seal_session(database, ops, lambda: NOW)
    found = await trail.check()
    assert [(each.entry, each.kind) for each in found.problems] == [(entry["_id"], "removed")]


@pytest.mark.parametrize("remembered", [100, 3, 0])
async def test_a_session_and_others_seal_the_same_stream_without_a_gap(
    database: Database, ops: Operator, trail: SealedTrail, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr(chain, "REMEMBERED", remembered)
    await trail.write(ops, 4)
    await seal(database, trail.keeper, lambda: NOW)
    await trail.write(ops, 5)
    asked = await watch(database, seal_session(database, ops, lambda: NOW))
    read_back = any("chain.stream" in str(query["command"]) for query in asked.queries)
    assert read_back == (remembered < 5)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), 9, 0)


async def test_what_lands_while_its_session_is_sealed_is_left_to_a_later_seal(
    database: Database, ops: Operator, trail: SealedTrail
) -> None:
    await trail.write(ops, 3)

    async def work(changes: ChangeSet) -> None:
        await seal_session(database, ops, lambda: NOW)
        changes.add(Insert("orders", {"id": "late"}))

    await transact(database, ops, lambda: NOW, work)
    await seal(database, trail.keeper, lambda: NOW)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), 4, 0)


@pytest.mark.parametrize("place", [None, "3", True, 2.5, float("nan"), Regex("."), [3], MaxKey()])
async def test_a_stream_whose_place_is_none_stops_no_seal_and_waits(
    database: Database, ops: Operator, trail: SealedTrail, place: Any
) -> None:
    await trail.write(ops, 3)
    await seal(database, trail.keeper, lambda: NOW)
    await database[STREAMS].update_one({}, {"$set": {"sealed": place}})
    await trail.write(ops, 2)
    await seal_session(database, ops, lambda: NOW)
    assert (await trail.check()).problem_count == 1
    await database[STREAMS].update_one({}, {"$set": {"sealed": 3}})
    await seal(database, trail.keeper, lambda: NOW, everything=True)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), 5, 0)
