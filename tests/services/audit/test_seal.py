"""Sealing: what writers leave, also at once, is whole; foreign entries never stop it."""

import asyncio
import random
import uuid
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import ObjectId
from bson.raw_bson import RawBSONDocument

from console.demo.mongod import EmbeddedMongod
from services.audit import seal as sealing
from services.audit.log import CHECKPOINTS, KEYS, LEAVES
from services.audit.seal import seal, seal_session
from services.audit.trail import Trail
from services.audit.tree import TILE
from services.backfills.commit import commit
from services.backfills.pace import Pace
from services.changes.changeset import AUDIT_LOGS, STREAMS, ChangeSet, Insert, transact
from services.clock import Clock
from services.database import Database, connect
from services.errors import ConsoleError, Refused, Unreachable
from services.operators.operator import Operator
from tests.failing import failing
from tests.faults.exactness import planned_orders
from tests.faults.test_unknown_commits import LANDED, LOST
from tests.services.audit.sealed import NOW, SealedTrail, assert_whole, empty_trail, inserts

UNCONFIRMED = {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}
"""The transaction is committed, and the driver asks once more whether it is."""
EXTREMES: list[dict[str, Any]] = [
    {},
    {"id": None, "table": 5, "timestamp": [], "changes": "x"},
    {"text": "x" * 1_000_000},
    {"many": {str(number): number for number in range(20_000)}},
    {"$set": 1, "a.b": {"$where": "x", "": None}},
    {"after": {"name": "\x1b[2J=cmd()\u202e[bold]\ud7ff\x00\U0001f95b"}},
    {"nan": float("nan"), "inf": float("-inf"), "decimal": bson.Decimal128("NaN"), "min": bson.MinKey()},
    {"when": bson.DatetimeMS(2**62), "code": bson.Code("x"), "regex": bson.Regex("x"), "ref": bson.DBRef("a", 1)},
    {"chain": None},
]


async def test_entries_of_any_form_are_sealed_and_checked(database: Database, tmp_path: Path) -> None:
    trail = await empty_trail(database, tmp_path)
    old = ObjectId.from_datetime(NOW - timedelta(days=3)).binary[:4]
    keys: list[Any] = [ObjectId(old + bytes([number]) * 8) for number in range(len(EXTREMES))]
    keys += [0, -1.5, bson.Int64(2**40), "", "\x1b[1m", "a.b$", {"a": {"b": 1}}, b"raw", bson.Decimal128("1.10")]
    documents = [{"_id": key, **EXTREMES[number % len(EXTREMES)]} for number, key in enumerate(keys)]
    await database[AUDIT_LOGS].insert_many(documents)
    broken = bson.encode({"_id": ObjectId(old + b"broken!!"), "text": "aXb"}).replace(b"aXb", b"a\xffb")
    await database[AUDIT_LOGS].insert_one(RawBSONDocument(broken))
    later: list[Any] = [bson.DatetimeMS(2**60), True, bson.Timestamp(1, 1)]
    await database[AUDIT_LOGS].insert_many([{"_id": key} for key in later])
    await trail.write(Operator("olga", ("ops",)), 3)
    await seal(database, trail.keeper, lambda: NOW, everything=True)
    found = await trail.check(trusted=True, copies=True)
    assert found.problems == ()
    assert (found.adopted, found.sealed, found.unsealed) == (len(keys) + 1, len(keys) + 4, len(later))


async def test_a_hostile_record_is_chained_and_sealed(database: Database, ops: Operator, tmp_path: Path) -> None:
    trail = await empty_trail(database, tmp_path)

    async def work(changes: ChangeSet) -> None:
        changes.add(*(Insert("orders", {"id": f"o-{n}", **fields}) for n, fields in enumerate(EXTREMES)))

    await transact(database, ops, lambda: NOW, work)
    await seal_session(database, ops, lambda: NOW)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), len(EXTREMES), 0)


@pytest.mark.parametrize(
    "chain",
    [5, "x", [], {}, {"stream": "S", "seq": 9}, {"stream": "S", "seq": 9, "hash": "ab"},
     {"stream": "S", "seq": 9.5, "hash": "ab" * 32}, [{"stream": "S", "seq": 9, "hash": 7}],
     {"stream": "S", "seq": 9, "hash": "é" * 64}],
)  # fmt: skip
async def test_a_chain_of_any_form_stops_no_seal_and_is_named(database: Database, tmp_path: Path, chain: Any) -> None:
    trail = await empty_trail(database, tmp_path)
    writer = Operator("olga", ("ops",))
    await trail.write(writer, 8)
    own = writer.trail.own.id
    text = bson.json_util.dumps(chain).replace('"S"', bson.json_util.dumps(own))
    await database[AUDIT_LOGS].insert_one({"_id": "odd", "chain": bson.json_util.loads(text)})
    await database[STREAMS].insert_many([{"_id": 5, "ended": False}, {"_id": "odd", "ended": False, "sealed": {}}])
    await seal(database, trail.keeper, lambda: NOW, ended=[own])
    found = await trail.check()
    assert "odd" in {problem.entry for problem in found.problems}
    assert {problem.entry for problem in found.problems} <= {"odd", "stream 5", "stream odd", f"{own}#9"}
    assert found.sealed == 8


