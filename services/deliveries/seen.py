"""What somebody saw of an order before its delivery is confirmed: a confirmation is of that, and of nothing later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from services.changes.changeset import ChangeSet
from services.changes.resting import require_as_seen, values_of
from services.clock import format_moment
from services.customers.resolution import CustomerLinks
from services.database import Database, Document, Find, told
from services.deliveries.quantities import in_words, on_record
from services.errors import Conflict
from services.operators.operator import Operator
from services.orders.reading import require_order
from services.records.deliveries import read_delivery
from services.records.orders import Order, read_order, read_status

_WATCHED = ("items", "partial_delivery_items", "delivery_date", "delivery_boy_id", "customer_id", "user_id")
_STATUS = "status"
SEEN_FIELDS = (*_WATCHED, _STATUS)
"""The order's fields that are kept as they were seen."""
_MOST_REPORTS = 200


@dataclass(frozen=True)
class Seen:
    """An order and what is on record of its delivery, as somebody saw them."""

    stored: Mapping[str, Any]
    """The order's stored values that a confirmation rests on."""
    order: Order
    reports: Sequence[Document]

    @cached_property  # a list shows many orders of which few are confirmed
    def known(self) -> tuple[Decimal | None, ...]:
        """The delivered quantity of each item on record; None where nobody knows."""
        return on_record(self.order, [read_delivery(each) for each in self.reports])

    @property
    def reported(self) -> str:
        """The status of the newest report, empty where there is none."""
        return read_status(self._newest.get("status")) if self._newest else ""

    @property
    def confirmed(self) -> str:
        """As what the delivery is confirmed, when and by whom where that is known; empty where it is not confirmed."""
        if not self.order.delivery_confirmed:
            return ""
        words = self.order.status.replace("_", " ").lower()
        when = f", {format_moment(self.order.delivered_at)}" if self.order.delivered_at else ""
        who = read_delivery(self._newest).confirmed_by_name if self._newest else ""
        return f"{words}{when}{f', by {who}' if who else ''}"

    @property
    def _newest(self) -> Document | None:
        return max(self.reports, key=lambda each: str(each["_id"]), default=None)


@dataclass(frozen=True, slots=True)
class Confirmable:
    """An order whose delivery is to be confirmed."""

    order: Order
    customer_name: str
    seen: Seen


def seen_of(document: Document, order: Order, reports: Sequence[Document]) -> Seen:
    """What there is to see of a stored order and its reports."""
    return Seen(values_of(document, SEEN_FIELDS), order, reports)


async def open_delivery(database: Database, operator: Operator, order_id: str) -> Confirmable:
    """An order whose delivery is to be confirmed, as it is now. Raises NotFound."""
    operator.require("support", "confirm deliveries")
    with told():
        document = (await require_order(database, order_id))[0]
        order, links = read_order(document), CustomerLinks(database)
        reports = Find("delivery_statuses", {"order_id": order_id}, most=_MOST_REPORTS)
        (found,) = await links.read([order.owner], reports)
    customer = links.customer(links.resolve(order.owner).customer_id)
    name = customer.name if customer else ""
    return Confirmable(order, name, seen_of(document, order, found))


async def require_seen(changes: ChangeSet, document: Document, now: Seen, seen: Seen, *, stated: bool) -> None:
    """Raise Conflict where a confirmation would write something else than was seen.

    A report that agrees with what was seen contradicts nothing, unless less than on record is `stated`: what is
    confirmed as on record is the same with it.
    """
    telling = stated or now.known != seen.known
    await require_as_seen(changes, "orders", document, seen.stored, SEEN_FIELDS if telling else _WATCHED)
    if now.known != seen.known or (stated and now.reported != seen.reported):
        was, is_now = (in_words(now.order.items, each.known) or "nothing" for each in (seen, now))
        raise Conflict(
            "changed-meanwhile",
            f"What is reported of the delivery was changed since you looked: it was {was}, and is {is_now}. Nothing "
            "was written; look at it as it is now.",
        )
