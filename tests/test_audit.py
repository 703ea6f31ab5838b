"""The six queries of the audit trail."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.audit.entries import Entry
from services.audit.filters import AuditFilters, read_filters
from services.audit.query import AuditQuery
from services.database import Database
from services.errors import BadRequest, NotPermitted
from services.operators.operator import Operator
from services.paging import Page
from tests.explaining import watch
from tests.services.audit.entries import first_shape, put, second_shape


@pytest.fixture
async def trail(database: Database) -> Database:
    """Six entries of both shapes around a midnight in India."""
    moments: list[tuple[str, Any]] = [
        ("4th", "2026-11-04T18:29:59.999999+00:00"),
        ("5th, first", "2026-11-04T18:30:00+00:00"),
        ("5th", "2026-11-05T23:00:00+05:30"),
    ]
    entries = [first_shape(1, id=name, timestamp=moment) for name, moment in moments]
    entries[0] |= {"table": "customers_v2", "record_id": "c1", "user_id": "meera", "action": "CREATE"}
    late = datetime(2026, 11, 5, 18, 29, tzinfo=UTC)
    entries.append(second_shape(1, id="5th, last", timestamp=late, resource_id="ord_1", user_id="boy_1"))
    entries.append(second_shape(2, id="6th", timestamp=datetime(2026, 11, 5, 18, 30, tzinfo=UTC), user_id="boy_1"))
    await put(database, [*entries, first_shape(9, id="undated", timestamp="soon")])
    return database


def ids(page: Page[Entry]) -> list[str]:
    return [entry.id for entry in page.items]


async def test_by_record_is_its_history_in_both_shapes(trail: Database, viewer: Operator) -> None:
    asked = AuditQuery(trail, viewer)
    assert ids(await asked.by_record("orders", "ord_1")) == ["5th, last", "5th", "5th, first"]
    assert ids(await asked.by_record("customers_v2", "c1")) == ["4th"]
    assert ids(await asked.by_record("orders", "c1")) == []


async def test_by_user(trail: Database, viewer: Operator) -> None:
    assert ids(await AuditQuery(trail, viewer).by_user("boy_1")) == ["6th", "5th, last"]


async def test_by_table_knows_what_the_other_writer_calls_it(trail: Database, viewer: Operator) -> None:
    asked = AuditQuery(trail, viewer)
    every = ["6th", "5th, last", "5th", "5th, first", "undated"]
    assert ids(await asked.by_table("orders")) == ids(await asked.by_table("order")) == every
    assert ids(await asked.by_table("customers_v2")) == ["4th"]


async def test_by_action_in_any_case(trail: Database, viewer: Operator) -> None:
    asked = AuditQuery(trail, viewer)
    assert ids(await asked.by_action("create")) == ["4th"]
    assert ids(await asked.by_action("MARK_DELIVERED")) == ["6th", "5th, last"]


async def test_by_date_range_takes_whole_days_in_india_with_the_last(trail: Database, viewer: Operator) -> None:
    asked, fifth = AuditQuery(trail, viewer), date(2026, 11, 5)
    assert ids(await asked.by_date_range(fifth, fifth)) == ["5th, last", "5th", "5th, first"]
    assert ids(await asked.by_date_range(None, date(2026, 11, 4))) == ["4th"]
    assert ids(await asked.by_date_range(date(2026, 11, 6), None)) == ["6th"]


async def test_a_query_goes_on_page_by_page(trail: Database, viewer: Operator) -> None:
    asked = AuditQuery(trail, viewer)
    first = await asked.by_table("orders", limit=2)
    assert ids(await asked.by_table("orders", first.next, 2)) == ["5th", "5th, first"]


async def test_the_report_counts_both_shapes_together(trail: Database, viewer: Operator) -> None:
    report = await AuditQuery(trail, viewer).report(AuditFilters())

    assert (report.entries, report.records, report.undated) == (6, 3, 1)
    assert list(report.by_action.items()) == [("UPDATE", 3), ("MARK_DELIVERED", 2), ("CREATE", 1)]
    assert report.by_user == {"asha": 3, "boy_1": 2, "meera": 1}
    assert report.by_table == {"orders": 5, "customers_v2": 1}
    assert list(report.by_day.items()) == [("2026-11-04", 1), ("2026-11-05", 3), ("2026-11-06", 1)]
    assert (report.first, report.last) == (
        datetime(2026, 11, 4, 18, 29, 59, 999000, tzinfo=UTC),
        datetime(2026, 11, 5, 18, 30, tzinfo=UTC),
    )
    assert report.by_weekday_hour[2][23] == 1  # Wednesday, just before midnight in India
    assert [report.by_weekday_hour[3][hour] for hour in (0, 23)] == [1, 2]
    assert sum(map(sum, report.by_weekday_hour)) == 5


@pytest.mark.parametrize(
    ("words", "entries"),
    [
        ({"table": "orders"}, 5),
        ({"user": "boy_1", "table": "order"}, 2),
        ({"action": "create"}, 1),
        ({"first_day": "2026-11-05", "last_day": "2026-11-05"}, 3),
        ({"table": "orders", "first_day": "2026-11-05"}, 4),
        ({"request": "r1"}, 0),
        ({"user": "nobody"}, 0),
    ],
)
async def test_the_report_of_filters_is_of_the_entries_that_a_list_shows(
    trail: Database, viewer: Operator, words: dict[str, str], entries: int
) -> None:
    asked, filters = AuditQuery(trail, viewer), read_filters(**words)

    async def ask() -> None:
        assert (await asked.report(filters)).entries == entries == len((await asked.page(filters)).items)

    (await watch(trail, ask())).assert_indexed()


async def test_a_report_looks_into_no_values(trail: Database, viewer: Operator) -> None:
    for filters in (AuditFilters(text="x"), AuditFilters(field="x"), read_filters(record="orders/ord_1")):
        with pytest.raises(BadRequest):
            await AuditQuery(trail, viewer).report(filters)


async def test_only_an_operator_with_a_role_asks(trail: Database) -> None:
    asked = AuditQuery(trail, Operator("nobody", ()))
    for question in (asked.page(AuditFilters()), asked.report(AuditFilters()), asked.entry("4th")):
        with pytest.raises(NotPermitted):
            await question
    with pytest.raises(NotPermitted):
        asked.follow(AuditFilters())