async def test_a_clock_that_goes_back_stops_no_seal(database: Database, tmp_path: Path, clock: Clock) -> None:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(0), 5, (3,), 0)
    await trail.write(Operator("olga", ("ops",)), 2)
    await seal(database, trail.keeper, lambda: clock() - timedelta(hours=1))
    found = await trail.check(copies=True)
    assert (found.problems, found.sealed) == ((), 10)


async def test_nothing_is_signed_on_top_of_an_altered_tree(database: Database, tmp_path: Path) -> None:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(0), 5, (30,), 0)
    await database[LEAVES].delete_many({})
    await trail.write(Operator("olga", ("ops",)), 2)
    with pytest.raises(Refused, match="is not what was sealed") as refusal:
        await seal(database, trail.keeper, lambda: NOW)
    assert refusal.value.code == "log-altered"
    await database[CHECKPOINTS].update_many({}, {"$set": {"size": "x"}})
    with pytest.raises(Refused, match="newest checkpoint"):
        await seal(database, trail.keeper, lambda: NOW)


async def test_a_full_checkpoint_leaves_nothing_behind(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_AT_ONCE", 10)
    trail = await empty_trail(database, tmp_path)
    for name in "abc":
        await trail.write(Operator(name, ("ops",)), 15)
    await seal(database, trail.keeper, lambda: NOW)
    found = await trail.check(copies=True)
    assert (found.problems, found.sealed, found.checkpoints) == ((), 45, 5)


@pytest.mark.parametrize("count", [TILE - 1, TILE])
async def test_a_session_ends_its_streams_where_others_have_sealed_all_of_it(
    database: Database, ops: Operator, tmp_path: Path, count: int
) -> None:
    trail = await empty_trail(database, tmp_path)
    await trail.write(ops, count)
    await seal(database, trail.keeper, lambda: NOW)
    await seal_session(database, ops, lambda: NOW)
    await assert_whole(database, trail, count)


async def test_old_entries_are_taken_in_by_shares(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_ADOPTED_AT_ONCE", 20)
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(0), 70, (), 0)
    for number, sealed in enumerate((21, 41, 61, 74, 75), 1):
        await trail.write(Operator(f"o{number}", ("ops",)), 1)
        await seal(database, trail.keeper, lambda: NOW)
        found = await trail.check(copies=True)
        assert (found.problems, found.sealed, found.unsealed) == ((), sealed, 70 + number - sealed)


async def test_an_entry_of_another_writer_waits_until_clocks_agree(database: Database, tmp_path: Path) -> None:
    trail = SealedTrail(database, tmp_path / "copies")
    await trail.build(random.Random(0), 5, (3,), 0)
    await database[AUDIT_LOGS].insert_one({"_id": ObjectId.from_datetime(NOW - timedelta(minutes=5))})
    assert (await trail.check()).unsealed == 1
    await trail.write(Operator("olga", ("ops",)), 1)
    await seal(database, trail.keeper, lambda: NOW + timedelta(minutes=5, seconds=1))
    found = await trail.check()
    assert (found.problems, found.adopted, found.unsealed) == ((), 6, 0)


async def unless_busy(sealing: Awaitable[object]) -> None:
    """Of many sealers at once some give up after a while, as the console's do; what they leave, a later one seals."""
    try:
        await sealing
    except ConsoleError as left:
        if left.code != "log-busy":
            raise


async def write_much(database: Database, writers: int, entries: int, share: int, keeper: Trail) -> None:
    """Writers at once, each an operator of its own, and sealers that race with them."""

    async def one(number: int) -> None:
        operator = Operator(f"w{number}", ("ops",))
        for begin in range(0, entries, share):
            await transact(database, operator, lambda: NOW, inserts(f"w{number}-{begin}", share))
        await unless_busy(seal_session(database, operator, lambda: NOW))

    writing = asyncio.gather(*(one(number) for number in range(writers)))
    while not writing.done():
        await asyncio.gather(*(unless_busy(seal(database, keeper, lambda: NOW)) for _ in range(3)))
    await writing


async def test_writers_and_sealers_at_once_leave_a_whole_log(database: Database, tmp_path: Path) -> None:
    trail = await empty_trail(database, tmp_path)
    await write_much(database, 12, 60, 15, trail.keeper)
    await assert_whole(database, trail, 720)


@pytest.mark.long
@pytest.mark.timeout(1_800)
async def test_32_writers_of_1_000_entries_and_a_run_of_20_000_orders(
    database: Database, ops: Operator, clock: Clock, tmp_path: Path
) -> None:
    trail = await empty_trail(database, tmp_path)
    planned = await planned_orders(database, ops, clock, 20_000)
    run = commit(database, ops, clock, planned.run, planned.digest, pace=Pace(500))
    outcome, _ = await asyncio.gather(run, write_much(database, 32, 1_000, 20, trail.keeper))
    assert (outcome.applied, outcome.verified) == (20_000, True)
    await seal(database, trail.keeper, lambda: NOW, everything=True)
    found = await trail.check()
    assert (found.problems, found.entries, found.sealed) == ((), 72_000, 72_000)
    records = [entry["record_id"] async for entry in database[AUDIT_LOGS].find({}, {"record_id": 1})]
    assert len(set(records)) == 72_000
    assert await database["billing_records"].count_documents({}) == 20_000
    assert await database["orders"].count_documents({"id": {"$regex": "^w"}}) == 32_000


@pytest.mark.parametrize("failure", [UNCONFIRMED, LOST], ids=["landed", "lost"])
async def test_an_answer_that_is_lost_leaves_the_chain_whole(
    database: Database, ops: Operator, tmp_path: Path, failure: dict[str, Any]
) -> None:
    trail = await empty_trail(database, tmp_path)
    await transact(database, ops, lambda: NOW, inserts("a", 3))
    async with failing(database, "commitTransaction", mode={"times": 3}, **failure):
        await transact(database, ops, lambda: NOW, inserts("b", 3))
    await transact(database, ops, lambda: NOW, inserts("c", 3))
    assert "~" not in ops.trail.own.id
    await seal_session(database, ops, lambda: NOW)
    await assert_whole(database, trail, 9)


async def test_a_transaction_that_is_tried_again_is_linked_once(
    database: Database, ops: Operator, tmp_path: Path
) -> None:
    trail = await empty_trail(database, tmp_path)
    tries = 0

    async def work(changes: ChangeSet) -> None:
        nonlocal tries
        tries += 1
        changes.add(*(Insert("orders", {"id": f"o-{number}"}) for number in range(3)))

    conflict: dict[str, Any] = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
    async with failing(database, "commitTransaction", mode={"times": 2}, **conflict):
        await transact(database, ops, lambda: NOW, work)
    assert (tries, ops.trail.own.id.count("~")) == (3, 0)
    await seal_session(database, ops, lambda: NOW)
    await assert_whole(database, trail, 3)


async def test_a_writer_that_cannot_know_goes_on_in_another_stream(
    database: Database, ops: Operator, tmp_path: Path
) -> None:
    trail = await empty_trail(database, tmp_path)
    await transact(database, ops, lambda: NOW, inserts("a", 3))
    async with failing(database, "commitTransaction", mode={"times": 1}, **LANDED):
        with pytest.raises(Unreachable, match="did not say whether"):
            await transact(database, ops, lambda: NOW, inserts("b", 3))
    assert ops.trail.own.id.endswith("~1")
    await transact(database, ops, lambda: NOW, inserts("c", 3))
    await seal_session(database, ops, lambda: NOW)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), 9, 0)
    left = await database[STREAMS].find({"ended": False}).to_list()
    assert ["~" in stream["_id"] for stream in left] == [False]  # somebody ends it when it is old


