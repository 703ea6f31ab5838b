"""Billing: whether an order may be entered into the bills, once and in its month."""

from __future__ import annotations

from datetime import date

from services.billing.charge import Undecided, believable_amount
from services.clock import month_of, read_month
from services.money import exact
from services.records.fields import flag, identity
from services.records.orders import DELIVERED_STATUSES, read_status
from services.validation.lookups import Lookups
from services.validation.result import Result, accepted, quoted, refused


class BillingValidator:
    """Five validators; `today` is the calendar day in India."""

    def __init__(self, lookups: Lookups, today: date) -> None:
        self._lookups = lookups
        self._today = today

    async def order_exists(self, order_id: object) -> Result:
        """There is one order of that id."""
        if identity(order_id) is None:
            return refused("id-missing", "order_id", order_id, "The order has no id; nothing can refer to it.")
        found = await self._lookups.find("orders", "id", order_id)
        if not found:
            return refused("unknown-order", "order_id", order_id, f"There is no order {quoted(order_id)}.")
        if len(found) > 1:
            return refused("id-duplicate", "order_id", order_id, "More than one order has that id.")
        return accepted("order_id", order_id, "There is one order of that id.")

    async def order_delivered(self, order_id: object) -> Result:
        """Goods reached the customer, all or some, in any spelling of the status."""
        order = await self._lookups.first("orders", order_id)
        if order is None:
            return await self.order_exists(order_id)
        status = order.get("status")
        if read_status(status) not in DELIVERED_STATUSES:
            return refused("not-delivered", "status", status, f"The status {quoted(status)} is not that of a delivery.")
        return accepted("status", status, "It was delivered.")

    async def not_billed(self, order_id: object) -> Result:
        """Neither a billing record nor the flag says that it is billed; the record goes before the flag."""
        order = await self._lookups.first("orders", order_id)
        if order is None:
            return await self.order_exists(order_id)
        bills = await self._lookups.find("billing_records", "order_id", order_id)
        if bills:
            names = [identity(bill.get("id")) or str(bill["_id"]) for bill in bills]
            return refused("already-billed", "order_id", names, "The order has a billing record.")
        if flag(order.get("billed")):
            words = "The order is flagged billed, but has no record; the billing bills it only when told to."
            return refused("flagged-no-record", "billed", True, words)
        return accepted("billed", order.get("billed"), "There is neither a record nor the flag.")

    async def amount(self, rupees: object) -> Result:
        """A number of rupees above 0 that one order can cost."""
        amount = believable_amount(exact(rupees))
        if isinstance(amount, Undecided):
            return refused(amount.code, "amount", rupees, amount.message)
        return accepted("amount", rupees, "It is above 0 and believable.")

    async def month(self, order_id: object, month: object, bill: object = None) -> Result:
        """A `YYYY-MM` that has begun, and no record of the order beside `bill`, the `_id` of the one asked about."""
        read = read_month(month)
        if month is None:
            words = "There is no billing month: neither the time nor the day of the delivery can be read."
            return refused("no-delivery-month", "month", month, words)
        if read is None:
            return refused("month-malformed", "month", month, f"{quoted(month)} is not a month; write YYYY-MM.")
        if read > month_of(self._today):
            return refused("month-in-future", "month", month, f"The billing month {read} has not begun yet.")
        others = [each for each in await self._lookups.find("billing_records", "order_id", order_id)
                  if bill is None or each["_id"] != bill]  # fmt: skip
        if others:
            months = ", ".join(quoted(each.get("month")) for each in others[:3])
            return refused("bill-duplicate", "month", month, f"The order has a billing record already, in {months}.")
        return accepted("month", month, "It has begun, and no other record bills the order.")
