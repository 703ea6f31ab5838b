"""The backfills on the demo data: every trap ends where the data set says that it belongs."""

from datetime import date

import pytest

from console.demo.dataset import Dataset, load
from services.backfills.commit import commit
from services.backfills.plan import Options
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests.services.backfills.repairing import Repair

FIX = "bill-one-time-orders"


async def test_the_demo_data_is_classified_as_it_was_made(database: Database, ops: Operator, clock: Clock) -> None:
    dataset = Dataset(until=date(2026, 11, 22), orders=1_000)
    await load(database.client[database.name], dataset)
    assert {state.state for state in await apply(database, ops)} == {"present"}
    plan = await preview(database, ops, clock, FIX)
    assert {name: tally.records for name, tally in plan.classes.items()} == dict(dataset.classes)
    assert dict(plan.review) == dict(dataset.reviews)
    outcome = await commit(database, ops, clock, plan.run or "", plan.digest)
    assert (outcome.applied, outcome.verified) == (plan.classes["change"].records, True)
    again = await preview(database, ops, clock, FIX)
    assert again.classes["change"].records == 0
    assert again.classes["flagged-no-record"] == plan.classes["flagged-no-record"]


async def test_the_flagged_ones_are_billed_when_asked_for(database: Database, ops: Operator, clock: Clock) -> None:
    dataset = Dataset(until=date(2026, 11, 22), orders=300)
    await load(database.client[database.name], dataset)
    asked = Options(include_flagged=True)
    plan = await preview(database, ops, clock, FIX, asked)
    assert plan.classes["flagged-no-record"].records == 0
    assert plan.classes["change"].records == dataset.classes["change"] + dataset.classes["flagged-no-record"]
    outcome = await commit(database, ops, clock, plan.run or "", plan.digest)
    assert (outcome.applied, outcome.verified) == (plan.classes["change"].records, True)
    for options in (None, asked):
        again = await preview(database, ops, clock, FIX, options)
        assert (again.classes["change"].records, again.classes["flagged-no-record"].records) == (0, 0)


REPAIRED = ("orders", "users", "customers_v2", "delivery_statuses")
WORK = {
    "repair-billed-flags": {"flagged-no-record", "bill-duplicate"},
    "add-order-fields": set[str](),
    "link-users-customers": {"link-broken", "link-contradicts", "phone-shared", "phone-name-differs"},
    "link-deliveries-orders": {"order-ambiguous", "order-taken"},
}


async def test_there_is_work_for_every_repair_and_afterwards_none(
    database: Database, ops: Operator, clock: Clock
) -> None:
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=1_500))
    await apply(database, ops)
    for name, codes in WORK.items():
        repair = Repair(name, database, ops, clock)
        plan = await repair.preview()
        assert plan.classes["change"].records >= 10, name
        assert codes <= set(plan.review), name
        assert sum(plan.review.values()) < 0.1 * plan.examined, name
        await repair.done()
    flags = await preview(database, ops, clock, "repair-billed-flags", store=False)
    assert flags.classes["change"].records == 0


@pytest.mark.parametrize("name", WORK)
async def test_a_repair_can_be_taken_back_to_the_last_byte(
    database: Database, ops: Operator, clock: Clock, name: str
) -> None:
    async def hashes() -> dict[str, str]:
        answer = await database.command({"dbHash": 1, "collections": [*REPAIRED]})
        return dict(answer["collections"])

    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=300))
    before = await hashes()
    repair = Repair(name, database, ops, clock)
    outcome = await repair.done()
    assert await hashes() != before
    back = await rollback(database, ops, clock, outcome.run, "tried out")
    assert (back.restored, back.kept) == (outcome.applied, 0)
    assert await hashes() == before
