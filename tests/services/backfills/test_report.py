"""The recovery report adds up: to the plan, to the run's checkpoints, and to the bills in the database."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from console.demo.dataset import Dataset, load
from console.demo.hostile import HOSTILE_NAMES
from services.backfills import remains
from services.backfills.commit import commit
from services.backfills.pace import Pace
from services.backfills.packs import ROWS, unpacked
from services.backfills.plan import Plan
from services.backfills.preview import preview
from services.backfills.report import Figures, RecoveryReport, report
from services.backfills.report_file import report_document, report_tables
from services.backfills.rollback import rollback
from services.backfills.runs import EXCEPTIONS, LANES, RUNS
from services.billing.share import Share
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.errors import NotFound, NotPermitted
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.services.backfills.conftest import FIX, run_of

FOUND = ("change", "flagged-no-record", "needs-review")


@pytest.fixture
async def company(database: Database, ops: Operator, clock: Clock) -> Plan:
    """A stored plan on the demo's data, with all its traps."""
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=600))
    await apply(database, ops)
    return await preview(database, ops, clock, FIX)


def codes(made: RecoveryReport) -> dict[str, tuple[int, int]]:
    """Records and paise by reason code, and that what is owed adds up to what is not done."""
    sums: Counter[str] = Counter()
    paise: Counter[str] = Counter()
    for reason in made.reasons:
        sums[reason.code] += reason.share.records
        paise[reason.code] += reason.share.paise
    owed = [reason.share for reason in made.reasons if reason.owed]
    open_ = made.total.found.less(made.total.done)
    assert (sum(share.records for share in owed), sum(share.paise for share in owed)) == (open_.records, open_.paise)
    return {code: (sums[code], paise[code]) for code in sums}


def assert_parts_add_up(made: RecoveryReport) -> None:
    """Months, areas and customers each add up to the whole, and the whole to the plan and the run."""
    assert made.adds_up
    for lines in (made.months, made.areas, made.customers):
        for name in ("found", "done", "waiting", "left"):
            shares: list[Share] = [getattr(line.figures, name) for line in lines]
            whole: Share = getattr(made.total, name)
            assert sum(share.records for share in shares) == whole.records
            assert sum(share.paise for share in shares) == whole.paise
            assert min((share.records for share in shares), default=0) >= 0
    classes = made.run.plan.classes
    assert made.total.found.records == sum(classes[name].records for name in classes if name in FOUND)
    assert made.total.found.paise == sum(classes[name].amount_paise for name in classes if name in FOUND)


async def billed_by(database: Database, run: str, by: str) -> dict[str, tuple[int, int]]:
    """The run's bills as the backend reads them, added up without the plan: records and paise by a field."""
    areas = {each["id"]: each.get("area", "") async for each in database["customers_v2"].find({})}
    sums: dict[str, tuple[int, int]] = {}
    async for bill in database["billing_records"].find({"run": run}):
        key = areas[bill["customer_id"]] if by == "area" else bill[by]
        records, paise = sums.get(key, (0, 0))
        sums[key] = (records + 1, paise + int(Decimal(repr(bill["amount"])) * 100))
    return sums


def done_by(lines: dict[Any, Figures]) -> dict[Any, tuple[int, int]]:
    done = {key: figures.done for key, figures in lines.items()}
    return {key: (share.records, share.paise) for key, share in done.items() if share.records}


async def test_what_was_billed_is_what_the_database_holds_by_month_area_and_customer(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, company: Plan
) -> None:
    await commit(database, ops, clock, run_of(company), company.digest)
    made = await report(database, viewer, run_of(company))
    assert_parts_add_up(made)
    assert made.run.verified
    assert made.total.done == Share(company.classes["change"].records, company.classes["change"].amount_paise)
    run = run_of(company)
    assert done_by({line.month: line.figures for line in made.months}) == await billed_by(database, run, "month")
    assert done_by({line.area: line.figures for line in made.areas}) == await billed_by(database, run, "area")
    customers = {line.customer_id: line.figures for line in made.customers}
    assert done_by(customers) == await billed_by(database, run, "customer_id")
    assert sum(line.customers for line in made.areas) == len([name for name in customers if name])


