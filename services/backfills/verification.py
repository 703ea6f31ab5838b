"""Verification: what the database holds of a run, row by row, beside what the run counted."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Collection, Container, Iterable, Sequence

from services.backfills.packs import change_bodies
from services.backfills.passed import Passed
from services.backfills.plan import Tally
from services.backfills.registry import find_backfill
from services.backfills.runs import (
    RUNS,
    Lane,
    Run,
    RunView,
    Totals,
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

    Every row must be accounted for. Of a rollback's rows, so far as it has come: every changed record restored or
    listed, and nothing left of the restored; those that it has still to come to are there.
    """
    lanes = await load_lanes(database, stored.id, "commit")
    done, left = Totals.of(lanes), await left_alone(database, stored.id, ("drifted", "failed"))
    complete = done.applied + len(left) == done.rows
    if stored.reversal is None:
        there, _, _ = await _landed(database, stored, lanes, left)
        return complete and there == Tally(records=done.applied, amount_paise=done.amount_paise), there
    back = await load_lanes(database, stored.id, "rollback")
    kept, passed = await left_alone(database, stored.id, ("kept",)), Passed(back)
    if stored.state == "rolled-back":
        complete = complete and Totals.of(back).applied + len(kept) == done.applied
        if not find_backfill(stored.backfill).amounts:
            return complete, Tally()  # a later run may have done it again: what a repair wrote does not name its run
    there, restored, planned = await _landed(database, stored, lanes, left | kept, passed)
    complete = complete and planned.records == done.applied - Totals.of(back).applied - len(kept)
    return complete and restored == Tally() and there == planned, _sum([there, restored])


async def _landed(
    database: Database, stored: Run, lanes: Sequence[Lane], without: Collection[int], back: Container[int] = ()
) -> tuple[Tally, Tally, Tally]:
    """What the database holds of the rows behind the checkpoints, without some.

    Apart: of the rows that are not taken `back`, and of those that are; then what the former come to by the plan.
    """
    backfill, begins = find_backfill(stored.backfill), [0, *(lane.end for lane in lanes)]
    bounds = [
        (first, min(first + _CHUNK, lane.next))
        for begin, lane in zip(begins, lanes, strict=False) for first in range(begin, lane.next, _CHUNK)
    ]  # fmt: skip

    async def part(first: int, last: int) -> tuple[Tally, Tally, Tally]:
        bodies = await change_bodies(database, stored.id, first, last, _NOT_COMPARED)
        mine = [(number in back, body) for number, body in bodies if number not in without]
        there, gone = [[body for taken, body in mine if taken is which] for which in (False, True)]
        planned = Tally(records=len(there), amount_paise=sum(body["amount_paise"] or 0 for body in there))
        found = [await backfill.landed(database, stored.id, each) if each else Tally() for each in (there, gone)]
        return found[0], found[1], planned

    parts: list[tuple[Tally, Tally, Tally]] = []
    with told():
        for start in range(0, len(bounds), _AT_ONCE):
            parts += await asyncio.gather(*(part(*each) for each in bounds[start : start + _AT_ONCE]))
    there, restored, planned = zip(*parts, strict=True) if parts else ((), (), ())
    return _sum(there), _sum(restored), _sum(planned)


def _sum(tallies: Iterable[Tally]) -> Tally:
    each = list(tallies)
    return Tally(records=sum(t.records for t in each), amount_paise=sum(t.amount_paise for t in each))
