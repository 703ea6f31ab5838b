"""Stored documents for tests, as the backend writes them; each test changes what it is about."""

import uuid
from typing import Any

from services.database import Database, Document

CUSTOMER = "cust-1"
USER = "user-1"


def order(**fields: Any) -> Document:
    """A delivered, unbilled one-time order of ₹180 for the customer of `customer`; `...` leaves a field out."""
    document: Document = {
        "id": f"ord_{uuid.uuid4()}",
        "user_id": USER,
        "customer_id": USER,
        "order_type": "one_time",
        "subscription_id": None,
        "items": [
            {
                "product_id": "eggs",
                "product_name": "Eggs",
                "quantity": 2,
                "unit": "dozen",
                "price": 60.0,
                "total": 120.0,
            },
            {
                "product_id": "bread",
                "product_name": "Bread",
                "quantity": 1,
                "unit": "loaf",
                "price": 60.0,
                "total": 60.0,
            },
        ],
        "total_amount": 180.0,
        "delivery_date": "2026-10-15",
        "status": "DELIVERED",
        "created_at": "2026-10-14T12:00:00+00:00",
        "delivered_at": "2026-10-15T01:00:00+00:00",
        "billed": False,
        "delivery_confirmed": True,
    }
    document.update(fields)
    return {name: value for name, value in document.items() if value is not ...}


def customer(**fields: Any) -> Document:
    """A customer linked to the user of `order`."""
    return {
        "id": CUSTOMER, "user_id": USER, "name": "Asha Rao", "phone": "9876543210", "area": "Jayanagar",
        "address": "12, 4th Cross", "status": "active", "previous_balance": 0.0, **fields,
    }  # fmt: skip


def delivery(of: Document, delivered: dict[str, float] | None = None, **fields: Any) -> Document:
    """The delivery of an order, with the delivered quantities by product id where given."""
    items = [
        {"product_id": item["product_id"], "product_name": item["product_name"], "ordered_qty": item["quantity"],
         "delivered_qty": delivered[item["product_id"]], "price_per_unit": item["price"]}
        for item in of["items"] if item["product_id"] in (delivered or {})
    ] if delivered is not None else ...  # fmt: skip
    document = {
        "id": str(uuid.uuid4()), "order_id": of["id"], "customer_id": of.get("customer_id"), "status": "delivered",
        "delivery_date": of.get("delivery_date"), "items": items, **fields,
    }  # fmt: skip
    return {name: value for name, value in document.items() if value is not ...}


def bill(of: Document, **fields: Any) -> Document:
    """A billing record that the backend made."""
    return {
        "id": str(uuid.uuid4()), "order_id": of["id"], "customer_id": CUSTOMER, "month": "2026-10",
        "amount": 180.0, "status": "pending", "payment_status": "unpaid", **fields,
    }  # fmt: skip


async def stock(database: Database, **collections: Document | list[Document]) -> None:
    """Insert documents by collection, and the customer of `customer` unless customers are given."""
    collections.setdefault("customers_v2", customer())
    for name, documents in collections.items():
        batch = documents if isinstance(documents, list) else [documents]
        if batch:
            await database[name].insert_many(batch)
