"""Times: UTC in storage, Asia/Kolkata for people and for the billing calendar."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.errors import BadRequest

Clock = Callable[[], datetime]

INDIA = ZoneInfo("Asia/Kolkata")
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY_LENGTH = len("YYYY-MM-DD")
_BEGINS_WITH_DAY = re.compile(rf"[\t-\r\x1c-\x20]*{_DAY.pattern}", re.ASCII)
_NEAR = {"yesterday": -1, "today": 0, "tomorrow": 1}


def utc_now() -> datetime:
    """The clock of a running console."""
    return datetime.now(UTC)


@lru_cache(maxsize=16)  # a batch writes one moment a thousand times
def to_stored(moment: datetime) -> str:
    """The form that the backend reads: microseconds and +00:00, never Z, so that strings sort as times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_timestamp(value: object) -> datetime | None:
    """A stored time in any form, aware in UTC; a naive one is UTC, the server's clock. None where unreadable."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    else:
        return None
    try:
        # To put the parts together takes a fifth of the time of `replace`, and there are millions.
        naive = moment.tzinfo is None
        moment = datetime.combine(moment.date(), moment.time(), UTC) if naive else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return moment if 2000 <= moment.year < 2100 else None


def read_day(value: object) -> date | None:
    """A stored `YYYY-MM-DD`, or the India date of a stored time that begins so; None where unreadable.

    Other notations of ISO 8601, and blanks beyond ASCII before it, say no day: an index by day has them elsewhere.
    """
    if isinstance(value, str) and not _BEGINS_WITH_DAY.match(value):
        return None
    if isinstance(value, str) and len(words := value.strip()) == _DAY_LENGTH:
        try:
            day = date.fromisoformat(words)
        except ValueError:
            return None
        return day if 2000 <= day.year < 2100 else None
    moment = read_timestamp(value)
    return india_day(moment) if moment else None


def read_month(value: object) -> str | None:
    """A stored billing month if it is a valid `YYYY-MM`."""
    return value if isinstance(value, str) and _MONTH.fullmatch(value) else None


def india_day(moment: datetime) -> date:
    """The calendar day in India at that moment."""
    return moment.astimezone(INDIA).date()


@lru_cache(maxsize=1024)
def month_of(day: date) -> str:
    """The billing month of a day, `YYYY-MM`."""
    return f"{day.year:04d}-{day.month:02d}"


@lru_cache(maxsize=64)
def month_days(month: str) -> tuple[date, ...]:
    """The days of a month `YYYY-MM`, in order."""
    first = date.fromisoformat(f"{month}-01")
    return tuple(first + timedelta(days=number) for number in range(monthrange(first.year, first.month)[1]))


def month_after(month: str, months: int = 1) -> str:
    """The month that many months later, or earlier.

    Raises BadRequest beyond the years that the console knows.
    """
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + months, 12)
    return parse_month(f"{year:04d}-{number + 1:02d}")


def day_start(day: date) -> datetime:
    """The first moment of that day in India, in UTC."""
    return datetime.combine(day, time.min, INDIA).astimezone(UTC)


def days_between(start: date | None, end: date | None) -> tuple[datetime | None, datetime | None]:
    """Whole days in India as a half-open UTC interval; the last day is included."""
    first = day_start(start) if start else None
    after = day_start(end + timedelta(days=1)) if end else None
    return first, after


def format_moment(moment: datetime | None) -> str:
    """A time for people, in India: `2026-11-22 06:12`."""
    return moment.astimezone(INDIA).strftime("%Y-%m-%d %H:%M") if moment else "—"


def parse_day(text: str, what: str = "date", today: date | None = None) -> date:
    """A day that a person typed; `today`, `yesterday` and `tomorrow` are understood. Raises BadRequest."""
    words = text.strip()
    if (off := _NEAR.get(words.lower())) is not None:
        return (today or india_day(utc_now())) + timedelta(days=off)
    day = read_day(words) if _DAY.fullmatch(words) else None
    if day is None:
        known = "write YYYY-MM-DD, for example 2026-11-05, or today, yesterday, tomorrow"
        problem = f"lies outside the years 2000 to 2099; {known}" if _exists(words) else f"is not a day; {known}"
        raise BadRequest("bad-date", f"The {what} {words[:40]!r} {problem}.")
    return day


def _exists(day: str) -> bool:
    """Whether the calendar has that `YYYY-MM-DD`."""
    with suppress(ValueError):
        return bool(_DAY.fullmatch(day) and date.fromisoformat(day))
    return False


def parse_month(text: str) -> str:
    """A billing month that a person typed."""
    month = read_month(text.strip())
    if month is None:
        raise BadRequest("bad-month", f"{text!r} is not a month; write YYYY-MM, for example 2026-11.")
    return month


def parse_moment(text: str, what: str = "time") -> datetime:
    """A time that a person typed: India time unless it carries an offset; `HH:MM` alone is today."""
    words = text.strip()
    if re.fullmatch(r"\d{1,2}:\d{2}", words):
        words = f"{india_day(utc_now())}T{words.zfill(5)}"
    try:
        moment = datetime.fromisoformat(words)
        moment = moment.replace(tzinfo=INDIA) if moment.tzinfo is None else moment
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        example = "2026-11-05T06:12 (India time) or 06:12 for today"
        raise BadRequest("bad-time", f"The {what} {text!r} is not a time; write {example}.") from None
