from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from services.audit.filters import AuditFilters, read_filters
from services.audit.query import RECORD_ENTRIES, AuditQuery
from services.database import Database
from services.errors import BadRequest, NotFound, NotPermitted, Refused
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.audit.entries import START, first_shape, pages, put, second_shape


@pytest.mark.parametrize("limit", [1, 3, 50, 200])
async def test_both_shapes_come_as_one_list_newest_first_at_any_page_size(
    database: Database, ops: Operator, limit: int
) -> None:
    await put(database, [first_shape(n) if n % 3 else second_shape(n) for n in range(60)])

    found = await pages(database, ops, AuditFilters(), limit)

    expected = [START + timedelta(minutes=n) for n in reversed(range(60))]
    assert [entry.at for entry in found] == expected


@pytest.mark.parametrize("limit", [1, 4, 200])
async def test_entries_of_one_instant_are_each_shown_once_whatever_their_keys(
    database: Database, ops: Operator, limit: int
) -> None:
    same = [first_shape(1, id=f"same-{n}") for n in range(20)]
    keyed = [first_shape(1, _id=key, id=f"key-{key!r}") for key in ("text", 5, 5.5, b"bytes")]
    dated = [second_shape(1) for _ in range(10)]
    await put(database, [*same, *keyed, *dated])

    found = await pages(database, ops, AuditFilters(), limit)

    assert len(found) == len({repr(entry.key) for entry in found}) == 34


@pytest.mark.parametrize("limit", [1, 2, 200])
async def test_entries_without_a_readable_time_come_last_and_none_is_lost(
    database: Database, ops: Operator, limit: int
) -> None:
    odd: list[Any] = [
        "yesterday",
        "",
        None,
        5,
        1.5,
        float("nan"),
        {"a": 1},
        ObjectId(),
        True,
        DatetimeMS(10**15),
        "1999",
    ]
    undated = [first_shape(n, id=f"odd-{n}", timestamp=value) for n, value in enumerate(odd)]
    missing = first_shape(99, id="odd-missing")
    del missing["timestamp"]
    await put(database, [*undated, missing, first_shape(1), second_shape(2)])

    found = await pages(database, ops, AuditFilters(), limit)

    assert [entry.at is None for entry in found] == [False, False] + [True] * 12
    assert len({entry.id for entry in found}) == 14


async def test_a_range_of_days_is_whole_days_in_india_with_the_last_included(database: Database, ops: Operator) -> None:
    moments: list[Any] = [
        "2026-11-04T18:29:59.999999+00:00",  # still the 4th in India
        "2026-11-04T18:30:00+00:00",
        "2026-11-04T18:30:00Z",
        "2026-11-05T00:00:00",
        "2026-11-05T23:00:00+05:30",
        datetime(2026, 11, 5, 12, tzinfo=UTC),
        "2026-11-06T18:29:59.999999+00:00",
        "2026-11-06 18:29:59",
        datetime(2026, 11, 6, 18, 29, 59, tzinfo=UTC),
        "2026-11-06T18:30:00+00:00",  # the 7th in India
        "2026-11-07T00:10:00+05:30",
        datetime(2026, 11, 6, 18, 30, tzinfo=UTC),
        "2026-11-05 or so",
        None,
    ]
    await put(database, [first_shape(n, id=str(n), timestamp=moment) for n, moment in enumerate(moments)])

    found = await pages(database, ops, AuditFilters(first_day=date(2026, 11, 5), last_day=date(2026, 11, 6)), 3)

    assert {entry.id for entry in found} == {"1", "2", "3", "4", "5", "6", "7", "8"}


async def test_filters_apply_together_and_match_both_shapes(database: Database, ops: Operator) -> None:
    entries = [first_shape(n) if n % 3 else second_shape(n) for n in range(60)]
    await put(database, [*entries, first_shape(70, table="customers_v2", action="CREATE", user_id="meera")])

    async def count(**words: str) -> int:
        return len(await pages(database, ops, read_filters(**words), 7))

    assert await count(table="orders") == 60
    assert await count(table="order") == 60
    assert await count(table="customers_v2") == 1
    assert await count(user="asha") == 30
    assert await count(action="update") == 40
    assert await count(action="MARK_DELIVERED") == 20
    assert await count(table="orders", user="asha", action="UPDATE") == 20
    assert await count(record="orders/ord_3") == len([n for n in range(60) if n % 7 == 3])
    assert await count(record="orders/ord_3", user="asha") == len([n for n in range(60) if n % 7 == 3 and n % 2])
    assert await count(record="orders/ord_3", first_day="2026-11-02") == 0
    assert await count(table="orders", first_day="2026-11-01", last_day="2026-11-01") == 60
    assert await count(user="nobody") == 0


@pytest.mark.parametrize("limit", [1, 4, 200])
async def test_a_record_has_its_history_from_both_shapes_newest_first(
    database: Database, ops: Operator, viewer: Operator, limit: int
) -> None:
    entries = [first_shape(n) if n % 2 else second_shape(n) for n in range(70)]
    await put(database, [*entries, first_shape(0, timestamp=None, id="undated")])

    found = await pages(database, viewer, AuditFilters(tables=("orders",), record_id="ord_0"), limit)
    newest = await AuditQuery(database, viewer).by_record("orders", "ord_0", limit=2)

    assert [entry.at for entry in found[:-1]] == [START + timedelta(minutes=n) for n in range(63, -1, -7)]
    assert found[-1].id == "undated"
    assert list(newest.items) == found[:2]


