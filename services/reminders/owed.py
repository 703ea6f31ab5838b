"""What is owed for an order now: what its bill says, and whether it is still to be asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.clock import india_day, read_day, read_timestamp
from services.database import READ_LIMIT_MS, Database, Document, Session
from services.records.bills import UNREADABLE, read_bill
from services.records.fields import identity
from services.reminders.obstacles import BillObstacle

_FIELDS = dict.fromkeys(("order_id", "customer_id", "month", "amount", "payment_status", "run"), 1)


async def as_billed(
    database: Database, rows: Sequence[Document], session: Session | None = None
) -> list[tuple[Document, BillObstacle | None]]:
    """Each outbox row with the amount and the month that its bill says now, and what keeps it from being asked for."""
    bills = await _bills(database, [row["order_id"] for row in rows], session)
    billed = [_by_bill(row, bills.get(row["order_id"], ())) for row in rows]
    paid = await _paid_since(database, [row for row, _ in billed], session)
    return [(row, obstacle or ("month-paid" if row["order_id"] in paid else None)) for row, obstacle in billed]


async def _bills(
    database: Database, order_ids: Sequence[str], session: Session | None
) -> Mapping[str, Sequence[Document]]:
    """The billing records of these orders; one that names several is each of theirs."""
    found: dict[str, list[Document]] = {}
    matching: Document = {"order_id": {"$in": list(order_ids)}}
    async for bill in database["billing_records"].find(matching, _FIELDS, session=session, max_time_ms=_limit(session)):
        named = bill["order_id"]
        for order in map(identity, named if isinstance(named, list) else [named]):
            found.setdefault(order or "", []).append(bill)
    return found


def _by_bill(row: Document, found: Sequence[Document]) -> tuple[Document, BillObstacle | None]:
    bills = [read_bill(each) for each in found]
    if not bills:
        return row, "bill-missing"
    if all(bill.run not in (None, row["run"]) for bill in bills):
        return row, "bill-replaced"
    if any(bill.payment_status not in ("unpaid", "") for bill in bills):
        return row, "bill-paid"
    bill = bills[0]
    paise = 0 if any(each.code == UNREADABLE for each in bill.findings) else bill.amount_paise or 0
    whose = len(bills), bill.order_id, bill.customer_id
    if whose != (1, row["order_id"], row["customer_id"]) or not bill.month or paise <= 0:
        return row, "bill-unclear"
    return row | {"amount_paise": paise, "month": bill.month}, None


async def _paid_since(database: Database, rows: Sequence[Document], session: Session | None) -> set[str]:
    """The orders whose customer paid for the month since the bill was made: a payment does not say which bill it meets.

    A payment is found by the id in `customers_v2` that the bill has, not by a user's id.
    """
    months, customers = {row["month"] for row in rows}, {row["customer_id"] for row in rows}
    matching: Document = {"customer_id": {"$in": sorted(customers)}, "month": {"$in": sorted(months)}}
    fields = {"customer_id": 1, "month": 1, "created_at": 1, "payment_date": 1}
    payments: dict[tuple[str, str], list[Document]] = {}
    transactions = database["payment_transactions"]
    async for payment in transactions.find(matching, fields, session=session, max_time_ms=_limit(session)):
        payments.setdefault((payment["customer_id"], payment["month"]), []).append(payment)
    return {
        row["order_id"]
        for row in rows
        if any(_since(row, payment) for payment in payments.get((row["customer_id"], row["month"]), ()))
    }


def _limit(session: Session | None) -> int | None:
    """A transaction has its own."""
    return None if session else READ_LIMIT_MS


def _since(row: Document, payment: Document) -> bool:
    """Whether a payment came after the bill; one of the same day, or without a time, may have."""
    billed, paid = read_timestamp(row["created_at"]), read_timestamp(payment.get("created_at"))
    if billed and paid:
        return paid > billed
    day = read_day(payment.get("payment_date"))
    return not (billed and day) or day >= india_day(billed)
