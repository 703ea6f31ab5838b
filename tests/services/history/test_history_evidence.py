"""What a record's history says where its trail was tampered with, or never told all."""

from datetime import timedelta
from typing import Any

import bson
import pytest
from bson.errors import BSONError
from hypothesis import given, settings
from hypothesis import strategies as st

from services.changes.difference import ABSENT
from services.database import Database
from services.errors import Refused
from services.history.reconstruction import AfterEntry, RecordState
from services.history.states import compare, steps
from services.history.touched import who_touched
from services.operators.operator import Operator
from tests.services.audit.test_audit_entries import ANYTHING
from tests.services.history.living import (
    FIRST,
    ON_ONE_DATABASE,
    RECORD,
    SECOND,
    START,
    THIRD,
    Life,
    alter,
    codes,
    entry_of,
    index,
    late,
    old_entry,
    state_of,
    states,
    three_entries,
    told,
)


async def test_a_removed_entry_leaves_a_gap_where_it_stood_and_only_there(database: Database) -> None:
    await three_entries(database)
    await database["audit_logs"].delete_one({"_id": (await entry_of(database, 1))["_id"]})

    first, second, third = await states(database)

    assert [told(state) for state in (first, second, third)] == [FIRST, FIRST, THIRD]
    assert [codes(state) for state in (first, second, third)] == [{"gap"}, {"gap"}, set()]
    assert "status, count changed" in first.findings[0].message
    assert not first.exact


async def test_an_altered_image_is_denied_by_the_list_of_changes_and_by_the_next_entry(database: Database) -> None:
    await three_entries(database)
    await alter(database, 1, after={"id": RECORD, "deep": {"in": {}}, "status": "FORGED", "count": 2})

    first, second, third = await states(database)

    assert [codes(state) for state in (first, second, third)] == [set(), {"altered", "gap", "contradiction"}, set()]
    assert second.findings[0].message.endswith("its content does not fit its hash. Believe nothing of it.")
    assert told(second) == {"status": "FORGED", "count": 2}


async def test_an_altered_list_of_changes_is_denied_by_the_images(database: Database) -> None:
    await three_entries(database)
    await alter(database, 1, changes={"status": {"old": "NEW", "new": "PAID"}, "count": {"old": 1, "new": 7}})

    _, second, _ = await states(database)

    assert told(second) == SECOND
    assert codes(second) == {"altered", "contradiction"}
    assert "count" in second.findings[1].message


@pytest.mark.parametrize("missing", [{"after": ...}, {"after": None}, {"after": "PAID"}, {"after": [1]}])
async def test_a_missing_image_is_made_up_for_by_the_next_entry(database: Database, missing: dict[str, Any]) -> None:
    await three_entries(database)
    await alter(database, 1, **missing)

    assert [told(state) for state in await states(database)] == [FIRST, SECOND, THIRD]


async def test_an_entry_without_images_and_changes_leaves_a_gap_where_nothing_makes_up_for_it(
    database: Database,
) -> None:
    await three_entries(database)
    for number in (1, 2):
        await alter(database, number, before=..., after=..., changes=...)

    first, second, third = await states(database)

    assert (told(first), codes(first)) == (FIRST, set())
    assert codes(second) == {"altered", "gap"}
    assert (told(third), codes(third)) == (THIRD, {"altered"})  # nothing follows: it is as it is stored


async def test_a_change_that_nobody_noted_is_told_after_the_last_entry(database: Database) -> None:
    life = await three_entries(database)
    await life.write(RECORD, {"status": "HACKED"})

    then, now = (await states(database))[2], await state_of(database, RECORD, "now")

    assert (told(then), codes(then), then.exact) == (THIRD, {"gap"}, False)
    assert "status changed after entry" in then.findings[0].message
    assert (told(now), codes(now), now.exact) == (THIRD | {"status": "HACKED"}, {"gap"}, True)


async def test_a_record_that_vanished_unnoted_is_told(database: Database) -> None:
    await three_entries(database)
    await database["orders"].delete_many({})

    then, now = (await states(database))[2], await state_of(database, RECORD, "now")

    assert (told(then), codes(then)) == (THIRD, {"gap"})
    assert (now.exists, now.state, codes(now)) == (False, None, {"gap"})


