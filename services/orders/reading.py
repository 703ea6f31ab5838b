"""Reading an order and the records that name it."""

from __future__ import annotations

from collections.abc import Sequence

from bson import ObjectId

from services.database import Database, Document, Find, told
from services.errors import NotFound
from services.operators.operator import Operator

MOST_NAMING = 200
"""Deliveries and billing records of one order."""


async def require_order(database: Database, order_id: str) -> list[Document]:
    """The orders of an id: one, two where it is shared, or the one that lacks an id and is named by its key.

    Raises NotFound.
    """
    found = await Find("orders", {"id": order_id}, most=2).ask(database)
    if not found and ObjectId.is_valid(order_id):
        found = await Find("orders", {"_id": ObjectId(order_id)}, most=1).ask(database)
    if not found:
        shown = order_id if len(order_id) <= 60 else f"{order_id[:60]}…"
        raise NotFound(
            "unknown-order",
            f"There is no order {shown!r}; it may have been deleted. `orders find` searches by phone or the beginning "
            "of a name or id.",
        )
    return found


async def find_deleted(database: Database, operator: Operator, order_ids: Sequence[str]) -> tuple[str, ...]:
    """Those of these orders, each named by its id or its key, that are no longer there."""
    operator.require("viewer", "look up orders")
    wanted = list(order_ids)
    keys = [ObjectId(name) for name in wanted if ObjectId.is_valid(name)]
    with told():
        found = await Find("orders", {"id": {"$in": wanted}}, {"id": 1}, 2 * len(wanted)).ask(database)
        found += await Find("orders", {"_id": {"$in": keys}}, {"id": 1}).ask(database) if keys else []
    there = {name for each in found for name in (each.get("id"), str(each["_id"]))}
    return tuple(name for name in wanted if name not in there)


def naming(order_id: str) -> list[Find]:
    """The questions for the deliveries and the billing records that name an order; one more than are shown."""
    return [
        Find(name, {"order_id": order_id}, most=MOST_NAMING + 1) for name in ("delivery_statuses", "billing_records")
    ]
