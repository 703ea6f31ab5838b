"""What became of a message, written in one transaction: log, queue, outbox and the note of its sending together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from pymongo import ReturnDocument

from services.changes.changeset import ChangeSet, Update, transact
from services.clock import Clock, to_stored
from services.database import Database, Document, Session, told
from services.errors import Fenced
from services.operators.operator import Operator
from services.reminders.lease import Turn, confirm
from services.reminders.outbox import State, end_rows
from services.reminders.pacing import Limits
from services.reminders.providers.provider import Answer
from services.reminders.queue import LOG, MOST_TRIES, QUEUE, SENDS, called_off, ended, log_key

Outcome: TypeAlias = Literal["sent", "failed", "retrying", "unclear", "put-off", "gone"]
_ENDINGS: Mapping[Outcome, State] = {"sent": "sent", "failed": "failed", "unclear": "unclear"}
"""The outcomes that end a message, and its rows with it."""
UNCLEAR = "Unclear: the provider was asked, and its answer is not known. Look there before writing again."


async def ask(database: Database, message: str, turn: Turn) -> Document | None:
    """Note that the provider is about to be asked, and return the note; None where the message is not to be sent.

    Raises Fenced, and leaves the message open, where another sender has taken over: this one may have stalled.
    """
    asked = {"state": "asked", "token": turn.token, "asked_at": "$$NOW"}
    with told():
        note = await database[SENDS].find_one_and_update(
            {"_id": message, "state": "open"}, [{"$set": asked}], return_document=ReturnDocument.AFTER
        )
        try:
            await confirm(database, turn)
        except Fenced:
            mine = {"_id": message, "state": "asked", "token": turn.token}
            await database[SENDS].update_one(mine, {"$set": {"state": "open"}})
            raise
    return note


async def left_unclear(database: Database, token: int) -> list[Document]:
    """The notes of messages that a sender before this one asked for, without an outcome."""
    with told():
        return await database[SENDS].find({"state": "asked", "token": {"$lt": token}}).to_list()


async def settle(
    database: Database,
    operator: Operator,
    clock: Clock,
    note: Document,
    answer: Answer,
    limits: Limits,
    session: Session,
) -> Outcome:
    """Write what an answer means for a message; `gone` where it was settled or taken back meanwhile.

    A retry and a throttled try leave it in the queue for a later moment, and only the first counts as a try.
    """

    async def work(changes: ChangeSet) -> Outcome:
        mine: Document = {"_id": note["_id"], "state": "asked", "token": note["token"]}
        tries = int(note["tries"]) + (answer.verdict == "try-again")
        outcome = _outcome(answer, tries)
        again = outcome not in _ENDINGS
        fresh = await database[SENDS].find_one(mine, session=changes.session)
        if fresh is None:
            return "gone"
        withdrawn = again and "withdrawn" in fresh
        state = "open" if again and not withdrawn else "closed"
        await database[SENDS].update_one(mine, {"$set": {"state": state, "tries": tries}}, session=changes.session)
        if withdrawn:
            await _take_back(changes, fresh)
            return "gone"
        if again:
            await _put_off(changes, note["_id"], answer, tries, limits)
            return outcome
        values = _ending(outcome, answer, tries, changes.now)
        changes.add(*await ended(database, changes.session, [note["_id"]], values))
        await end_rows(database, changes.session, note["_id"], note["orders"], _ENDINGS[outcome])
        return outcome

    return await transact(database, operator, clock, work, session)


async def clear_away(database: Database, operator: Operator, clock: Clock, message: str, session: Session) -> None:
    """Take a message out of the queue whose note is closed or gone: it was called off where the queue was not seen."""

    async def work(changes: ChangeSet) -> None:
        note = await database[SENDS].find_one({"_id": message}, session=changes.session)
        if note is None or note["state"] == "closed":
            changes.add(*await called_off(database, changes.session, [message], "it was called off", changes.now))

    await transact(database, operator, clock, work, session)


async def _take_back(changes: ChangeSet, note: Document) -> None:
    """End a message that was taken back while it was tried; its other orders, and those billed anew, are held again."""
    changes.add(*await called_off(changes.database, changes.session, [note["_id"]], "it was taken back", changes.now))
    await end_rows(changes.database, changes.session, note["_id"], note["withdrawn"], "cancelled")
    await end_rows(changes.database, changes.session, note["_id"], note["orders"], "held")


def _outcome(answer: Answer, tries: int) -> Outcome:
    match answer.verdict:
        case "accepted":
            return "sent"
        case "refused":
            return "failed"
        case "unclear":
            return "unclear"
        case "try-again":
            return "failed" if tries >= MOST_TRIES else "retrying"
    return "put-off"


def _ending(outcome: Outcome, answer: Answer, tries: int, now: datetime) -> Mapping[str, object]:
    stored = to_stored(now)
    if outcome == "sent":
        return {
            "status": "sent", "outcome": "sent", "sent_at": stored, "error_message": None, "next_retry_at": None,
            "retry_count": tries, "provider_id": answer.provider_id,
        }  # fmt: skip
    words = f"{UNCLEAR} {answer.words}".strip() if outcome == "unclear" else answer.words
    # For the backend an unclear one has failed, so that nobody takes it for delivered.
    return {
        "status": "failed", "outcome": outcome, "failed_at": stored, "error_message": words, "next_retry_at": None,
        "retry_count": tries,
    }  # fmt: skip


async def _put_off(changes: ChangeSet, message: str, answer: Answer, tries: int, limits: Limits) -> None:
    if answer.verdict == "shut-out":
        pause = 0.0
    elif answer.verdict == "try-again":
        pause = max(limits.retry_gaps[min(tries, len(limits.retry_gaps)) - 1], answer.pause or 0)
    elif answer.only_customer:
        pause = max(answer.pause or 0, limits.customer_gap)
    else:
        pause = limits.throttle_gap if answer.pause is None else answer.pause
    at, key = to_stored(changes.now + timedelta(seconds=pause)), {"_id": log_key(message)}
    if log := await changes.database[LOG].find_one(key, session=changes.session):
        values = {"retry_count": tries, "next_retry_at": at, "error_message": answer.words}
        changes.add(Update(LOG, log, values, {"status": log["status"]}))
    if waiting := await changes.database[QUEUE].find_one(key, session=changes.session):
        values = {"retry_count": tries, "retry_at": at}
        changes.add(Update(QUEUE, waiting, values, {"retry_at": waiting["retry_at"]}))
