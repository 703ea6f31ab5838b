"""Seeded chance, identities and points in time, so that the same seed always gives the same bytes.

A moment is an integer: microseconds since 1970 in UTC. No clock is read anywhere in this package.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any, TypeVar

from bson import ObjectId

T = TypeVar("T")
Doc = dict[str, Any]
Row = tuple[str, Doc]
"""A collection's name and one document for it."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
INDIA = 5 * HOUR + 30 * MINUTE
_EPOCH = date(1970, 1, 1).toordinal()


def chance(seed: int, purpose: str) -> Random:
    """A generator of its own for each purpose: a change in one part leaves the others alone."""
    return Random(f"delivery-console demo {seed} {purpose}")  # noqa: S311 - demo data, not secrets


def pick(rng: Random, choices: Sequence[T]) -> T:
    """One of `choices`, several times faster than `Random.choice`."""
    return choices[int(rng.random() * len(choices))]


def midnight(day: date) -> int:
    """The moment at which a day begins in India."""
    return (day.toordinal() - _EPOCH) * DAY - INDIA


@lru_cache(maxsize=4096)
def _day_text(days: int) -> str:
    return date.fromordinal(days + _EPOCH).isoformat()


@lru_cache(maxsize=8192)
def _minute_text(minute: int) -> str:
    days, minutes = divmod(minute, 24 * 60)
    return f"{_day_text(days)}T{minutes // 60:02d}:{minutes % 60:02d}"


def utc_text(moment: int, suffix: str = "") -> str:
    """ISO 8601 in UTC with microseconds: naive as the old backend wrote it, or with a suffix."""
    minute, rest = divmod(moment, MINUTE)
    return f"{_minute_text(minute)}:{rest // SECOND:02d}.{rest % SECOND:06d}{suffix}"


def india_text(moment: int) -> str:
    """ISO 8601 on India's clock, with its offset."""
    return utc_text(moment + INDIA, "+05:30")


def zulu_text(moment: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, as a browser writes it."""
    return utc_text(moment)[:-3] + "Z"


def bson_date(moment: int) -> datetime:
    """A date as BSON stores it: UTC, whole milliseconds."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment // 1000)


def india_day(moment: int) -> str:
    """The `YYYY-MM-DD` that a moment falls on in India."""
    return _day_text((moment + INDIA) // DAY)


@dataclass(frozen=True, slots=True)
class Day:
    """A delivery day of the data set; `age` runs from 0 (the oldest day) to 1 (today)."""

    text: str
    start: int
    age: float

    @property
    def month(self) -> str:
        """`YYYY-MM` in India."""
        return self.text[:7]


class Identities:
    """UUID strings and ObjectIds from a seed."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._machine = rng.randbytes(5)
        self._count = rng.getrandbits(16)

    def uuid(self) -> str:
        """A random (version 4) UUID in its usual writing."""
        h = f"{self._rng.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"

    def object_id(self, moment: int) -> ObjectId:
        """The ObjectId of a document created at `moment`; later calls sort later within a second."""
        self._count = (self._count + 1) & 0xFFFFFF
        return ObjectId((moment // SECOND).to_bytes(4, "big") + self._machine + self._count.to_bytes(3, "big"))
