"""The forms in which records hold a day: as such, or as a time in it, with an offset or without, or a BSON date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.clock import day_start
from services.paging import above, below

_ONE = timedelta(days=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_BLANKS = {"$gt": "", "$lt": " 2"}
"""Text that begins with blanks other than one space before a year."""
_FIRST, _AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_LAST_BLANK = " 2100-01-02"
ANY_DAY: tuple[dict[str, Any], ...] = (
    {"$gte": _FIRST, "$lt": _AFTER}, {"$gt": "1999-12-31", "$lt": "2100-01-02"}, {"$gt": "", "$lt": _LAST_BLANK}
)  # fmt: skip
"""What a stored value can be that is of some day: as `day_ranges`, of all the years that `read_day` reads."""
NO_DAY: tuple[dict[str, Any], ...] = (
    {"$gte": _EARLIEST, "$lt": _FIRST}, {"$gte": _AFTER}, {"$gte": "2100-01-02"},
    {"$gte": _LAST_BLANK, "$lte": "1999-12-31"}, {"$gte": "", "$lte": ""},
)  # fmt: skip
"""All other text and dates."""
NO_LIST: dict[str, Any] = {"delivery_date": {"$not": {"$type": "array"}}}
"""A list says no day, but the server compares each of its elements.

It stands beside the ranges: inside, it keeps the server from merging what indexes give in order.
"""


def day_ranges(first: date | None, last: date | None) -> list[dict[str, Any]]:
    """What a stored value can be that is of these days in India, both included, in ranges of one type each.

    None is no end. Which values are is said by `read_day`: with its offset a time can be written under the day before
    or after. The plain days before and after are left out. Blanks before a day put it below all others: those of a
    single space stand in their order, of any others all are in. `NO_LIST` belongs to them.
    """
    dates = {"$gte": day_start(first) if first else _EARLIEST}
    texts = {"$gt": str(first - _ONE)} if first else {"$gte": ""}
    spaced = [{"$gt": f" {first - _ONE}", "$lt": f" {last + 2 * _ONE}" if last else "!"}, _BLANKS] if first else []
    if last is None:
        return [dates, texts, *spaced]
    after = str(last + _ONE)
    return [
        {**dates, "$lt": day_start(last + _ONE)},
        {"$gt": after, "$lt": str(last + 2 * _ONE)},
        {**texts, "$lt": after},
        *spaced,
    ]


def of_no_day(value: object) -> bool:
    """Whether a stored text or date is in `NO_DAY`."""
    if isinstance(value, str):
        return not ("1999-12-31" < value < "2100-01-02" or "" < value < _LAST_BLANK)
    if isinstance(value, datetime):
        return not _FIRST <= (value if value.tzinfo else value.replace(tzinfo=UTC)) < _AFTER
    return True  # a date that Python cannot hold


def ranges_beyond(
    ranges: Sequence[dict[str, Any]], said: object, key: object, *, falling: bool
) -> list[dict[str, Any]]:
    """The conditions, by `delivery_date` and `_id` falling or rising, of standing in these ranges behind a record.

    `said` is what it says as its day, text or a date; in the server's order a text stands below every date.
    """
    way, of_id = ("$lt", below(key)) if falling else ("$gt", above(key))
    dated = not isinstance(said, str)
    found: list[dict[str, Any]] = [{"delivery_date": said, **of_id}]
    for values in ranges:
        low = values.get("$gte", values.get("$gt"))
        if isinstance(low, datetime) == dated:
            found.append({"$and": [{"delivery_date": values}, {"delivery_date": {way: said}}]})
        elif dated == falling:
            found.append({"delivery_date": values})
    return found
