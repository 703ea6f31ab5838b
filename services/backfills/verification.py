"""Verification: what the database holds of a run, row by row, beside what the run counted."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Collection, Sequence

from services.backfills.plan import Tally
from services.backfills.registry import find_backfill
from services.backfills.runs import (
    RUNS,
    Lane,
    Run,
    RunView,
    Totals,
    change_bodies,
    left_alone,
    load_lanes,
    load_run,
    show_run,
)
from services.database import Database, told
from services.errors import Refused
from services.operators.operator import Operator

_CHUNK = 2_000
_NOT_COMPARED = ("depends", "message", "values.items", "values.notes")
_AT_ONCE = 4
"""Chunks on their way at once: while the server sums one, the next is asked for."""


async def verify(database: Database, operator: Operator, run: str) -> RunView:
    """Compare the database with what the run says that it did; the verdict is kept where the operator has ops.

    Raises NotFound for an unknown run, Refused for one that has not begun or is being worked on.
    """
    operator.require("viewer", "verify a run")
    stored = await load_run(database, run)
    if stored.state in ("planned", "approved") or stored.alive:
        why = "is being worked on" if stored.alive else "has not been committed"
        raise Refused("nothing-to-verify", f"{run} {why}; there is nothing to verify yet.")
    verified, found = await compare(database, stored)
    if operator.has("ops") and not database.read_only:
        with told():
            await database[RUNS].update_one({"_id": run, "state": stored.state}, {"$set": {"verified": verified}})
    return dataclasses.replace(await show_run(database, operator, run), verified=verified, found=found)


async def compare(database: Database, stored: Run) -> tuple[bool, Tally]:
    """Whether a run's work is in the database as it was counted, and what was found of it there.

    Every row must be accounted for. After a rollback: every changed record restored or listed, and nothing left of
    the restored.
    """
    lanes = await load_lanes(database, stored.id, "commit")
    done = Totals.of(lanes, stored.planned)
    left = await left_alone(database, stored.id, ("drifted", "failed"))
    complete = done.applied + len(left) == done.rows
    if stored.reversal is None:
        found = await _landed(database, stored, lanes, left)
        return complete and found == Tally(records=done.applied, amount_paise=done.amount_paise), found
    back = Totals.of(await load_lanes(database, stored.id, "rollback"), stored.planned)
    kept = await left_alone(database, stored.id, ("kept",))
    complete = complete and back.applied + len(kept) == done.applied
    if stored.state == "rolled-back" and not find_backfill(stored.backfill).amounts:
        return complete, Tally()  # a later run may have done it again: what a repair wrote does not name its run
    found = await _landed(database, stored, lanes, left | kept)
    return complete and found == Tally(), found


async def _landed(database: Database, stored: Run, lanes: Sequence[Lane], without: Collection[int]) -> Tally:
    """What the database holds of the rows behind the checkpoints, without some."""
    backfill, begins = find_backfill(stored.backfill), [0, *(lane.end for lane in lanes)]
    bounds = [
        (first, min(first + _CHUNK, lane.next))
        for begin, lane in zip(begins, lanes, strict=False) for first in range(begin, lane.next, _CHUNK)
    ]  # fmt: skip

    async def part(first: int, last: int) -> Tally:
        bodies = await change_bodies(database, stored.id, first, last, _NOT_COMPARED)
        mine = [body for number, body in enumerate(bodies, first) if number not in without]
        return await backfill.landed(database, stored.id, mine)

    parts: list[Tally] = []
    with told():
        for start in range(0, len(bounds), _AT_ONCE):
            parts += await asyncio.gather(*(part(*each) for each in bounds[start : start + _AT_ONCE]))
    return Tally(records=sum(each.records for each in parts), amount_paise=sum(each.amount_paise for each in parts))
