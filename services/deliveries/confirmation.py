"""Confirming a delivery: the order, its delivery and its subscription, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import ObjectId

from services.audit.chain import Stream
from services.audit.logger import Purpose
from services.changes.changeset import ChangeSet, Insert, Update, transact
from services.changes.resting import require_one, unchanged
from services.changes.series import series_of
from services.clock import Clock, format_moment, india_day, read_day, to_stored
from services.customers.resolution import CustomerLinks
from services.database import Database, Document
from services.deliveries.quantities import ConfirmedLine, confirmed_lines, in_words, outcome
from services.deliveries.seen import Seen, require_seen, seen_of
from services.deliveries.staff import load_staff
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator
from services.records.deliveries import read_delivery
from services.records.orders import CANCELLED, NOT_DELIVERED, Order, read_order
from services.typed import LONGEST_REASON, typed_text

CONFIRMATION = "delivery_confirmation_id"
"""The order's field that names its confirmation: by that its audit entries are found again."""
LAST_CONFIRMATION = "last_delivery_confirmation_id"
"""The subscription's field that names the confirmation that its last delivery comes from."""
CONFIRMING = "confirmation/"
"""Before a confirmation's id, the name of the series of its audit entries."""
ORDER_ENTRY, DELIVERY_ENTRY, SUBSCRIPTION_ENTRY = range(3)
"""The numbers of a confirmation's audit entries in its series."""
DUE_LATER = "due-later"
"""The code of the refusal that asks whether an order of a day to come is meant."""
_DAYS_OFF_SCHEDULE = 1


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a confirmation wrote; `delivered_at` is None where nothing was delivered."""

    order_id: str
    status: str
    delivered_at: datetime | None
    lines: tuple[ConfirmedLine, ...]
    reason: str

    @property
    def quantities(self) -> str:
        """What was delivered in words, `2 × Eggs, 1 of 3 × Bread`; empty where nothing was."""
        if self.status == NOT_DELIVERED:
            return ""
        return in_words([line.item for line in self.lines], [line.delivered for line in self.lines])


@dataclass(frozen=True, slots=True)
class _Request:
    order_id: str
    quantities: Mapping[str, Decimal]
    not_delivered: bool
    delivered_at: datetime | None
    keep_time: bool
    delivery_boy: str | None
    reason: str
    early: bool
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


async def confirm_delivery(
    database: Database,
    operator: Operator,
    clock: Clock,
    order_id: str,
    *,
    quantities: Mapping[str, Decimal] | None = None,
    not_delivered: bool = False,
    delivered_at: datetime | None = None,
    keep_time: bool = False,
    delivery_boy: str | None = None,
    reason: str = "",
    early: bool = False,
    seen: Seen | None = None,
    stream: Stream | None = None,
) -> Confirmation:
    """Confirm what was delivered of an order: by default what is on record, which is all of it where nobody said less.

    `quantities` names delivered quantities by product id (on old orders by the item's name), `not_delivered` says
    that nothing was. `delivered_at` is aware; without one, and with `keep_time` before it, the time on record counts,
    else it is now. `delivery_boy` is the id of who brought it, where the order does not say so or says it wrong.
    An order of a day that is still to come takes `early`, or a reason: whoever was asked says that it is meant.
    `seen` is what somebody was shown who agreed; without it the order is taken as it is now. `stream` is the audit
    stream of one who confirms beside others.
    Raises NotFound for an unknown order or person, Conflict where something else would be confirmed than was seen,
    and Refused with the rule that does not allow it.
    """
    operator.require("support", "confirm deliveries")
    if not_delivered and quantities:
        raise BadRequest("bad-item", "What was not delivered has no delivered quantities; leave them out.")
    why = typed_text(reason, "reason", LONGEST_REASON)
    request = _Request(
        order_id, dict(quantities or {}), not_delivered, delivered_at, keep_time, delivery_boy, why, early
    )

    async def work(changes: ChangeSet) -> Confirmation:
        document = await require_one(changes, "orders", order_id)
        order = read_order(document)
        existing = await load_deliveries(changes, order_id)
        now = seen_of(document, order, existing)
        _require_open(now)
        if seen is not None:
            await require_seen(changes, document, now, seen, stated=not_delivered or bool(quantities))
        moment = _moment(order, request, changes.now)
        lines = _lines(order, request, now.known)
        await _require_agreement_with_bill(changes, order, moment, lines, existing)
        confirming = _Confirming(changes, operator, document, order, moment, lines, outcome(lines), request)
        await confirming.add(existing)
        at = moment if confirming.status != NOT_DELIVERED else None
        return Confirmation(order_id, confirming.status, at, lines, request.reason)

    series = series_of(f"{CONFIRMING}{request.id}")
    purpose = Purpose(reason=request.reason or None)
    return await transact(database, operator, clock, work, purpose=purpose, stream=stream, series=series)


async def load_deliveries(changes: ChangeSet, order_id: str) -> list[Document]:
    """The delivery documents of an order, newest first."""
    found = changes.database["delivery_statuses"].find({"order_id": order_id}, session=changes.session)
    return await found.sort("_id", -1).to_list()


async def is_billed(changes: ChangeSet, order_id: str) -> bool:
    """Whether the order has a billing record; the flag alone says nothing."""
    bills = changes.database["billing_records"]
    return await bills.find_one({"order_id": order_id}, {"_id": 1}, session=changes.session) is not None


def _require_open(now: Seen) -> None:
    if now.order.status == CANCELLED:
        raise Refused("order-cancelled", "The order is cancelled; a cancelled order cannot be confirmed.")
    if now.confirmed:
        raise Refused("already-confirmed", f"The delivery is confirmed already: {now.confirmed}.")


def _moment(order: Order, request: _Request, now: datetime) -> datetime:
    # A delivery that is on record keeps its time unless another is given: the time decides the billing month.
    known = order.delivered_at if order.delivered else None
    moment = (known if request.keep_time else None) or request.delivered_at or known or now
    if moment > now:
        raise Refused("in-future", f"{format_moment(moment)} has not come yet; a delivery is confirmed afterwards.")
    if order.delivery_date is None:
        if not request.reason:
            raise Refused("no-schedule", "The order has no readable delivery date; give a reason to confirm it anyway.")
        return moment
    off = abs(india_day(moment) - order.delivery_date)
    if off > timedelta(days=_DAYS_OFF_SCHEDULE) and not request.reason:
        raise Refused(
            "off-schedule",
            f"The order was due on {order.delivery_date}, {off.days} days from {india_day(moment)}; "
            "more than one day off needs a reason.",
        )
    if order.delivery_date > india_day(now) and not (request.early or request.reason):
        raise Refused(
            DUE_LATER,
            f"The order is due on {order.delivery_date}, and that day has not come; confirm it only where it was "
            "brought before its day.",
        )
    return moment


def _lines(order: Order, request: _Request, known: Sequence[Decimal | None]) -> tuple[ConfirmedLine, ...]:
    if request.not_delivered:
        known = (Decimal(0),) * len(order.items)
    lines = confirmed_lines(order, known, request.quantities)
    if outcome(lines) == NOT_DELIVERED and not request.reason:
        raise Refused("needs-reason", "Nothing of the order was delivered; say why, as the reason.")
    return lines


async def _require_agreement_with_bill(
    changes: ChangeSet, order: Order, moment: datetime, lines: Sequence[ConfirmedLine], existing: Sequence[Document]
) -> None:
    """A bill was made for what was known; other quantities or another day would contradict it."""
    if not await is_billed(changes, order.id or ""):
        return
    reported = [read_delivery(document).items for document in existing]
    known = [[item.delivered for item in items] for items in reported if items] or [[line.ordered for line in lines]]
    same_day = order.delivered_at is None or india_day(moment) == india_day(order.delivered_at)
    if not same_day or not order.delivered or any([line.delivered for line in lines] != each for each in known):
        raise Refused("already-billed", "The order has a billing record, which settles when and what was delivered.")


def _stored_line(line: ConfirmedLine) -> Document:
    """A line as the backend stores it."""
    item = line.item
    return {
        "product_id": item.product_id,
        "product_name": item.name,
        "ordered_qty": float(line.ordered),
        "delivered_qty": float(line.delivered),
        "status": outcome([line]).lower(),
        "price_per_unit": float(item.price) if item.price is not None else None,
    }


@dataclass(frozen=True, slots=True)
class _Confirming:
    """The changes of one confirmation."""

    changes: ChangeSet
    operator: Operator
    document: Document
    order: Order
    moment: datetime
    lines: Sequence[ConfirmedLine]
    status: str
    request: _Request

    async def add(self, existing: Sequence[Document]) -> None:
        """Add the order's, the delivery's and the subscription's changes to the change set."""
        now = to_stored(self.changes.now)
        given = await self._given()
        values: dict[str, Any] = {"status": self.status, "delivery_confirmed": True, "updated_at": now}
        values |= given | {CONFIRMATION: self.request.id}
        if self.status != NOT_DELIVERED:
            values["delivered_at"] = to_stored(self.moment)
        elif self.document.get("delivered_at") is not None:
            values["delivered_at"] = None
        guard = unchanged(self.document, ("status", "delivery_confirmed"))
        action = "UPDATE" if self.status == NOT_DELIVERED else "DELIVERED"
        self.changes.add(Update("orders", self.document, values, guard, action), first=ORDER_ENTRY)  # type: ignore[arg-type]
        await self._delivery(now, existing, given)
        await self._subscription()

    async def _given(self) -> Document:
        """The delivery person, where one is given."""
        person = self.request.delivery_boy
        if person is None:
            return {}
        found = (await load_staff(self.changes.database, [person], self.changes.session)).get(person)
        if found is None:
            raise NotFound("unknown-delivery-person", f"There is no delivery person {person!r} on the staff.")
        if not found.active:
            raise Refused("delivery-person-inactive", f"{found.name or person} is not active on the staff any more.")
        return {"delivery_boy_id": person}

    async def _delivery(self, now: str, existing: Sequence[Document], given: Document) -> None:
        values = {
            "status": self.status.lower(),
            "delivered_at": to_stored(self.moment) if self.status != NOT_DELIVERED else None,
            "updated_at": now,
            "confirmed_by_user_id": self.operator.account,
            "confirmed_by_name": self.operator.account,
            "confirmed_at": now,
            "confirmation_method": "admin",
            "ip_address": self.operator.source,
            "device_info": "delivery-console",
            "items": [_stored_line(line) for line in self.lines],
            **given,
        }
        if self.request.reason:
            values["notes"] = self.request.reason
        if existing:
            update = Update("delivery_statuses", existing[0], values, unchanged(existing[0], ("status",)))
            self.changes.add(update, first=DELIVERY_ENTRY)
            return
        new: Document = {
            "_id": ObjectId(),
            "id": str(uuid.uuid4()),
            "order_id": self.order.id,
            "customer_id": self.order.customer_id,
            "delivery_date": self.document.get("delivery_date"),
            "delivery_boy_id": None if given else await self._person(),
            "notes": "",
            "created_at": now,
        }
        self.changes.add(Insert("delivery_statuses", new | values), first=DELIVERY_ENTRY)

    async def _person(self) -> str | None:
        """Who brings this customer's orders, where the order names nobody."""
        if self.order.delivery_boy_id:
            return self.order.delivery_boy_id
        links = await CustomerLinks.load(self.changes.database, [self.order.owner], self.changes.session)
        customer = links.customer(links.resolve(self.order.owner).customer_id)
        return customer.delivery_boy_id if customer else None

    async def _subscription(self) -> None:
        if not self.order.subscription_id or self.status == NOT_DELIVERED:
            return
        subscription = await self.changes.database["subscriptions_v2"].find_one(
            {"id": self.order.subscription_id}, session=self.changes.session
        )
        last = read_day(subscription.get("last_delivery_date")) if subscription else None
        if subscription is not None and (last is None or last <= india_day(self.moment)):
            values = {
                "last_delivery_date": india_day(self.moment).isoformat(),
                "last_delivery_at": to_stored(self.moment),
                "last_delivery_confirmed": True,
                LAST_CONFIRMATION: self.request.id,
            }
            self.changes.add(Update("subscriptions_v2", subscription, values, guard={}), first=SUBSCRIPTION_ENTRY)
