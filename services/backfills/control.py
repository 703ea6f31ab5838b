"""Pause and cancel: asked by any operator from any session, heeded by the runner before its next batch."""

from __future__ import annotations

import asyncio
import time

from pymongo import ReturnDocument

from services.backfills.lease import shut_out
from services.backfills.runs import RUNS, RunView, State, Wish, show_run
from services.database import Database, told
from services.errors import Refused
from services.operators.operator import Operator

_LOOK_EVERY = 0.1


async def pause(database: Database, operator: Operator, run: str, patience: float = 30.0) -> RunView:
    """Ask a run's runner to stop after the batches under way, and wait up to `patience` seconds until it has.

    The run is as it then stands: where its runner is gone it is paused as soon as the lease is over. Raises Refused
    for a run that nobody works on.
    """
    operator.require("ops", "pause a run")
    return await _ask(database, operator, run, "pause", ("running",), ("running", "rolling-back"), "paused", patience)


async def cancel(database: Database, operator: Operator, run: str, patience: float = 30.0) -> RunView:
    """End a run for good: what it has done stays and can be rolled back, the rest is never done.

    Waits for a runner as `pause` does. Raises Refused for a run that has ended or is being rolled back.
    """
    operator.require("ops", "cancel a run")
    idle: tuple[State, ...] = ("planned", "approved", "paused", "running")
    return await _ask(database, operator, run, "cancel", idle, ("running",), "cancelled", patience)


async def _ask(
    database: Database,
    operator: Operator,
    run: str,
    wish: Wish,
    idle: tuple[State, ...],
    working: tuple[State, ...],
    state: State,
    patience: float,
) -> RunView:
    database.require_writable()
    over = {"$or": [{"$eq": [{"$type": "$lease.until"}, "null"]}, {"$lte": ["$lease.until", "$$NOW"]}]}
    until, asked_before = time.monotonic() + patience, False
    while True:
        with told():
            ended = await database[RUNS].find_one_and_update(
                {"_id": run, "state": {"$in": list(idle)}, "$expr": over},
                {"$set": {"state": state, "wanted": None}, "$inc": {"lease.token": 1}},
                return_document=ReturnDocument.AFTER,
            )
            if ended:  # its runner may only have stalled
                await shut_out(database, run, ended["lease"]["token"])
                return await show_run(database, operator, run)
            # Asked again and again: a runner that begins now has not heard of it.
            asked = await database[RUNS].update_one(
                {"_id": run, "state": {"$in": list(working)}, "$expr": {"$not": [over]}}, {"$set": {"wanted": wish}}
            )
        seen = await show_run(database, operator, run)
        if asked.matched_count == 0 and not asked_before:
            raise Refused("not-running", f"{run} is {seen.state}; there is nothing to {wish}.")
        if asked.matched_count == 0 or time.monotonic() > until:
            return seen
        asked_before = True
        await asyncio.sleep(_LOOK_EVERY)
