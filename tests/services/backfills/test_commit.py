"""A commit does exactly the plan: no more, no less, and never twice."""

import asyncio
import dataclasses
import uuid
from datetime import timedelta
from typing import Any

import pytest
from bson import Int64

from services.audit.log import last_checkpoint
from services.audit.seal import seal_session
from services.backfills import runner
from services.backfills.commit import commit, resume
from services.backfills.lease import take
from services.backfills.pace import Pace
from services.backfills.packs import ROWS
from services.backfills.plan import Plan, PlanRow
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.backfills.rows import list_rows
from services.backfills.runner import Progress
from services.backfills.runs import LANES, RUNS, list_exceptions, list_runs, load_run, show_run
from services.clock import Clock
from services.database import STANDALONE, Database
from services.errors import ConsoleError, NotFound, NotPermitted, Refused
from services.operators.operator import Operator
from tests import shop
from tests.services.backfills.conftest import FIX, run_of

BUSINESS = ("orders", "customers_v2", "billing_records", "delivery_statuses", "users", "audit_logs")


async def hashes(database: Database) -> dict[str, str]:
    answer = await database.command({"dbHash": 1, "collections": list(BUSINESS)})
    return dict(answer["collections"])


async def test_a_preview_writes_nothing_to_the_business(database: Database, ops: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=[shop.order() for _ in range(50)], users={"id": "user-1"})
    before = await hashes(database)
    plan = await preview(database, ops, clock, FIX)
    assert plan.classes["change"].records == 50
    assert await hashes(database) == before
    assert len(before) == 3


async def test_a_dry_run_stores_nothing_at_all(database: Database, viewer: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=[shop.order()])
    plan = await preview(database, viewer, clock, FIX, store=False)
    assert (plan.run, plan.stored, plan.classes["change"].records) == (None, False, 1)
    assert await database[RUNS].count_documents({}) == await database[ROWS].count_documents({}) == 0


async def test_two_previews_of_the_same_data_have_the_same_digest(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    again = await preview(database, ops, clock, FIX)
    assert again.digest == plan.digest
    await database["orders"].update_one({"id": "ord-00"}, {"$set": {"total_amount": 180.01}})
    assert (await preview(database, ops, clock, FIX)).digest != plan.digest


async def test_a_commit_bills_flags_and_audits_each_order_once(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    outcome = await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=7))
    assert (outcome.state, outcome.applied, outcome.amount_paise, outcome.verified) == ("done", 60, 60 * 18000, True)
    assert len(await database["billing_records"].distinct("order_id")) == 60
    assert await database["orders"].count_documents({"billed": True, "billed_month": "2026-10"}) == 60
    for table, action in (("orders", "BILLED"), ("billing_records", "CREATE")):
        entries = await database["audit_logs"].distinct("record_id", {"table": table, "action": action})
        assert len(entries) == 60
    again = await preview(database, ops, clock, FIX)
    assert (again.classes["change"].records, again.classes["already-billed"].records) == (0, 60)


async def test_what_is_written_has_the_types_that_the_backend_reads(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(credit_days=10))
    bill = await database["billing_records"].find_one({"order_id": "ord-00"})
    assert bill is not None
    assert (type(bill["amount"]), bill["amount"]) == (float, 180.0)
    assert (type(bill["amount_paise"]), bill["amount_paise"]) == (Int64, 18000)
    assert bill["created_at"] == "2026-11-22T04:30:00.000000+00:00"
    assert bill["due_date"] == (clock() + timedelta(days=10)).date().isoformat()
    assert (bill["_id"], bill["run"], bill["customer_id"]) == ("bill:ord-00", plan.run, "cust-1")
    assert (bill["status"], bill["payment_status"], bill["order_type"]) == ("pending", "unpaid", "one_time")
    assert uuid.UUID(bill["id"])
    assert all(type(item[name]) is float for item in bill["items"] for name in ("price", "total"))
    order = await database["orders"].find_one({"id": "ord-00"})
    assert order is not None
    assert (order["billed"], order["billed_at"], order["billed_month"]) == (True, bill["created_at"], "2026-10")


