"""Where an entry stands: in its stream, and in the log once it is sealed."""

import random

import pytest

from services.audit.query import AuditQuery
from services.audit.seal import seal
from services.audit.standing import Standing, standing
from services.changes.changeset import ChangeSet, Insert, transact
from services.clock import Clock
from services.database import Database
from services.errors import NotFound, NotPermitted
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.audit.entries import first_shape, put, second_shape
from tests.services.audit.sealed import old_entry


async def test_the_second_entry_of_a_session_before_and_after_the_seal(
    database: Database, ops: Operator, viewer: Operator, clock: Clock
) -> None:
    async def work(changes: ChangeSet) -> None:
        changes.add(Insert("orders", {"id": "one"}), Insert("orders", {"id": "two"}))

    await transact(database, ops, clock, work)
    await put(database, [second_shape(0)])
    await database["console_audit_leaves"].create_index("entries")
    entry = await database["audit_logs"].find_one({"record_id": "two"})
    second = await database["audit_logs"].find_one({"resource_id": "ord_0"})
    assert entry is not None
    assert second is not None

    stream = f"{ops.trail.session}/1"
    assert await standing(database, viewer, entry["id"]) == Standing(stream, 2, sealed=False)
    await seal(database, ops.trail, clock)
    assert await standing(database, viewer, entry["id"]) == Standing(stream, 2, sealed=True)
    (await watch(database, standing(database, viewer, entry["id"]))).assert_indexed()
    (await watch(database, standing(database, viewer, str(second["_id"])))).assert_indexed()


async def test_an_entry_that_was_altered_is_told_whichever_hash_shows_it(
    database: Database, ops: Operator, viewer: Operator, clock: Clock
) -> None:
    async def work(changes: ChangeSet) -> None:
        changes.add(Insert("orders", {"id": "one", "amount": 10.0}))

    await transact(database, ops, clock, work)
    await put(database, [old_entry(random.Random(1), 1)])
    entries = database["audit_logs"]
    own, foreign = await entries.find_one({"record_id": "one"}), await entries.find_one({"resource_id": "ord-1"})
    assert own is not None
    assert foreign is not None

    async def altered() -> list[str]:
        return [(await standing(database, viewer, str(each["_id"]))).altered for each in (own, foreign)]

    await entries.update_one({"_id": own["_id"]}, {"$set": {"after.amount": 1.0}})
    assert await altered() == ["its content does not fit its hash", ""]
    await entries.replace_one({"_id": own["_id"]}, own)
    await seal(database, ops.trail, clock, everything=True)
    assert await altered() == ["", ""]
    await entries.update_one({"_id": own["_id"]}, {"$unset": {"chain": 1}})
    await entries.update_one({"_id": foreign["_id"]}, {"$set": {"user_id": "another"}})
    assert await altered() == ["it is not what was sealed"] * 2


async def test_entries_without_a_readable_chain_have_no_place(database: Database, viewer: Operator) -> None:
    broken = [first_shape(n, chain=chain) for n, chain in enumerate(["x", {"stream": 1, "seq": "1"}, {"seq": 2**40}])]
    stored = await database["audit_logs"].insert_many([*broken, second_shape(9)])
    for key in stored.inserted_ids:
        assert (await standing(database, viewer, str(key))).stream is None


async def test_an_entry_that_was_sealed_and_is_gone_is_told_as_removed(
    database: Database, ops: Operator, viewer: Operator, clock: Clock
) -> None:
    async def work(changes: ChangeSet) -> None:
        changes.add(Insert("orders", {"id": "one"}))

    await transact(database, ops, clock, work)
    await seal(database, ops.trail, clock)
    await database["console_audit_leaves"].create_index("entries")
    gone = await database["audit_logs"].find_one_and_delete({"record_id": "one"})
    assert gone is not None
    for asked in (standing(database, viewer, gone["_id"]), AuditQuery(database, viewer).entry(gone["_id"])):
        with pytest.raises(NotFound, match="was sealed and is gone"):
            await asked


async def test_an_unknown_entry_and_who_is_no_operator_are_refused(database: Database, viewer: Operator) -> None:
    with pytest.raises(NotFound, match="There is no audit entry nothing"):
        await standing(database, viewer, "nothing")
    with pytest.raises(NotPermitted):
        await standing(database, Operator("nobody", ()), "nothing")
