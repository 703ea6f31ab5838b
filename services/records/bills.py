"""Billing records, the backend's and the console's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.clock import read_month, read_timestamp
from services.money import exact, to_paise
from services.records.fields import identity, text, word
from services.records.findings import Finding

UNREADABLE = "bill-amount-unreadable"
"""The finding about a bill whose `amount` nobody can ask for."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One document of `billing_records`; the amount is what `read_paise` says."""

    id: str | None
    order_id: str | None
    customer_id: str | None
    month: str | None
    amount_paise: int | None
    payment_status: str
    status: str
    due_date: str
    created_at: datetime | None
    run: str | None
    """The backfill run that made it, None for the backend's own."""
    findings: tuple[Finding, ...]


def read_paise(document: Mapping[str, Any]) -> int | None:
    """What a stored billing record asks for: `amount` to the paisa, `amount_paise` where that is no number, else None.

    The backend corrects `amount` alone: an `amount_paise` that differs is out of date.
    """
    amount = _read_amount(document)
    return to_paise(amount) if amount is not None else _stored_paise(document)


def _stored_paise(document: Mapping[str, Any]) -> int | None:
    paise = document.get("amount_paise")
    known = isinstance(paise, int) and not isinstance(paise, bool) and abs(paise) < 10**14
    return paise if known else None


def _read_amount(document: Mapping[str, Any]) -> Decimal | None:
    amount = exact(document.get("amount"))
    return amount if amount is not None and abs(amount) < 10**12 else None


def read_bill(document: Mapping[str, Any]) -> Bill:
    """Parse a stored billing record; never raises."""
    findings = []
    paise = read_paise(document)
    if _read_amount(document) is None:
        findings.append(Finding(UNREADABLE, "The billing record's amount is not a number."))
    elif _stored_paise(document) not in (None, paise):
        findings.append(Finding("bill-amounts-differ", "The billing record's amount and amount_paise differ."))
    if (month := read_month(document.get("month"))) is None:
        findings.append(Finding("bill-month-unreadable", "The billing record's month is not a month."))
    return Bill(
        id=identity(document.get("id")),
        order_id=identity(document.get("order_id")),
        customer_id=identity(document.get("customer_id")),
        month=month,
        amount_paise=paise,
        payment_status=word(document.get("payment_status")).lower(),
        status=word(document.get("status")).lower(),
        due_date=text(document.get("due_date")),
        created_at=read_timestamp(document.get("created_at")),
        run=identity(document.get("run")),
        findings=tuple(findings),
    )
