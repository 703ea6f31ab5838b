"""Records as of any time, beside an oracle that saw them live."""

from datetime import datetime, timedelta
from typing import Any

import bson
import pytest
from bson.errors import BSONError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.changes.difference import ABSENT, same
from services.clock import read_timestamp
from services.database import Database, Document
from services.deployment.indexes import INDEXES
from services.errors import BadRequest, NotFound, NotPermitted, Refused
from services.history.reconstruction import AfterEntry, RecordState
from services.history.states import as_of, compare, read_point, steps
from services.history.touched import Touch, who_touched
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.audit.test_audit_entries import ANYTHING
from tests.services.history.living import DEEDS, START, Life, old_entry

ON_ONE_DATABASE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
LATER = START + timedelta(days=300)


def late() -> datetime:
    return LATER


def codes(state: RecordState) -> set[str]:
    return {finding.code for finding in state.findings}


async def state_of(database: Database, record: str, at: Any, operator: Operator | None = None) -> RecordState:
    return await as_of(database, operator or Operator("amit", ("auditor",)), late, "orders", record, at)


async def index(database: Database) -> None:
    for each in INDEXES:
        if each.collection in ("audit_logs", "orders"):
            await database[each.collection].create_index(list(each.keys), **each.options)


async def check_every_moment(life: Life) -> None:
    """At, right before and right after each moment, before all of them, and now."""
    at_last = dict(life.moments)
    times = sorted(at_last)
    for record in life.touched:
        for number, moment in enumerate(times):
            before = at_last[times[number - 1]].get(record) if number else None
            after = at_last[moment].get(record)
            half = timedelta(milliseconds=500)
            for time, expected in ((moment - half, before), (moment, after), (moment + half, after)):
                found = await state_of(life.database, record, time)
                assert found.findings == ()
                assert found.exact
                assert found.exists == (expected is not None)
                assert same(found.state, expected), (time, found, expected)
        now = await state_of(life.database, record, "now")
        assert same(now.state, life.records.get(record))
        assert (await state_of(life.database, record, "before")).exists is False


