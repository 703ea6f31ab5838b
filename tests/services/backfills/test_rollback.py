"""Rollbacks: the records as they were, what changed since left alone, and the same run once more afterwards."""

import asyncio
from typing import Any

import pytest

from services.backfills.commit import commit, resume
from services.backfills.control import pause
from services.backfills.pace import Pace
from services.backfills.plan import Plan
from services.backfills.preview import preview
from services.backfills.report import report
from services.backfills.rollback import rollback
from services.backfills.rows import list_rows
from services.backfills.runner import Progress
from services.backfills.runs import RunView, list_exceptions, list_runs, show_run
from services.backfills.verification import verify
from services.clock import Clock
from services.database import Database, Document
from services.errors import BadRequest, NotPermitted, Refused
from services.operators.operator import Operator
from tests import shop
from tests.services.backfills.conftest import FIX, run_of

BUSINESS = ("orders", "customers_v2", "billing_records", "delivery_statuses")


async def contents(database: Database) -> dict[str, list[Document]]:
    return {name: await database[name].find().sort("_id").to_list() for name in BUSINESS}


async def test_a_rollback_restores_every_record_as_it_was(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    before = await contents(database)
    done = await commit(database, ops, clock, run_of(plan), plan.digest)
    back = await rollback(database, ops, clock, run_of(plan), "billed into the wrong system")
    assert (back.state, back.restored, back.kept, back.verified) == ("rolled-back", done.applied, 0, True)
    assert back.restored_paise == done.amount_paise
    assert back.reversal
    assert (back.reversal.by, back.reversal.reason) == ("olga", "billed into the wrong system")
    assert await contents(database) == before
    assert await database["console_outbox"].count_documents({"state": "held"}) == 0


async def test_a_viewer_reads_no_phone_in_the_reason(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan
) -> None:
    run = run_of(plan)
    await commit(database, ops, clock, run, plan.digest)
    await rollback(database, ops, clock, run, "98860 12345 rang")
    for operator, reason in ((viewer, "•••••345 rang"), (ops, "98860 12345 rang")):
        shown = [await show_run(database, operator, run), *await list_runs(database, operator)]
        assert [each.reversal.reason for each in shown if each.reversal] == [reason, reason]
        told = [each.why for each in (await report(database, operator, run)).reasons]
        assert any(reason in why for why in told), told


async def test_its_audit_entries_tell_the_way_back(database: Database, ops: Operator, clock: Clock, plan: Plan) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    await rollback(database, ops, clock, run_of(plan), "wrong")
    kinds = [(entry["table"], entry["action"]) async for entry in database["audit_logs"].find()]
    expected = [
        ("billing_records", "CREATE"),
        ("orders", "BILLED"),
        ("orders", "UPDATE"),
        ("billing_records", "DELETE"),
    ]
    assert sorted(kinds) == sorted(expected * 60)
    entry = await database["audit_logs"].find_one({"table": "orders", "action": "UPDATE"})
    assert entry
    assert entry["changes"]["billed"] == {"old": True, "new": False}
    assert entry["changes"]["billed_month"]["new"] is None
    assert "billed_month" not in entry["after"]


async def test_after_a_rollback_the_same_plan_gives_the_same_outcome(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    first = await commit(database, ops, clock, run_of(plan), plan.digest)
    await rollback(database, ops, clock, run_of(plan), "once more")
    again = await preview(database, ops, clock, FIX)
    assert again.classes == plan.classes
    second = await commit(database, ops, clock, run_of(again), again.digest)
    assert (second.applied, second.amount_paise, second.verified) == (first.applied, first.amount_paise, True)
    assert await database["billing_records"].count_documents({}) == 60
    assert await database["console_outbox"].count_documents({"state": "held", "run": again.run}) == 60
    assert (await verify(database, ops, run_of(again))).verified is True


async def test_what_changed_since_or_was_paid_is_kept_and_listed(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    orders = [row.record for row in (await list_rows(database, ops, run_of(plan), "change")).items]
    await database["orders"].update_one({"id": orders[0]}, {"$set": {"notes": "rang the bell"}})
    await database["billing_records"].update_one({"order_id": orders[1]}, {"$set": {"payment_status": "paid"}})
    await database["billing_records"].update_one({"order_id": orders[2]}, {"$set": {"payment_status": "partial"}})
    await database["billing_records"].delete_one({"order_id": orders[3]})
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.state, back.restored, back.kept) == ("rolled-back", 56, 4)
    left = {each.record: each.reason for each in await list_exceptions(database, ops, run_of(plan))}
    assert left == {
        orders[0]: "it was changed since", orders[1]: "its bill was paid", orders[2]: "its bill was paid in part",
        orders[3]: "it is gone",
    }  # fmt: skip
    assert {row.group for row in (await list_rows(database, ops, run_of(plan), "kept")).items} == {"kept"}
    kept = await database["orders"].find({"billed": True}).to_list()
    assert sorted(order["id"] for order in kept) == sorted(orders[:4])
    assert await database["billing_records"].count_documents({}) == 3


async def test_nothing_is_restored_from_an_altered_entry(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    orders = [row.record for row in (await list_rows(database, ops, run_of(plan), "change")).items]
    entry = {"table": "orders", "record_id": orders[0]}
    await database["audit_logs"].update_one(entry, {"$set": {"before.billed_month": "2020-01"}})
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.state, back.restored, back.kept) == ("rolled-back", 59, 1)
    left = {each.record: each.reason for each in await list_exceptions(database, ops, run_of(plan))}
    assert left == {orders[0]: "an audit entry of its change is not as it was written"}
    assert [order["id"] async for order in database["orders"].find({"billed": True})] == [orders[0]]


async def test_records_that_the_run_left_alone_are_left_alone_again(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    rows = (await list_rows(database, ops, run_of(plan), "change")).items
    await database["orders"].update_one({"id": rows[7].record}, {"$set": {"total_amount": 1.0}})
    before = await contents(database)
    assert (await commit(database, ops, clock, run_of(plan), plan.digest)).drifted == 1
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.restored, back.kept, back.verified) == (59, 0, True)
    assert await contents(database) == before


async def test_an_interrupted_rollback_goes_on_to_the_same_end(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    before = await contents(database)
    await commit(database, ops, clock, run_of(plan), plan.digest)
    task: asyncio.Task[Any] | None = None

    def interrupt(progress: Progress) -> None:
        if progress.applied >= 20 and task:
            task.cancel()

    work = rollback(database, ops, clock, run_of(plan), "wrong", pace=Pace(batch_size=5), progress=interrupt)
    task = asyncio.create_task(work)
    with pytest.raises(asyncio.CancelledError):
        await task
    halted = await show_run(database, ops, run_of(plan))
    assert (halted.state, halted.alive, halted.paused) == ("rolling-back", False, False)
    assert 20 <= halted.restored < 60
    back = await resume(database, ops, clock, run_of(plan))
    assert (back.state, back.restored, back.kept, back.verified) == ("rolled-back", 60, 0, True)
    assert await contents(database) == before


async def test_a_paused_rollback_is_told_as_paused_until_it_goes_on(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    asked: list[asyncio.Task[RunView]] = []

    def ask(progress: Progress) -> None:
        if not asked:
            asked.append(asyncio.create_task(pause(database, ops, run_of(plan))))

    await commit(database, ops, clock, run_of(plan), plan.digest)
    halted = await rollback(database, ops, clock, run_of(plan), "wrong", pace=Pace(batch_size=5), progress=ask)
    for seen in (halted, await asked[0], await show_run(database, ops, run_of(plan))):
        assert (seen.state, seen.alive, seen.paused) == ("rolling-back", False, True)
    assert 0 < halted.restored < 60
    task: asyncio.Task[RunView] | None = None

    def interrupt(progress: Progress) -> None:
        if task:
            task.cancel()

    task = asyncio.create_task(resume(database, ops, clock, run_of(plan), pace=Pace(batch_size=5), progress=interrupt))
    with pytest.raises(asyncio.CancelledError):
        await task
    died = await show_run(database, ops, run_of(plan))
    assert (died.state, died.alive, died.paused) == ("rolling-back", False, False)
    back = await resume(database, ops, clock, run_of(plan))
    assert (back.state, back.restored, back.paused) == ("rolled-back", 60, False)


async def test_a_half_done_run_rolls_back_what_it_did(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    before = await contents(database)
    asked: list[asyncio.Task[Any]] = []

    def ask(progress: Progress) -> None:
        if not asked:
            asked.append(asyncio.create_task(pause(database, ops, run_of(plan))))

    halted = await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=5), progress=ask)
    await asked[0]
    assert halted.state == "paused"
    assert 0 < halted.applied < 60
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.state, back.restored, back.verified) == ("rolled-back", halted.applied, True)
    assert await contents(database) == before


async def test_a_rollback_is_refused_where_there_is_nothing_or_no_reason(
    database: Database, ops: Operator, support: Operator, clock: Clock, plan: Plan
) -> None:
    with pytest.raises(Refused, match="changed no record"):
        await rollback(database, ops, clock, run_of(plan), "wrong")
    await commit(database, ops, clock, run_of(plan), plan.digest)
    with pytest.raises(NotPermitted):
        await rollback(database, support, clock, run_of(plan), "wrong")
    with pytest.raises(BadRequest):
        await rollback(database, ops, clock, run_of(plan), "  ")
    await rollback(database, ops, clock, run_of(plan), "wrong")
    with pytest.raises(Refused) as refused:
        await rollback(database, ops, clock, run_of(plan), "wrong")
    assert refused.value.code == "already-rolled-back"
    with pytest.raises(Refused):
        await commit(database, ops, clock, run_of(plan), plan.digest)


async def test_a_row_whose_audit_entries_are_gone_is_kept(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    order = (await list_rows(database, ops, run_of(plan), "change")).items[0].record
    bill = await database["billing_records"].find_one({"order_id": order})
    assert bill
    await database["audit_logs"].delete_many({"record_id": {"$in": [order, bill["id"]]}})
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.restored, back.kept) == (59, 1)
    (left,) = await list_exceptions(database, ops, run_of(plan))
    assert left.reason == "not all audit entries of its change are there"


@pytest.mark.parametrize("action", ["BILLED", "CREATE"])
async def test_a_row_with_half_its_audit_entries_is_kept_whole(
    database: Database, ops: Operator, clock: Clock, plan: Plan, action: str
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    await database["audit_logs"].delete_one({"action": action})
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.restored, back.kept, back.verified) == (59, 1, True)
    assert await database["billing_records"].count_documents({}) == 1
    assert await database["orders"].count_documents({"billed": True}) == 1


async def test_numbers_that_are_none_inside_of_lists_come_back_too(
    database: Database, ops: Operator, clock: Clock
) -> None:
    order = shop.order()
    order["items"][0]["total"] = float("nan")
    await shop.stock(database, orders=order)
    plan = await preview(database, ops, clock, FIX)
    assert (await commit(database, ops, clock, run_of(plan), plan.digest)).applied == 1
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.restored, back.kept) == (1, 0)


async def test_a_rollback_refuses_a_plan_whose_rows_were_altered(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    await database["console_plan_rows"].update_one({}, {"$set": {"rows.7.record": "ord-99"}})
    with pytest.raises(Refused) as refused:
        await rollback(database, ops, clock, run_of(plan), "wrong")
    assert refused.value.code == "plan-altered"
    assert await database["billing_records"].count_documents({}) == 60


async def test_flagged_orders_get_their_old_flag_back(database: Database, ops: Operator, clock: Clock) -> None:
    from services.backfills.plan import Options

    flagged = shop.order(billed=True, billed_at="2026-10-31T00:00:00+00:00")
    await shop.stock(database, orders=flagged)
    before = await contents(database)
    plan = await preview(database, ops, clock, FIX, Options(include_flagged=True))
    assert (await commit(database, ops, clock, run_of(plan), plan.digest)).applied == 1
    assert (await rollback(database, ops, clock, run_of(plan), "wrong")).restored == 1
    assert await contents(database) == before
