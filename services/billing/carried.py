"""What is known of a previous balance: the customer's record holds one amount, without a month and without bills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.audit.entries import field_changes
from services.audit.filters import AuditFilters
from services.audit.query import AuditQuery
from services.customers.resolution import ids_of
from services.database import READ_LIMIT_MS, Database, told
from services.errors import Refused
from services.money import exact, to_paise
from services.operators.operator import Operator
from services.records.bills import read_bill

_FIELD = "previous_balance"
_MOST_BILLS = 1_000
_UNSEARCHED = ("too-many-entries", "too-slow")


@dataclass(slots=True)
class EarlierBills:
    """The bills of a month before that nobody marked as paid."""

    month: str
    bills: int = 0
    paise: int = 0
    partly: int = 0
    """Of the bills, those that are paid in part; of how much they do not say."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Where a previous balance may come from."""

    bills: tuple[EarlierBills, ...]
    """The oldest month first."""
    changed: bool | None
    """Whether the audit trail tells of a change of it; then when, by whom, and from what, where that can be read.

    None where the trail could not be searched."""
    at: datetime | None = None
    by: str = ""
    was_paise: int | None = None


async def explain_balance(
    database: Database, operator: Operator, customer_id: str, user_id: str | None, month: str
) -> Carried:
    """What may be behind the previous balance in a customer's statement of a month."""
    by_month: dict[str, EarlierBills] = {}
    with told():
        ids = await ids_of(database, customer_id, user_id)
        matching = {"customer_id": {"$in": ids}, "month": {"$gte": "", "$lt": month}}
        fields = {"month": 1, "amount": 1, "amount_paise": 1, "payment_status": 1}
        found = database["billing_records"].find(matching, fields).limit(_MOST_BILLS).max_time_ms(READ_LIMIT_MS)
        for bill in map(read_bill, await found.to_list()):
            if bill.month and bill.payment_status != "paid":
                earlier = by_month.setdefault(bill.month, EarlierBills(bill.month))
                earlier.bills += 1
                earlier.paise += bill.amount_paise or 0
                earlier.partly += bill.payment_status == "partial"
    bills = tuple(by_month[each] for each in sorted(by_month))
    try:
        changes = AuditFilters(tables=("customers_v2",), record_id=customer_id, field=_FIELD)
        entries = (await AuditQuery(database, operator).page(changes, limit=1)).items
    except Refused as refused:
        if refused.code not in _UNSEARCHED:
            raise
        return Carried(bills, changed=None)
    if not entries:
        return Carried(bills, changed=False)
    entry = entries[0]
    was = next((exact(each.old) for each in field_changes(entry) if each.field == _FIELD), None)
    was_paise = to_paise(was) if was is not None and abs(was) < 10**12 else None
    return Carried(bills, changed=True, at=entry.at, by=entry.user, was_paise=was_paise)