async def test_old_streams_are_ended_by_whoever_seals(database: Database, tmp_path: Path) -> None:
    trail = await empty_trail(database, tmp_path)
    await trail.write(Operator("killed", ("ops",)), 3)
    await seal(database, trail.keeper, lambda: NOW + timedelta(hours=47))
    assert await database[STREAMS].count_documents({"ended": False}) == 1
    made = await seal(database, trail.keeper, lambda: NOW + timedelta(hours=49))
    assert made
    assert len(made.ended) == 1
    assert await database[STREAMS].count_documents({"ended": False}) == 0
    found = await trail.check(copies=True)
    assert (found.problems, found.sealed, found.checkpoints) == ((), 3, 2)


async def test_a_session_that_wrote_nothing_seals_nothing(database: Database, ops: Operator) -> None:
    await seal_session(database, ops, lambda: NOW)
    assert await database[CHECKPOINTS].count_documents({}) == await database[KEYS].count_documents({}) == 0
    assert await seal(database, Trail(), lambda: NOW) is None
    assert uuid.UUID(f"{ops.trail.session}-000000000000").version == 7


async def test_sealers_of_several_connections_agree(mongod: EmbeddedMongod, database: Database, tmp_path: Path) -> None:
    trail = await empty_trail(database, tmp_path)
    others = [await connect(mongod.uri, database.name) for _ in range(4)]
    try:
        for number in range(5):
            await trail.write(Operator(f"w{number}", ("ops",)), 100)
            await asyncio.gather(*(seal(other, Trail(), lambda: NOW) for other in others))
    finally:
        for other in others:
            await other.client.close()
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), 500, 0)
