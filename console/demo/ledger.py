"""Billing records of the orders that were billed, and the customers' payments."""

from collections.abc import Iterator
from random import Random

from console.demo.mixture import Dataset
from console.demo.moments import DAY, HOUR, MINUTE, Doc, Identities, Row, india_day, midnight, pick, utc_text
from console.demo.orders import Sale
from console.demo.people import Cast

PAID = ("unpaid",) * 5 + ("paid",) * 4 + ("partial",)
METHODS = ("upi", "UPI", "upi", "cash", "CASH", "qr_code", "UPI")


class Ledger:
    """Bills sales as the backend did, in doubles."""

    def __init__(self, dataset: Dataset, ids: Identities, rng: Random) -> None:
        self._today = midnight(dataset.until)
        self._ids = ids
        self._rng = rng

    def bill(self, sale: Sale, number: int) -> Iterator[Row]:
        """The record of a billed order.

        Trap 4: one in 25 lost its flag, one in 500 was billed twice.
        """
        assert sale.delivered is not None
        day = india_day(sale.delivered)
        moment = self._billed_at(sale.delivered, int(day[8:]))
        yield "billing_records", self._record(sale, day[:7], moment)
        if number % 500 == 11:
            yield "billing_records", self._record(sale, day[:7], moment + 3 * MINUTE)
        if number % 25 == 7:
            sale.order.pop("billed", None)
            if number % 2:
                sale.order["billed"] = False
            return
        sale.order |= {"billed": True, "billed_at": utc_text(moment), "billed_month": day[:7]}

    def _billed_at(self, delivered: int, day_of_month: int) -> int:
        """On one of the first days of the next month, or the same afternoon if that is still to come."""
        next_month = delivered + (33 - day_of_month) * DAY
        spread = int(self._rng.random() * 40 * HOUR)
        return next_month + spread if next_month + spread < self._today else delivered + 7 * HOUR

    def _record(self, sale: Sale, month: str, moment: int) -> Doc:
        return {
            "_id": self._ids.object_id(moment),
            "id": self._ids.uuid(),
            "customer_id": sale.person.customer_id,
            "order_id": sale.order["id"],
            "month": month,
            "items_count": len(sale.lines),
            "amount": sale.amount,
            "status": "pending",
            "payment_status": pick(self._rng, PAID),
            "created_at": utc_text(moment),
            "due_date": india_day(moment + 7 * DAY),
            "order_type": "one_time",
            "items": sale.order["items"],
            "notes": "",
        }


def payments(dataset: Dataset, ids: Identities, cast: Cast, rng: Random) -> Iterator[Row]:
    """What subscribers paid for each closed month, in its first days after."""
    *closed, _ = dataset.months
    starts = {day.month: day.start for day in reversed(dataset.days) if day.text.endswith("-01")}
    for month, following in zip(closed, dataset.months[1:], strict=True):
        if starts[following] + 2 * DAY >= midnight(dataset.until):
            continue
        room = min(12 * DAY, midnight(dataset.until) - starts[following])
        for person in cast.supplied:
            if rng.random() >= 0.45 or person.supply is None:
                continue
            moment = starts[following] + int(rng.random() * room)
            due = person.supply.price * person.supply.quantity * 30
            yield (
                "payment_transactions",
                {
                    "_id": ids.object_id(moment),
                    "id": ids.uuid(),
                    "customer_id": person.customer_id,
                    "month": month,
                    "amount": float(round(due if rng.random() < 0.7 else due / 2, 2)),
                    "payment_date": india_day(moment),
                    "payment_method": pick(rng, METHODS),
                    "notes": "",
                    "created_at": utc_text(moment),
                    "created_by": pick(rng, cast.office),
                },
            )
