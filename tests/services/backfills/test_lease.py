"""The lease of a run, and runners that slept through its end."""

import asyncio
from typing import Any

import pytest

from services.backfills import lease
from services.backfills.lease import Held, open_lanes, shut_out, take
from services.backfills.plan import Plan
from services.backfills.runs import LANES
from services.database import Database
from services.errors import Fenced
from tests.services.backfills.conftest import run_of


async def held_by_the_next(database: Database, run: str) -> Held:
    """The lease of whoever comes after a runner whose lease ended."""
    return await take(database, run, ("planned", "running"), "running", 0.0, {})


async def test_a_runner_that_was_taken_over_lays_out_no_lanes(database: Database, plan: Plan) -> None:
    first, second = await held_by_the_next(database, run_of(plan)), await held_by_the_next(database, run_of(plan))
    async with database.client.start_session() as slow, database.client.start_session() as quick:
        await open_lanes(database, second, "commit", 60, [quick])
        before = await database[LANES].find({}).to_list()
        with pytest.raises(Fenced):
            await open_lanes(database, first, "commit", 60, [slow, slow])
    assert await database[LANES].find({}).to_list() == before


async def test_a_takeover_between_a_runners_two_steps_is_noticed(
    database: Database, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has shut out those before it, and sleeps; then the second lays out its lanes."""
    first = await held_by_the_next(database, run_of(plan))
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleeping(*given: Any) -> None:
        await shut_out(*given)
        asleep.set()
        await awake.wait()

    async with database.client.start_session() as slow, database.client.start_session() as quick:
        monkeypatch.setattr(lease, "shut_out", sleeping)
        opening = asyncio.create_task(open_lanes(database, first, "commit", 60, [slow]))
        await asleep.wait()
        monkeypatch.undo()
        second = await held_by_the_next(database, run_of(plan))
        (lane,) = await open_lanes(database, second, "commit", 60, [quick])
        awake.set()
        with pytest.raises(Fenced):
            await opening
    assert lane.token == second.token
    assert [each["token"] async for each in database[LANES].find({})] == [second.token]
