"""Reading a record's history: who may, in pages, by indexes, and what a person types."""

from datetime import timedelta
from typing import Any

import pytest

from services.clock import read_timestamp
from services.database import Database
from services.errors import BadRequest, NotFound, NotPermitted
from services.history.states import as_of, compare, read_point, steps
from services.history.touched import Touch, who_touched
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.history.living import (
    RECORD,
    START,
    THIRD,
    Life,
    alter,
    index,
    late,
    old_entry,
    state_of,
    three_entries,
    told,
)


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
    assert asha == Touch("asha", 4, {"UPDATE": 4}, START + hour, START + 4 * hour, 0)
    assert ravi == Touch("ravi", 1, {"UPDATE": 1}, START, START, 0)
    assert nobody == Touch("", 4, {"UPDATE": 4}, None, None, 0)


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


async def test_a_record_that_was_made_later_was_not_there_before(database: Database) -> None:
    await index(database)
    await database["orders"].insert_one({"id": RECORD, "created_at": "2026-11-05T00:00:00+00:00"})

    before, after = [await state_of(database, RECORD, START + timedelta(days=n)) for n in (1, 6)]

    assert (before.exists, before.state, before.exact) == (False, None, False)
    assert "2026-11-05 05:30 India time" in before.findings[0].message
    assert (after.exists, [finding.code for finding in after.findings]) == (True, ["unknown-before"])
