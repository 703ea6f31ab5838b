"""Subscriptions as stored: what is delivered without an order, in the spellings of two versions of the backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.clock import read_day
from services.money import exact
from services.records.fields import first, first_filled, identity, mappings, text, word
from services.records.findings import Finding

STATUSES = ("draft", "active", "paused", "stopped")
MODES = ("fixed_daily", "weekly_pattern", "day_by_day", "irregular", "one_time")
LARGEST_QUANTITY = Decimal(100_000)
"""A quantity above this is taken for a slip of the keyboard."""
_WEEK = range(7)


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
    quantity = read_quantity(first(document, "default_qty", "quantity"))
    if quantity is None and mode in ("fixed_daily", "weekly_pattern", "one_time"):
        found["quantity-unreadable"] = "the quantity is missing or no number"
    product = identity(first_filled(document, "product_id", "productId"))
    if product is None:
        found["product-missing"] = "it names no product"
    return Subscription(
        key=document.get("_id"),
        id=identity(document.get("id")),
        customer_id=read_customer_id(document),
        product_id=product,
        price_per_unit=exact(document.get("price_per_unit")),
        mode=mode,
        quantity=quantity,
        weekdays=_weekdays(document.get("weekly_pattern"), found),
        overrides=_by_day(document.get("day_overrides"), found),
        irregular=_by_day(document.get("irregular_list"), found),
        pauses=_pauses(document.get("pause_intervals"), found),
        stop_date=_day(document, found, "stop_date"),
        start_date=_day(document, found, "start_date", "startDate"),
        end_date=_day(document, found, "end_date", "endDate"),
        status=status,
        findings=tuple(Finding(code, message) for code, message in found.items()),
    )


def read_customer_id(document: Mapping[str, Any]) -> str | None:
    """Whom a stored subscription names."""
    return identity(first_filled(document, "customer_id", "customerId"))


def read_quantity(value: object) -> Decimal | None:
    """A quantity from 0 to the largest believable one, None for anything else."""
    number = exact(value)
    return number if number is not None and 0 <= number <= LARGEST_QUANTITY else None


def _day(document: Mapping[str, Any], found: dict[str, str], *names: str) -> date | None:
    stored = first(document, *names)
    if stored is None or stored == "":
        return None
    if (day := read_day(stored)) is None:
        found[f"{names[0].replace('_', '-')}-unreadable"] = f"{names[0]} is {stored!r}, which is not a day"
    return day


def _weekdays(stored: object, found: dict[str, str]) -> frozenset[int]:
    numbers = [exact(each) for each in stored] if isinstance(stored, list) else [None] * (stored is not None)
    known = frozenset(int(number) for number in numbers if number is not None and number in _WEEK)
    if any(number is None or number not in _WEEK for number in numbers):
        found["weekday-unreadable"] = f"weekly_pattern is {text(str(stored))[:60]}; its days are 0 (Monday) to 6"
    return known


def _by_day(stored: object, found: dict[str, str]) -> Mapping[date, Decimal | None]:
    """Quantities by day; of two entries for a day the first counts."""
    quantities: dict[date, Decimal | None] = {}
    for entry in mappings(stored):
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


def _pauses(stored: object, found: dict[str, str]) -> tuple[Pause, ...]:
    pauses = []
    for interval in mappings(stored):
        start, end = read_day(interval.get("start")), interval.get("end")
        if start is None:
            found["pause-unreadable"] = f"a pause begins on {interval.get('start')!r}, which is not a day"
            continue
        last = None if end is None or end == "" else read_day(end)
        if last is None and end:
            found["pause-end-unreadable"] = f"a pause ends on {end!r}, which is not a day; it counts as open"
        pauses.append(Pause(start, last))
    return tuple(pauses)
