"""How much a subscription delivers on a day: the rules of the business, first that applies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from services.records.subscriptions import Subscription

Rule: TypeAlias = Literal[
    "draft", "stopped", "after-stop", "paused", "irregular", "override", "weekday", "off-weekday", "in-dates",
    "outside-dates", "daily", "none",
]  # fmt: skip
"""Which rule decided about a day."""
_NOTHING = Decimal(0)


class DayQuantity(NamedTuple):
    """What is delivered on a day, and by which rule; a quantity that cannot be read is 0."""

    day: date
    quantity: Decimal
    rule: Rule


def quantity_on(subscription: Subscription, day: date) -> DayQuantity:
    """The quantity of a day.

    In this order: draft or stopped; on or after the stop date; in a pause, both ends among it; an irregular entry; an
    override; the weekday of a weekly pattern; the dates of a one-time subscription; a fixed daily one; else nothing.
    The dates of a subscription of another mode play no part in it.
    """
    rule, quantity = _decide(subscription, day)
    return DayQuantity(day, _NOTHING if quantity is None else quantity, rule)


def quantities(subscription: Subscription, days: tuple[date, ...]) -> tuple[DayQuantity, ...]:
    """The quantity of each of these days."""
    of = subscription
    if of.stop_date or of.pauses or of.irregular or of.overrides or of.mode == "one_time":
        return tuple([quantity_on(of, day) for day in days])
    return _recurring(of.status, of.mode, of.quantity, str(of.quantity), of.weekdays, days)


@lru_cache(maxsize=1024)  # most subscriptions are as many others: a month of all customers decides for each kind once
def _recurring(
    status: str, mode: str, quantity: Decimal | None, written: str, weekdays: frozenset[int], days: tuple[date, ...]
) -> tuple[DayQuantity, ...]:
    """The quantities of a subscription without exceptions; `written` tells 1.0 from 1."""
    alike = Subscription(
        key=None, id=None, customer_id=None, product_id=None, price_per_unit=None, mode=mode, shift="",
        quantity=quantity, weekdays=weekdays, overrides={}, irregular={}, pauses=(), stop_date=None,
        start_date=None, end_date=None, status=status, findings=(),
    )  # fmt: skip
    return tuple([quantity_on(alike, day) for day in days])


def _decide(subscription: Subscription, day: date) -> tuple[Rule, Decimal | None]:
    if subscription.status == "draft":
        return "draft", None
    if subscription.status == "stopped":
        return "stopped", None
    if subscription.stop_date is not None and day >= subscription.stop_date:
        return "after-stop", None
    if any(pause.start <= day and (pause.end is None or day <= pause.end) for pause in subscription.pauses):
        return "paused", None
    if day in subscription.irregular:
        return "irregular", subscription.irregular[day]
    if day in subscription.overrides:
        return "override", subscription.overrides[day]
    if subscription.mode == "weekly_pattern":
        due = day.weekday() in subscription.weekdays
        return ("weekday", subscription.quantity) if due else ("off-weekday", None)
    if subscription.mode == "one_time":
        return ("in-dates", subscription.quantity) if _in_dates(subscription, day) else ("outside-dates", None)
    return ("daily", subscription.quantity) if subscription.mode == "fixed_daily" else ("none", None)


def _in_dates(subscription: Subscription, day: date) -> bool:
    """Whether a one-time subscription is due: of a single date that is known, on that day alone."""
    start = subscription.start_date or subscription.end_date
    end = subscription.end_date or subscription.start_date
    return start is not None and end is not None and start <= day <= end
