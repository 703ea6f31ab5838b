"""Set the billed flag of orders that have a billing record: the record wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.backfills.backfill import Surroundings
from services.backfills.landing import as_stored, has
from services.backfills.plan import Decision, Options, Tally
from services.backfills.repairs.orders import BilledOrder, OrderRepair
from services.changes.changeset import Change, Update
from services.clock import read_timestamp, to_stored
from services.database import Database, Document, Session
from services.orders.references import BILL_FIELDS, asked_ids, by_order, clean_id, twins
from services.records.bills import read_bill
from services.records.fields import identity


class RepairBilledFlags(OrderRepair[BilledOrder]):
    """Whether an order is billed, its billing record says; the flag follows, on orders of every kind and status.

    An order with one record but without the flag gets it, with the record's time and month where they can be read.
    The other way round nothing is changed: a flag without a record is money that was never asked for, and
    `bill-one-time-orders --include-flagged` makes the record. Those orders are counted as needs-review; subscription
    orders, which are billed by the month and never one by one, are not. Nor is an order with two records repaired:
    one of them is wrong, flag or no flag.
    """

    name = "repair-billed-flags"
    title = "Repair billed flags"
    about = "Sets the billed flag of each order that has a billing record; the record wins."

    async def load(
        self, database: Database, documents: Sequence[Document], session: Session | None
    ) -> list[BilledOrder]:
        """The orders with their bills: two queries."""
        names = [identity(document.get("id")) for document in documents]
        bills = await by_order(
            database, "billing_records", asked_ids([document.get("id") for document in documents]), session, BILL_FIELDS
        )
        billed = [document.get("id") for document, name in zip(documents, names, strict=True) if name in bills]
        shared = await twins(database, asked_ids(billed), session) if billed else set()
        return [
            BilledOrder(document, bills.get(name or "", ()), name in shared)
            for document, name in zip(documents, names, strict=True)
        ]

    def depends(self, source: BilledOrder) -> Mapping[str, Any]:
        """The flag, and the records with what is taken from them."""
        stored = source.document
        return {
            "order": [(name, stored[name]) for name in ("id", "billed") if name in stored],
            "bills": [(bill["_id"], bill.get("month"), bill.get("created_at")) for bill in source.bills],
            "twin": source.twin,
        }

    def decide(self, source: BilledOrder, options: Options, surroundings: Surroundings) -> Decision:
        """First that applies, by the rules above."""
        order, bills = source.order, source.bills
        if not bills:
            if order.billed is not True or order.kind == "subscription":
                return Decision("nothing-to-do")
            delivered = "delivered" if order.delivered else "not delivered"
            return Decision("needs-review", "flagged-no-record", f"Flagged billed, without a record, and {delivered}.")
        if len(bills) > 1:
            return Decision("needs-review", "bill-duplicate", f"The order has {len(bills)} billing records.")
        if source.twin:
            return Decision("needs-review", "id-duplicate", "Another order has the same id; whose is the record?")
        if order.billed is True:
            return Decision("nothing-to-do")
        if clean_id(source.document["id"]) is None:
            return Decision("needs-review", "id-missing", "The order has no id that is clean text.")
        bill, values = read_bill(bills[0]), billed_by(bills[0])
        return Decision("change", None, "There is a billing record.", bill.customer_id, bill.month, None, values)

    def changes(
        self, source: BilledOrder, values: Mapping[str, Any], run: str, now: datetime, surroundings: Surroundings
    ) -> Sequence[Change]:
        """The billing fields of the order."""
        billed = {**values, "billed_at": values["billed_at"] or to_stored(now)}
        return (Update("orders", source.document, billed, {"billed": {"$ne": True}}),)

    async def landed(self, database: Database, run: str, bodies: Sequence[Document]) -> Tally:
        """The orders that have the values of their rows, and a record to show for it."""
        orders = await as_stored(database, "orders", bodies, ("id", "billed", "billed_at", "billed_month"))
        bills = await by_order(database, "billing_records", [body["record"] for body in bodies], None, BILL_FIELDS)
        return Tally(records=sum(
            order.get("id") == body["record"] and body["record"] in bills and _repaired(order, body["values"])
            for body, order in zip(bodies, orders, strict=True)
        ))  # fmt: skip


def _repaired(order: Document, values: Mapping[str, Any]) -> bool:
    """Whether an order has a row's values; one that the row leaves open is the time of the repair."""
    pinned = {name: value for name, value in values.items() if value is not None}
    return has(order, pinned) and read_timestamp(order.get("billed_at")) is not None


def billed_by(bill: Document) -> dict[str, Any]:
    """The billing fields that a record gives its order: what of it cannot be read is None, or for the month missing."""
    read = read_bill(bill)
    at = to_stored(read.created_at) if read.created_at else None
    return {"billed": True, "billed_at": at, **({"billed_month": read.month} if read.month else {})}
