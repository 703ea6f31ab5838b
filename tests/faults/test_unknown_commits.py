"""The server lands a batch, or not, and its answer is lost: the checkpoint tells, and nothing is done twice."""

from typing import Any

import pytest

from services.backfills.commit import commit, resume
from services.backfills.pace import Pace
from services.backfills.rollback import rollback
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from tests.failing import failing
from tests.faults.exactness import assert_exact, assert_restored, planned_orders

ORDERS = 300
LANDED: dict[str, Any] = {"writeConcernError": {"code": 50, "errmsg": "operation exceeded time limit"}}
"""The transaction is committed, and nobody is told."""
LOST: dict[str, Any] = {"closeConnection": True}
"""The connection ends before the commit."""


@pytest.mark.parametrize(("batch", "times"), [(20, 6), (ORDERS, 2)], ids=["some", "every"])
@pytest.mark.parametrize("failure", [LANDED, LOST], ids=["landed", "lost"])
async def test_a_run_and_its_rollback_are_exact(
    database: Database, ops: Operator, clock: Clock, failure: dict[str, Any], batch: int, times: int
) -> None:
    planned = await planned_orders(database, ops, clock, ORDERS)
    async with failing(database, "commitTransaction", mode={"times": times}, **failure):
        outcome = await commit(database, ops, clock, planned.run, planned.digest, pace=Pace(batch))
    assert (outcome.applied, outcome.drifted, outcome.failed, outcome.verified) == (ORDERS, 0, 0, True)
    await assert_exact(planned, ops)
    async with failing(database, "commitTransaction", mode={"times": times}, **failure):
        back = await rollback(database, ops, clock, planned.run, "billed too early", pace=Pace(batch))
    assert (back.restored, back.kept, back.verified) == (ORDERS, 0, True)
    await assert_restored(planned, ops)


@pytest.mark.parametrize("failure", [LANDED, LOST], ids=["landed", "lost"])
async def test_a_failed_record_that_lands_at_last_counts_once(
    database: Database, ops: Operator, clock: Clock, failure: dict[str, Any]
) -> None:
    planned = await planned_orders(database, ops, clock, ORDERS)
    taken = [{"_id": f"bill:ord-{number:06d}", "order_id": "another"} for number in (3, 140, 299)]
    await database["billing_records"].insert_many(taken)
    outcome = await commit(database, ops, clock, planned.run, planned.digest, pace=Pace(20))
    assert (outcome.applied, outcome.failed) == (ORDERS - 3, 3)
    await database["billing_records"].delete_many({"order_id": "another"})
    async with failing(database, "commitTransaction", mode={"times": 2}, **failure):
        outcome = await resume(database, ops, clock, planned.run)
    assert (outcome.applied, outcome.drifted, outcome.failed, outcome.verified) == (ORDERS, 0, 0, True)
    await assert_exact(planned, ops)
