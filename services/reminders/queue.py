"""Released messages as stored: the backend's two documents of each, and the console's own note of its sending.

`notifications_log` tells everybody what became of a message, `notifications_queue` that it waits. Whether it may be
sent is decided in `console_sends` alone: open -> asked, by a compare-and-set just before the provider is asked, and
closed when its outcome is known. Two senders can never both move one note, so no message is asked for twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from services.changes.changeset import Change, Delete, Insert, Update
from services.clock import to_stored
from services.database import Database, Document, Session

SENDS = "console_sends"
LOG = "notifications_log"
QUEUE = "notifications_queue"
SOURCE = "delivery-console"
"""What marks the console's own messages in the backend's collections."""
MOST_TRIES = 3
_NAMESPACE = uuid.UUID("0b8f7c26-5f0e-4f0b-8c49-1de0f8a3f0c4")


def message_id(customer_id: str, order_ids: Iterable[str]) -> str:
    """The id of the message to a customer about these orders: always the same, whatever run releases it."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join([customer_id, *sorted(order_ids)])))


def log_key(message: str) -> str:
    """The `_id` of a message in both of the backend's collections."""
    return f"reminder:{message}"


def log_keys(messages: Iterable[str]) -> Document:
    """The condition on the `_id` of these messages."""
    return {"$in": [log_key(message) for message in messages]}


def queued(
    message: str, run: str, customer_id: str, phone: str, text: str, context: Mapping[str, str], now: datetime
) -> tuple[Document, Document]:
    """A message as the backend's log and queue hold it; the phone is E.164."""
    stored = to_stored(now)
    shared: Document = {
        "phone": phone,
        "type": "payment_reminder",
        "message": text,
        "reference_id": customer_id,
        "context": dict(context),
        "created_at": stored,
        "retry_count": 0,
        "max_retries": MOST_TRIES,
        "source": SOURCE,
        "run": run,
    }
    ending = {"status": "queued", "sent_at": None, "failed_at": None, "error_message": None, "next_retry_at": None}
    log = {"_id": log_key(message), "id": message, **shared, **ending, "outcome": None}
    return log, {"_id": log_key(message), "message_id": message, **shared, "retry_at": stored}


def enqueue(log: Document, waiting: Document, before: Document | None) -> Sequence[Change]:
    """The changes that queue a message; `before` is its entry in the log from a time when it was called off."""
    if before is None:
        return (Insert(LOG, log), Insert(QUEUE, waiting))
    values = {name: value for name, value in log.items() if name != "_id"}
    return (Update(LOG, before, values, {"status": before["status"]}), Insert(QUEUE, waiting))


async def close_unsent(
    database: Database, session: Session, messages: Sequence[str], taken_back: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Close those of the messages that no sender has asked a provider for; their orders by message.

    Where one is being asked for at this moment, the note says which of its orders are taken back: should the provider
    not have taken it, it is not tried again. Where none is, such a message stays as it is.
    """
    keys: Document = {"_id": {"$in": list(messages)}}
    found = await database[SENDS].find({**keys, "state": "open"}, {"orders": 1}, session=session).to_list()
    closed = {note["_id"]: note["orders"] for note in found}
    if closed:
        await database[SENDS].update_many(
            {"_id": {"$in": list(closed)}, "state": "open"}, {"$set": {"state": "closed"}}, session=session
        )
    if taken_back and len(closed) < len(messages):
        noted: Document = {"$addToSet": {"withdrawn": {"$each": list(taken_back)}}}
        await database[SENDS].update_many({**keys, "state": "asked"}, noted, session=session)
    return closed


async def called_off(
    database: Database, session: Session, messages: Sequence[str], reason: str, now: datetime
) -> Sequence[Change]:
    """The changes that end queued messages: failed for the backend, which knows no other end of an unsent message."""
    values = {
        "status": "failed", "outcome": "cancelled", "failed_at": to_stored(now),
        "error_message": f"Cancelled: {reason}", "next_retry_at": None,
    }  # fmt: skip
    changes = await ended(database, session, messages, values)
    return [each for each in changes if isinstance(each, Delete) or each.guard == {"status": "queued"}]


async def ended(
    database: Database, session: Session, messages: Sequence[str], values: Mapping[str, object]
) -> Sequence[Update | Delete]:
    """The changes that write an ending into the log and take the messages out of the queue."""
    keys: Document = {"_id": log_keys(messages)}
    logs = await database[LOG].find(keys, session=session).to_list()
    rows = await database[QUEUE].find(keys, session=session).to_list()
    return [
        *(Update(LOG, log, values, {"status": log["status"]}) for log in logs),
        *(Delete(QUEUE, row) for row in rows),
    ]
