"""What an order list is narrowed to: as a person says it, and as the queries take it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, get_args

from services.clock import parse_day, read_day
from services.database import Document
from services.errors import BadRequest
from services.records.days import day_ranges
from services.records.orders import (
    DELIVERED_STATUSES,
    PLAINLY_SUBSCRIPTION,
    known_statuses,
    read_status,
)
from services.typed import LONGEST_QUERY

Sort: TypeAlias = Literal["newest", "oldest", "due-last", "due-first"]
SORTS: tuple[Sort, ...] = get_args(Sort)
_ONE_TIME: Document = {
    "order_type": {"$nin": list(PLAINLY_SUBSCRIPTION)},
    "$nor": [{"order_type": None, "subscription_id": {"$gt": ""}}],
}
"""What surely is a subscription's is left out by the server; the rest is told apart order by order."""


@dataclass(frozen=True)
class OrderFilters:
    """What an order list is narrowed to; days are the scheduled ones, both included."""

    status: str | None = None
    start: date | None = None
    end: date | None = None
    unbilled: bool = False
    """One-time orders that were delivered and have neither the billed flag nor a billing record."""
    area: str | None = None
    """The beginning of the area of the order's customer, in any case."""
    delivery_boy: str | None = None
    """Whom the order itself names: an id, or the beginning of a name."""
    needs_review: bool = False
    """Orders that the billing fix leaves to a person."""
    sort: Sort | None = None
    """None is the natural order of what is asked for."""

    @property
    def owed(self) -> bool:
        """Whether only orders can fit that were delivered, are one-time and lack the billed flag."""
        return self.unbilled or self.needs_review

    def statuses(self) -> Collection[str] | None:
        """The statuses that fit, each in one spelling; None for any.

        Raises BadRequest for a status that is none.
        """
        wanted: tuple[str, ...] | None = DELIVERED_STATUSES if self.owed else None
        if not self.status:
            return wanted
        status = read_status(self.status)
        if status not in known_statuses():
            names = ", ".join(known_statuses())
            raise BadRequest("unknown-status", f"{self.status[:40]!r} is no status; the statuses are {names}.")
        return (status,) if wanted is None or status in wanted else ()

    def days(self) -> list[Document] | None:
        """What the scheduled day can be, as ranges of stored values; None for anything.

        Raises BadRequest for a range that ends before it starts.
        """
        if self.start and self.end and self.start > self.end:
            raise BadRequest("bad-range", "The first day is after the last.")
        return day_ranges(self.start, self.end) if self.start or self.end else None

    def fit(self, document: Document) -> bool:
        """Whether an order's status and day are those asked for, whatever their spellings; the server's answer may
        hold others.
        """
        statuses = self.statuses()
        if statuses is not None and read_status(document.get("status")) not in statuses:
            return False
        if not (self.start or self.end):
            return True
        day = read_day(document.get("delivery_date"))
        return day is not None and (self.start or day) <= day <= (self.end or day)

    def flags(self) -> list[Document]:
        """The conditions of what is still to be billed."""
        return [{"billed": {"$ne": True}}, _ONE_TIME] if self.owed else []


@dataclass(frozen=True)
class Search:
    """A search in the words that were typed, so that a kept one still says `today` tomorrow."""

    query: str = ""
    status: str = ""
    first_day: str = ""
    last_day: str = ""
    area: str = ""
    delivery_boy: str = ""
    unbilled: bool = False
    needs_review: bool = False
    sort: str = ""

    def filters(self) -> OrderFilters:
        """The filters that these words mean.

        Raises BadRequest for a day that is none, and for a sort that is none.
        """
        return OrderFilters(
            status=self.status.strip() or None,
            start=parse_day(self.first_day, "first day") if self.first_day.strip() else None,
            end=parse_day(self.last_day, "last day") if self.last_day.strip() else None,
            unbilled=self.unbilled,
            area=_short(self.area, "area"),
            delivery_boy=_short(self.delivery_boy, "delivery person"),
            needs_review=self.needs_review,
            sort=read_sort(self.sort),
        )

    def words(self) -> str:
        """The search in one line, for a list of kept ones."""
        named = (("status", self.status), ("from", self.first_day), ("to", self.last_day), ("area", self.area),
                 ("person", self.delivery_boy), ("sort", self.sort))  # fmt: skip
        parts = [f'"{self.query}"'] if self.query else []
        parts += [f"{name} {value}" for name, value in named if value]
        parts += ["unbilled"] if self.unbilled else []
        parts += ["needs review"] if self.needs_review else []
        return ", ".join(parts) or "all orders"


def read_sort(text: str) -> Sort | None:
    """A sort that a person typed; nothing is the natural one.

    Raises BadRequest for a word that is none.
    """
    word = text.strip().lower()
    for sort in SORTS:
        if word == sort:
            return sort
    if word:
        raise BadRequest("unknown-sort", f"{text[:40]!r} is no sort; the sorts are {', '.join(SORTS)}.")
    return None


def _short(text: str, what: str) -> str | None:
    words = text.strip()
    if len(words) > LONGEST_QUERY:
        raise BadRequest("query-too-long", f"The {what} has at most {LONGEST_QUERY} characters.")
    return words or None
