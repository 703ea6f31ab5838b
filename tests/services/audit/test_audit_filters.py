"""Filters together, beside the same question asked of every entry here."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from services.audit import query, ranges
from services.audit.entries import read_entry
from services.audit.filters import AuditFilters, accepts, filter_words, read_filters
from services.audit.query import AuditQuery
from services.database import Database, Document
from services.operators.operator import Operator
from tests.services.audit.entries import START, first_shape, pages, put, second_shape


def mixture() -> list[Document]:
    """Entries of every kind in both shapes, several at one instant."""
    users, tables = ("asha", "vikram", "meera", None), ("orders", "customers_v2", "billing_records")
    actions = ("UPDATE", "CREATE", "billed", "Delivered")
    every = list(itertools.product(users, tables, actions))
    entries = []
    for number, (user, table, action) in enumerate(every):
        minute = number // 5  # five at an instant
        meta = {"run": f"run-{number % 2}", "session": f"s-{number % 3}", "request": f"r-{number % 5}"}
        entries.append(first_shape(minute, id=f"a{number}", user_id=user, table=table, action=action, meta=meta))
        entries.append(first_shape(minute, _id=f"k{number}", id=f"k{number}", user_id=user, table=table, action=action))
        kind = {"orders": "order", "customers_v2": "customer"}.get(table, table)
        entries.append(second_shape(minute, user_id=user, resource_type=kind, action=action, id=f"b{number}"))
    empty = first_shape(3, id="empty", table="", resource_type="order", resource_id="ord_3")
    both = first_shape(3, id="both", table="orders", resource_type="customer")
    return [*entries, empty, both, *(first_shape(n, id=f"odd-{n}", timestamp=None) for n in range(3))]


ASKED: list[dict[str, str]] = [
    {"user": "asha"},
    {"user": "asha,meera"},
    {"table": "orders"},
    {"table": "customer"},
    {"table": "orders,customers_v2", "action": "create,BILLED"},
    {"action": "delivered"},
    {"user": "vikram", "table": "orders", "action": "update"},
    {"user": "vikram", "action": "update"},
    {"user": "asha,vikram", "table": "billing_records", "first_day": "2026-11-01", "last_day": "2026-11-01"},
    {"run": "run-1"},
    {"run": "run-1", "user": "asha", "action": "create"},
    {"session": "s-2", "table": "orders"},
    {"session": "s-2", "run": "run-0"},
    {"request": "r-3"},
    {"request": "r-3", "table": "orders"},
    {"field": "status", "user": "meera"},
    {"text": "deliv", "table": "orders"},
    {"text": "nobody wrote this"},
]


async def test_filters_find_what_the_same_question_finds_here_newest_first(
    database: Database, auditor: Operator
) -> None:
    await put(database, mixture())
    every = [read_entry(document) async for document in database["audit_logs"].find()]

    for words, limit in itertools.product(ASKED, (7, 200)):
        filters = read_filters(**words)
        found = await pages(database, auditor, filters, limit)
        times = [entry.at for entry in found if entry.at]
        expected = sorted(repr(entry.key) for entry in every if accepts(filters, entry, entry))
        assert sorted(repr(entry.key) for entry in found) == expected, words
        assert times == sorted(times, reverse=True), words
        assert all(entry.at is None for entry in found[len(times) :]), words


async def test_more_ranges_than_the_server_merges_are_read_apart(
    database: Database, auditor: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(database, mixture())
    filters = AuditFilters(users=("asha", "vikram", "meera"))
    together = await pages(database, auditor, filters, 11)

    monkeypatch.setattr(ranges, "_MERGED", 20)
    apart = await pages(database, auditor, filters, 11)
    monkeypatch.setattr(ranges, "_MOST_RANGES", 1)
    by_time = await pages(database, auditor, filters, 11)

    assert [entry.at for entry in apart] == [entry.at for entry in together] == [entry.at for entry in by_time]
    assert {repr(entry.key) for entry in apart} == {repr(entry.key) for entry in together}
    assert {repr(entry.key) for entry in by_time} == {repr(entry.key) for entry in together}


async def test_what_other_writers_left_breaks_no_list_and_hides_no_entry(database: Database, viewer: Operator) -> None:
    odd: list[Document] = [
        first_shape(1, id="dict", action={"$gt": 1}, table={"a.b": 1}),
        first_shape(2, id="list", action=["UPDATE", "x"]),
        first_shape(3, id="number", table=5, action=7.5, user_id="asha"),
        first_shape(4, id="times", timestamp=[1, "2026"]),
        first_shape(5, id="keys", before={"$set": {"a.b": 1}}, after={"$set": {"a.b": 2}}, changes={"$x.y": 1}),
        first_shape(6, id="hostile", user_id="asha", record_id="[bold]\x1b[31m", meta=["no", "mapping"]),
        {"user_id": "asha"},
        {"_id": ObjectId()},
    ]
    await put(database, odd)

    every = await pages(database, viewer, AuditFilters(), 3)
    of_asha = await pages(database, viewer, AuditFilters(users=("asha",)), 2)

    assert len({repr(entry.key) for entry in every}) == len(odd)
    assert len(of_asha) == 5
    assert len(await pages(database, viewer, AuditFilters(actions=("UPDATE",)), 2)) >= 4


async def test_a_page_of_very_large_entries_leaves_their_values_to_whoever_opens_one(
    database: Database, auditor: Operator
) -> None:
    large = {"note": "x" * 1_000_000, "status": "special"}
    await put(database, [first_shape(n, after=large, user_id="u" * 5_000) for n in range(8)])
    asked = AuditQuery(database, auditor)

    for filters in (AuditFilters(), AuditFilters(text="special"), read_filters(record="orders/ord_1", text="special")):
        page = await asked.page(filters)
        assert page.items
        for entry in page.items:
            assert (entry.before, entry.after, len(entry.user)) == (None, None, 200)
            assert [finding.code for finding in entry.findings] == ["large"]
    assert (await asked.entry("entry-3")).after == large


async def test_text_is_found_in_any_case_inside_of_any_value_and_in_numbers(
    database: Database, auditor: Operator
) -> None:
    def words(number: int, **after: Any) -> Document:
        return first_shape(number, after=after, before=None, changes={})

    await put(
        database,
        [
            words(1, notes="Near the TEMPLE"),
            words(2, items=[{"product": {"name": "Temple bells"}}]),
            words(3, notes="గుడి దగ్గర"),
            words(4, total_amount=1234.5),
            words(5, temple="only its name says so"),
            words(6, at=START + timedelta(days=3)),
        ],
    )

    async def found(text: str) -> list[str]:
        return [entry.id for entry in (await AuditQuery(database, auditor).page(AuditFilters(text=text))).items]

    assert await found("temple") == ["entry-2", "entry-1"]
    assert await found("దగ్గర") == ["entry-3"]
    assert await found("234.5") == ["entry-4"]
    assert await found("2026-11-04") == ["entry-6"]
    assert await found(".*") == []


async def test_a_viewer_cannot_find_out_a_phone_by_looking_for_it(
    database: Database, viewer: Operator, auditor: Operator
) -> None:
    await put(database, [first_shape(1, after={"phone": "9876543210", "name": "Asha"}, changes={})])

    for text, entries in (("98765", 0), ("asha", 1)):
        assert len((await AuditQuery(database, viewer).page(AuditFilters(text=text))).items) == entries
    assert len((await AuditQuery(database, auditor).page(AuditFilters(text="98765"))).items) == 1


async def test_a_changed_field_is_found_by_its_path_and_a_creation_changes_none(
    database: Database, auditor: Operator
) -> None:
    address: dict[str, Any] = {"before": {"address": {"city": "A"}}, "after": {"address": {"city": "B"}}}
    entries = [
        first_shape(1, **address),
        first_shape(2, before=None, after={"address": {"city": "B"}}, changes={}, action="CREATE"),
        first_shape(3, before=None, after=None, changes={"address.city": {"old": 1, "new": 2}}),
        first_shape(4, before=None, after=None, changes=[{"field": "address.city", "old": 1, "new": 2}]),
        first_shape(5, before={"city": 1}, after={"city": 1, "cityname": 2}),
    ]
    await put(database, entries)

    async def found(field: str) -> list[str]:
        return [entry.id for entry in (await AuditQuery(database, auditor).page(AuditFilters(field=field))).items]

    assert await found("address.city") == await found("address") == ["entry-4", "entry-3", "entry-1"]
    assert await found("city") == []


async def test_a_long_look_stops_says_how_far_it_came_and_goes_on(
    database: Database, auditor: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(database, [first_shape(n, after={"n": "needle" if n == 3 else "hay"}) for n in range(40)])
    monkeypatch.setattr(query, "LOOKING_SECONDS", 0.0)
    asked = AuditQuery(database, auditor)

    page = await asked.page(AuditFilters(text="needle"))
    pages_read, found, note = 1, list(page.items), page.note or ""
    while page.next:
        page = await asked.page(AuditFilters(text="needle"), page.next)
        pages_read, found = pages_read + 1, [*found, *page.items]

    assert note.startswith("Looked through 1 entry")
    assert "back to 2026-11-01 06:09 in India" in note
    assert [entry.id for entry in found] == ["entry-3"]
    assert pages_read >= 40


def test_the_words_of_filters_make_the_same_filters_again() -> None:
    words: dict[str, Any] = {
        "user": ["asha", "vikram"], "table": ["orders"], "action": ["BILLED"], "first_day": "2026-11-01",
        "last_day": "2026-11-02", "run": "r", "session": "s", "request": "q", "field": "a.b", "text": "x",
    }  # fmt: skip
    assert filter_words(read_filters(**words)) == words
    assert filter_words(read_filters(record="orders/a/b")) == {"record": "orders/a/b"}
    assert filter_words(AuditFilters()) == {}
