"""The last look before a message is sent: whether its bills, and the customer's number, are still what it was made of.

A message that no longer holds is called off. What is owed all the same is held again, so that the next release makes a
right message of it; what is not is cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.changes.changeset import ChangeSet, transact
from services.clock import Clock
from services.database import READ_LIMIT_MS, Database, Document, Session, told
from services.operators.operator import Operator
from services.reminders.obstacles import NOT_OWED, OBSTACLES
from services.reminders.outbox import OUTBOX, end_rows, outbox_keys
from services.reminders.owed import as_billed
from services.reminders.queue import SENDS, called_off, close_unsent
from services.reminders.recipients import load_recipients

_OVER = (*NOT_OWED, "bill-paid")
_CHANGED = "The amount or the month of a bill has changed."
_NUMBER = "The customer's mobile number has changed."
_ROWS = "Its orders are no longer noted with it."


@dataclass(frozen=True, slots=True)
class _Look:
    against: frozenset[str]
    """Why it does not hold, as sentences; empty where it does."""
    over: Mapping[str, str]
    """The orders for which nothing is owed any more, with the reason."""


async def holds(database: Database, message: str, phone: str) -> bool:
    """Whether an open message may go to that number as it is; true of one that is not open, which is nobody's to send.

    Reads without a transaction, once for each message that is sent.
    """
    with told():
        look = await _look(database, message, phone, None)
    return look is None or not look.against


async def call_off_unless_it_holds(
    database: Database, operator: Operator, clock: Clock, message: str, phone: str, session: Session
) -> bool:
    """Call a message off that does not hold, in one transaction that looks once more; whether it was."""

    async def work(changes: ChangeSet) -> bool:
        look = await _look(database, message, phone, changes.session)
        if look is None or not look.against:
            return False
        closed = await close_unsent(database, changes.session, [message], ())
        changes.add(
            *await called_off(database, changes.session, [message], " ".join(sorted(look.against)), changes.now)
        )
        for order, reason in look.over.items():
            await end_rows(database, changes.session, message, [order], "cancelled", reason)
        await end_rows(database, changes.session, message, closed[message], "held")
        return True

    return await transact(database, operator, clock, work, session)


async def _look(database: Database, message: str, phone: str, session: Session | None) -> _Look | None:
    """None where the message is not open."""
    note = await database[SENDS].find_one({"_id": message, "state": "open"}, {"orders": 1}, session=session)
    if note is None:
        return None
    mine: Document = {"_id": outbox_keys(note["orders"]), "state": "released", "message": message}
    cursor = database[OUTBOX].find(mine, session=session)
    rows = await (cursor if session else cursor.max_time_ms(READ_LIMIT_MS)).to_list()
    against = set() if len(rows) == len(note["orders"]) else {_ROWS}
    over: dict[str, str] = {}
    for before, (row, obstacle) in zip(rows, await as_billed(database, rows, session), strict=True):
        if obstacle:
            against.add(OBSTACLES[obstacle])
        elif (before["amount_paise"], before["month"]) != (row["amount_paise"], row["month"]):
            against.add(_CHANGED)
        if obstacle in _OVER:
            over[row["order_id"]] = OBSTACLES[obstacle]
    recipients = await load_recipients(database, {row["customer_id"] for row in rows}, session)
    if {recipient.phone for recipient in recipients.values()} != {phone}:
        against.add(_NUMBER)
    return _Look(frozenset(against), over)
