"""Bill the one-time orders that were delivered and never entered into `billing_records`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from bson import Int64

from services.backfills.backfill import Backfill, Surroundings
from services.backfills.plan import Decision, Options, Tally
from services.billing.charge import Charge, Undecided, billed_items, charge
from services.billing.month import billing_month, delivery_day
from services.changes.changeset import Change, Insert, Update
from services.clock import india_day, month_of, to_stored
from services.customers.resolution import CustomerLinks, Resolution
from services.database import Database, Document, Session
from services.money import to_double, to_paise
from services.records.bills import read_bill
from services.records.deliveries import Delivery, read_delivery
from services.records.fields import identity
from services.records.orders import Order, read_order, read_owner
from services.reminders.outbox import Due

_DECIDING = (
    "id", "user_id", "customer_id", "order_type", "subscription_id", "items", "total_amount", "total", "status",
    "delivery_date", "delivered_at", "billed", "billed_month", "delivery_confirmed", "partial_delivery_items",
)  # fmt: skip
_BILL_NAMESPACE = uuid.UUID("6f0d5d8e-2f63-4a38-9d3c-5a4f3f7c9a51")


@dataclass(frozen=True)
class OrderSource:
    """An order with its deliveries, its customer and the billing records that it has already.

    A commit only asks whether these are what they were: what is read from them is read when asked for.
    """

    document: Document
    delivered: Sequence[Document]
    resolution: Resolution
    bills: Sequence[Document]
    twin: bool
    """Whether another order has the same id."""

    @cached_property
    def order(self) -> Order:
        """The order, parsed."""
        return read_order(self.document)

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """Its deliveries, parsed."""
        return [read_delivery(document) for document in self.delivered]


class BillOneTimeOrders(Backfill[OrderSource]):
    """Makes the missing billing record of each delivered one-time order, and sets the order's billed flag."""

    name = "bill-one-time-orders"
    title = "Bill one-time orders"
    about = "Makes the missing billing record of each delivered one-time order and flags the order as billed."
    collection = "orders"

    def scope(self, options: Options) -> Document:
        """All but the plainly spelled subscription orders; the odd spellings are told apart record by record."""
        return {"order_type": {"$nin": ["subscription", "SUBSCRIPTION", "Subscription"]}}

    async def load(
        self, database: Database, documents: Sequence[Document], session: Session | None
    ) -> list[OrderSource]:
        """The orders with what their bills depend on: four to six queries, however many orders."""
        owners = [read_owner(document) for document in documents]
        names = [identity(document.get("id")) for document in documents]
        ids: list[Any] = [name for name in names if name]
        # An id that is not stored as it reads: what refers to it may hold either form.
        stored = [document.get("id") for document in documents]
        ids += [raw for raw, name in zip(stored, names, strict=True) if name and raw != name]
        links = await CustomerLinks.load(database, owners, session, links_only=True)
        delivered = await _by_order(database, "delivery_statuses", ids, session, _DELIVERY_FIELDS)
        bills = await _by_order(database, "billing_records", ids, session, _BILL_FIELDS)
        twins = await _twins(database, ids, session)
        return [
            OrderSource(
                document, delivered.get(name or "", ()), links.resolve(owner), bills.get(name or "", ()), name in twins
            )
            for document, name, owner in zip(documents, names, owners, strict=True)
        ]

    def identify(self, source: OrderSource) -> tuple[str, Any]:
        """The order's id, or its `_id` in words where it has none."""
        key = source.document["_id"]
        return identity(source.document.get("id")) or str(key), key

    def covers(self, source: OrderSource, options: Options) -> bool:
        """One-time orders, delivered (or due) on the days asked for."""
        if source.order.kind != "one-time":
            return False
        first, last = options.delivered_from, options.delivered_to
        if first is None and last is None:
            return True
        day = delivery_day(source.order)
        return day is not None and (first is None or day >= first) and (last is None or day <= last)

    def depends(self, source: OrderSource) -> Mapping[str, Any]:
        """The order's deciding fields, its deliveries, whom it belongs to, and its billing records."""
        return {
            "order": [(name, source.document[name]) for name in _DECIDING if name in source.document],
            "deliveries": source.delivered,
            "customer": source.resolution.candidates,
            "bills": [str(bill["_id"]) for bill in source.bills],
            "twin": source.twin,
        }

    def decide(self, source: OrderSource, options: Options, surroundings: Surroundings) -> Decision:
        """The class of an order, first that applies, by the rules of the billing fix."""
        order = source.order
        if source.bills:
            return _already_billed(source)
        stated = to_paise(order.total) if order.total is not None and 0 < order.total < 10**9 else 0
        if not order.delivered:
            return Decision("not-delivered", amount_paise=stated)
        outcome = _bill(source, options, surroundings)
        if order.billed and not options.include_flagged:
            amount = stated if isinstance(outcome, Undecided) else outcome.amount_paise
            return Decision("flagged-no-record", None, "The order is flagged billed, but has no record.", None,
                            billing_month(order), amount)  # fmt: skip
        if isinstance(outcome, Undecided):
            return Decision("needs-review", outcome.code, outcome.message, source.resolution.customer_id,
                            billing_month(order), stated)  # fmt: skip
        return outcome

    def changes(
        self, source: OrderSource, values: Mapping[str, Any], run: str, now: datetime, surroundings: Surroundings
    ) -> Sequence[Change]:
        """The billing record, and the three billing fields of the order."""
        order_id, stored, month = str(source.document["id"]), to_stored(now), values["month"]
        bill: Document = {
            "_id": _bill_key(order_id),
            "id": str(uuid.uuid5(_BILL_NAMESPACE, f"{run}/{order_id}")),
            "customer_id": values["customer_id"],
            "order_id": order_id,
            "month": month,
            "items_count": values["items_count"],
            "items": values["items"],
            "amount": to_double(values["amount_paise"]),
            "amount_paise": Int64(values["amount_paise"]),
            "status": "pending",
            "payment_status": "unpaid",
            "created_at": stored,
            "due_date": (india_day(now) + timedelta(days=surroundings.credit_days)).isoformat(),
            "order_type": "one_time",
            "notes": values["notes"],
            "run": run,
        }
        billed = {"billed": True, "billed_at": stored, "billed_month": month}
        flagged = source.document.get("billed") is True
        guard = {"status": source.document["status"], "billed": True if flagged else {"$ne": True}}
        return (
            Insert("billing_records", bill),
            Update("orders", source.document, billed, guard, action="BILLED"),
        )

    def touches(self, body: Document) -> Sequence[tuple[str, Any]]:
        """The billing record and the order."""
        return (("billing_records", _bill_key(body["record"])), ("orders", body["key"]))

    def holds(self, current: Sequence[Document | None]) -> str | None:
        """A bill that was paid, even in part, stays."""
        bill = current[0]
        paid = bill is not None and read_bill(bill).payment_status not in ("unpaid", "")
        return "its bill was paid" if paid else None

    def due(self, body: Document) -> Due:
        """The amount of the bill."""
        values = body["values"]
        return Due(body["record"], values["customer_id"], values["amount_paise"], values["month"])

    async def landed(self, database: Database, run: str, bodies: Sequence[Document]) -> Tally:
        """The run's billing records of flagged orders that have no other, in the doubles that the backend reads."""
        amount = {"$convert": {"input": "$amount", "to": "double", "onError": 0, "onNull": 0}}
        paise: Document = {"$toLong": {"$round": [{"$multiply": [amount, 100]}, 0]}}
        mine: Document = {"$eq": ["$run", run]}
        by_order = {"_id": "$order_id", "bills": {"$sum": 1}, "mine": {"$sum": {"$cond": [mine, 1, 0]}},
                    "amount_paise": {"$sum": paise}}  # fmt: skip
        cursor = await database["billing_records"].aggregate([
            {"$match": {"order_id": {"$in": [body["record"] for body in bodies]}}},
            {"$group": by_order},
            {"$match": {"bills": 1, "mine": 1}},
            {"$group": {"_id": None, "records": {"$sum": 1}, "amount_paise": {"$sum": "$amount_paise"}}},
        ])  # fmt: skip
        found = await cursor.to_list()
        billed = Tally.model_validate(found[0]) if found else Tally()
        flagged = await database["orders"].count_documents(
            {"_id": {"$in": [body["key"] for body in bodies]}, "billed": True, "billed_month": {"$type": "string"}}
        )
        return billed if billed.records <= flagged else Tally(records=flagged, amount_paise=billed.amount_paise)


