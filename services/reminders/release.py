"""Release: the held reminders of a run become messages in the queue, one per customer, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pymongo import ReplaceOne, UpdateOne

from services.backfills.runs import load_run
from services.changes.changeset import ChangeSet, transact
from services.clock import Clock
from services.database import Database, Document, told
from services.errors import Conflict, Refused
from services.operators.operator import Operator
from services.reminders.consolidation import Draft, consolidate
from services.reminders.obstacles import NOT_OWED, OBSTACLES
from services.reminders.outbox import BY_CUSTOMER, OUTBOX, State, as_cancelled, outbox_keys
from services.reminders.queue import LOG, SENDS, enqueue, log_key, log_keys, queued
from services.reminders.recipients import Language
from services.reminders.templates import Wordings, load_wordings

BATCH = 200
"""Customers in a transaction."""
_FINISHED = ("done", "cancelled", "rolled-back")
Report = Callable[[int, int], None]
"""Told how many messages are released, and how many customers were looked at."""


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did; what was released before is not counted again."""

    run: str
    messages: int = 0
    orders: int = 0
    amount_paise: int = 0
    held_back: int = 0
    """Orders that stay as they are: no number, paid meanwhile, ... `reminders list --state held` says which and why."""
    cancelled: int = 0
    """Orders that have no bill of this run any more: theirs were cancelled."""


async def release(
    database: Database,
    operator: Operator,
    clock: Clock,
    run: str,
    *,
    language: Language = "en",
    failed_too: bool = False,
    progress: Report | None = None,
) -> Released:
    """Put a run's held reminders into the queue, one message per customer, with the failed ones when asked for.

    Works in transactions of some hundred customers, so that a release that was killed goes on when it is repeated.
    The amounts are those that the bills say now. `language` is that of customers whose record names none. A customer
    who has a message of the run gets no second one, and one with an order that the run failed to bill gets none before
    it is resumed. Of a run that was rolled back, the bills that it kept are asked for. Raises NotFound for an unknown
    run, Refused for one that is still at work, or was rolled back and has nothing left to release, and for a template
    that may not be used.
    """
    operator.require("ops", "release reminders")
    database.require_writable()
    stored = await load_run(database, run)
    if stored.present_state not in _FINISHED:
        raise Refused(
            "run-not-done", f"{run} is {stored.present_state}. Its reminders are released when it is done: one message "
            "per customer, about all of its orders.",
        )  # fmt: skip
    wordings = await load_wordings(database, language)
    states: tuple[State, ...] = ("held", "failed") if failed_too else ("held",)
    if stored.present_state == "rolled-back" and not await _customers(database, run, states, ""):
        raise Refused("run-rolled-back", f"{run} was rolled back, and no bill that it kept waits to be reminded of.")
    total, seen, after = Released(run), 0, ""
    while customers := await _customers(database, run, states, after):
        batch = await _release(database, operator, clock, run, states, customers, wordings)
        total = replace(
            total,
            messages=total.messages + batch.messages,
            orders=total.orders + batch.orders,
            amount_paise=total.amount_paise + batch.amount_paise,
            held_back=total.held_back + batch.held_back,
            cancelled=total.cancelled + batch.cancelled,
        )
        seen, after = seen + len(customers), customers[-1]
        if progress:
            progress(total.messages, seen)
    return total


async def _customers(database: Database, run: str, states: Sequence[State], after: str) -> list[str]:
    """The next customers with rows in these states, in order, read from the index alone."""
    found: set[str] = set()
    with told():
        for state in states:
            of_state: Document = {"run": run, "state": state, "customer_id": {"$gt": after}}
            cursor = database[OUTBOX].find(of_state, {"_id": 0, "customer_id": 1}).sort(BY_CUSTOMER)
            mine: set[str] = set()
            async for row in cursor:
                mine.add(row["customer_id"])
                if len(mine) > BATCH:
                    break
            await cursor.close()
            found |= mine
    return sorted(found)[:BATCH]


async def _release(
    database: Database,
    operator: Operator,
    clock: Clock,
    run: str,
    states: Sequence[State],
    customers: Sequence[str],
    wordings: Wordings,
) -> Released:
    async def work(changes: ChangeSet) -> Released:
        wanted: Document = {"run": run, "state": {"$in": list(states)}, "customer_id": {"$in": list(customers)}}
        rows = await database[OUTBOX].find(wanted, session=changes.session).to_list()
        drafts = await consolidate(database, rows, wordings, changes.session)
        ready = [draft for draft in drafts if not draft.obstacle]
        gone = [draft for draft in drafts if draft.obstacle in NOT_OWED]
        await _queue(changes, run, ready)
        await _mark(changes, run, states, ready)
        for draft in gone:
            values = as_cancelled(changes.now, OBSTACLES[draft.obstacle] if draft.obstacle else "")
            mine: Document = {"_id": outbox_keys(draft.orders), "run": run, "state": {"$in": list(states)}}
            await database[OUTBOX].update_many(mine, {"$set": values}, session=changes.session)
        orders, cancelled = _orders(ready), _orders(gone)
        return Released(
            run, len(ready), orders, sum(draft.amount_paise for draft in ready),
            held_back=len(rows) - orders - cancelled, cancelled=cancelled,
        )  # fmt: skip

    return await transact(database, operator, clock, work)


def _orders(drafts: Sequence[Draft]) -> int:
    return sum(len(draft.orders) for draft in drafts)


async def _queue(changes: ChangeSet, run: str, drafts: Sequence[Draft]) -> None:
    keys: Document = {"_id": log_keys(draft.message for draft in drafts)}
    earlier = {
        document["_id"]: document
        async for document in changes.database[LOG].find(keys, session=changes.session)
    }  # fmt: skip
    for draft in drafts:
        assert draft.recipient
        assert draft.recipient.phone
        assert draft.context
        context = {**draft.context, "language": draft.language or ""}
        documents = queued(
            draft.message, run, draft.customer_id, draft.recipient.phone, draft.text, context, changes.now
        )
        changes.add(*enqueue(*documents, earlier.get(log_key(draft.message))))


async def _mark(changes: ChangeSet, run: str, states: Sequence[State], drafts: Sequence[Draft]) -> None:
    """The rows and the notes of the sending, in the same transaction."""
    if not drafts:
        return
    moved = await changes.database[OUTBOX].bulk_write(
        [
            UpdateOne(
                {"_id": row["_id"], "run": run, "state": {"$in": list(states)}},
                {
                    "$set": {"state": "released", "message": draft.message, **_asked_for(row)},
                    "$unset": {"called_off": ""},
                },
            )
            for draft in drafts
            for row in draft.rows
        ],
        session=changes.session,
    )
    if moved.matched_count != _orders(drafts):
        raise Conflict("changed-meanwhile", "Reminders were changed by somebody else in this moment; release again.")
    await changes.database[SENDS].bulk_write(
        [
            ReplaceOne(
                {"_id": draft.message},
                {"_id": draft.message, "run": run, "orders": list(draft.orders), "state": "open", "tries": 0},
                upsert=True,
            )
            for draft in drafts
        ],
        session=changes.session,
    )


def _asked_for(row: Document) -> Document:
    """What the message says of this order: the last look before the sending compares it with the bill."""
    return {"amount_paise": row["amount_paise"], "month": row["month"]}
