"""Who decides by what is not there takes a turn: of two in one instant the second reads again, and finds the first."""

from __future__ import annotations

from collections.abc import Iterable

from pymongo import UpdateOne

from services.changes.changeset import ChangeSet
from services.clock import to_stored

TURNS = "console_turns"
"""A document for each customer for whom the console has opened an order, and each user whom it has linked."""


async def take_turns(changes: ChangeSet, names: Iterable[str | None]) -> None:
    """Write the documents of these customers or users, which whoever decides on the same writes too.

    Two transactions that each saw no other order, or no other customer of the user, would both be right in their own
    snapshots; a document that both write makes the server undo one, which then runs again after the other.
    """
    taken = {"$inc": {"taken": 1}, "$set": {"at": to_stored(changes.now)}}
    turns = [UpdateOne({"_id": name}, taken, upsert=True) for name in sorted({name for name in names if name})]
    if turns:
        await changes.database[TURNS].bulk_write(turns, session=changes.session)
