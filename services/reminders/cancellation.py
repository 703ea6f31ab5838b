"""Cancelling reminders: those held or waiting of a whole run, of one customer in it, or one message."""

from __future__ import annotations

from dataclasses import dataclass

from services.audit.logger import Purpose
from services.changes.changeset import ChangeSet, transact
from services.clock import Clock
from services.database import Database, Document, told
from services.errors import NotFound, Refused
from services.operators.operator import Operator
from services.reminders.outbox import BY_CUSTOMER, OUTBOX, as_cancelled, outbox_keys
from services.reminders.queue import SENDS, called_off, close_unsent
from services.typed import typed_reason

_BATCH = 500
_UNSENT = ("held", "released")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What was cancelled; `messages` of the orders had been released."""

    orders: int = 0
    messages: int = 0


async def cancel(
    database: Database, operator: Operator, clock: Clock, target: str, reason: str, *, customer_id: str | None = None
) -> Cancelled:
    """Cancel what is unsent of a run, of one customer's reminders in it, or of one message, by its id.

    What was sent, is being sent at this moment, or is unclear, stays. Raises BadRequest without a reason, NotFound
    for neither a run with reminders nor a message, Refused where nothing of it can be cancelled any more.
    """
    operator.require("ops", "cancel reminders")
    database.require_writable()
    why = typed_reason(reason)
    with told():
        note = await database[SENDS].find_one({"_id": target})
    if note is None:
        return await _cancel_run(database, operator, clock, target, why, customer_id)
    done = await _cancel(database, operator, clock, {"_id": outbox_keys(note["orders"]), "message": target}, why)
    if not done.orders:
        raise Refused("past-cancelling", f"The message {target} was sent, is being sent, or was cancelled already.")
    return done


async def _cancel_run(
    database: Database, operator: Operator, clock: Clock, run: str, reason: str, customer_id: str | None
) -> Cancelled:
    of_run: Document = {"run": run} | ({"customer_id": customer_id} if customer_id else {})
    with told():
        known = await database[OUTBOX].find_one(of_run)
    if known is None:
        whose = f"{run} has no reminder of the customer {customer_id}" if customer_id else f"{run!r} is neither"
        ending = "." if customer_id else " a run with reminders nor a released message; `reminders list` names both."
        raise NotFound("unknown-reminder", whose + ending)
    total = Cancelled()
    for state in _UNSENT:
        after = ""
        while rows := await _next(database, run, state, customer_id or {"$gt": after}):
            done = await _cancel(database, operator, clock, {"_id": {"$in": [row["_id"] for row in rows]}}, reason)
            total = Cancelled(total.orders + done.orders, total.messages + done.messages)
            after = rows[-1]["customer_id"]
            if customer_id:
                break
    if not total.orders:
        raise Refused("past-cancelling", "Nothing of it is unsent: it was sent, is being sent, or was cancelled.")
    return total


async def _next(database: Database, run: str, state: str, customers: str | Document) -> list[Document]:
    """All the rows of the next customers, some hundred."""
    of_customers: Document = {"run": run, "state": state, "customer_id": customers}
    cursor = database[OUTBOX].find(of_customers, {"customer_id": 1}).sort(BY_CUSTOMER)
    rows: list[Document] = []
    with told():
        async for row in cursor:
            if len(rows) >= _BATCH and row["customer_id"] != rows[-1]["customer_id"]:
                break
            rows.append(row)
        await cursor.close()
    return rows


async def _cancel(database: Database, operator: Operator, clock: Clock, matching: Document, reason: str) -> Cancelled:
    async def work(changes: ChangeSet) -> Cancelled:
        unsent: Document = {"state": {"$in": list(_UNSENT)}}
        rows = await database[OUTBOX].find({**matching, **unsent}, session=changes.session).to_list()
        messages = sorted({row["message"] for row in rows if row["state"] == "released"})
        closed = await close_unsent(database, changes.session, messages)
        ending = [row["_id"] for row in rows if row["state"] != "released" or row["message"] in closed]
        if ending:
            over = {"$set": as_cancelled(changes.now, reason)}
            await database[OUTBOX].update_many({"_id": {"$in": ending}}, over, session=changes.session)
        changes.add(*await called_off(database, changes.session, list(closed), reason, changes.now))
        return Cancelled(len(ending), len(closed))

    return await transact(database, operator, clock, work, purpose=Purpose(reason=reason))
