"""Deliveries: the `delivery_statuses` documents of orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from services.clock import read_timestamp
from services.money import exact
from services.records.fields import first, identity, mappings, text
from services.records.findings import Finding
from services.records.orders import known_statuses, read_status


@dataclass(frozen=True, slots=True)
class DeliveryItem:
    """What was delivered of one item; a quantity is None where it is no number."""

    product_id: str | None
    name: str
    ordered: Decimal | None
    delivered: Decimal | None
    price: Decimal | None

    @property
    def key(self) -> str:
        """The product's id, on old documents its name."""
        return self.product_id or self.name


class ReportedItem(NamedTuple):
    """What a report says of one item: its product's id, on old documents its name, and the delivered quantity."""

    key: str
    delivered: Decimal | None


class Report(NamedTuple):
    """What a delivery says about what was delivered: of a `Delivery`, as much as an amount depends on."""

    status: str
    confirmation_method: str
    confirmed_at: str
    items: tuple[ReportedItem, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document of `delivery_statuses`, the status in one spelling."""

    key: Any
    id: str | None
    order_id: str | None
    status: str
    delivered_at: datetime | None
    delivery_boy_id: str | None
    confirmed_by_name: str
    confirmation_method: str
    confirmed_at: str
    """As stored: the console's own are in the one form that sorts."""
    notes: str
    items: tuple[DeliveryItem, ...]
    findings: tuple[Finding, ...]


def read_delivery(document: Mapping[str, Any]) -> Delivery:
    """Parse a stored delivery; never raises."""
    status = read_status(document.get("status"))
    unknown = Finding("delivery-status-unknown", f"The delivery's status {document.get('status')!r} is not known.")
    return Delivery(
        key=document.get("_id"),
        id=identity(document.get("id")),
        order_id=identity(document.get("order_id")),
        status=status,
        delivered_at=read_timestamp(document.get("delivered_at")),
        delivery_boy_id=identity(document.get("delivery_boy_id")),
        confirmed_by_name=text(document.get("confirmed_by_name")),
        confirmation_method=text(document.get("confirmation_method")),
        confirmed_at=_written(document.get("confirmed_at")),
        notes=text(document.get("notes")),
        items=tuple(_read_item(item) for item in mappings(document.get("items"))),
        findings=() if status in known_statuses() else (unknown,),
    )


def read_report(document: Mapping[str, Any]) -> Report:
    """Parse what a stored delivery says about what was delivered; never raises."""
    items = [
        ReportedItem(identity(item.get("product_id")) or _name(item), exact(item.get("delivered_qty")))
        for item in mappings(document.get("items"))
    ]
    return Report(
        read_status(document.get("status")),
        text(document.get("confirmation_method")),
        _written(document.get("confirmed_at")),
        tuple(items),
    )


def _written(time: object) -> str:
    """A time as it is written; a number is none."""
    return time if isinstance(time, str) else ""


def _name(item: Mapping[str, Any]) -> str:
    return text(first(item, "product_name", "product", "name"))


def _read_item(item: Mapping[str, Any]) -> DeliveryItem:
    return DeliveryItem(
        product_id=identity(item.get("product_id")),
        name=_name(item),
        ordered=exact(first(item, "ordered_qty", "quantity")),
        delivered=exact(item.get("delivered_qty")),
        price=exact(first(item, "price_per_unit", "price")),
    )