async def test_before_the_creation_and_after_the_deletion_there_is_no_record_and_who_did_it_is_told(
    database: Database,
) -> None:
    life = await three_entries(database)
    life.now += timedelta(hours=1)
    await life.delete(RECORD)
    life.now += timedelta(hours=1)
    await life.create(RECORD, {"status": "AGAIN"})

    before = await state_of(database, RECORD, START)
    gone = await state_of(database, RECORD, life.now - timedelta(minutes=30))
    again = await state_of(database, RECORD, "now")

    assert (before.exists, before.state, before.entry, before.findings) == (False, None, None, ())
    assert before.told.startswith("It was not there yet. Entry ")
    assert "CREATE by olga on 2026-11-01 05:30." in before.told
    assert (gone.exists, gone.state, gone.findings) == (False, None, ())
    assert gone.entry is not None
    assert gone.entry.action == "DELETE"
    assert told(again) == {"status": "AGAIN"}


async def test_a_record_older_than_its_trail_is_told_as_far_as_the_trail_tells(database: Database) -> None:
    life = Life(database, ids=[RECORD])
    await database["orders"].insert_one({"id": RECORD, **FIRST})
    await index(database)
    life.records[RECORD] = {"id": RECORD, **FIRST}
    await life.old(RECORD, {"status": "PAID"}, 1)

    before, after = await state_of(database, RECORD, START), await state_of(database, RECORD, life.now)

    assert (told(before), before.exists, before.exact, codes(before)) == (FIRST, True, False, {"unknown-before"})
    assert "2026-11-01 05:30" in before.findings[0].message
    assert (told(after), codes(after)) == (FIRST | {"status": "PAID"}, set())


async def test_what_an_earlier_writer_invented_is_a_contradiction(database: Database) -> None:
    life = await three_entries(database)
    life.now += timedelta(hours=1)
    await life.write(RECORD, {"status": "BILLED"})
    entry = old_entry(RECORD, life.now, 0) | {"before": {"status": "CONFIRMED"}, "after": {"status": "BILLED"}}
    await database["audit_logs"].insert_one(entry)

    found = await state_of(database, RECORD, life.now)

    assert (told(found), codes(found)) == (THIRD | {"status": "BILLED"}, {"contradiction"})


async def test_what_an_old_entry_set_is_told_even_where_the_stored_record_has_it_no_more(database: Database) -> None:
    await index(database)
    await database["orders"].insert_one({"id": RECORD, "status": "CANCELLED", "count": 1})
    entry = old_entry(RECORD, START, 1) | {"before": {"status": "NEW"}, "after": {"status": "PAID"}}
    await database["audit_logs"].insert_one(entry)

    found = await state_of(database, RECORD, START)

    assert (told(found), codes(found)) == ({"status": "PAID", "count": 1}, {"gap"})


async def test_a_list_of_changes_alone_carries_the_record_both_ways(database: Database) -> None:
    life = await three_entries(database)
    life.now += timedelta(hours=1)
    await life.write(RECORD, {"status": "BILLED", "notes": "new", "count": ABSENT})
    changes = {"status": {"old": "DONE", "new": "BILLED"}, "notes": {"old": None, "new": "new"},
               "count": {"old": 3, "new": None}}  # fmt: skip
    await database["audit_logs"].insert_one(old_entry(RECORD, life.now, 2) | {"changes": changes})
    await database["audit_logs"].delete_many({"timestamp": {"$lt": life.now.isoformat()[:13]}})

    before, after = await state_of(database, RECORD, START), await state_of(database, RECORD, life.now)

    assert (told(before), "notes" in (before.state or {})) == (THIRD, False)
    assert (told(after), (after.state or {})["notes"]) == ({"status": "BILLED"}, "new")


async def test_entries_without_a_time_are_left_out_and_named(database: Database) -> None:
    await three_entries(database)
    await alter(database, 1, timestamp="yesterday")

    first, _, third = await states(database)

    assert codes(first) == {"gap", "undated"}
    assert codes(third) == {"undated"}
    key = (await database["audit_logs"].find_one({"timestamp": "yesterday"}) or {})["_id"]
    with pytest.raises(Refused) as refusal:
        await state_of(database, RECORD, AfterEntry(key))
    assert refusal.value.code == "undated"


