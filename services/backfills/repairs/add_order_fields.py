"""Give older orders the four fields that were added later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.backfills.backfill import Surroundings
from services.backfills.landing import as_stored, has
from services.backfills.plan import Decision, Options, Tally
from services.backfills.repairs.orders import BilledOrder, OrderRepair
from services.backfills.repairs.repair_billed_flags import billed_by
from services.changes.changeset import Change, Update
from services.database import Database, Document, Session
from services.orders.references import BILL_FIELDS, asked_ids, by_order, clean_id, twins
from services.records.fields import identity
from services.records.orders import DELIVERED, PARTIALLY_DELIVERED, read_status

FIELDS = ("billed", "delivery_confirmed", "billed_at", "billed_month")
_BILLING = ("billed", "billed_at", "billed_month")
_DELIVERY_FIELDS = {"order_id": 1, "status": 1, "confirmed_at": 1, "confirmation_method": 1}


@dataclass(frozen=True)
class FieldsSource(BilledOrder):
    """An order with what its missing fields follow from."""

    delivered: Sequence[Document]

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that the order lacks; one that is there keeps its value, null or nonsense as it may be."""
        return tuple(name for name in FIELDS if name not in self.document)


class AddOrderFields(OrderRepair[FieldsSource]):
    """An order of any kind gets those of the four fields that it lacks; what is there is left as it is.

    The defaults are `billed` false, `billed_at` and `billed_month` null, and `delivery_confirmed` true for a delivered
    order whose delivery was reported as confirmed, else false. An order that has a billing record is never written
    down as unbilled: where it lacks `billed`, or has it as true, its missing billing fields are the record's. A flag
    that is there and contradicts the record is for `repair-billed-flags`. Two records, an id that two orders have,
    or one that reads like another's need a person, since it is open what holds for the order.
    """

    name = "add-order-fields"
    title = "Add order fields"
    about = "Gives older orders billed, delivery_confirmed, billed_at and billed_month where they lack them."

    async def load(
        self, database: Database, documents: Sequence[Document], session: Session | None
    ) -> list[FieldsSource]:
        """The orders with their deliveries and bills: three queries for those that lack something, else none."""
        lacking = [document for document in documents if any(name not in document for name in FIELDS)]
        ids = asked_ids([document.get("id") for document in lacking])
        delivered = await by_order(database, "delivery_statuses", ids, session, _DELIVERY_FIELDS) if ids else {}
        bills = await by_order(database, "billing_records", ids, session, BILL_FIELDS) if ids else {}
        shared = await twins(database, ids, session) if ids else set()
        names = [identity(document.get("id")) for document in documents]
        return [
            FieldsSource(document, bills.get(name or "", ()), name in shared, delivered.get(name or "", ()))
            for document, name in zip(documents, names, strict=True)
        ]

    def depends(self, source: FieldsSource) -> Mapping[str, Any]:
        """Which fields are missing, and what the values of those follow from."""
        stored = source.document
        return {
            "order": [(name, stored[name]) for name in ("id", "status", "billed") if name in stored],
            "missing": list(source.missing),
            "confirmed": [_confirmed(delivery) for delivery in source.delivered],
            "bills": [(bill["_id"], bill.get("month"), bill.get("created_at")) for bill in source.bills],
            "twin": source.twin,
        }

    def decide(self, source: FieldsSource, options: Options, surroundings: Surroundings) -> Decision:
        """First that applies, by the rules above."""
        missing = source.missing
        if not missing:
            return Decision("nothing-to-do")
        if source.twin:
            return Decision("needs-review", "id-duplicate", "Another order has the same id.")
        if source.order.id and clean_id(source.document["id"]) is None:
            return Decision("needs-review", "id-missing", "The order's id is no clean text; it may read like another.")
        if len(source.bills) > 1 and any(name in missing for name in _BILLING):
            return Decision("needs-review", "bill-duplicate", f"The order has {len(source.bills)} billing records.")
        values = {name: value for name, value in _values(source).items() if name in missing}
        return Decision("change", None, f"Lacks {', '.join(missing)}.", values=values)

    def changes(
        self, source: FieldsSource, values: Mapping[str, Any], run: str, now: datetime, surroundings: Surroundings
    ) -> Sequence[Change]:
        """The missing fields, only while they are missing."""
        return (Update("orders", source.document, values, {name: {"$exists": False} for name in values}),)

    async def landed(self, database: Database, run: str, bodies: Sequence[Document]) -> Tally:
        """The orders that have the values of their rows."""
        orders = await as_stored(database, "orders", bodies, FIELDS)
        return Tally(records=sum(has(order, body["values"]) for body, order in zip(bodies, orders, strict=True)))


def _values(source: FieldsSource) -> dict[str, Any]:
    order = source.order
    confirmed = order.delivered and any(map(_confirmed, source.delivered))
    values: dict[str, Any] = dict.fromkeys(FIELDS) | {"billed": False, "delivery_confirmed": confirmed}
    if source.bills and ("billed" not in source.document or order.billed is True):
        values |= billed_by(source.bills[0])
    return values


def _confirmed(delivery: Document) -> bool:
    reported = read_status(delivery.get("status")) in (DELIVERED, PARTIALLY_DELIVERED)
    return reported and bool(delivery.get("confirmed_at") or delivery.get("confirmation_method"))