async def test_a_record_with_very_many_entries_is_refused_until_it_is_narrowed(
    database: Database, ops: Operator
) -> None:
    await put(database, [first_shape(n, record_id="hot") for n in range(RECORD_ENTRIES + 1)])

    with pytest.raises(Refused, match="--from") as refusal:
        await AuditQuery(database, ops).by_record("orders", "hot")

    assert refusal.value.code == "too-many-entries"
    one_day = AuditFilters(tables=("orders",), record_id="hot", last_day=date(2026, 11, 1))
    assert len((await AuditQuery(database, ops).page(one_day, None, 200)).items) == 200


async def test_every_query_is_served_by_an_index(database: Database, ops: Operator) -> None:
    asked: list[dict[str, str]] = [
        {},
        {"table": "orders"},
        {"user": "asha"},
        {"user": "asha", "table": "orders", "action": "UPDATE"},
        {"action": "CREATE"},
        {"action": "UPDATE,mark_delivered"},
        {"run": "run-1"},
        {"session": "s-1", "table": "orders"},
        {"text": "delivered"},
        {"first_day": "2026-11-01", "last_day": "2026-11-02"},
        {"user": "asha", "first_day": "2026-11-01"},
        {"record": "orders/ord_3"},
        {"record": "orders/ord_3", "action": "UPDATE", "first_day": "2026-11-01"},
    ]
    odd = [first_shape(n, timestamp=value) for n, value in enumerate(("x", None, 5))]
    noted = [first_shape(n, meta={"run": "run-1", "session": "s-1"}) for n in range(40)]
    await put(database, [first_shape(n) if n % 3 else second_shape(n) for n in range(150)] + odd + noted)

    async def ask() -> None:
        for words in asked:
            await pages(database, ops, read_filters(**words), 20)

    watched = await watch(database, ask())

    watched.assert_indexed()
    assert all(query["command"].get("maxTimeMS") for query in watched.queries)


async def test_an_entry_is_found_by_its_id_through_an_index(database: Database, ops: Operator) -> None:
    await put(database, [first_shape(n) for n in range(50)])

    watched = await watch(database, AuditQuery(database, ops).entry("entry-7"))

    watched.assert_indexed()


async def test_without_the_indexes_the_list_is_still_right(database: Database, ops: Operator) -> None:
    await database["audit_logs"].insert_many([first_shape(n) if n % 3 else second_shape(n) for n in range(30)])

    found = await pages(database, ops, AuditFilters(users=("asha",)), 4)
    record = await pages(database, ops, AuditFilters(tables=("orders",), record_id="ord_1"), 4)

    assert [entry.at for entry in found] == [START + timedelta(minutes=n) for n in range(29, 0, -2)]
    assert len(record) == 5


async def test_an_entry_is_found_by_the_id_that_the_list_shows(database: Database, viewer: Operator) -> None:
    await database["audit_logs"].insert_many([first_shape(1), second_shape(2), first_shape(3, _id="odd", id=None)])

    for shown in (await AuditQuery(database, viewer).page(AuditFilters())).items:
        assert await AuditQuery(database, viewer).entry(shown.id) == shown


async def test_an_unknown_entry_is_told(database: Database, viewer: Operator) -> None:
    with pytest.raises(NotFound) as refusal:
        await AuditQuery(database, viewer).entry("nothing")
    assert refusal.value.code == "unknown-entry"


async def test_only_an_operator_with_a_role_reads_the_trail(database: Database) -> None:
    nobody = Operator("nobody", ())
    with pytest.raises(NotPermitted):
        await AuditQuery(database, nobody).page(AuditFilters())
    with pytest.raises(NotPermitted):
        await AuditQuery(database, nobody).by_record("orders", "x")
    with pytest.raises(NotPermitted):
        await AuditQuery(database, nobody).entry("x")


@pytest.mark.parametrize("token", ["x", "!!", "AAAA"])
async def test_a_token_of_another_list_is_refused(database: Database, viewer: Operator, token: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        await AuditQuery(database, viewer).page(AuditFilters(), token)
    assert refusal.value.code == "bad-page"


@pytest.mark.parametrize(
    "words",
    [
        {"record": "orders"},
        {"record": "/x"},
        {"record": "orders/"},
        {"record": "orders/x", "table": "users"},
        {"first_day": "2026-02-30"},
        {"last_day": "tomorrowish"},
        {"first_day": "2026-11-05", "last_day": "2026-11-04"},
        {"user": " "},
        {"table": ""},
        {"action": ""},
    ],
)
def test_malformed_words_are_told(words: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        read_filters(**words)


def test_an_id_with_slashes_stays_whole() -> None:
    assert read_filters(record="orders/a/b").record_id == "a/b"


async def test_a_viewer_sees_no_phone_and_no_address_in_an_entry(
    database: Database, viewer: Operator, auditor: Operator
) -> None:
    person = {"id": "c1", "phone": "9876543210", "address": {"address_line1": "12, 4th Cross"}, "name": "Asha"}
    changes = {"address.address_line1": {"old": None, "new": "12, 4th Cross"}, "name": {"old": None, "new": "Asha"}}
    await database["audit_logs"].insert_one(
        {"id": "e1", "table": "customers_v2", "record_id": "c1", "before": None, "after": person, "changes": changes}
    )
    for entry in (
        await AuditQuery(database, viewer).entry("e1"),
        (await AuditQuery(database, viewer).page(AuditFilters())).items[0],
        (await AuditQuery(database, viewer).by_record("customers_v2", "c1")).items[0],
    ):
        assert "9876" not in repr(entry)
        assert "Cross" not in repr(entry)
        assert entry.after["name"] == "Asha"
    assert "4th Cross" in repr(await AuditQuery(database, auditor).entry("e1"))
