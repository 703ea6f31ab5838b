"""Orders as stored, in all their ages and spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from services.clock import read_day, read_month, read_timestamp
from services.money import exact
from services.records.fields import first, flag, identity, mapping, mappings, reference, text, word
from services.records.findings import Finding

Owner: TypeAlias = tuple[str | None, str | None]
"""The `customer_id` and the `user_id` of an order, from which its customer is found."""
Kind: TypeAlias = Literal["one-time", "subscription", "unknown"]

ORDER_ID = re.compile(r"ord_[0-9a-f-]*|(?=[0-9a-f-]*\d)[0-9a-f-]{3,36}|[0-9a-f]{8}-[0-9a-f-]*", re.IGNORECASE)
"""What the beginning of an order's id can look like."""
_HEXADECIMAL = re.compile(r"[0-9a-f-]+", re.IGNORECASE)
DELIVERED = "DELIVERED"
PARTIALLY_DELIVERED = "PARTIALLY_DELIVERED"
NOT_DELIVERED = "NOT_DELIVERED"
CANCELLED = "CANCELLED"
FAILED = "FAILED"
DELIVERED_STATUSES = (DELIVERED, PARTIALLY_DELIVERED)
"""Goods reached the customer, all or some."""
OPEN_STATUSES = ("PENDING", "CONFIRMED", "PROCESSING", "OUT_FOR_DELIVERY")
"""The delivery is still to come."""
FAILED_STATUSES = (NOT_DELIVERED, FAILED)
"""Nothing reached the customer, though somebody was on the way."""

# The backend's endpoints, its older versions and the delivery staff's app spell these in their own ways.
_STATUSES = {
    "PENDING": "PENDING",
    "CONFIRMED": "CONFIRMED",
    "PROCESSING": "PROCESSING",
    "OUT_FOR_DELIVERY": "OUT_FOR_DELIVERY",
    "DELIVERED": DELIVERED,
    "PARTIALLY_DELIVERED": PARTIALLY_DELIVERED,
    "PARTIAL_DELIVERED": PARTIALLY_DELIVERED,
    "NOT_DELIVERED": NOT_DELIVERED,
    "CANCELLED": CANCELLED,
    "CANCELED": CANCELLED,
    "FAILED": FAILED,
}
_ONE_TIME = {"ONE_TIME", "ONETIME"}
_SUBSCRIPTION = {"SUBSCRIPTION", "SUBSCRIPTIONS"}
PLAINLY_SUBSCRIPTION = ("subscription", "SUBSCRIPTION", "Subscription")
"""Types that a query may leave out where one-time orders are wanted; odder spellings are told apart one by one."""


class Item(NamedTuple):
    """One line of an order; quantity, price and total are None where they are no numbers."""

    product_id: str | None
    name: str
    quantity: Decimal | None
    unit: str
    price: Decimal | None
    total: Decimal | None

    @property
    def key(self) -> str:
        """What a delivery's lines call this item: the product's id, on old orders its name."""
        return self.product_id or self.name


@dataclass(frozen=True, slots=True)
class Order:
    """An order: money in rupees as exact decimals, times in UTC, the status in one spelling."""

    key: Any
    """The document's `_id`."""
    id: str | None
    user_id: str | None
    customer_id: str | None
    kind: Kind
    subscription_id: str | None
    items: tuple[Item, ...]
    total: Decimal | None
    status: str
    delivery_date: date | None
    delivered_at: datetime | None
    delivery_boy_id: str | None
    address: str
    notes: str
    billed: bool | None
    billed_month: str | None
    delivery_confirmed: bool | None
    partial: bool
    """Whether the order itself names items that were delivered only in part."""
    created_at: datetime | None

    @property
    def owner(self) -> Owner:
        """Whom the order names."""
        return self.customer_id, self.user_id

    @property
    def delivered(self) -> bool:
        """Whether goods reached the customer, all or some."""
        return self.status in DELIVERED_STATUSES


def order_id_beginnings(typed: str) -> list[str]:
    """What the ids may begin with that a person means: newer ones carry a mark before theirs."""
    forms = [typed, typed.lower()]
    if _HEXADECIMAL.fullmatch(typed) and not typed.lower().startswith("ord_"):
        forms.append(f"ord_{typed.lower()}")
    return list(dict.fromkeys(forms))


def read_owner(document: Mapping[str, Any]) -> Owner:
    """Whom a stored order names."""
    return reference(document.get("customer_id")), reference(document.get("user_id"))


def read_status(value: object) -> str:
    """A status in one spelling; an unknown word stays itself in upper case, a missing one is empty."""
    return _status(str(value)) if isinstance(value, str) else ""  # BSON code is a string that has no hash


@lru_cache(maxsize=1024)  # a handful of words on millions of records
def _status(written: str) -> str:
    normal = word(written)
    return _STATUSES.get(normal, normal)


def status_spellings(status: str) -> list[str]:
    """The spellings under which a status is stored: a query lists them all, so that an index serves it."""
    spellings: list[str] = []
    for written, meaning in _STATUSES.items():
        if meaning == read_status(status):
            bases = [written, written.replace("_", " "), written.replace("_", "-")]
            spellings += [form for base in bases for form in (base, base.lower(), base.title(), base.capitalize())]
    return list(dict.fromkeys(spellings)) or [status]


@lru_cache(maxsize=1)
def known_statuses() -> tuple[str, ...]:
    """Every status that the console knows, each once."""
    return tuple(dict.fromkeys(_STATUSES.values()))