async def test_what_was_found_is_what_the_plans_rows_hold(database: Database, viewer: Operator, company: Plan) -> None:
    months: Counter[str | None] = Counter()
    review: Counter[str] = Counter()
    for _, body in unpacked(await database[ROWS].find({}).to_list()):
        if body["group"] in FOUND:
            months[body["month"]] += body["amount_paise"] or 0
        if body["group"] == "needs-review":
            review[body["code"]] += 1
    made = await report(database, viewer, run_of(company))
    assert {line.month: line.figures.found.paise for line in made.months} == months
    assert {code: records for code, (records, _) in codes(made).items() if code in review} == review == company.review
    assert codes(made)["flagged-no-record"][0] == company.classes["flagged-no-record"].records
    assert codes(made)["not-delivered"][0] == company.classes["not-delivered"].records


async def test_a_plan_that_is_not_committed_says_what_would_be_billed(
    database: Database, viewer: Operator, company: Plan
) -> None:
    made = await report(database, viewer, run_of(company))
    assert_parts_add_up(made)
    change = company.classes["change"]
    assert (made.run.state, made.total.done.records) == ("planned", 0)
    assert made.total.waiting == Share(change.records, change.amount_paise)
    assert codes(made)["waiting"] == (change.records, change.amount_paise)


async def test_what_drifted_and_what_failed_is_left_with_its_reason_in_its_month(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan
) -> None:
    await database["orders"].update_many({"id": {"$in": ["ord-03", "ord-04"]}}, {"$set": {"total_amount": 1.0}})
    await database["orders"].delete_one({"id": "ord-50"})
    refuse = {"$jsonSchema": {"properties": {"order_id": {"not": {"enum": ["ord-07"]}}}}}
    await database.command({"create": "billing_records", "validator": refuse})
    await commit(database, ops, clock, run_of(plan), plan.digest, pace=Pace(batch_size=7))
    made = await report(database, viewer, run_of(plan))
    assert_parts_add_up(made)
    assert made.total.done == Share(56, 56 * 18000)
    assert codes(made) == {"drifted": (3, 3 * 18000), "failed": (1, 18000)}
    assert {(reason.why, reason.share.records) for reason in made.reasons if reason.code == "drifted"} == {
        ("It changed since the preview.", 2),
        ("It is gone.", 1),
    }
    (month,) = made.months
    assert (month.month, month.figures.left) == ("2026-10", Share(4, 4 * 18000))


async def test_many_different_failures_are_told_as_one(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan
) -> None:
    await database["orders"].update_many({}, {"$set": {"total_amount": 1.0}})
    await commit(database, ops, clock, run_of(plan), plan.digest)
    async for each in database[EXCEPTIONS].find({}):
        await database[EXCEPTIONS].update_one({"_id": each["_id"]}, {"$set": {"reason": f"reason {each['record']}"}})
    made = await report(database, viewer, run_of(plan))
    assert len(made.reasons) == 51
    assert codes(made) == {"drifted": (60, 60 * 18000)}
    assert made.total.done == Share()


