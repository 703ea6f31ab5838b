"""Subscriptions: who gets what, how much of it, and from when to when."""

from __future__ import annotations

from datetime import date

from services.billing.charge import HIGHEST_QUANTITY, believable_quantity
from services.clock import read_day
from services.money import exact
from services.records.fields import text
from services.validation.customer import named_customer
from services.validation.days import not_past, unreadable
from services.validation.lookups import Lookups
from services.validation.result import Result, accepted, quoted, refused


class SubscriptionValidator:
    """Five validators; `today` is the calendar day in India."""

    def __init__(self, lookups: Lookups, today: date) -> None:
        self._lookups = lookups
        self._today = today

    async def customer_exists(self, customer_id: object) -> Result:
        """A customer has that id, or is the only one of the user who has it."""
        _, result = await named_customer(self._lookups, customer_id)
        return result

    async def product_exists(self, product_id: object) -> Result:
        """The product is in the catalogue."""
        product = await self._lookups.first("products", product_id)
        if product is None:
            words = f"There is no product {quoted(product_id)} in the catalogue."
            return refused("product-unknown", "product_id", product_id, words)
        return accepted("product_id", product_id, f"It is {quoted(text(product.get('name')))}.")

    async def quantity(self, value: object) -> Result:
        """Above 0 and believable, as of an order's item."""
        if not believable_quantity(exact(value)):
            words = f"{quoted(value)} is not a number above 0 and up to {HIGHEST_QUANTITY:,}."
            return refused("quantity-invalid", "default_qty", value, words)
        return accepted("default_qty", value, "It is above 0.")

    async def start_date(self, value: object) -> Result:
        """A day from today on."""
        return not_past("start_date", value, self._today)

    async def end_date(self, start: object, end: object) -> Result:
        """A day after the first one; a subscription without an end goes on."""
        field, first, last = "end_date", read_day(start), read_day(end)
        if end is None:
            return accepted(field, end, "It has no end.")
        if first is None or last is None:
            return unreadable(field, start if first is None else end)
        if last <= first:
            return refused("end-before-start", field, end, f"The end, {last}, is not after the start, {first}.")
        return accepted(field, end, "It is after the start.")
