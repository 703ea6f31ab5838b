"""Deliveries: that there is one, who brought it, and what of the order it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from services.records.deliveries import DeliveryItem
from services.records.fields import flag, text, word
from services.records.orders import DELIVERED_STATUSES, NOT_DELIVERED, Item, known_statuses, read_status
from services.validation.lookups import Lookups
from services.validation.quantity import delivered_quantity, delivered_status, ordered_quantity
from services.validation.result import Result, accepted, quoted, refused, warned


class DeliveryValidator:
    """Five validators; delivery people are the documents of `delivery_boys_v2`."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    async def delivery_exists(self, order_id: object) -> Result:
        """The order has a delivery."""
        found = await self._lookups.find("delivery_statuses", "order_id", order_id)
        if not found:
            words = "No delivery names the order; the backfill link-deliveries-orders mends one that names none."
            return refused("delivery-missing", "order_id", order_id, words)
        return accepted("order_id", order_id, "The order has a delivery.")

    async def person_exists(self, person_id: object) -> Result:
        """The delivery person is on the staff."""
        person = await self._lookups.first("delivery_boys_v2", person_id)
        if person is None:
            words = f"There is no delivery person {quoted(person_id)} on the staff."
            return refused("delivery-person-unknown", "delivery_boy_id", person_id, words)
        return accepted("delivery_boy_id", person_id, f"It is {quoted(text(person.get('name')))}.")

    async def person_active(self, person_id: object) -> Result:
        """The delivery person works: by `is_active` and by the `status` that some have instead; neither may deny it."""
        field = "delivery_boy_id"
        person = await self._lookups.first("delivery_boys_v2", person_id)
        if person is None:
            return await self.person_exists(person_id)
        active, status = flag(person.get("is_active")), word(person.get("status"))
        if active is None and not status:
            return warned("delivery-person-unclear", field, person_id, "The staff's record does not say who works.")
        if active is False or status not in ("", "ACTIVE"):
            return refused("delivery-person-inactive", field, person_id, "The delivery person works no more.")
        return accepted(field, person_id, "The delivery person is active.")

    async def quantities(self, status: str, delivered: Sequence[DeliveryItem], items: Sequence[Item]) -> Result:
        """Of each item between 0 and what the order says, and in all what the delivery's status says."""
        ordered: dict[str, list[Decimal]] = {}
        for item in items:
            ordered.setdefault(item.key, []).append(item.quantity or Decimal(0))
        pairs = []
        for number, given in enumerate(delivered):
            field, name = f"items.{number}", given.name or given.key
            if not ordered.get(given.key):
                words = f"The order has no {quoted(name)}, or not so many lines of it."
                return refused("not-ordered", field, given.key, words)
            wanted = ordered[given.key].pop(0)
            for result in (ordered_quantity(name, wanted), delivered_quantity(name, given.delivered, wanted)):
                if not result.ok:
                    return replace(result, field=f"{field}.{result.field}")
            pairs.append((given.delivered or Decimal(0), wanted))
        return _agreement(status, pairs)

    async def status(self, value: object) -> Result:
        """One that is known, in any spelling."""
        if read_status(value) not in known_statuses():
            words = f"{quoted(value)} is none of {', '.join(known_statuses()).lower()}."
            return refused("delivery-status-unknown", "status", value, words)
        return accepted("status", value, "It is known.")


def _agreement(status: str, pairs: Sequence[tuple[Decimal, Decimal]]) -> Result:
    outcome = delivered_status(pairs)
    told = f"The status is {_words(status)}, by the quantities it is {_words(outcome)}"
    if pairs and outcome == NOT_DELIVERED and status in DELIVERED_STATUSES:
        return refused("nothing-delivered", "items", 0, f"{told}.")
    if pairs and outcome != status:
        return warned("quantities-differ", "items", outcome, f"{told}; bills go by the quantities.")
    return accepted("items", len(pairs), "No item has more than was ordered.")


def _words(status: str) -> str:
    return status.replace("_", " ").lower() or "missing"
