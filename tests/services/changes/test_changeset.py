import asyncio
from typing import Any

import pytest
from bson import ObjectId

from services.changes import changeset
from services.changes.changeset import ChangeSet, Delete, Insert, Update, transact
from services.changes.difference import ABSENT
from services.clock import Clock
from services.database import Database, Document
from services.errors import Conflict, ConsoleError, Refused, Unreachable
from services.operators.operator import Operator
from tests.failing import failing


async def order(database: Database, **fields: Any) -> Document:
    document = {"_id": ObjectId(), "id": "ord_1", "status": "PENDING", "billed": False} | fields
    await database["orders"].insert_one(document)
    return document


async def entries(database: Database) -> list[Document]:
    return await database["audit_logs"].find().sort("_id").to_list()


async def test_changes_and_their_entries_land_together(database: Database, ops: Operator, clock: Clock) -> None:
    before = await order(database)

    async def work(changes: ChangeSet) -> str:
        changes.add(
            Update("orders", before, {"billed": True}, {"billed": False}, "BILLED"),
            Insert("billing_records", {"_id": "bill_1", "id": "b1", "amount": 12.5}),
        )
        return "done"

    assert await transact(database, ops, clock, work) == "done"

    billed, created = sorted(await entries(database), key=lambda entry: str(entry["action"]))
    assert await database["orders"].find_one({"_id": before["_id"]}) == before | {"billed": True}
    assert {name: value for name, value in billed.items() if name not in ("meta", "chain")} | {"id": "", "_id": ""} == {
        "_id": "",
        "id": "",
        "table": "orders",
        "record_id": "ord_1",
        "action": "BILLED",
        "user_id": "olga",
        "timestamp": "2026-11-22T04:30:00.000000+00:00",
        "before": {"id": "ord_1", "status": "PENDING", "billed": False},
        "after": {"id": "ord_1", "status": "PENDING", "billed": True},
        "changes": {"billed": {"old": False, "new": True}},
    }
    assert billed["meta"] == created["meta"]
    assert billed["meta"] | {"request": ""} == {
        "version": 1,
        "session": ops.trail.session,
        "request": "",
        "source": "local",
    }
    assert (billed["chain"]["seq"], created["chain"]["seq"]) == (1, 2)
    assert created["chain"]["prev"] == billed["chain"]["hash"]
    assert (created["action"], created["before"], created["changes"]) == ("CREATE", None, {})
    assert created["after"] == {"id": "b1", "amount": 12.5}


async def test_an_audit_that_fails_takes_the_change_with_it(database: Database, ops: Operator, clock: Clock) -> None:
    before = await order(database)
    await database.client[database.name].create_collection("audit_logs", validator={"user_id": {"$ne": "olga"}})

    async def work(changes: ChangeSet) -> None:
        changes.add(Update("orders", before, {"billed": True}, {}), Insert("billing_records", {"id": "b1"}))

    with pytest.raises(ConsoleError):
        await transact(database, ops, clock, work)

    assert await database["orders"].find_one({"_id": before["_id"]}) == before
    assert await database["billing_records"].count_documents({}) == 0
    assert await entries(database) == []


async def test_a_guard_that_no_longer_holds_writes_nothing_at_all(
    database: Database, ops: Operator, clock: Clock
) -> None:
    before = await order(database)
    await database["orders"].update_one({"_id": before["_id"]}, {"$set": {"status": "CANCELLED"}})

    async def work(changes: ChangeSet) -> None:
        changes.add(Insert("billing_records", {"id": "b1"}))
        changes.add(Update("orders", before, {"billed": True}, {"status": "PENDING"}))

    with pytest.raises(Conflict) as refusal:
        await transact(database, ops, clock, work)

    assert refusal.value.code == "changed-meanwhile"
    assert await database["billing_records"].count_documents({}) == 0
    assert await entries(database) == []


async def test_one_failed_guard_among_many_alike_is_noticed(database: Database, ops: Operator, clock: Clock) -> None:
    documents = [await order(database, id=f"ord_{n}") for n in range(5)]
    await database["orders"].update_one({"_id": documents[3]["_id"]}, {"$set": {"billed": True}})

    async def work(changes: ChangeSet) -> None:
        changes.add(*(Update("orders", d, {"status": "X"}, {"billed": False}) for d in documents))

    with pytest.raises(Conflict):
        await transact(database, ops, clock, work)
    assert await database["orders"].count_documents({"status": "X"}) == 0


