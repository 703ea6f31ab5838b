"""Deliberately broken orders: each trap is a small function that breaks one finished order in one way.

`REVIEWS` holds the problems that need a person, by reason code; `planted_reviews` says how many of each.
`HARMLESS` holds those that must be understood without a person: one in 240 of the billable orders gets each.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Any

from console.demo.hostile import HOSTILE_NOTES
from console.demo.mixture import planted_reviews
from console.demo.moments import DAY, Identities, india_day, pick, utc_text
from console.demo.orders import DELIVERED, PARTIAL, Sale
from console.demo.people import Cast

__all__ = ["HARMLESS_AT", "REVIEWS", "TRAP_CYCLE", "Trapper", "planted_reviews"]

BAD_AMOUNTS: tuple[Any, ...] = (
    *(0.0, -120.0, math.nan, "N/A", 1e12, "missing", "free"),
    *(math.inf, None, "12O.00", -0.01, 9.9e15),
)
"""Amounts that no order can have; "missing" stands for no field at all."""

MISMATCHES = (0.02, -0.02, 1.0, -5.0, 20.0, 0.5, 250.0, -0.03)
"""Rupees between the stored amount and the items: each over one paisa."""

UNREADABLE_DAYS: tuple[tuple[Any, Any], ...] = (
    (None, None),
    ("morning", "tomorrow"),
    ("", ""),
    ("delivered by Raju", "2026-13-45"),
    ("missing", "missing"),
    ("-", "next Monday"),
)
"""What `delivered_at` and `delivery_date` hold where no month can be read."""


class Trapper:
    """Breaks orders; holds the strangers and duplicates that broken references lead to."""

    def __init__(self, ids: Identities, rng: Random, cast: Cast) -> None:
        self.ids = ids
        self.rng = rng
        self.cast = cast


Trap = Callable[[Trapper, Sale, int], None]
"""Breaks a sale; the number counts the orders with the same trap."""


def _set(sale: Sale, field: str, value: Any) -> None:
    if value == "missing":
        sale.order.pop(field, None)
    else:
        sale.order[field] = value


def amount_invalid(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 6: zero, negative, not a number, text, absurd or missing."""
    _set(sale, "total_amount", BAD_AMOUNTS[number % len(BAD_AMOUNTS)])


