"""The month in which an order is billed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from services.clock import india_day, month_of


class Dated(Protocol):
    """What of an order says when it was delivered, and in which month it is billed."""

    @property
    def billed_month(self) -> str | None: ...  # noqa: D102
    @property
    def delivered_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def delivery_date(self) -> date | None: ...  # noqa: D102


def delivery_day(order: Dated) -> date | None:
    """The day in India on which the order was delivered; without a readable time, the scheduled day."""
    return india_day(moment) if (moment := order.delivered_at) else order.delivery_date


def billing_month(order: Dated) -> str | None:
    """A valid `billed_month` that the order already has, else the month in India of its delivery."""
    if (month := order.billed_month) is not None:
        return month
    day = delivery_day(order)
    return month_of(day) if day else None
