from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from services.clock import (
    day_start,
    days_between,
    format_moment,
    india_day,
    month_of,
    parse_day,
    parse_moment,
    parse_month,
    read_day,
    read_month,
    read_timestamp,
    to_stored,
)
from services.errors import BadRequest

MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
DAYS = st.dates(date(2000, 1, 2), date(2099, 12, 30))


@given(MOMENTS)
def test_what_is_stored_reads_back_as_the_same_moment(moment: datetime) -> None:
    assert read_timestamp(to_stored(moment)) == moment
    assert to_stored(moment).endswith("+00:00")


@given(MOMENTS, MOMENTS)
def test_stored_times_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    assert (to_stored(one) < to_stored(other)) == (one < other)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_an_offset_changes_the_notation_and_not_the_moment(moment: datetime, minutes: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert read_timestamp(elsewhere.isoformat()) == moment
    assert read_timestamp(elsewhere) == moment


@given(DAYS)
def test_a_day_in_india_begins_half_past_six_the_evening_before_in_utc(day: date) -> None:
    start = day_start(day)
    assert india_day(start) == day
    assert india_day(start - timedelta(microseconds=1)) == day - timedelta(days=1)
    assert (start.hour, start.minute) == (18, 30)


@given(DAYS, DAYS)
def test_a_range_of_days_includes_its_last(start: date, end: date) -> None:
    first, after = days_between(start, end)
    assert first is not None
    assert after is not None
    assert (india_day(first), india_day(after - timedelta(microseconds=1))) == (start, end)


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.binary() | st.lists(st.text()))
def test_nothing_stored_breaks_the_reading_of_times(value: Any) -> None:
    moment = read_timestamp(value)
    assert moment is None or moment.tzinfo is not None
    read_day(value)
    read_month(value)


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1999-12-31", DatetimeMS(10**17), 5, "soon"]
)
def test_an_absurd_time_is_none(value: object) -> None:
    assert read_timestamp(value) is None


def test_a_morning_delivery_on_the_first_belongs_to_the_new_month_in_india() -> None:
    moment = read_timestamp("2026-10-31T20:00:00.000000+00:00")
    assert moment is not None
    assert month_of(india_day(moment)) == "2026-11"
    assert read_day("2026-10-31T20:00:00") == date(2026, 11, 1)
    assert format_moment(moment) == "2026-11-01 01:30"


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "05-11-2026", "", "2026-11-5", "next day", "٢٠٢٦-11-05"])
def test_a_malformed_day_is_told(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_day(text)
    assert refusal.value.exit_status == 2


def test_days_and_months_that_people_type() -> None:
    assert parse_day(" 2026-11-05 ") == date(2026, 11, 5)
    assert parse_day("today") - parse_day("Yesterday") == timedelta(days=1)
    assert parse_month("2026-11") == "2026-11"


@pytest.mark.parametrize("text", ["2026-13", "2026", "2026-1", "1999-01"])
def test_a_malformed_month_is_told(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_month(text)


def test_a_typed_time_is_in_india_unless_it_says_otherwise() -> None:
    assert parse_moment("2026-11-05T06:12") == datetime(2026, 11, 5, 0, 42, tzinfo=UTC)
    assert parse_moment("2026-11-05T06:12+00:00") == datetime(2026, 11, 5, 6, 12, tzinfo=UTC)
    assert india_day(parse_moment("6:12")) == parse_day("today")


@pytest.mark.parametrize("text", ["25:00", "noon", "", "0001-01-01T00:00"])
def test_a_malformed_time_is_told(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_moment(text)


def test_the_days_around_today_have_names_and_a_day_out_of_reach_is_told_as_such() -> None:
    today = date(2026, 11, 30)
    named = [parse_day(word, today=today).isoformat() for word in ("yesterday", " Today", "TOMORROW")]
    assert named == ["2026-11-29", "2026-11-30", "2026-12-01"]
    for far in ("9999-12-31", "1999-12-31"):
        with pytest.raises(BadRequest, match="outside the years 2000 to 2099"):
            parse_day(far)
    with pytest.raises(BadRequest, match="is not a day"):
        parse_day("2026-02-31")