async def check_differences(life: Life) -> None:
    """What differs between two moments is what differs between the oracle's records."""
    at_last = dict(life.moments)
    times = sorted(at_last)
    record = next(iter(life.moments[0][1]))
    first, second = times[0], times[len(times) // 2]
    found = await compare(life.database, Operator("amit", ("auditor",)), late, "orders", record, second, first)
    assert (found.first.at, found.second.at) == (first, second)
    assert same(found.first.state, at_last[first].get(record))
    assert same(found.second.state, at_last[second].get(record))
    noted = [at for _, _, at in life.touched[record] if first < at <= second]
    assert found.entries == len(noted)


async def check_who(life: Life) -> None:
    for record, deeds in life.touched.items():
        found = {touch.user: touch for touch in await who_touched(life.database, Operator("v", ("viewer",)), "orders",
                                                                  record)}  # fmt: skip
        assert found.keys() == {user for user, _, _ in deeds}
        for user, touch in found.items():
            mine = [(action, at) for name, action, at in deeds if name == user]
            assert touch.entries == len(mine)
            assert (touch.first, touch.last) == (mine[0][1], mine[-1][1])
            assert touch.actions == {action: [a for a, _ in mine].count(action) for action, _ in mine}


async def live_and_check(database: Database, deeds: list[Any]) -> None:
    await index(database)
    life = Life(database)
    await life.live(deeds)
    await check_every_moment(life)
    await check_differences(life)
    await check_who(life)


@given(DEEDS)
@settings(max_examples=10, suppress_health_check=ON_ONE_DATABASE)
async def test_any_record_is_what_it_was_at_any_time(database: Database, deeds: list[Any]) -> None:
    await live_and_check(database, deeds)


@pytest.mark.long
@given(DEEDS)
@settings(max_examples=1_000, suppress_health_check=ON_ONE_DATABASE)
async def test_a_thousand_lives_are_told_as_they_were(database: Database, deeds: list[Any]) -> None:
    await live_and_check(database, deeds)


RECORD = "ord_1"
FIRST, SECOND, THIRD = ({"status": word, "count": number} for number, word in enumerate(("NEW", "PAID", "DONE"), 1))


async def three_entries(database: Database) -> Life:
    """A record that was created and changed twice, an hour apart each."""
    await index(database)
    life = Life(database, ids=[RECORD])
    await life.create(RECORD, dict(FIRST))
    for values in (SECOND, THIRD):
        life.now += timedelta(hours=1)
        await life.assign(RECORD, values)
    return life


async def entry_of(database: Database, number: int) -> Document:
    return (await database["audit_logs"].find().sort("timestamp").to_list())[number]


async def alter(database: Database, number: int, **values: Any) -> None:
    entry = await entry_of(database, number)
    gone = {name: "" for name, value in values.items() if value is ...}
    there = {name: value for name, value in values.items() if value is not ...}
    update = {name: fields for name, fields in (("$set", there), ("$unset", gone)) if fields}
    await database["audit_logs"].update_one({"_id": entry["_id"]}, update)


async def states(database: Database) -> list[RecordState]:
    """Right after each of the three entries, however many are left."""
    times = [START + timedelta(seconds=1 + n, hours=n) for n in range(3)]
    return [await state_of(database, RECORD, time) for time in times]


def told(state: RecordState) -> Any:
    return state.state and {name: state.state[name] for name in ("status", "count") if name in state.state}


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

    assert [codes(state) for state in (first, second, third)] == [set(), {"gap", "contradiction"}, set()]
    assert told(second) == {"status": "FORGED", "count": 2}


async def test_an_altered_list_of_changes_is_denied_by_the_images(database: Database) -> None:
    await three_entries(database)
    await alter(database, 1, changes={"status": {"old": "NEW", "new": "PAID"}, "count": {"old": 1, "new": 7}})

    _, second, _ = await states(database)

    assert told(second) == SECOND
    assert codes(second) == {"contradiction"}
    assert "count" in second.findings[0].message


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
    assert codes(second) == {"gap"}
    assert (told(third), codes(third)) == (THIRD, set())  # nothing follows: it is as it is stored


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
        kept = {name: value for name, value in fields.items()
                if storable(value) and not (name == "user_id" and isinstance(value, list))}  # fmt: skip
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


async def test_large_documents_with_odd_keys_are_compared_whole(database: Database) -> None:
    await index(database)
    life = Life(database, ids=[RECORD])
    large = {"a.b": 1, "$c": {"d.e": "x" * 500_000}, "f": [{"$g": "y" * 500_000}]}
    await life.create(RECORD, {"items": large})
    for number in range(6):
        life.now += timedelta(hours=1)
        await life.assign(RECORD, {"items": {**large, "a.b": number}})

    found = await state_of(database, RECORD, START + timedelta(hours=3, minutes=30))
    difference = await compare(database, Operator("amit", ("auditor",)), late, "orders", RECORD,
                               START + timedelta(hours=1, minutes=30), "now")  # fmt: skip

    assert (found.state or {})["items"] == {**large, "a.b": 2}
    assert [(change.field, change.old, change.new) for change in difference.fields if change.kind != "same"] == [
        ("items.a.b", 0, 5)
    ]
    assert difference.entries == 5
    page = await steps(database, Operator("amit", ("auditor",)), "orders", RECORD)
    assert [step.fields for step in page.items] == [("items.a.b",)] * 6 + [()]


async def test_the_steps_come_in_pages_newest_first_with_the_names_of_what_changed(
    database: Database, viewer: Operator
) -> None:
    life = await three_entries(database)
    for number in range(8):
        life.now += timedelta(minutes=1)
        await life.old(RECORD, {"status": f"S{number}", "count": 3}, number)
    await alter(database, 0, timestamp=None)

    found: list[tuple[Any, tuple[str, ...]]] = []
    token: str | None = None
    while True:
        page = await steps(database, viewer, "orders", RECORD, token, 3)
        found += [(step.entry.at, step.fields) for step in page.items]
        token = page.next
        if token is None:
            break

    times = [at for at, _ in found]
    assert times == [*sorted((at for at in times if at), reverse=True), None]
    assert [fields for _, fields in found] == [("status",)] * 8 + [("status", "count")] * 2 + [()]
    first = await steps(database, viewer, "orders", RECORD, None, 1)
    with pytest.raises(BadRequest):
        await steps(database, viewer, "orders", "another", first.next)


async def test_every_query_is_served_by_an_index_and_limited_in_time(database: Database, viewer: Operator) -> None:
    life = await three_entries(database)
    for number in range(4):
        await life.old(RECORD, {"status": f"S{number}"}, number)
    await database["audit_logs"].insert_many([old_entry(f"ord_{n}", START, n) for n in range(10, 200)])

    async def everything() -> None:
        await state_of(database, RECORD, life.now)
        await compare(database, viewer, late, "orders", RECORD, "before", "now")
        await steps(database, viewer, "order", RECORD)
        await who_touched(database, viewer, "orders", RECORD)

    watched = await watch(database, everything())

    watched.assert_indexed()
    assert all(query["command"].get("maxTimeMS") for query in watched.queries)
    assert max(query["docsExamined"] for query in watched.queries) <= 8


async def test_a_record_without_an_index_on_its_id_is_not_scanned_for(database: Database, viewer: Operator) -> None:
    await three_entries(database)
    await database["orders"].drop_indexes()
    await database["orders"].update_one({"id": RECORD}, {"$set": {"status": "HACKED"}})

    watched = await watch(database, state_of(database, RECORD, "now"))
    found = await state_of(database, RECORD, "now")

    assert all(query["docsExamined"] <= 3 for query in watched.queries)
    assert (told(found), found.findings) == (THIRD, ())
    with pytest.raises(NotFound):
        await state_of(database, "ord_2", "now")


async def test_a_viewer_sees_that_a_phone_changed_but_not_which(database: Database, viewer: Operator) -> None:
    life = Life(database, ids=[RECORD])
    await life.create(RECORD, {"phone": "9876543210", "status": "NEW"})
    await life.assign(RECORD, {"phone": "9123456780", "address": {"address_line1": "12, 4th Cross"}, "status": "PAID"})

    state = await state_of(database, RECORD, "now", viewer)
    found = await compare(database, viewer, late, "orders", RECORD, life.moments[0][0], "now")

    assert "98765" not in repr((state, found))
    assert "91234" not in repr((state, found))
    assert "4th Cross" not in repr((state, found))
    assert {change.field for change in found.fields if change.kind != "same"} == {
        "phone", "address.address_line1", "status"
    }  # fmt: skip
    assert "9123456780" in repr(await state_of(database, RECORD, "now"))


async def test_only_an_operator_with_a_role_reads_a_history(database: Database) -> None:
    nobody = Operator("nobody", ())
    with pytest.raises(NotPermitted):
        await state_of(database, RECORD, "now", nobody)
    with pytest.raises(NotPermitted):
        await compare(database, nobody, late, "orders", RECORD, "before", "now")
    with pytest.raises(NotPermitted):
        await steps(database, nobody, "orders", RECORD)
    with pytest.raises(NotPermitted):
        await who_touched(database, nobody, "orders", RECORD)


async def test_a_record_that_nobody_knows_is_told(database: Database, viewer: Operator) -> None:
    for table in ("orders", "", "no such", "system.views", "a$b", "x\x00y"):
        with pytest.raises(NotFound):
            await as_of(database, viewer, late, table, "x", "now")


async def test_the_consoles_own_bookkeeping_is_not_looked_through(database: Database, viewer: Operator) -> None:
    await database["console_operators"].insert_one({"_id": "olga", "roles": ["ops"]})
    with pytest.raises(NotFound):
        await as_of(database, viewer, late, "console_operators", "olga", "now")


async def test_who_touched_a_record_is_told_last_first_over_both_shapes(database: Database, viewer: Operator) -> None:
    await index(database)
    both = old_entry(RECORD, START, 1) | {"table": "orders", "record_id": RECORD, "user_id": "ravi"}
    odd = [old_entry(RECORD, START, 0) | {"user_id": None, "timestamp": stamp} for stamp in (None, 5, "x", "2026-99")]
    plain = [old_entry(RECORD, START + timedelta(hours=n), n) for n in range(1, 5)]
    await database["audit_logs"].insert_many([both, *odd, *plain])

    asha, ravi, nobody = await who_touched(database, viewer, "orders", RECORD)

    hour = timedelta(hours=1)
    assert asha == Touch("asha", 4, {"UPDATE": 4}, START + hour, START + 4 * hour)
    assert ravi == Touch("ravi", 1, {"UPDATE": 1}, START, START)
    assert nobody == Touch("", 4, {"UPDATE": 4}, None, None)


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2026-11-05T06:12", "2026-11-05T00:42:00+00:00"),
        ("2026-11-05 06:12", "2026-11-05T00:42:00+00:00"),
        ("2026-11-05T06:12:30.5Z", "2026-11-05T06:12:30.500000+00:00"),
        ("2026-11-05T06:12+02:00", "2026-11-05T04:12:00+00:00"),
        ("2026-11-05", "2026-11-05T18:29:59.999999+00:00"),
    ],
)
def test_a_day_is_its_last_moment_in_india(words: str, moment: str) -> None:
    assert read_point(words) == read_timestamp(moment)


@pytest.mark.parametrize("words", ["", "  ", "soon", "2026-13-01", "2026-02-30"])
def test_words_that_are_no_time_are_refused(words: str) -> None:
    with pytest.raises(BadRequest):
        read_point(words)
