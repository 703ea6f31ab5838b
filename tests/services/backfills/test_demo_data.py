"""The billing fix on the demo data: every trap ends where the data set says that it belongs."""

from datetime import date

from console.demo.dataset import Dataset, load
from services.backfills.commit import commit
from services.backfills.preview import preview
from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator

FIX = "bill-one-time-orders"


async def test_the_demo_data_is_classified_as_it_was_made(database: Database, ops: Operator, clock: Clock) -> None:
    dataset = Dataset(until=date(2026, 11, 22), orders=3_000)
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