async def test_audit_entries_hold_the_nine_fields_and_the_truth(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    before = await database["orders"].find_one({"id": "ord-00"}, {"_id": 0})
    await commit(database, ops, clock, run_of(plan), plan.digest)
    entry = await database["audit_logs"].find_one({"record_id": "ord-00"}, {"_id": 0})
    after = await database["orders"].find_one({"id": "ord-00"}, {"_id": 0})
    assert entry is not None
    nine = {"id", "table", "record_id", "action", "user_id", "timestamp", "before", "after", "changes"}
    assert set(entry) == nine | {"meta", "chain"}
    assert (entry["meta"]["run"], entry["meta"]["session"]) == (run_of(plan), ops.trail.session)
    assert (entry["before"], entry["after"]) == (before, after)
    assert entry["changes"] == {
        "billed": {"old": False, "new": True},
        "billed_at": {"old": None, "new": "2026-11-22T04:30:00.000000+00:00"},
        "billed_month": {"old": None, "new": "2026-10"},
    }
    assert (entry["user_id"], entry["timestamp"]) == ("olga", "2026-11-22T04:30:00.000000+00:00")


@pytest.mark.parametrize(
    "edit",
    [
        {"$set": {"total_amount": 99.0}},
        {"$set": {"billed": True}},
        {"$set": {"status": "cancelled"}},
        {"$set": {"items.0.quantity": 1}},
        {"$unset": {"delivered_at": 1}},
    ],
)
async def test_an_order_that_changed_since_the_preview_is_left_alone(
    database: Database, ops: Operator, clock: Clock, plan: Plan, edit: dict[str, Any]
) -> None:
    await database["orders"].update_one({"id": "ord-03"}, edit)
    untouched = await database["orders"].find_one({"id": "ord-03"})
    outcome = await commit(database, ops, clock, run_of(plan), plan.digest)
    assert (outcome.applied, outcome.drifted, outcome.verified) == (59, 1, True)
    assert await database["orders"].find_one({"id": "ord-03"}) == untouched
    assert await database["billing_records"].count_documents({"order_id": "ord-03"}) == 0
    (left,) = await list_exceptions(database, ops, run_of(plan))
    assert (left.record, left.outcome) == ("ord-03", "drifted")


async def test_what_an_order_depends_on_is_watched_too(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await database["orders"].delete_one({"id": "ord-00"})
    billed = await database["orders"].find_one({"id": "ord-01"})
    assert billed is not None
    await shop.stock(
        database, customers_v2=[], billing_records=shop.bill(billed),
        delivery_statuses=shop.delivery(shop.order(id="ord-02"), {"eggs": 1, "bread": 1}),
        orders=shop.order(id="ord-03"),
    )  # fmt: skip
    outcome = await commit(database, ops, clock, run_of(plan), plan.digest)
    left = await list_exceptions(database, ops, run_of(plan))
    assert sorted(each.record for each in left) == ["ord-00", "ord-01", "ord-02", "ord-03"]
    assert (outcome.applied, outcome.drifted) == (56, 4)


async def test_an_edit_that_matters_to_nothing_is_no_drift(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await database["orders"].update_many({}, {"$set": {"notes": "ring twice", "updated_at": "x"}})
    assert (await commit(database, ops, clock, run_of(plan), plan.digest)).applied == 60


async def test_a_record_that_fails_is_narrowed_down_and_the_rest_goes_on(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await database["billing_records"].insert_one({"_id": "bill:ord-17", "order_id": "somebody else's"})
    outcome = await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=16))
    assert (outcome.applied, outcome.failed, outcome.verified) == (59, 1, True)
    (left,) = await list_exceptions(database, ops, run_of(plan))
    assert (left.record, left.outcome) == ("ord-17", "failed")
    order = await database["orders"].find_one({"id": "ord-17"})
    assert order is not None
    assert order["billed"] is False


async def test_only_the_pinned_plan_can_be_committed(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    async def refusal(run: str, digest: str) -> str:
        with pytest.raises(Refused) as refused:
            await commit(database, ops, clock, run, digest)
        return refused.value.code

    assert await refusal(run_of(plan), "0" * 64) == "digest-mismatch"
    assert await refusal(run_of(plan), "") == "digest-mismatch"
    await database[ROWS].update_one({"rows.record": "ord-09"}, {"$set": {"rows.$.values.amount_paise": 1}})
    assert await refusal(run_of(plan), plan.digest) == "plan-altered"
    assert await database["billing_records"].count_documents({}) == 0


async def test_a_plan_with_a_row_missing_is_refused(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await database[ROWS].update_one({"rows.record": "ord-59"}, {"$pull": {"rows": {"record": "ord-59"}}})
    with pytest.raises(Refused, match="altered"):
        await commit(database, ops, clock, run_of(plan), plan.digest)


async def test_a_committed_plan_is_not_committed_again(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    for again in (commit(database, ops, clock, run_of(plan), plan.digest), resume(database, ops, clock, run_of(plan))):
        with pytest.raises(Refused) as refused:
            await again
        assert refused.value.code in ("already-committed", "not-interrupted")
    assert await database["billing_records"].count_documents({}) == 60


async def test_an_unknown_run_is_told(database: Database, ops: Operator, clock: Clock) -> None:
    for call in (commit(database, ops, clock, "run-x", "0"), resume(database, ops, clock, "run-x")):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(NotFound):
        await show_run(database, ops, "run-x")


async def test_two_runners_at_once_bill_once(database: Database, ops: Operator, clock: Clock, plan: Plan) -> None:
    starts = [commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=5)) for _ in range(8)]
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    done = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    refused = [outcome.code for outcome in outcomes if isinstance(outcome, ConsoleError)]
    assert len(done) == 1
    assert len(refused) == 7
    assert set(refused) <= {"already-running", "already-committed"}
    assert await database["billing_records"].count_documents({}) == 60


@pytest.mark.parametrize("lanes", [1, 2, 3, 5])
async def test_an_interrupted_commit_is_resumed_to_the_same_end(
    database: Database, ops: Operator, clock: Clock, plan: Plan, monkeypatch: pytest.MonkeyPatch, lanes: int
) -> None:
    """Also one that was begun with another number of lanes, by another version."""
    monkeypatch.setattr(runner, "_LANES", lanes)
    task: asyncio.Task[Any] | None = None

    def interrupt(progress: Progress) -> None:
        if progress.applied >= 20 and task:
            task.cancel()

    work = commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=5), progress=interrupt)
    task = asyncio.create_task(work)
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    halted = await show_run(database, ops, run_of(plan))
    assert halted.state == "interrupted"
    assert 20 <= halted.applied < 60
    with pytest.raises(Refused) as refused:
        await commit(database, ops, clock, run_of(plan), plan.digest)
    assert refused.value.code == "interrupted"
    outcome = await resume(database, ops, clock, run_of(plan))
    assert (outcome.state, outcome.applied, outcome.drifted, outcome.verified) == ("done", 60, 0, True)
    assert await database["audit_logs"].count_documents({}) == 120


async def test_a_runner_whose_lease_was_taken_over_writes_nothing_more(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    taken = asyncio.Event()

    def take_over(progress: Progress) -> None:
        taken.set()

    pace = Pace(batch_size=5, lease_seconds=600)
    work = asyncio.create_task(commit(database, ops, clock, run_of(plan), plan.digest, pace=pace, progress=take_over))
    await taken.wait()
    await database[RUNS].update_one({"_id": plan.run}, {"$set": {"lease.until": None}})
    held = await take(database, run_of(plan), ("running",), "running", 600, {})
    await database[LANES].update_many({}, {"$set": {"token": held.token}})
    at_takeover = await database["billing_records"].count_documents({})
    with pytest.raises(Refused) as refused:
        await work
    assert refused.value.code in ("taken-over", "changed-meanwhile")
    assert await database["billing_records"].count_documents({}) == at_takeover
    assert (await load_run(database, run_of(plan))).lease.token == held.token


@pytest.mark.parametrize("role", ["viewer", "support", "auditor"])
async def test_only_ops_store_and_commit_plans(database: Database, clock: Clock, plan: Plan, role: Any) -> None:
    other = Operator("somebody", (role,))
    for call in (
        preview(database, other, clock, FIX),
        commit(database, other, clock, run_of(plan), plan.digest),
        resume(database, other, clock, run_of(plan)),
    ):
        with pytest.raises(NotPermitted):
            await call
    assert await database["billing_records"].count_documents({}) == 0


async def test_a_server_without_transactions_previews_and_refuses_the_rest(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    standalone = dataclasses.replace(database, read_only=STANDALONE)
    shown = await preview(standalone, ops, clock, FIX)
    assert (shown.stored, shown.unstored_because, shown.digest) == (False, STANDALONE, plan.digest)
    with pytest.raises(Refused, match="replSet"):
        await commit(standalone, ops, clock, run_of(plan), plan.digest)


async def test_an_empty_database_gives_an_empty_plan_that_commits_to_nothing(
    database: Database, ops: Operator, clock: Clock
) -> None:
    plan = await preview(database, ops, clock, FIX)
    assert plan.examined == 0
    outcome = await commit(database, ops, clock, run_of(plan), plan.digest)
    assert (outcome.state, outcome.applied, outcome.verified) == ("done", 0, True)
    assert [run.state for run in await list_runs(database, ops)] == ["done"]


async def test_an_interrupted_run_is_sealed_when_its_session_ends(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    def stop(progress: Progress) -> None:
        if progress.applied:
            raise RuntimeError("the console was ended")

    with pytest.raises(RuntimeError):
        await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=1), progress=stop)
    assert await last_checkpoint(database) is None
    await seal_session(database, ops, clock)
    sealed = await last_checkpoint(database)
    assert sealed is not None
    assert sealed.size == await database["audit_logs"].count_documents({"chain.seq": {"$gt": 0}}) > 0
    assert await database["console_audit_streams"].count_documents({"ended": False}) == 0


async def test_a_plan_of_large_rows_is_listed_committed_and_taken_back(
    database: Database, ops: Operator, clock: Clock
) -> None:
    orders = [shop.order(id=f"ord-{number:02}") for number in range(60)]
    for order in orders:
        order["items"][0]["product_name"] = "Eggs" * 15_000
    await shop.stock(database, orders=orders)
    await database["billing_records"].insert_one({"_id": "bill:ord-33", "order_id": "somebody else's"})
    plan = await preview(database, ops, clock, FIX)
    packs = await database[ROWS].distinct("first")
    assert len(packs) > 2
    listed: list[PlanRow] = []
    page = await list_rows(database, ops, run_of(plan), limit=7)
    while page.next:
        listed += page.items
        page = await list_rows(database, ops, run_of(plan), None, page.next, limit=7)
    assert [row.record for row in (*listed, *page.items)] == [order["id"] for order in orders]
    outcome = await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=16))
    assert (outcome.applied, outcome.failed, outcome.verified) == (59, 1, True)
    await database["billing_records"].delete_one({"_id": "bill:ord-33"})
    assert (await resume(database, ops, clock, run_of(plan))).applied == 60
    back = await rollback(database, ops, clock, run_of(plan), "wrong")
    assert (back.restored, back.verified) == (60, True)