async def test_a_record_that_is_gone_cannot_be_deleted_again(database: Database, ops: Operator, clock: Clock) -> None:
    before = await order(database)
    await database["orders"].delete_one({"_id": before["_id"]})

    async def work(changes: ChangeSet) -> None:
        changes.add(Delete("orders", before))

    with pytest.raises(Conflict):
        await transact(database, ops, clock, work)
    assert await entries(database) == []


async def test_a_deletion_keeps_the_record_in_its_entry(database: Database, ops: Operator, clock: Clock) -> None:
    before = await order(database)

    async def work(changes: ChangeSet) -> None:
        changes.add(Delete("orders", before))

    await transact(database, ops, clock, work)

    (entry,) = await entries(database)
    assert (entry["action"], entry["after"], entry["changes"]) == ("DELETE", None, {})
    assert entry["before"] == {"id": "ord_1", "status": "PENDING", "billed": False}
    assert await database["orders"].count_documents({}) == 0


async def test_a_nested_field_is_changed_alone_and_told_by_its_path(
    database: Database, ops: Operator, clock: Clock
) -> None:
    before = await order(database, address={"city": "Bengaluru", "pincode": "560001"})

    async def work(changes: ChangeSet) -> None:
        changes.add(Update("orders", before, {"address.pincode": "560002", "extra.deep": 1}, {}))

    await transact(database, ops, clock, work)

    after = await database["orders"].find_one({"_id": before["_id"]})
    assert after == before | {"address": {"city": "Bengaluru", "pincode": "560002"}, "extra": {"deep": 1}}
    (entry,) = await entries(database)
    assert entry["changes"]["address.pincode"] == {"old": "560001", "new": "560002"}
    assert entry["before"]["address"]["pincode"] == "560001"
    assert entry["after"] == {name: value for name, value in after.items() if name != "_id"}


async def test_an_update_without_a_difference_writes_no_entry(database: Database, ops: Operator, clock: Clock) -> None:
    before = await order(database)

    async def work(changes: ChangeSet) -> None:
        changes.add(Update("orders", before, {"status": "PENDING"}, {}))

    await transact(database, ops, clock, work)
    assert await entries(database) == []


async def test_a_new_type_of_the_same_value_is_a_difference(database: Database, ops: Operator, clock: Clock) -> None:
    before = await order(database, total_amount=5)

    async def work(changes: ChangeSet) -> None:
        changes.add(Update("orders", before, {"total_amount": 5.0}, {}))

    await transact(database, ops, clock, work)
    assert len(await entries(database)) == 1


async def test_a_write_conflict_is_retried_with_what_the_other_wrote(
    database: Database, ops: Operator, clock: Clock
) -> None:
    before = await order(database, count=0)
    attempts = 0

    async def work(changes: ChangeSet) -> None:
        nonlocal attempts
        attempts += 1
        found = await database["orders"].find_one({"_id": before["_id"]}, session=changes.session)
        assert found is not None
        if attempts == 1:  # somebody writes between this transaction's reading and its writing
            await database["orders"].update_one({"_id": before["_id"]}, {"$inc": {"count": 10}})
        changes.add(Update("orders", found, {"count": found["count"] + 1}, {"count": found["count"]}))

    await transact(database, ops, clock, work)

    assert attempts == 2
    found = await database["orders"].find_one({"_id": before["_id"]})
    assert found is not None
    assert found["count"] == 11
    (entry,) = await entries(database)
    assert entry["before"]["count"] == 10


async def test_many_at_once_lose_no_change_and_no_entry(database: Database, ops: Operator, clock: Clock) -> None:
    before = await order(database, count=0)

    async def work(changes: ChangeSet) -> None:
        found = await database["orders"].find_one({"_id": before["_id"]}, session=changes.session)
        assert found is not None
        changes.add(Update("orders", found, {"count": found["count"] + 1}, {"count": found["count"]}))

    await asyncio.gather(*(transact(database, ops, clock, work) for _ in range(8)))

    found = await database["orders"].find_one({"_id": before["_id"]})
    assert found is not None
    assert found["count"] == 8
    written = await entries(database)
    assert sorted(entry["after"]["count"] for entry in written) == list(range(1, 9))


