"""Orders: whose they are, what is in them, where and when they go, and what they cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from services.billing.charge import Undecided, believable_quantity, ordered_line, stated_charge
from services.errors import Refused
from services.records.days import day_ranges
from services.records.fields import first, identity
from services.records.orders import (
    OPEN_STATUSES,
    Order,
    known_statuses,
    read_items,
    read_order,
    status_spellings,
)
from services.validation.customer import named_customer
from services.validation.days import not_past
from services.validation.lookups import Lookups
from services.validation.result import Result, accepted, quoted, refused, warned
from services.validation.values import ValidationUtils

MOST_OF_A_DAY = 1_000
"""Orders of one customer for one day that are compared; only broken data has more."""
_COMPARED = dict.fromkeys(("id", "order_type", "subscription_id", "status", "delivery_date"), 1)
# An open order may be spelled in any way: what is left out is what surely is over.
_PLAINLY_OVER = [
    spelling for status in known_statuses() if status not in OPEN_STATUSES for spelling in status_spellings(status)
]
PAYMENT_METHODS = ("CASH", "CARD", "UPI", "NETBANKING", "WALLET", "PAYPAL", "GOOGLE_PAY", "APPLE_PAY")


class OrderValidator:
    """Eight validators; `today` is the calendar day in India."""

    def __init__(self, lookups: Lookups, today: date) -> None:
        self._lookups = lookups
        self._today = today

    async def customer_exists(self, customer_id: object, user_id: object) -> Result:
        """Exactly one customer is the order's, by any of the meanings of its two fields."""
        _, result = await named_customer(self._lookups, customer_id, user_id)
        return result

    async def user_matches_customer(self, customer_id: object, user_id: object) -> Result:
        """The order's user is the customer's: by either of the two links between them."""
        field = "user_id"
        customer, _ = await named_customer(self._lookups, customer_id, user_id)
        if customer is None:
            return refused("customer-missing", field, user_id, "There is no customer whose user it could be.")
        name = identity(user_id)
        if name is None:
            return warned("user-missing", field, user_id, "The order names no user; the customer is known without.")
        user = await self._lookups.first("users", name)
        if name == customer.user_id or (user and identity(user.get("customer_v2_id")) == customer.id):
            return accepted(field, user_id, "It is the customer's user.")
        if user is None:
            return refused("user-unknown", field, user_id, f"There is no user {quoted(name)}.")
        if customer.user_id or identity(user.get("customer_v2_id")):
            return refused("user-mismatch", field, user_id, "The order's user is linked to another customer.")
        words = "User and customer are not linked to each other; the backfill link-users-customers can do it."
        return warned("user-not-linked", field, user_id, words)

    async def items(self, items: object) -> Result:
        """At least one item, each with a quantity above 0 and a price of 0 or more, or a total where it has none."""
        lines = read_items({"items": items})
        if not lines:
            return refused("items-missing", "items", items, "The order has no items.")
        for number, line in enumerate(lines):
            if ordered_line(line) is not None:
                continue
            if not believable_quantity(line.quantity):
                code, name, told = "item-quantity", "quantity", "quantity above 0"
            else:
                code, name, told = "item-price", "price", "price of 0 or more"
            stored = items[number] if isinstance(items, list) else None
            return refused(code, f"items.{number}.{name}", stored, f"Item {number + 1} has no {told} that is a number.")
        several = "The one item has" if len(lines) == 1 else f"There are {len(lines):,} items, each with"
        return accepted("items", len(lines), f"{several} a quantity and a price.")

    async def address(self, address_id: object, owners: Collection[str | None]) -> Result:
        """The address is there, and belongs to one of the ids under which the customer is known."""
        field = "address_id"
        name = identity(address_id)
        if name is None:
            return refused("address-missing", field, address_id, "The order names no address.")
        address = await self._lookups.first("addresses", name)
        if address is None:
            return refused("address-unknown", field, address_id, f"There is no address {quoted(name)}.")
        owner = identity(address.get("user_id"))
        if owner is None or owner not in owners:
            return refused("address-foreign", field, address_id, "The address belongs to somebody else.")
        return accepted(field, address_id, "The address is the customer's.")

    async def delivery_date(self, value: object) -> Result:
        """A day from today on."""
        return not_past("delivery_date", value, self._today)

    async def total(self, document: Mapping[str, Any]) -> Result:
        """The amount of an order as stored: above 0, believable, and equal to its items to the paisa."""
        stored = first(document, "total_amount", "total")
        outcome = stated_charge(read_order(document))
        if isinstance(outcome, Undecided):
            return refused(outcome.code, "total_amount", stored, outcome.message)
        return accepted("total_amount", stored, "The items come to it.")

    async def payment_method(self, value: object) -> Result:
        """One that is supported, in any spelling."""
        result = await ValidationUtils.enum_value("payment_method", value, PAYMENT_METHODS)
        if not result.ok:
            return refused("payment-unsupported", result.field, value, result.message)
        return result

    async def no_duplicate(self, order: Order, owners: Collection[str | None], beside: Collection[str] = ()) -> Result:
        """No other open order of the customer for that day: one of the same kind, and of the same subscription.

        Those named in `beside` are known, and the order is meant beside them.
        """
        field, day = "delivery_date", order.delivery_date
        if day is None or not any(owners):
            return refused("date-unreadable", field, day, "Without a customer and a day no other order can be told.")
        try:
            others = await self.open_beside(order, owners)
        except Refused as error:
            return refused(error.code, field, day, error.message)
        for other in others:
            if other not in beside:
                words = f"{other} is open for the same customer and day; change that one, or cancel one of them."
                return refused("order-duplicate", field, day, words)
        return accepted(field, day, "The customer has no other such order open for that day.")

    async def open_beside(self, order: Order, owners: Collection[str | None]) -> tuple[str, ...]:
        """The ids of the other open orders of the customer that are for the order's day, and of its kind.

        Raises Refused where the customer has too many orders for that day to tell.
        """
        names = [name for name in owners if name]
        day = order.delivery_date
        days = [{"delivery_date": values} for values in day_ranges(day, day)] if day else []
        found: dict[str, None] = {}
        for name in ("customer_id", "user_id") if names and days else ():
            condition = {name: {"$in": names}, "status": {"$nin": _PLAINLY_OVER}, "$or": days}
            stored = await self._lookups.matching("orders", condition, _COMPARED, MOST_OF_A_DAY + 1)
            if len(stored) > MOST_OF_A_DAY:
                words = f"The customer has more than {MOST_OF_A_DAY:,} orders for {day} that are not over; close those"
                raise Refused("too-many-orders", f"{words} that are, so that the others can be compared.")
            for other in map(read_order, stored):
                alike = (other.kind, other.subscription_id) == (order.kind, order.subscription_id)
                still_open = other.status in OPEN_STATUSES and other.delivery_date == day
                if alike and still_open and other.key != order.key:
                    found[other.id or str(other.key)] = None
        return tuple(found)
