"""Subscriptions as stored: what is delivered without an order, in the spellings of two versions of the backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from services.clock import read_day
from services.money import exact
from services.records.fields import first, first_filled, identity, mappings, text, word
from services.records.findings import Finding

STATUSES = ("draft", "active", "paused", "stopped")
SHIFTS = ("morning", "evening", "both")
MODES = ("fixed_daily", "weekly_pattern", "day_by_day", "irregular", "one_time")
LARGEST_QUANTITY = Decimal(100_000)
"""A quantity above this is taken for a slip of the keyboard."""
_WEEK = range(7)
Field: TypeAlias = Literal["customer_id", "product_id", "quantity", "start_date", "end_date"]
_SPELLINGS: Mapping[Field, tuple[str, str]] = {
    "customer_id": ("customer_id", "customerId"),
    "product_id": ("product_id", "productId"),
    "quantity": ("default_qty", "quantity"),
    "start_date": ("start_date", "startDate"),
    "end_date": ("end_date", "endDate"),
}
"""The fields that two versions of the backend call by different names."""
_REFERENCES = ("customer_id", "product_id")


@dataclass(frozen=True, slots=True)
class Pause:
    """Days without delivery, both ends among them; without an end it is for ever."""

    start: date
    end: date | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A document of `subscriptions_v2`; a quantity is None where it is missing or no number of pieces."""

    key: Any
    id: str | None
    customer_id: str | None
    """As stored: it may be a user's id."""
    product_id: str | None
    price_per_unit: Decimal | None
    """What the document says; by the rules it is not what is charged."""
    mode: str
    shift: str
    """Empty where it is none of the known ones."""
    quantity: Decimal | None
    weekdays: frozenset[int]
    """Monday is 0."""
    overrides: Mapping[date, Decimal | None]
    irregular: Mapping[date, Decimal | None]
    pauses: tuple[Pause, ...]
    stop_date: date | None
    start_date: date | None
    end_date: date | None
    status: str
    findings: tuple[Finding, ...]


def read_subscription(document: Mapping[str, Any]) -> Subscription:
    """Parse a stored subscription; never raises. What cannot be read counts for nothing, and is a finding."""
    found: dict[str, str] = {}
    status, mode = word(document.get("status")).lower(), word(document.get("mode")).lower()
    if status not in STATUSES:
        found["status-unknown"] = f"the status {document.get('status')!r} is not known"
    if mode not in MODES:
        found["mode-unknown"] = f"the mode {document.get('mode')!r} is not known, so no day has a quantity by rule"
    quantity = read_quantity(stored(document, "quantity"))
    product = identity(stored(document, "product_id"))
    if quantity is None and mode in ("fixed_daily", "weekly_pattern", "one_time"):
        found["quantity-unreadable"] = "the quantity is missing or no number"
    if product is None:
        found["product-missing"] = "it names no product"
    return Subscription(
        key=document.get("_id"),
        id=identity(document.get("id")),
        customer_id=read_customer_id(document),
        product_id=product,
        price_per_unit=exact(document.get("price_per_unit")),
        mode=mode,
        shift=read_shift(document.get("shift")),
        quantity=quantity,
        weekdays=_weekdays(document.get("weekly_pattern"), found),
        overrides=_by_day(document.get("day_overrides"), found),
        irregular=_by_day(document.get("irregular_list"), found),
        pauses=_pauses(document.get("pause_intervals"), found),
        stop_date=_day(document.get("stop_date"), found, "stop_date"),
        start_date=_day(stored(document, "start_date"), found, "start_date"),
        end_date=_day(stored(document, "end_date"), found, "end_date"),
        status=status,
        findings=tuple(Finding(code, message) for code, message in found.items()),
    )


def stored(document: Mapping[str, Any], field: Field) -> Any:
    """What a stored subscription holds in a field, under either of its names."""
    read = first_filled if field in _REFERENCES else first
    return read(document, *_SPELLINGS[field])


def read_customer_id(document: Mapping[str, Any]) -> str | None:
    """Whom a stored subscription names."""
    return identity(stored(document, "customer_id"))


def read_shift(value: object) -> str:
    """A stored shift in one spelling; empty where it is none."""
    shift = word(value).lower()
    return shift if shift in SHIFTS else ""


def read_quantity(value: object) -> Decimal | None:
    """A quantity from 0 to the largest believable one, None for anything else."""
    number = exact(value)
    return number if number is not None and 0 <= number <= LARGEST_QUANTITY else None


def _day(value: object, found: dict[str, str], name: str) -> date | None:
    if value is None or value == "":
        return None
    if (day := read_day(value)) is None:
        found[f"{name.replace('_', '-')}-unreadable"] = f"{name} is {value!r}, which is not a day"
    return day


def _weekdays(value: object, found: dict[str, str]) -> frozenset[int]:
    numbers = [exact(each) for each in value] if isinstance(value, list) else [None] * (value is not None)
    known = frozenset(int(number) for number in numbers if number is not None and number in _WEEK)
    if any(number is None or number not in _WEEK for number in numbers):
        found["weekday-unreadable"] = f"weekly_pattern is {text(str(value))[:60]}; its days are 0 (Monday) to 6"
    return known


def _by_day(value: object, found: dict[str, str]) -> Mapping[date, Decimal | None]:
    """Quantities by day; of two entries for a day the first counts."""
    quantities: dict[date, Decimal | None] = {}
    for entry in mappings(value):
        day, quantity = read_day(entry.get("date")), read_quantity(first(entry, "quantity", "qty"))
        if day is None:
            found["entry-day-unreadable"] = f"an entry is for {entry.get('date')!r}, which is not a day"
            continue
        if day in quantities:
            found["entry-twice"] = f"two entries are for {day}; the first counts"
            continue
        if quantity is None:
            found["entry-quantity-unreadable"] = f"the entry for {day} has no quantity that can be read; it counts 0"
        quantities[day] = quantity
    return quantities


def _pauses(value: object, found: dict[str, str]) -> tuple[Pause, ...]:
    pauses = []
    for interval in mappings(value):
        start, end = read_day(interval.get("start")), interval.get("end")
        if start is None:
            found["pause-unreadable"] = f"a pause begins on {interval.get('start')!r}, which is not a day"
            continue
        last = None if end is None or end == "" else read_day(end)
        if last is None and end:
            found["pause-end-unreadable"] = f"a pause ends on {end!r}, which is not a day; it counts as open"
        pauses.append(Pause(start, last))
    return tuple(pauses)
