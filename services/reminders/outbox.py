"""The outbox: for each order that a run bills, a row in the bill's own transaction, held until it is released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.clock import to_stored
from services.database import Database, Document, Session

OUTBOX = "console_outbox"


@dataclass(frozen=True, slots=True)
class Due:
    """What a customer owes for one order, to be put before them in a reminder."""

    order_id: str
    customer_id: str
    amount_paise: int
    month: str


def outbox_key(order_id: str) -> str:
    """The `_id` of an order's row: one row per order, whatever runs bill it."""
    return f"reminder:{order_id}"


async def hold(database: Database, session: Session, run: str, dues: Sequence[Due], now: datetime) -> None:
    """Hold a reminder for each due, in the transaction of the bills; an order that was reminded of stays so."""
    stored = to_stored(now)
    rows: list[Document] = [
        {
            "_id": outbox_key(due.order_id), "run": run, "order_id": due.order_id, "customer_id": due.customer_id,
            "amount_paise": due.amount_paise, "month": due.month, "state": "held", "created_at": stored,
        }
        for due in dues
    ]  # fmt: skip
    keys = [row["_id"] for row in rows]
    there = await database[OUTBOX].find({"_id": {"$in": keys}}, {"state": 1}, session=session).to_list()
    again = [row["_id"] for row in there if row["state"] == "cancelled"]
    if again:
        await database[OUTBOX].delete_many({"_id": {"$in": again}}, session=session)
    kept = {row["_id"] for row in there} - set(again)
    if fresh := [row for row in rows if row["_id"] not in kept]:
        await database[OUTBOX].insert_many(fresh, session=session)


async def withdraw(database: Database, session: Session, run: str, order_ids: Sequence[str]) -> None:
    """Cancel what is still held of a run's reminders for these orders, in the transaction that takes the bills back."""
    keys = [outbox_key(order_id) for order_id in order_ids]
    await database[OUTBOX].update_many(
        {"_id": {"$in": keys}, "run": run, "state": "held"}, {"$set": {"state": "cancelled"}}, session=session
    )
