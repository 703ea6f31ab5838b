"""The month in which an order is billed."""

from __future__ import annotations

from datetime import date

from services.clock import india_day, month_of
from services.records.orders import Order


def delivery_day(order: Order) -> date | None:
    """The day in India on which the order was delivered; without a readable time, the scheduled day."""
    return india_day(order.delivered_at) if order.delivered_at else order.delivery_date


def billing_month(order: Order) -> str | None:
    """A valid `billed_month` that the order already has, else the month in India of its delivery."""
    if order.billed_month:
        return order.billed_month
    day = delivery_day(order)
    return month_of(day) if day else None
