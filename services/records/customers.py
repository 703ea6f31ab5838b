"""Customers and the users whom they log in as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.money import exact, to_paise
from services.records.fields import first_filled, identity, national_number, text, word
from services.records.findings import Finding
from services.records.orders import read_address


@dataclass(frozen=True, slots=True)
class Customer:
    """A document of `customers_v2`; the phone as stored, from either of its two names."""

    id: str | None
    user_id: str | None
    name: str
    phone: str
    address: str
    area: str
    status: str
    delivery_boy_id: str | None
    findings: tuple[Finding, ...]


def read_previous_balance(document: Mapping[str, Any]) -> int | None:
    """What a stored customer still owes from before, in paise; nothing where it says nothing, None for no number."""
    stored = document.get("previous_balance")
    rupees = Decimal(0) if stored is None else exact(stored)
    return to_paise(rupees) if rupees is not None and abs(rupees) < 10**12 else None


def read_customer(document: Mapping[str, Any]) -> Customer:
    """Parse a stored customer; never raises."""
    phone = text(first_filled(document, "phone", "phone_number"))
    findings = []
    if not document.get("user_id"):
        findings.append(Finding("no-user", "The customer is not linked to a user."))
    if not phone:
        findings.append(Finding("no-phone", "The customer has no phone number."))
    elif national_number(phone) is None:
        findings.append(Finding("phone-unreadable", "The customer's phone is not an Indian number."))
    return Customer(
        id=identity(document.get("id")),
        user_id=identity(document.get("user_id")),
        name=text(document.get("name")),
        phone=phone,
        address=read_address(document.get("address")),
        area=text(document.get("area")),
        status=word(document.get("status")).lower(),
        delivery_boy_id=identity(document.get("delivery_boy_id")),
        findings=tuple(findings),
    )
