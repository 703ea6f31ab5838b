"""Who opens an order of a customer takes a turn: of two in one instant the second reads again, and finds the first."""

from __future__ import annotations

from collections.abc import Sequence

from services.changes.changeset import ChangeSet
from services.clock import to_stored

TURNS = "console_order_turns"
"""A document for each customer for whom the console has opened an order."""


async def take_turn(changes: ChangeSet, known_as: Sequence[str]) -> None:
    """Write the document that every opening of an order of a customer writes, by the first of the customer's ids.

    Two transactions that each saw no other order would both be right in their own snapshots; a document that both
    write makes the server undo one, which then runs again after the other.
    """
    for customer in known_as[:1]:
        taken = {"$inc": {"taken": 1}, "$set": {"at": to_stored(changes.now)}}
        await changes.database[TURNS].update_one({"_id": customer}, taken, upsert=True, session=changes.session)