async def test_a_run_that_was_stopped_splits_into_done_and_still_to_do(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    # As the checkpoints of a run stand that was killed after 20 records.
    lanes = await database[LANES].find({}).sort("_id").to_list()
    for lane, start, done in zip(lanes, (0, 20, 40), (10, 6, 4), strict=True):
        halfway = {"next": start + done, "applied": done, "amount_paise": done * 18000}
        await database[LANES].update_one({"_id": lane["_id"]}, {"$set": halfway})
    for state, code in (("running", "waiting"), ("paused", "waiting"), ("cancelled", "not-reached")):
        await database[RUNS].update_one({}, {"$set": {"state": state}})
        made = await report(database, viewer, run_of(plan))
        assert_parts_add_up(made)
        assert made.total.done == Share(20, 20 * 18000)
        assert codes(made) == {code: (40, 40 * 18000)}
        assert (made.total.waiting.records, made.total.left.records) == ((40, 0) if code == "waiting" else (0, 40))


async def test_a_run_that_was_taken_back_says_so_and_what_was_kept(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan
) -> None:
    await database["orders"].update_one({"id": "ord-03"}, {"$set": {"total_amount": 1.0}})
    await commit(database, ops, clock, run_of(plan), plan.digest)
    await database["billing_records"].update_one({"order_id": "ord-09"}, {"$set": {"payment_status": "paid"}})
    await rollback(database, ops, clock, run_of(plan), "the wrong month")
    made = await report(database, viewer, run_of(plan))
    assert_parts_add_up(made)
    assert made.total.done == Share(1, 18000)
    assert codes(made) == {"taken-back": (58, 58 * 18000), "drifted": (1, 18000), "kept": (1, 18000)}
    assert made.reasons[0].why == "Done, and taken back by olga: the wrong month"
    assert ("Rolled back", "by olga: the wrong month") in report_tables(made).facts


async def test_a_kept_record_whose_bill_is_gone_is_owed_again(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    bills, orders = database["billing_records"], database["orders"]
    await bills.update_one({"order_id": "ord-09"}, {"$set": {"payment_status": "paid"}})
    await bills.delete_many({"order_id": {"$in": ["ord-10", "ord-11", "ord-12"]}})
    await orders.update_one({"id": "ord-11"}, {"$set": {"notes": "rang"}})
    await orders.update_one({"id": "ord-12"}, {"$set": {"billed": False}})
    await orders.delete_one({"id": "ord-13"})
    assert (await rollback(database, ops, clock, run_of(plan), "wrong")).kept == 5
    made = await report(database, viewer, run_of(plan))
    assert_parts_add_up(made)
    assert made.total.done == Share(2, 2 * 18000)
    assert done_by({line.month: line.figures for line in made.months}) == await billed_by(
        database, run_of(plan), "month"
    )
    assert codes(made) == {"taken-back": (55, 55 * 18000), "gone": (3, 3 * 18000), "kept": (2, 2 * 18000)}
    # Billed anew by another run, it is still not what this run billed.
    again = await preview(database, ops, clock, FIX)
    await commit(database, ops, clock, run_of(again), again.digest)
    assert codes(await report(database, viewer, run_of(plan)))["gone"] == (3, 3 * 18000)


async def test_a_bill_that_was_deleted_since_is_not_counted_as_billed(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remains, "_CHUNK", 7)
    await database["orders"].update_one({"id": "ord-03"}, {"$set": {"total_amount": 1.0}})
    await commit(database, ops, clock, run_of(plan), plan.digest)
    bills, gone = database["billing_records"], ["ord-00", "ord-06", "ord-07", "ord-31", "ord-59"]
    await bills.delete_many({"order_id": {"$in": gone}})
    await bills.update_one({"order_id": "ord-40"}, {"$set": {"run": "run-2"}})
    made = await report(database, viewer, run_of(plan))
    assert_parts_add_up(made)
    assert codes(made) == {"drifted": (1, 18000), "gone": (6, 6 * 18000)}
    assert made.total.done == Share(53, 53 * 18000)
    assert done_by({line.month: line.figures for line in made.months}) == await billed_by(
        database, run_of(plan), "month"
    )
    assert dict(report_tables(made).facts)["Verified"] == "yes, but 6 of its records were removed since"
    # As the checkpoint of a rollback stands that took ten records back and was killed.
    lane = await database[LANES].find_one({"_id": {"$regex": "commit/0$"}})
    assert lane
    back = {"_id": f"{run_of(plan)}/rollback/0", "next": 10, "applied": 8, "kept": 0, "amount_paise": 8 * 18000}
    await bills.delete_many({"order_id": {"$in": [f"ord-{n:02d}" for n in range(10)]}})
    await database[LANES].insert_one(lane | back)
    reversal = {"by": "olga", "at": "2026-11-22T04:30:00.000000+00:00", "reason": "wrong"}
    await database[RUNS].update_one({}, {"$set": {"state": "rolling-back", "reversal": reversal}})
    found = codes(await report(database, viewer, run_of(plan)))
    assert found["gone"] == (3, 3 * 18000)


async def test_a_plan_whose_rows_were_lost_does_not_pretend_to_add_up(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    await database[ROWS].update_one({"rows.record": "ord-11"}, {"$pull": {"rows": {"record": "ord-11"}}})
    made = await report(database, viewer, run_of(plan))
    assert not made.adds_up
    assert "do NOT add up" in dict(report_tables(made).facts)["Verified"]


async def test_an_empty_run_has_a_report_of_nothing(
    database: Database, ops: Operator, viewer: Operator, clock: Clock
) -> None:
    made = await report(database, viewer, run_of(await preview(database, ops, clock, FIX)))
    assert_parts_add_up(made)
    assert (made.total, made.months, made.areas, made.customers, made.reasons) == (Figures(), (), (), (), ())


@pytest.mark.parametrize("name", HOSTILE_NAMES)
async def test_names_and_areas_are_told_as_they_are_stored(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, name: str
) -> None:
    await shop.stock(database, orders=shop.order(), customers_v2=shop.customer(name=name, area=name))
    made = await report(database, viewer, run_of(await preview(database, ops, clock, FIX)))
    (line,) = made.customers
    assert (line.customer_id, line.name, line.area) == ("cust-1", name.strip(), name.strip())
    assert [(area.area, area.customers) for area in made.areas] == [(name.strip(), 1)]
    assert "9876543210" not in str(report_document(made))


@pytest.mark.parametrize(("area", "told"), [(None, ""), (..., ""), (["x"], ""), (560041, "560041"), (" a ", "a")])
async def test_an_area_in_any_form_is_read(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, area: Any, told: str
) -> None:
    customer = {key: value for key, value in shop.customer(area=area).items() if value is not ...}
    await shop.stock(database, orders=shop.order(), customers_v2=customer)
    made = await report(database, viewer, run_of(await preview(database, ops, clock, FIX)))
    assert [line.area for line in made.areas] == [told]


async def test_records_of_no_known_customer_come_last(
    database: Database, ops: Operator, viewer: Operator, clock: Clock
) -> None:
    lost = [shop.order(customer_id="nobody", user_id="nobody") for _ in range(3)]
    await shop.stock(database, orders=[shop.order(), *lost])
    made = await report(database, viewer, run_of(await preview(database, ops, clock, FIX)))
    assert [(line.customer_id, line.figures.found.records) for line in made.customers] == [("cust-1", 1), (None, 3)]
    assert [(line.area, line.customers) for line in made.areas] == [("Jayanagar", 1), (None, 0)]


async def test_a_backfill_without_money_is_told_in_records(
    database: Database, ops: Operator, viewer: Operator, clock: Clock
) -> None:
    orders = [shop.order(id=f"o{n}", billed=False) for n in range(5)]
    await shop.stock(database, orders=orders, billing_records=[shop.bill(order) for order in orders])
    plan = await preview(database, ops, clock, "repair-billed-flags")
    await commit(database, ops, clock, run_of(plan), plan.digest)
    made = await report(database, viewer, run_of(plan))
    assert_parts_add_up(made)
    assert (made.money, made.total.done.records) == (False, 5)
    document = report_document(made)
    assert document["changed"] == {"records": 5}
    assert "paise" not in str(document)
    assert all(column.kind != "paise" for table in report_tables(made).tables for column in table.columns)


async def test_every_query_of_a_report_has_an_index(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, company: Plan
) -> None:
    await commit(database, ops, clock, run_of(company), company.digest)
    (await watch(database, report(database, viewer, run_of(company)))).assert_indexed()


async def test_who_may_not_look_and_what_is_not_there(database: Database, viewer: Operator, plan: Plan) -> None:
    with pytest.raises(NotPermitted):
        await report(database, Operator("nobody", ()), run_of(plan))
    with pytest.raises(NotFound):
        await report(database, viewer, "run-none")


@pytest.mark.parametrize(
    "altered",
    [{"rows": "text"}, {"rows.3": "text"}, {"rows.3.month": ["2026-10"]}, {"rows.3.customer_id": {"a": 1}},
     {"rows.3.code": 7, "rows.3.group": "needs-review"}, {"rows.3.month": 202610}, {"first": "0"}],
)  # fmt: skip
async def test_a_plan_whose_rows_were_altered_to_junk_does_not_pretend_to_add_up(
    database: Database, ops: Operator, viewer: Operator, clock: Clock, plan: Plan, altered: Document
) -> None:
    await commit(database, ops, clock, run_of(plan), plan.digest)
    await database[ROWS].update_one({"first": 0}, {"$set": altered})
    assert not (await report(database, viewer, run_of(plan))).adds_up