_DELIVERY_FIELDS = {"order_id": 1, "status": 1, "items": 1, "confirmation_method": 1, "confirmed_at": 1}
_BILL_FIELDS = {"order_id": 1, "amount": 1, "amount_paise": 1, "month": 1}


def _bill_key(order_id: str) -> str:
    return f"bill:{order_id}"


def _already_billed(source: OrderSource) -> Decision:
    bills = [read_bill(bill) for bill in source.bills]
    amount = bills[0].amount_paise or 0
    code, message = None, ""
    if len(bills) > 1:
        code, message = "bill-duplicate", f"The order has {len(bills)} billing records."
    elif not source.order.billed:
        code, message = "flag-missing", "The order has a billing record, but not the billed flag."
    return Decision("already-billed", code, message, source.resolution.customer_id, bills[0].month, amount)


def _bill(source: OrderSource, options: Options, surroundings: Surroundings) -> Decision | Undecided:
    order, month = source.order, billing_month(source.order)
    outcome = charge(order, source.deliveries)
    if isinstance(outcome, Undecided) and not outcome.last:
        return outcome
    if month is None:
        return Undecided("no-delivery-month", "Neither delivered_at nor delivery_date can be read.")
    if (customer := source.resolution.customer_id) is None:
        code = "customer-ambiguous" if source.resolution.candidates else "customer-missing"
        return Undecided(code, f"The order's customer is open: {source.resolution.how}.")
    if isinstance(outcome, Undecided):
        return outcome
    if order.id is None or source.document["id"] != order.id:
        return Undecided("id-missing", "The order has no id that is clean text; nothing could refer to its bill.")
    if source.twin:
        return Undecided("id-duplicate", "Another order has the same id.")
    if month > month_of(surroundings.today):
        return Undecided("month-in-future", f"The billing month {month} has not begun yet.")
    confirmed = order.delivery_confirmed is not False
    if options.confirmed_only and order.delivery_confirmed is not True:
        return Undecided("not-confirmed", "Nobody has confirmed the delivery.")
    values = {
        "customer_id": customer,
        "month": month,
        "amount_paise": outcome.amount_paise,
        "items_count": len(outcome.lines),
        "items": billed_items(outcome.lines),
        "notes": _notes(outcome),
    }
    return Decision("change", None, "", customer, month, outcome.amount_paise, values, unconfirmed=not confirmed)


def _notes(outcome: Charge) -> str:
    return "One-time order, delivered in part" if outcome.partial else "One-time order"


async def _by_order(
    database: Database, collection: str, ids: list[Any], session: Session | None, fields: Mapping[str, int]
) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    cursor = database[collection].find({"order_id": {"$in": ids}}, fields, session=session)
    for document in await cursor.to_list():
        for name in _named(document["order_id"]):
            found.setdefault(name, []).append(document)
    for documents in found.values():
        documents.sort(key=lambda document: str(document["_id"]))
    return found


async def _twins(database: Database, ids: list[Any], session: Session | None) -> set[str]:
    """The ids that more than one order has: none where the unique index stands, found through any index."""
    seen: set[str] = set()
    twins: set[str] = set()
    async for document in database["orders"].find({"id": {"$in": ids}}, {"_id": 0, "id": 1}, session=session):
        for name in _named(document["id"]):
            (twins if name in seen else seen).add(name)
    return twins


def _named(value: Any) -> list[str]:
    """The ids in a reference: a broken one can be a list of them."""
    return [name for each in (value if isinstance(value, list) else [value]) if (name := identity(each))]
