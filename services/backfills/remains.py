"""What is left of what a run did: the records that are still there as the run made them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from services.backfills.backfill import Backfill
from services.backfills.landing import hashable
from services.backfills.packs import change_bodies
from services.backfills.passed import Passed
from services.backfills.runs import left_alone, load_lanes
from services.database import READ_LIMIT_MS, WHOLE, Database, Document

NOT_READ = ("depends", "message", "values.items", "values.notes")
"""Fields of a plan's rows that say nothing of where its records are, and are long."""
_CHUNK = 2_000


async def standing(
    database: Database, run: str, backfill: Backfill[Any] | None, bodies: Mapping[int, Document]
) -> set[int]:
    """The numbers of these rows of which the first record that they wrote is there, as the run's."""
    if backfill is None:
        return set(bodies)
    found: set[int] = set()
    asked: dict[str, dict[Any, tuple[int, Any]]] = {}
    for number, body in bodies.items():
        try:
            collection, key = backfill.touches(body)[0]
        except (LookupError, TypeError):  # an altered row names nothing that could be looked up
            found.add(number)
        else:
            asked.setdefault(collection, {})[hashable(key)] = number, key
    for collection, by_key in asked.items():
        wanted = {"_id": {"$in": [key for _, key in by_key.values()]}}
        cursor = database[collection].find(wanted, {"run": 1}, batch_size=WHOLE).max_time_ms(READ_LIMIT_MS)
        found |= {by_key[hashable(each["_id"])][0] for each in await cursor.to_list() if backfill.stands(run, each)}
    return found


async def removed(
    database: Database, run: str, backfill: Backfill[Any], done: Passed, back: Passed
) -> AsyncIterator[Document]:
    """The bodies of the rows that a run did, and nobody took back, of which the record is not there any more."""
    left = await left_alone(database, run, ("drifted", "failed"))
    for start, after in done.without(back):
        for first in range(start, after, _CHUNK):
            bodies = await change_bodies(database, run, first, min(first + _CHUNK, after), NOT_READ)
            mine = {number: body for number, body in bodies if number not in left}
            if gone := mine.keys() - await standing(database, run, backfill, mine):
                taken = Passed(await load_lanes(database, run, "rollback"))  # one may be under way
                for number in sorted(gone):
                    if number not in taken:
                        yield mine[number]
