"""Bill the one-time orders that were delivered and never entered into `billing_records`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from bson import Int64

from services.backfills.backfill import Backfill, Doubt, Surroundings
from services.backfills.landing import as_stored
from services.backfills.plan import Decision, Options, Tally
from services.billing.charge import Charge, Undecided, billed_items, charge
from services.billing.month import billing_month, delivery_day
from services.billing.second_opinion import opinions
from services.changes.changeset import Change, Insert, Update
from services.changes.series import named_id
from services.clock import india_day, month_of, read_day, read_month, read_timestamp, to_stored
from services.customers.resolution import NOBODY, Resolution, resolve_all
from services.database import WHOLE, Database, Document, Session
from services.money import to_double, to_paise
from services.orders.references import asked_ids, by_order, clean_id, twins
from services.records.bills import read_bill, read_paise
from services.records.deliveries import read_report
from services.records.fields import flag, identity
from services.records.orders import (
    DELIVERED_STATUSES,
    PLAINLY_SUBSCRIPTION,
    Item,
    Owner,
    read_items,
    read_kind,
    read_owner,
    read_partial,
    read_status,
    read_total,
)
from services.reminders.outbox import Due

_DECIDING = (
    "id", "user_id", "customer_id", "order_type", "subscription_id", "items", "total_amount", "total", "status",
    "delivery_date", "delivered_at", "billed", "billed_month", "delivery_confirmed", "partial_delivery_items",
)  # fmt: skip


class OrderSource(NamedTuple):
    """An order with its deliveries, its customer and the billing records that it has already.

    A commit only asks whether these are what they were: each value is read when it is asked for.
    """

    document: Document
    id: str | None
    status: str
    """In one spelling."""
    delivered: Sequence[Document]
    resolution: Resolution
    bills: Sequence[Document]
    twin: bool
    """Whether another order has the same id."""

    @property
    def items(self) -> Sequence[Item]:
        """Its lines."""
        return read_items(self.document)

    @property
    def total(self) -> Decimal | None:
        """The rupees that it says."""
        return read_total(self.document)

    @property
    def partial(self) -> bool:
        """Whether the order itself names items that were delivered only in part."""
        return read_partial(self.document)

    @property
    def billed(self) -> bool:
        """Whether it is flagged as billed."""
        return flag(self.document.get("billed")) is True

    @property
    def billed_month(self) -> str | None:
        """The valid billing month that it has already."""
        return read_month(self.document.get("billed_month"))

    @property
    def delivered_at(self) -> datetime | None:
        """When it was delivered."""
        return read_timestamp(self.document.get("delivered_at"))

    @property
    def delivery_date(self) -> date | None:
        """The scheduled day."""
        return read_day(self.document.get("delivery_date"))


class BillOneTimeOrders(Backfill[OrderSource]):
    """Makes the missing billing record of each delivered one-time order, and sets the order's billed flag."""

    name = "bill-one-time-orders"
    title = "Bill one-time orders"
    about = "Makes the missing billing record of each delivered one-time order and flags the order as billed."
    collection = "orders"
    fields = dict.fromkeys(_DECIDING, 1)
    noun = "one-time orders"
    amounts = True
    takes = ("delivered_from", "delivered_to", "include_flagged", "confirmed_only")

    def scope(self, options: Options) -> Document:
        """All but the plainly spelled subscription orders; the odd spellings are told apart record by record."""
        return {"order_type": {"$nin": list(PLAINLY_SUBSCRIPTION)}}

    async def load(
        self, database: Database, documents: Sequence[Document], session: Session | None
    ) -> list[OrderSource]:
        """The orders with what their bills depend on, in stages: what is not billed by this fix needs less.

        Four to six queries, however many orders.
        """
        names = [identity(document.get("id")) for document in documents]
        bills = await by_order(database, "billing_records", asked_ids(_ids(documents)), session, _BILL_FIELDS)
        statuses = [read_status(document.get("status")) for document in documents]
        owners: list[Owner | None] = []
        due = []
        for document, name, status in zip(documents, names, statuses, strict=True):
            unbilled = name not in bills
            if unbilled and status in DELIVERED_STATUSES:
                due.append(document)
            owners.append(read_owner(document) if not unbilled or status in DELIVERED_STATUSES else None)
        ids = asked_ids(_ids(due))
        delivered = await by_order(database, "delivery_statuses", ids, session, _DELIVERY_FIELDS)
        shared = await twins(database, ids, session)
        customers = await resolve_all(database, [owner for owner in owners if owner], session)
        return [
            OrderSource(
                document, name, status, delivered.get(name or "", ()), customers[owner] if owner else NOBODY,
                bills.get(name or "", ()), name in shared,
            )
            for document, name, status, owner in zip(documents, names, statuses, owners, strict=True)
        ]  # fmt: skip

    def identify(self, source: OrderSource) -> tuple[str, Any]:
        """The order's id, or its `_id` in words where it has none."""
        key = source.document["_id"]
        return source.id or str(key), key

    def covers(self, source: OrderSource, options: Options) -> bool:
        """One-time orders, delivered (or due) on the days asked for."""
        if read_kind(source.document) != "one-time":
            return False
        return options.covers(None) or options.covers(delivery_day(source))

    def depends(self, source: OrderSource) -> Mapping[str, Any]:
        """The order's deciding fields, its deliveries, whom it belongs to, and its billing records."""
        return {
            "order": list(map(source.document.get, _DECIDING)),
            "deliveries": [list(map(delivery.get, _REPORTING)) for delivery in source.delivered],
            "customer": source.resolution.candidates,
            "bills": [str(bill["_id"]) for bill in source.bills],
            "twin": source.twin,
        }

    def decide(self, source: OrderSource, options: Options, surroundings: Surroundings) -> Decision:
        """The class of an order, first that applies, by the rules of the billing fix."""
        if source.bills:
            return _already_billed(source)
        if source.status not in DELIVERED_STATUSES:
            return Decision("not-delivered", amount_paise=_stated(source))
        outcome = _bill(source, options, surroundings)
        if source.billed and not options.include_flagged:
            amount = _stated(source) if isinstance(outcome, Undecided) else outcome.amount_paise
            return Decision("flagged-no-record", None, "The order is flagged billed, but has no record.",
                            source.resolution.customer_id, billing_month(source), amount)  # fmt: skip
        if isinstance(outcome, Undecided):
            return Decision("needs-review", outcome.code, outcome.message, source.resolution.customer_id,
                            billing_month(source), _stated(source))  # fmt: skip
        return outcome

    def changes(
        self, source: OrderSource, values: Mapping[str, Any], run: str, now: datetime, surroundings: Surroundings
    ) -> Sequence[Change]:
        """The billing record, and the three billing fields of the order."""
        order_id, stored, month = str(source.document["id"]), to_stored(now), values["month"]
        bill: Document = {
            "_id": _bill_key(order_id),
            "id": named_id(f"{run}/{order_id}"),
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
        guard = {"status": source.document["status"], "billed": True if source.billed else {"$ne": True}}
        return (
            Insert("billing_records", bill),
            Update("orders", source.document, billed, guard, action="BILLED"),
        )

    def touches(self, body: Document) -> Sequence[tuple[str, Any]]:
        """The billing record and the order."""
        return (("billing_records", _bill_key(body["record"])), ("orders", body["key"]))

    def holds(self, current: Sequence[Document | None]) -> str | None:
        """A bill that was paid, even in part, stays.

        Only the bill itself says so: a payment of the customer's whole month is of no single bill.
        """
        bill = current[0]
        status = read_bill(bill).payment_status if bill else ""
        if status in ("unpaid", ""):
            return None
        return "its bill was paid in part" if status == "partial" else "its bill was paid"

    def stands(self, run: str, record: Document) -> bool:
        """A bill of another run may have taken the place."""
        return record.get("run") == run

    def due(self, body: Document) -> Due:
        """The amount of the bill."""
        values = body["values"]
        return Due(body["record"], values["customer_id"], values["amount_paise"], values["month"])

    async def second_opinion(self, database: Database, bodies: Sequence[Document], session: Session) -> Sequence[Doubt]:
        """The orders whose amount or month the database computes otherwise."""
        found = await opinions(database, [(body["record"], body["key"]) for body in bodies], session)
        doubts = []
        for body in bodies:
            order_id, amount, month = body["record"], body["amount_paise"], body["month"]
            other = found.get(order_id)
            if other is None:
                doubts.append(Doubt(order_id, _worth(amount, month), "no such order"))
            elif other.amount_paise not in (amount, None) or other.month not in (month, None):
                doubts.append(Doubt(order_id, _worth(amount, month), _worth(other.amount_paise, other.month)))
        return doubts

    async def landed(self, database: Database, run: str, bodies: Sequence[Document]) -> Tally:
        """The rows of which the order is billed as they say, and the order's only bill says what they say.

        The amount is that of all bills of the run that are there, right or wrong, where one states none as planned:
        after a rollback none may be left.
        """
        named: Document = {"order_id": {"$in": [body["record"] for body in bodies]}}
        bills: dict[str, list[Document]] = {}
        for bill in await database["billing_records"].find(named, _LANDED_FIELDS, batch_size=WHOLE).to_list():
            several = isinstance(bill["order_id"], list)
            for order_id in bill["order_id"] if several else [bill["order_id"]]:
                bills.setdefault(str(order_id), []).append(bill)
        orders = await as_stored(database, "orders", bodies, ("id", "billed", "billed_month"))
        records = amount = 0
        for body, order in zip(bodies, orders, strict=True):
            record, values = body["record"], body["values"]
            found, paise = bills.get(record, []), values["amount_paise"]
            amount += sum(_paise_of(bill) or paise for bill in found if bill.get("run") == run)
            asked = (run, record, values["customer_id"], values["month"], float, to_double(paise), Int64, paise)
            billed = (record, True, values["month"])
            records += [_said(bill) for bill in found] == [asked] and _billed(order) == billed
        return Tally(records=records, amount_paise=amount)


_REPORTING = ("status", "items", "confirmation_method", "confirmed_at")
_DELIVERY_FIELDS = dict.fromkeys(("order_id", *_REPORTING), 1)


_BILL_FIELDS = {"order_id": 1, "amount": 1, "amount_paise": 1, "month": 1}


_LANDED_FIELDS = {**_BILL_FIELDS, "_id": 0, "customer_id": 1, "run": 1}


def _said(bill: Document) -> tuple[Any, ...]:
    """What a stored bill asks for, and in which types."""
    rupees, paise = bill.get("amount"), bill.get("amount_paise")
    asked = bill.get("run"), bill["order_id"], bill.get("customer_id"), bill.get("month")
    return *asked, type(rupees), rupees, type(paise), paise


def _paise_of(bill: Document) -> int | None:
    paise = bill.get("amount_paise")
    return paise if isinstance(paise, int) else None


def _billed(order: Document) -> tuple[Any, ...]:
    return order.get("id"), flag(order.get("billed")), order.get("billed_month")


def _ids(documents: Sequence[Document]) -> list[Any]:
    return [document.get("id") for document in documents]


def _worth(amount_paise: int | None, month: str | None) -> str:
    rupees = "no readable amount" if amount_paise is None else f"₹{to_double(amount_paise):,.2f}"
    return f"{rupees} in {month or 'no readable month'}"


def _bill_key(order_id: str) -> str:
    return f"bill:{order_id}"


def _stated(source: OrderSource) -> int:
    total = source.total
    return to_paise(total) if total is not None and 0 < total < 10**9 else 0


def _already_billed(source: OrderSource) -> Decision:
    bills = source.bills
    amount, month = read_paise(bills[0]) or 0, read_month(bills[0].get("month"))
    code, message = None, ""
    if len(bills) > 1:
        code, message = "bill-duplicate", f"The order has {len(bills)} billing records."
    elif not source.billed:
        code, message = "flag-missing", "The order has a billing record, but not the billed flag."
    return Decision("already-billed", code, message, source.resolution.customer_id, month, amount)


def _bill(source: OrderSource, options: Options, surroundings: Surroundings) -> Decision | Undecided:
    stored, month = source.document, billing_month(source)
    outcome = charge(source, [read_report(each) for each in source.delivered])
    if isinstance(outcome, Undecided) and not outcome.last:
        return outcome
    if month is None:
        return Undecided("no-delivery-month", "Neither delivered_at nor delivery_date can be read.")
    if (customer := source.resolution.customer_id) is None:
        code = "customer-ambiguous" if source.resolution.candidates else "customer-missing"
        return Undecided(code, f"The order's customer is open: {source.resolution.how}.")
    if isinstance(outcome, Undecided):
        return outcome
    if clean_id(customer) is None:
        return Undecided("id-missing", "The customer has no id that is clean text; no bill could name them.")
    if clean_id(stored.get("id")) is None:
        return Undecided("id-missing", "The order has no id that is clean text; nothing could refer to its bill.")
    if source.twin:
        return Undecided("id-duplicate", "Another order has the same id.")
    if month > month_of(surroundings.today):
        return Undecided("month-in-future", f"The billing month {month} has not begun yet.")
    confirmed = flag(stored.get("delivery_confirmed"))
    if options.confirmed_only and confirmed is not True:
        return Undecided("not-confirmed", "Nobody has confirmed the delivery.")
    values = {
        "customer_id": customer,
        "month": month,
        "amount_paise": outcome.amount_paise,
        "items_count": len(outcome.lines),
        "items": billed_items(outcome.lines),
        "notes": _notes(outcome),
    }
    return Decision("change", None, "", customer, month, outcome.amount_paise, values, unconfirmed=confirmed is False)


def _notes(outcome: Charge) -> str:
    return "One-time order, delivered in part" if outcome.partial else "One-time order"