async def test_entries_of_one_instant_each_leave_their_own_state(database: Database) -> None:
    life = Life(database, ids=[RECORD])
    await life.create(RECORD, dict(FIRST))
    for values in (SECOND, THIRD):
        await life.assign(RECORD, values, 0)

    keys = [entry["_id"] for entry in await database["audit_logs"].find().sort("_id").to_list()]
    found = [await state_of(database, RECORD, AfterEntry(key)) for key in keys]

    assert [told(state) for state in found] == [FIRST, SECOND, THIRD]
    assert told(await state_of(database, RECORD, life.now)) == THIRD


@given(st.lists(st.dictionaries(st.sampled_from(["before", "after", "changes", "action", "timestamp", "user_id", "id"]),
                                ANYTHING), max_size=4), st.integers(0, 3))  # fmt: skip
@settings(max_examples=10, suppress_health_check=ON_ONE_DATABASE)
async def test_no_entry_however_broken_breaks_the_history(
    database: Database, broken: list[dict[str, Any]], form: int
) -> None:
    await database["audit_logs"].delete_many({})
    await database["orders"].delete_many({})
    await three_entries(database)
    for number, fields in enumerate(broken):
        # An index takes one list of an entry, not two.
        kept = {
            name: value
            for name, value in fields.items()
            if storable(value) and not (isinstance(value, list) and name in ("user_id", "table", "action"))
        }
        at = START + timedelta(minutes=50 * number)
        await database["audit_logs"].insert_one(old_entry(RECORD, at, form) | {"timestamp": at} | kept)

    viewer = Operator("vera", ("viewer",))
    for time in (START, START + timedelta(hours=2), "now", "before"):
        assert isinstance(await state_of(database, RECORD, time, viewer), RecordState)
    page = await steps(database, viewer, "orders", RECORD)
    assert len(page.items) == 3 + len(broken)
    assert (await compare(database, viewer, late, "orders", RECORD, "now", "before")).entries <= 3 + len(broken)
    assert sum(touch.entries for touch in await who_touched(database, viewer, "orders", RECORD)) == 3 + len(broken)


def storable(value: Any) -> bool:
    try:
        bson.encode({"value": value})
    except (BSONError, OverflowError, ValueError, TypeError):
        return False
    return True


async def test_a_deletion_and_a_creation_by_another_writer_are_no_contradiction(database: Database) -> None:
    life = await three_entries(database)
    ended, begun = (old_entry(RECORD, life.now + timedelta(hours=n), 1) for n in (1, 2))
    again = {"action": "create", "after": {"status": "AGAIN"}}
    await database["audit_logs"].insert_many([ended | {"action": "delete"}, begun | again])
    await life.write(RECORD, {"status": "AGAIN"})

    between = await state_of(database, RECORD, life.now + timedelta(minutes=90))
    after = await state_of(database, RECORD, life.now + timedelta(minutes=150))

    assert (between.exists, codes(between)) == (False, set())
    assert (after.state, codes(after)) == ({"id": RECORD, "deep": {"in": {}}, "status": "AGAIN", "count": 3}, set())


async def test_a_creation_of_what_was_there_and_a_change_of_what_was_not_are_told(database: Database) -> None:
    life = await three_entries(database)
    twice = {"action": "CREATE", "after": {"status": "AGAIN"}}
    await database["audit_logs"].insert_one(old_entry(RECORD, life.now + timedelta(hours=1), 0) | twice)
    created = await state_of(database, RECORD, life.now + timedelta(hours=1))
    life.now += timedelta(hours=2)
    await life.delete(RECORD)
    ghost = {"before": {"status": "AGAIN"}, "after": {"status": "GHOST"}}
    await database["audit_logs"].insert_one(old_entry(RECORD, life.now + timedelta(hours=1), 0) | ghost)
    haunted = await state_of(database, RECORD, life.now + timedelta(hours=1))

    assert "gap" in codes(created)
    assert "contradiction" in codes(haunted)
    assert (haunted.exists, haunted.state) == (True, {"status": "GHOST"})


async def test_one_time_in_two_forms_is_no_change(database: Database) -> None:
    await index(database)
    await database["orders"].insert_one({"id": RECORD, "delivered_at": START + timedelta(milliseconds=5)})
    entry = old_entry(RECORD, START, 0) | {"before": {}, "after": {"delivered_at": "2026-11-01T00:00:00.005432"}}
    await database["audit_logs"].insert_one(entry)

    found = await state_of(database, RECORD, START)

    assert (found.state, found.findings) == ({"id": RECORD, "delivered_at": START + timedelta(milliseconds=5)}, ())