async def test_work_that_fails_writes_nothing(database: Database, ops: Operator, clock: Clock) -> None:
    async def work(changes: ChangeSet) -> None:
        changes.add(Insert("orders", {"id": "x"}))
        raise Refused("no", "no")

    with pytest.raises(Refused):
        await transact(database, ops, clock, work)
    assert await database["orders"].count_documents({}) == 0


async def test_what_was_not_there_leaves_no_parents_in_the_image(
    database: Database, ops: Operator, clock: Clock
) -> None:
    before = await order(database)

    async def work(changes: ChangeSet) -> None:
        changes.add(Update("orders", before, {"status": "DELIVERED", "notes.inner.field": ABSENT}, {}))

    await transact(database, ops, clock, work)

    (entry,) = await entries(database)
    assert entry["after"] == {"id": "ord_1", "status": "DELIVERED", "billed": False}
    assert await database["orders"].find_one({}, {"_id": 0}) == entry["after"]


@pytest.mark.parametrize("command", ["find", "insert", "commitTransaction"])
async def test_a_lost_connection_is_told_to_who_waits(
    database: Database, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(changeset, "_PATIENCE", 0.5)

    async def work(changes: ChangeSet) -> None:
        await changes.database["orders"].find_one({"id": "x"}, session=changes.session)
        changes.add(Insert("orders", {"id": "x"}))

    async with failing(database, command, closeConnection=True):
        with pytest.raises(Unreachable) as refusal:
            await asyncio.wait_for(transact(database, ops, clock, work), 60)
    assert refusal.value.code == ("commit-unknown" if command == "commitTransaction" else "connection-lost")
    await transact(database, ops, clock, work)
    assert await database["orders"].count_documents({"id": "x"}) == len(await entries(database)) == 1


async def test_a_record_that_somebody_else_holds_is_told_to_who_waits(
    database: Database, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changeset, "_PATIENCE", 0.5)
    before = await order(database)

    async def work(changes: ChangeSet) -> None:
        changes.add(Update("orders", before, {"notes": "x"}, {"status": "PENDING"}))

    async with database.client.start_session() as other, await other.start_transaction():
        await database["orders"].update_one({"_id": before["_id"]}, {"$set": {"status": "SHIPPED"}}, session=other)
        with pytest.raises(Conflict) as refusal:
            await asyncio.wait_for(transact(database, ops, clock, work), 60)
    assert refusal.value.code == "record-busy"
    assert await entries(database) == []


def inserting(key: str) -> Any:
    async def work(changes: ChangeSet) -> None:
        changes.add(Insert("orders", {"id": key}))

    return work


async def test_a_slow_database_is_told_as_slow(database: Database, ops: Operator, clock: Clock) -> None:
    async with failing(database, "insert", on="orders", errorCode=50):
        with pytest.raises(Refused) as refusal:
            await transact(database, ops, clock, inserting("x"))
    assert refusal.value.code == "too-slow"
    assert await entries(database) == []


async def test_a_transaction_whose_time_is_over_holds_nothing(
    database: Database, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await order(database)
    await transact(database, ops, clock, inserting("x"))
    monkeypatch.setattr(changeset, "_PATIENCE", 0.5)

    async def work(changes: ChangeSet) -> None:
        changes.add(Update("orders", before, {"notes": "x"}, {"status": "PENDING"}))

    async with failing(database, "insert", on="audit_logs", blockConnection=True, blockTimeMS=1_500):
        with pytest.raises(ConsoleError):
            await transact(database, ops, clock, work)
    status = await database.client.admin.command({"serverStatus": 1})
    assert status["transactions"]["currentOpen"] == 0


async def test_who_waits_for_an_earlier_change_is_told_in_the_same_time(
    database: Database, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changeset, "_PATIENCE", 0.2)
    async with ops.trail.own.turn:
        with pytest.raises(Conflict) as refusal:
            await asyncio.wait_for(transact(database, ops, clock, inserting("x")), 60)
        assert refusal.value.code == "change-waiting"
    await transact(database, ops, clock, inserting("x"))
    assert len(await entries(database)) == 1


async def test_what_only_looks_waits_for_no_change_and_writes_nothing(
    database: Database, ops: Operator, clock: Clock
) -> None:
    async with ops.trail.own.turn:
        await asyncio.wait_for(transact(database, ops, clock, inserting("x"), write=False), 60)
    assert await database["orders"].count_documents({}) == len(await entries(database)) == 0
