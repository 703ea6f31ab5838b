"""The forms in which records hold a day: as such, or as a time in it, with an offset or without, or a BSON date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.clock import day_start
from services.paging import below

_ONE = timedelta(days=1)
_SINGLE = {"$not": {"$type": "array"}}
"""A list says no day, but the server compares each of its elements."""


def day_ranges(day: date) -> list[dict[str, Any]]:
    """What a stored value can be that is of that day in India, in ranges, the highest first in the server's order.

    Which values are is said by `read_day`: with its offset a time can be written under the day before or after. The
    plain days before and after are left out.
    """
    texts = [str(day + _ONE * number) for number in (-1, 0, 1, 2)]
    return [
        {"$gte": day_start(day), "$lt": day_start(day + _ONE), **_SINGLE},
        {"$gt": texts[2], "$lt": texts[3], **_SINGLE},
        {"$gte": texts[1], "$lt": texts[2], **_SINGLE},
        {"$gt": texts[0], "$lt": texts[1], **_SINGLE},
    ]


def day_ranges_below(day: date, said: str | datetime, key: object) -> list[dict[str, Any]]:
    """The conditions, by `delivery_date` and `_id` falling, of standing below a record of that day."""
    said = said.replace(tzinfo=UTC) if isinstance(said, datetime) else said
    found: list[dict[str, Any]] = [{"delivery_date": {"$eq": said, **_SINGLE}, **below(key)}]
    for values in day_ranges(day):
        low, high = values.get("$gte", values.get("$gt")), values["$lt"]
        if isinstance(low, datetime) == isinstance(said, datetime):
            high = min(high, said)
            if low < high:
                found.append({"delivery_date": {**values, "$lt": high}})
        elif isinstance(said, datetime):  # a text stands below every date
            found.append({"delivery_date": values})
    return found
