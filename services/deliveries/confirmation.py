"""Confirming a delivery: the order, its delivery and its subscription, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import ObjectId

from services.changes.changeset import ChangeSet, Insert, Update, transact
from services.clock import Clock, format_moment, india_day, read_day, to_stored
from services.database import Database, Document
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator
from services.records.deliveries import read_delivery
from services.records.orders import (
    CANCELLED,
    NOT_DELIVERED,
    Item,
    Order,
    read_order,
)
from services.validation.quantity import delivered_quantity, delivered_status, ordered_quantity

_DAYS_OFF_SCHEDULE = 1


@dataclass(frozen=True, slots=True)
class ConfirmedLine:
    """One item of the order, and how much of it was delivered."""

    item: Item
    ordered: Decimal
    delivered: Decimal


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a confirmation wrote."""

    order_id: str
    status: str
    delivered_at: datetime
    lines: tuple[ConfirmedLine, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class _Request:
    order_id: str
    quantities: Mapping[str, Decimal]
    delivered_at: datetime | None
    reason: str


async def confirm_delivery(
    database: Database,
    operator: Operator,
    clock: Clock,
    order_id: str,
    *,
    quantities: Mapping[str, Decimal] | None = None,
    delivered_at: datetime | None = None,
    reason: str = "",
) -> Confirmation:
    """Confirm what was delivered of an order, by default all of it, now.

    `quantities` names delivered quantities by product id (on old orders by the item's name); an item that is not
    named was delivered whole. `delivered_at` is aware; without one the time on record counts, else now. Raises
    NotFound for an unknown order, and Refused with the rule that does not allow it.
    """
    operator.require("support", "confirm deliveries")
    request = _Request(order_id, dict(quantities or {}), delivered_at, reason.strip())

    async def work(changes: ChangeSet) -> Confirmation:
        document, order = await _order(changes, order_id)
        _require_open(order)
        moment = _moment(order, request, changes.now)
        lines = _lines(order, request)
        existing = await _deliveries(changes, order_id)
        await _require_agreement_with_bill(changes, order, moment, lines, existing)
        confirmation = _Confirming(changes, operator, document, order, moment, lines, _status(lines), request.reason)
        await confirmation.add(existing)
        return Confirmation(order_id, confirmation.status, moment, tuple(lines), request.reason)

    return await transact(database, operator, clock, work)


async def _order(changes: ChangeSet, order_id: str) -> tuple[Document, Order]:
    found = await changes.database["orders"].find({"id": order_id}, session=changes.session).limit(2).to_list()
    if not found:
        raise NotFound("unknown-order", f"There is no order {order_id!r}; it may have been deleted meanwhile.")
    if len(found) > 1:
        raise Refused("id-duplicate", f"Two orders have the id {order_id!r}; a person must tell them apart first.")
    return found[0], read_order(found[0])


def _require_open(order: Order) -> None:
    if order.status == CANCELLED:
        raise Refused("order-cancelled", "The order is cancelled; a cancelled order cannot be confirmed.")
    if order.delivery_confirmed:
        when = f", {format_moment(order.delivered_at)}" if order.delivered_at else ""
        words = order.status.replace("_", " ").lower()
        raise Refused("already-confirmed", f"The delivery is confirmed already: {words}{when}.")


def _moment(order: Order, request: _Request, now: datetime) -> datetime:
    # A delivery that is on record keeps its time unless another is given: the time decides the billing month.
    known = order.delivered_at if order.delivered else None
    moment = request.delivered_at or known or now
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
    return moment


def _lines(order: Order, request: _Request) -> list[ConfirmedLine]:
    keys = [item.key for item in order.items]
    for key in request.quantities:
        if keys.count(key) != 1:
            what = "is not on this order" if key not in keys else "is on this order twice"
            raise BadRequest("unknown-item", f"The product {key!r} {what}; it has: {', '.join(keys) or 'no items'}.")
    lines: list[ConfirmedLine] = []
    for item in order.items:
        ordered = item.quantity or Decimal(0)
        ordered_quantity(item.name, ordered).require()
        quantity = request.quantities.get(item.key, ordered)
        delivered_quantity(item.name, quantity, ordered).require()
        lines.append(ConfirmedLine(item, ordered, quantity))
    return lines


def _status(lines: Sequence[ConfirmedLine]) -> str:
    return delivered_status([(line.delivered, line.ordered) for line in lines])


async def _deliveries(changes: ChangeSet, order_id: str) -> list[Document]:
    """The delivery documents of an order, newest first."""
    found = changes.database["delivery_statuses"].find({"order_id": order_id}, session=changes.session)
    return await found.sort("_id", -1).to_list()


async def _require_agreement_with_bill(
    changes: ChangeSet, order: Order, moment: datetime, lines: Sequence[ConfirmedLine], existing: Sequence[Document]
) -> None:
    """A bill was made for what was known; other quantities or another day would contradict it."""
    bill = await changes.database["billing_records"].find_one(
        {"order_id": order.id}, {"_id": 1}, session=changes.session
    )
    if bill is None:
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
        "status": _status([line]).lower(),
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
    reason: str

    async def add(self, existing: Sequence[Document]) -> None:
        """Add the order's, the delivery's and the subscription's changes to the change set."""
        now = to_stored(self.changes.now)
        values: dict[str, Any] = {"status": self.status, "delivery_confirmed": True, "updated_at": now}
        if self.status != NOT_DELIVERED:
            values["delivered_at"] = to_stored(self.moment)
        elif self.document.get("delivered_at") is not None:
            values["delivered_at"] = None
        guard = {name: {"$eq": self.document.get(name)} for name in ("status", "delivery_confirmed")}
        action = "UPDATE" if self.status == NOT_DELIVERED else "DELIVERED"
        self.changes.add(Update("orders", self.document, values, guard, action))  # type: ignore[arg-type]
        self._delivery(now, existing)
        await self._subscription()

    def _delivery(self, now: str, existing: Sequence[Document]) -> None:
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
        }
        if self.reason:
            values["notes"] = self.reason
        if existing:
            guard = {"status": {"$eq": existing[0].get("status")}}
            self.changes.add(Update("delivery_statuses", existing[0], values, guard))
            return
        new: Document = {
            "_id": ObjectId(),
            "id": str(uuid.uuid4()),
            "order_id": self.order.id,
            "customer_id": self.order.customer_id,
            "delivery_date": self.document.get("delivery_date"),
            "delivery_boy_id": self.order.delivery_boy_id,
            "notes": "",
            "created_at": now,
        }
        self.changes.add(Insert("delivery_statuses", new | values))

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
            }
            self.changes.add(Update("subscriptions_v2", subscription, values, guard={}))
