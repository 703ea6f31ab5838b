"""The outbox: for each order that a run bills, a row in the bill's own transaction, held until it is released.

held -> released (with its message) -> sent, failed, cancelled or unclear. A row that was sent, or of which nobody
knows, stays for ever: the order is never reminded of again, whatever run bills it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from services.changes.changeset import Change
from services.clock import to_stored
from services.database import WHOLE, Database, Document, Session
from services.reminders.queue import called_off, close_unsent

OUTBOX = "console_outbox"
State: TypeAlias = Literal["held", "released", "sent", "failed", "cancelled", "unclear"]
STATES: tuple[State, ...] = ("held", "released", "sent", "failed", "cancelled", "unclear")
BY_CUSTOMER = [("run", 1), ("state", 1), ("customer_id", 1)]
"""The order of the one index on it."""
_ANEW = ("cancelled", "failed")
"""The states of a row whose order may be reminded of after all, when a run bills it again."""
_UNSEEN = (*_ANEW, "held")
"""The states in which the customer has heard nothing of the order."""


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


def outbox_keys(order_ids: Iterable[str]) -> Document:
    """The condition on the `_id` of these orders' rows."""
    return {"$in": [outbox_key(order_id) for order_id in order_ids]}


async def hold(database: Database, session: Session, run: str, dues: Sequence[Due], now: datetime) -> Sequence[Change]:
    """Hold a reminder for each due, in the transaction of the bills; an order that was reminded of stays so.

    That an order is billed means that its bill of another run is gone: that run's reminder of it gives way. A message
    that was released and not sent is called off by the changes returned, and its other orders are held again; where it
    may be under way, the row notes the new one: see `end_rows`.
    """
    stored = to_stored(now)
    rows: list[Document] = [
        {
            "_id": outbox_key(due.order_id), "run": run, "order_id": due.order_id, "customer_id": due.customer_id,
            "amount_paise": due.amount_paise, "month": due.month, "state": "held", "created_at": stored,
        }
        for due in dues
    ]  # fmt: skip
    keys = [row["_id"] for row in rows]
    there = (
        await database[OUTBOX]
        .find({"_id": {"$in": keys}}, {"state": 1, "run": 1, "message": 1}, session=session, batch_size=WHOLE)
        .to_list()
    )
    again = [row["_id"] for row in there if row["state"] in _ANEW or (row["state"] == "held" and row["run"] != run)]
    if again:
        await database[OUTBOX].delete_many({"_id": {"$in": again}}, session=session)
    kept = {row["_id"] for row in there} - set(again)
    under_way = {row["_id"]: row["message"] for row in there if row["state"] == "released" and row["run"] != run}
    for row in rows:
        if row["_id"] in under_way:
            await database[OUTBOX].update_one({"_id": row["_id"]}, {"$set": {"anew": row}}, session=session)
    if fresh := [row for row in rows if row["_id"] not in kept]:
        await database[OUTBOX].insert_many(fresh, session=session)
    if not under_way:
        return ()
    replaced = [row["order_id"] for row in rows if row["_id"] in under_way]
    closed = await close_unsent(database, session, sorted(set(under_way.values())), replaced)
    for message, orders in closed.items():
        await end_rows(database, session, message, orders, "held")
    return await called_off(database, session, list(closed), f"{run} billed it anew", now)


async def end_rows(
    database: Database, session: Session, message: str, order_ids: Iterable[str], state: State, reason: str = ""
) -> None:
    """Give the rows of a released message their next state, with the reason where there is one.

    Unless the customer has the message, or may have it, a row whose order another run billed meanwhile is now that
    run's, and held.
    """
    of_message: Document = {"_id": outbox_keys(order_ids), "state": "released", "message": message}
    if state in _UNSEEN:
        await database[OUTBOX].update_many(
            {**of_message, "anew": {"$exists": True}}, [{"$replaceWith": "$anew"}], session=session
        )
    gone = {"anew": "", "message": ""} if state == "held" else {"anew": ""}
    values = {"state": state} | ({"reason": reason} if reason else {})
    await database[OUTBOX].update_many(of_message, {"$set": values, "$unset": gone}, session=session)


def as_cancelled(now: datetime, reason: str = "") -> Document:
    """What a row is given that is cancelled; of one without a message nothing else tells when that was."""
    return {"state": "cancelled", "cancelled_at": to_stored(now)} | ({"reason": reason} if reason else {})


async def withdraw(
    database: Database, session: Session, run: str, back: Sequence[str], kept: Sequence[str] = (), *, now: datetime
) -> Sequence[Change]:
    """Take a run's unsent reminders back, in the transaction that takes the bills of the orders `back` back.

    A message about such an order, or about one that is `kept`, is called off where it was released and not sent. What
    the customer still owes of it is held again: nothing of a run that is rolled back goes out before somebody who
    knows of it releases it anew. The changes returned belong into that transaction's change set: they end the message
    in the backend's collections. A message that is being sent at this moment is past taking back; if the provider does
    not take it, it ends there.
    """
    keys, why = outbox_keys(back), f"{run} was rolled back"
    # Orders that were asked for in one message are told as one, also where they are taken back in several batches.
    over: list[Document] = [
        {"$set": {**as_cancelled(now, why), "message": {"$ifNull": ["$message", "$called_off"]}}},
        {"$unset": "called_off"},
    ]
    unsent: Document = {"_id": keys, "run": run, "state": {"$in": ["held", "failed"]}}
    await database[OUTBOX].update_many(unsent, over, session=session)
    await database[OUTBOX].update_many({"_id": keys, "anew.run": run}, {"$unset": {"anew": ""}}, session=session)
    released: Document = {"_id": outbox_keys([*back, *kept]), "run": run, "state": "released"}
    rows = await database[OUTBOX].find(released, {"message": 1}, session=session).to_list()
    messages = sorted({row["message"] for row in rows})
    if not messages:
        return ()
    closed = await close_unsent(database, session, messages, back)
    taken: Document = {"run": run, "state": "released", "message": {"$in": list(closed)}}
    orders = {order for each in closed.values() for order in each}
    await database[OUTBOX].update_many({**taken, "_id": keys}, over, session=session)
    held_again: list[Document] = [{"$set": {"state": "held", "called_off": "$message"}}, {"$unset": "message"}]
    await database[OUTBOX].update_many({**taken, "_id": outbox_keys(orders)}, held_again, session=session)
    return await called_off(database, session, list(closed), why, now)