def read_kind(document: Mapping[str, Any]) -> Kind:
    """One-time or subscription: an order that names neither a type nor a subscription counts as one-time."""
    value = document.get("order_type")
    if value is None or (isinstance(value, str) and not value.strip()):
        return "subscription" if document.get("subscription_id") else "one-time"
    kind = word(value)
    if kind in _ONE_TIME:
        return "one-time"
    return "subscription" if kind in _SUBSCRIPTION else "unknown"


def read_total(document: Mapping[str, Any]) -> Decimal | None:
    """The rupees that a stored order says, under the present or the old name; None where they are no number."""
    return exact(first(document, "total_amount", "total"))


def read_partial(document: Mapping[str, Any]) -> bool:
    """Whether a stored order itself names items that were delivered only in part."""
    return bool(document.get("partial_delivery_items"))


def read_items(document: Mapping[str, Any]) -> tuple[Item, ...]:
    """The lines of a stored order; what is not readable as one has no quantity."""
    return tuple([_read_item(item) for item in mappings(document.get("items"))])


def read_order(document: Mapping[str, Any]) -> Order:
    """Parse a stored order; never raises, whatever the document holds."""
    return Order(
        key=document.get("_id"),
        id=identity(document.get("id")),
        user_id=reference(document.get("user_id")),
        customer_id=reference(document.get("customer_id")),
        kind=read_kind(document),
        subscription_id=identity(document.get("subscription_id")),
        items=read_items(document),
        total=read_total(document),
        status=read_status(document.get("status")),
        delivery_date=read_day(document.get("delivery_date")),
        delivered_at=read_timestamp(document.get("delivered_at")),
        delivery_boy_id=identity(document.get("delivery_boy_id")),
        address=read_address(document.get("address")),
        notes=text(document.get("notes")),
        billed=flag(document.get("billed")),
        billed_month=read_month(document.get("billed_month")),
        delivery_confirmed=flag(document.get("delivery_confirmed")),
        partial=read_partial(document),
        created_at=read_timestamp(document.get("created_at")),
    )


def read_address(value: object) -> str:
    """An address as one text, from a string or from its parts."""
    if isinstance(value, str):
        return value
    parts = mapping(value)
    names = ("label", "address_line1", "address_line2", "landmark", "area", "city", "state", "pincode")
    known = [text(parts[name]) for name in names if parts.get(name)]
    return ", ".join(known or [text(part) for part in parts.values() if text(part)])


def _read_item(item: Mapping[str, Any]) -> Item:
    if (name := item.get("product_name")) is None:
        name = first(item, "product", "name")
    if (quantity := item.get("quantity")) is None:
        quantity = item.get("qty")
    price, total = item.get("price"), item.get("total")
    stored = item.get("product_id"), name, quantity, item.get("unit"), price, total
    # The cache cannot tell 0.0 from -0.0.
    read = _item if quantity and price and (total is None or total) else _item.__wrapped__
    try:
        return read(*stored)
    except TypeError:  # what nobody meant for an item, and numbers of some kinds, have no hash
        return _item.__wrapped__(*stored)


@lru_cache(maxsize=8192, typed=True)  # the same goods are ordered millions of times
def _item(product_id: object, name: object, quantity: object, unit: object, price: object, total: object) -> Item:
    return Item(identity(product_id), text(name), exact(quantity), text(unit), exact(price), exact(total))


def order_findings(document: Mapping[str, Any]) -> list[Finding]:
    """What is odd about a stored order."""
    order = read_order(document)
    found: list[Finding] = []

    def note(code: str, message: str) -> None:
        found.append(Finding(code, message))

    if order.id is None:
        note("id-missing", "The order has no id; nothing can refer to it.")
    if document.get("order_type") in (None, ""):
        note("order-type-missing", f"The order has no order_type; it counts as {order.kind}.")
    elif order.kind == "unknown":
        note("order-type-unknown", f"The order_type {document['order_type']!r} is not known.")
    if order.status not in _STATUSES:
        note("status-unknown", f"The status {document.get('status')!r} is not known.")
    if document.get("total_amount") is None and document.get("total") is not None:
        note("total-under-old-name", "The amount stands under its old name, total.")
    if order.total is None:
        note("amount-unreadable", f"The amount {first(document, 'total_amount', 'total')!r} is not a number.")
    if not order.items:
        note("items-missing", "The order has no items.")
    if (stored := document.get("delivered_at")) is not None:
        if order.delivered_at is None:
            note("delivered-at-unreadable", f"delivered_at is {stored!r}, which is not a time.")
        elif isinstance(stored, str) and datetime.fromisoformat(stored.strip()).tzinfo is None:
            note("delivered-at-no-offset", "delivered_at carries no offset; it is read as UTC, the server's clock.")
    if order.delivery_date is None:
        note("delivery-date-unreadable", f"delivery_date is {document.get('delivery_date')!r}, which is not a day.")
    if (stored := document.get("billed")) is not None and not isinstance(stored, bool):
        counts = "flagged" if order.billed else "not flagged"
        note("flag-unreadable", f"billed is {stored!r}, neither true nor false; the order counts as {counts}.")
    elif order.delivered and order.billed is None:
        note("flag-missing", "The order has no billed flag; older orders lack it.")
    if order.delivered and order.delivery_confirmed is False:
        note("unconfirmed", "The order is delivered, but nobody has confirmed the delivery.")
    return found