def amount_mismatch(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 6: more than one paisa away from the items."""
    total = round(sale.order["total_amount"] + MISMATCHES[number % len(MISMATCHES)], 2)
    sale.order["total_amount"] = total if total > 0 else sale.order["total_amount"] + 5.0


def quantities_unknown(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 9: delivered in part, and nobody wrote down how much."""
    sale.order["status"] = PARTIAL[number % len(PARTIAL)]
    sale.order["partial_delivery_items"] = [sale.lines[0][0].product.name]
    assert sale.delivery is not None
    sale.delivery["status"] = "partially_delivered"
    sale.delivery.pop("items", None)
    if number % 3 == 1:
        sale.delivery = None
    elif number % 3 == 2:
        sale.delivery["items"] = [
            {"product_id": stock.id, "product_name": stock.product.name, "ordered_qty": quantity}
            for stock, quantity in sale.lines
        ]


def no_delivery_month(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 7: neither time nor date of delivery can be read, and no report tells it."""
    delivered_at, delivery_date = UNREADABLE_DAYS[number % len(UNREADABLE_DAYS)]
    _set(sale, "delivered_at", delivered_at)
    _set(sale, "delivery_date", delivery_date)
    sale.delivery = None


def customer_missing(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 1: an unknown id, an account without a customer, or one that names a deleted customer."""
    stray = trapper.cast.strays[number % len(trapper.cast.strays)]
    unknown = trapper.ids.uuid()
    customer_id, user_id = ((unknown, unknown), (stray, stray), (None, None))[number % 3]
    sale.order |= {"customer_id": customer_id, "user_id": user_id}
    if sale.delivery is not None:
        sale.delivery["customer_id"] = customer_id


def customer_ambiguous(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 1: the order names two accounts, and each has a customer."""
    one, two = trapper.cast.twins[number % len(trapper.cast.twins)]
    sale.order |= {"customer_id": one.user_id, "user_id": two.user_id}
    if sale.delivery is not None:
        sale.delivery["customer_id"] = one.user_id


REVIEWS: dict[str, Trap] = {
    "amount-invalid": amount_invalid,
    "amount-mismatch": amount_mismatch,
    "quantities-unknown": quantities_unknown,
    "no-delivery-month": no_delivery_month,
    "customer-missing": customer_missing,
    "customer-ambiguous": customer_ambiguous,
}


def float_noise(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 6, harmless: the sum as binary floats make it, like 59.699999999999996."""
    sale.order["total_amount"] = math.nextafter(sale.order["total_amount"], math.inf)


def one_paisa_off(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 6, harmless: exactly one paisa is rounding."""
    sale.order["total_amount"] = round(sale.order["total_amount"] + (0.01 if number % 2 else -0.01), 2)


def billed_month_set(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 8: a valid `billed_month`, the one before the delivery, which wins."""
    first = sale.day.start - (int(sale.day.text[8:]) - 1) * DAY
    sale.order["billed_month"] = india_day(first - DAY)[:7]


def billed_month_unreadable(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 8: a `billed_month` that is no month and must be passed over."""
    sale.order["billed_month"] = ("", "2026-13", "March", 202603, "03-2026")[number % 5]


def customer_id_absent(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 1: only `user_id` leads to the customer."""
    if number % 2:
        sale.order["customer_id"] = None
    else:
        del sale.order["customer_id"]


def order_type_absent(trapper: Trapper, sale: Sale, number: int) -> None:
    """An order without `order_type` and `subscription_id` counts as a one-time order."""
    sale.order.pop("order_type", None)


def delivered_but_short(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 9: the order says delivered, the report's quantities say in part."""
    sale.order["status"] = DELIVERED[number % len(DELIVERED)]
    sale.order.pop("partial_delivery_items", None)


def delivery_unlinked(trapper: Trapper, sale: Sale, number: int) -> None:
    """The report does not name its order."""
    if sale.delivery is not None:
        del sale.delivery["order_id"]


def first_minutes(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 8: delivered minutes after midnight in India, as the server's naive clock wrote it."""
    moment = sale.day.start + (1 + number % 40) * 60_000_000
    sale.order["delivered_at"] = utc_text(moment)
    if sale.delivery is not None:
        sale.delivery["delivered_at"] = utc_text(moment)


def person_gone(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 13: a delivery person of the legacy collection, unknown in the current one."""
    sale.order["delivery_boy_id"] = trapper.ids.uuid()


def hostile_note(text: str) -> Trap:
    """Trap 15: markup, escape sequences, formulas, ten thousand characters."""

    def trap(trapper: Trapper, sale: Sale, number: int) -> None:
        sale.order["notes"] = text

    return trap


def hostile_keys(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 15: `$` and `.` in the keys of a sub-document."""
    sale.order["address"] |= {"$landmark": "Near temple", "gate.code": "4 3 2 1"}


def hostile_address(trapper: Trapper, sale: Sale, number: int) -> None:
    """Trap 15: text typed into the address."""
    sale.order["address"]["address_line1"] = pick(trapper.rng, HOSTILE_NOTES[:7])


HARMLESS: tuple[Trap, ...] = (
    *(float_noise, one_paisa_off, billed_month_set, billed_month_unreadable, customer_id_absent),
    *(order_type_absent, delivered_but_short, delivery_unlinked, first_minutes, person_gone),
    *(hostile_keys, hostile_address, *(hostile_note(text) for text in HOSTILE_NOTES)),
)

TRAP_CYCLE = 240
HARMLESS_AT: dict[int, Trap] = {4 + 10 * slot: trap for slot, trap in enumerate(HARMLESS)}
"""The trap of a billable order by its number modulo `TRAP_CYCLE`."""
