"""Pause, resume, cancel, approval and the retry of what failed, as operators use them from their own sessions."""

import asyncio
from typing import Any

import pytest

from services.backfills.approval import approve
from services.backfills.commit import commit, resume
from services.backfills.control import cancel, pause
from services.backfills.pace import Pace, Throttle
from services.backfills.plan import Plan
from services.backfills.preview import preview
from services.backfills.rows import list_rows
from services.backfills.runner import Progress
from services.backfills.runs import RUNS, Limits, list_exceptions, show_run
from services.clock import Clock
from services.database import Database
from services.errors import BadRequest, ConsoleError, NotPermitted, Refused
from services.operators.operator import Operator
from tests.services.backfills.conftest import FIX, run_of

SMALL = Pace(batch_size=3)
RAVI = Operator("ravi", ("ops",))


async def test_a_pause_from_another_session_stops_the_run_and_resume_ends_it(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    seen: list[asyncio.Task[Any]] = []

    def ask(progress: Progress) -> None:
        if not seen:
            seen.append(asyncio.create_task(pause(database, RAVI, run_of(plan))))

    halted = await commit(database, ops, clock, run_of(plan), plan.digest, pace=SMALL, progress=ask)
    asked = await seen[0]
    assert (halted.state, asked.state, asked.alive, asked.wanted) == ("paused", "paused", False, None)
    assert 0 < halted.applied < 60
    assert halted.applied == await database["billing_records"].count_documents({})
    done = await resume(database, ops, clock, run_of(plan))
    assert (done.state, done.applied, done.verified) == ("done", 60, True)


async def test_others_see_the_state_the_rate_and_the_time_left(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    looks: list[asyncio.Task[Any]] = []

    def look(progress: Progress) -> None:
        looks.append(asyncio.create_task(show_run(database, RAVI, run_of(plan))))

    await commit(database, ops, clock, run_of(plan), plan.digest, pace=SMALL, progress=look)
    views = [view for view in await asyncio.gather(*looks) if view.state == "running" and view.applied]
    assert views
    assert all(view.alive and view.rate and view.seconds > 0 for view in views)
    assert all(view.seconds_left >= 0 for view in views)


async def test_a_cancelled_run_is_over(database: Database, ops: Operator, clock: Clock, plan: Plan) -> None:
    seen: list[asyncio.Task[Any]] = []

    def ask(progress: Progress) -> None:
        if not seen:
            seen.append(asyncio.create_task(cancel(database, RAVI, run_of(plan))))

    halted = await commit(database, ops, clock, run_of(plan), plan.digest, pace=SMALL, progress=ask)
    assert (halted.state, (await seen[0]).state) == ("cancelled", "cancelled")
    for again in (
        resume(database, ops, clock, run_of(plan)),
        commit(database, ops, clock, run_of(plan), plan.digest),
        cancel(database, ops, run_of(plan)),
        pause(database, ops, run_of(plan)),
    ):
        with pytest.raises(Refused):
            await again
    assert await database["billing_records"].count_documents({}) == halted.applied


async def test_a_plan_and_a_dead_run_are_cancelled_at_once(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    assert (await cancel(database, ops, run_of(plan))).state == "cancelled"
    await database[RUNS].update_one({"_id": plan.run}, {"$set": {"state": "running", "lease.until": None}})
    assert (await pause(database, ops, run_of(plan))).state == "paused"
    assert (await cancel(database, ops, run_of(plan))).state == "cancelled"


async def test_a_plan_that_nobody_works_on_cannot_be_paused(database: Database, ops: Operator, plan: Plan) -> None:
    with pytest.raises(Refused) as refused:
        await pause(database, ops, run_of(plan))
    assert refused.value.code == "not-running"


@pytest.mark.parametrize("call", [pause, cancel])
async def test_only_ops_steer_a_run(database: Database, support: Operator, plan: Plan, call: Any) -> None:
    with pytest.raises(NotPermitted):
        await call(database, support, run_of(plan))


@pytest.mark.parametrize("limits", [Limits(records=59), Limits(amount_paise=1_079_999)])
async def test_above_a_limit_a_second_operator_decides(
    database: Database, ops: Operator, clock: Clock, plan: Plan, limits: Limits
) -> None:
    async def attempt() -> str:
        try:
            return (await commit(database, ops, clock, run_of(plan), plan.digest, limits=limits)).state
        except ConsoleError as refusal:
            return refusal.code

    assert await attempt() == "approval-needed"
    with pytest.raises(NotPermitted, match="your own plan"):
        await approve(database, ops, clock, run_of(plan), plan.digest)
    with pytest.raises(Refused) as refused:
        await approve(database, RAVI, clock, run_of(plan), "0" * 64)
    assert refused.value.code == "digest-mismatch"
    assert await attempt() == "approval-needed"
    assert await database["billing_records"].count_documents({}) == 0
    approved = await approve(database, RAVI, clock, run_of(plan), plan.digest)
    assert (approved.state, approved.approval and approved.approval.by) == ("approved", "ravi")
    assert await attempt() == "done"


async def test_the_limits_of_the_preview_hold_whoever_commits(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    strict = await preview(database, ops, clock, FIX, limits=Limits(records=59))
    with pytest.raises(Refused) as refused:
        await commit(database, RAVI, clock, run_of(strict), strict.digest, limits=Limits())
    assert refused.value.code == "approval-needed"
    await approve(database, RAVI, clock, run_of(strict), strict.digest)
    assert (await commit(database, ops, clock, run_of(strict), strict.digest)).state == "done"


async def test_below_the_limits_nobody_is_asked(database: Database, ops: Operator, clock: Clock, plan: Plan) -> None:
    limits = Limits(records=60, amount_paise=1_080_000)
    assert (await commit(database, ops, clock, run_of(plan), plan.digest, limits=limits)).state == "done"


async def test_an_approval_written_for_another_digest_or_by_oneself_counts_for_nothing(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    for by, digest in (("ravi", "0" * 64), ("olga", plan.digest)):
        forged = {"by": by, "at": "2026-11-22T04:30:00.000000+00:00", "digest": digest}
        await database[RUNS].update_one({"_id": plan.run}, {"$set": {"state": "approved", "approval": forged}})
        with pytest.raises(Refused) as refused:
            await commit(database, ops, clock, run_of(plan), plan.digest, limits=Limits(records=1))
        assert refused.value.code == "approval-needed"


async def test_failed_records_are_tried_again_after_a_fix_without_a_new_plan(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    rows = (await list_rows(database, ops, run_of(plan), "change")).items
    poisoned = [rows[3].record, rows[40].record]
    business = database.client[database.name]
    await business.create_collection("billing_records", validator={"order_id": {"$nin": poisoned}})
    done = await commit(database, ops, clock, run_of(plan), plan.digest)
    assert (done.state, done.applied, done.failed, done.verified) == ("done", 58, 2, True)
    assert {each.record for each in await list_exceptions(database, ops, run_of(plan))} == set(poisoned)
    still = await resume(database, ops, clock, run_of(plan))
    assert (still.applied, still.failed) == (58, 2)
    await business.command("collMod", "billing_records", validator={"order_id": {"$ne": poisoned[0]}})
    half = await resume(database, ops, clock, run_of(plan))
    assert (half.state, half.applied, half.failed, half.verified) == ("done", 59, 1, True)
    await business.command("collMod", "billing_records", validator={})
    whole = await resume(database, ops, clock, run_of(plan))
    assert (whole.applied, whole.failed, whole.verified, whole.amount_paise) == (60, 0, True, 1_080_000)
    assert await list_exceptions(database, ops, run_of(plan)) == ()
    assert await database["audit_logs"].count_documents({}) == 120


async def test_a_row_that_is_altered_while_the_commit_runs_is_not_written(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    altered: list[asyncio.Task[Any]] = []

    def alter(progress: Progress) -> None:
        if not altered:
            cheap = {"$set": {"rows.$[].values.amount_paise": 99, "rows.$[].amount_paise": 99}}
            altered.append(asyncio.create_task(database["console_plan_rows"].update_many({}, cheap)))

    with pytest.raises(Refused) as refused:
        await commit(database, ops, clock, run_of(plan), plan.digest, pace=SMALL, progress=alter)
    assert refused.value.code == "plan-altered"
    assert await database["billing_records"].count_documents({"amount_paise": {"$ne": 18_000}}) == 0


async def test_slow_batches_shrink_and_quick_ones_grow_back(database: Database) -> None:
    throttle = Throttle(database, Pace(batch_size=400, slow_batch=1.0))
    sizes = []
    for seconds in (0.1, 1.5, 3.0, 9.0, 9.0, 9.0, 0.5, 0.1, 0.1):
        throttle.took(seconds)
        sizes.append(throttle.size)
    assert sizes == [400, 200, 100, 50, 25, 25, 25, 50, 100]


async def test_what_a_server_ends_for_its_age_is_halved_below_the_smallest_batch(database: Database) -> None:
    throttle = Throttle(database, Pace(batch_size=400, slow_batch=1.0))
    sizes = []
    for rows in (400, 200, 13, 1):
        throttle.too_long(rows)
        sizes.append(throttle.size)
    throttle.took(9.0)
    assert [*sizes, throttle.size] == [200, 100, 6, 1, 1]


async def test_a_lone_server_has_no_lag(database: Database) -> None:
    assert not await Throttle(database, Pace()).must_wait()


@pytest.mark.parametrize("size", [0, -1, 2_001])
def test_a_batch_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(BadRequest):
        Pace(batch_size=size)
