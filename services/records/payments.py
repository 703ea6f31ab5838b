"""What customers paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.clock import month_of, read_day, read_month
from services.money import exact, to_paise
from services.records.fields import identity, text
from services.records.findings import Finding


@dataclass(frozen=True, slots=True)
class Payment:
    """A document of `payment_transactions`; the amount is None where it is no amount of money."""

    id: str | None
    customer_id: str | None
    """As stored: it may be a user's id."""
    month: str | None
    """The month that it pays for, `YYYY-MM`; without a readable one the month of the payment itself."""
    amount_paise: int | None
    day: date | None
    method: str
    notes: str
    findings: tuple[Finding, ...]


def read_payment(document: Mapping[str, Any]) -> Payment:
    """Parse a stored payment; never raises."""
    amount, day = exact(document.get("amount")), read_day(document.get("payment_date"))
    month, findings = read_month(document.get("month")), []
    if amount is None or abs(amount) >= 10**12:
        amount = None
        findings.append(Finding("payment-unreadable", f"the amount {document.get('amount')!r} is no amount of money"))
    elif amount < 0:
        findings.append(Finding("payment-negative", "the amount is below zero; it counts as money given back"))
    if month is None and day is not None:
        month = month_of(day)
        findings.append(Finding("payment-month-unreadable", f"it names no month; it counts for {month}, when it came"))
    return Payment(
        id=identity(document.get("id")),
        customer_id=identity(document.get("customer_id")),
        month=month,
        amount_paise=None if amount is None else to_paise(amount),
        day=day,
        method=text(document.get("payment_method")),
        notes=text(document.get("notes")),
        findings=tuple(findings),
    )
