"""Days that are still to come."""

from __future__ import annotations

from datetime import date, timedelta

from services.clock import read_day
from services.validation.result import Result, accepted, quoted, refused, warned

_FAR = timedelta(days=365)


def unreadable(field: str, value: object) -> Result:
    """What is no day of the calendar."""
    return refused("date-unreadable", field, value, f"{quoted(value)} is not a day; write YYYY-MM-DD.")


def not_past(field: str, value: object, today: date) -> Result:
    """A day from today on; a warning where it is more than a year ahead."""
    day = read_day(value)
    if day is None:
        return unreadable(field, value)
    if day < today:
        return refused("date-past", field, value, f"{day} is over; today is {today}.")
    if day - today > _FAR:
        return warned("date-far", field, value, f"{day} is more than a year ahead.")
    return accepted(field, value, f"{day} is not in the past.")
