"""A rollback of a run whose reminders are in the queue already: none is sent, and the audit trail tells of it."""

import random

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import commit
from services.backfills.pace import Pace
from services.backfills.rollback import rollback
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from services.reminders.outbox import OUTBOX
from services.reminders.queue import LOG, QUEUE
from services.reminders.release import release
from tests.faults.exactness import Planned, planned_orders
from tests.faults.processes import LEASE, kill_at_random, wait_for_lease

CUSTOMERS = 20


async def released_run(database: Database, ops: Operator, clock: Clock, orders: int) -> Planned:
    """A committed run over the orders of some customers, with their reminders in the queue."""
    planned = await planned_orders(database, ops, clock, orders, customers=CUSTOMERS)
    await commit(database, ops, clock, planned.run, planned.digest, pace=Pace(7))
    await database["system_settings"].insert_one({"whatsapp_template_english": "Dear {{customer_name}}, ₹{{amount}}."})
    done = await release(database, ops, clock, planned.run)
    assert (done.messages, done.orders) == (CUSTOMERS, orders)
    return planned


async def assert_called_off(planned: Planned) -> None:
    database = planned.database
    assert await database[QUEUE].count_documents({}) == 0
    assert await database[LOG].distinct("status") == ["failed"]
    assert await database[OUTBOX].distinct("state") == ["cancelled"]
    for table, action in ((LOG, "UPDATE"), (QUEUE, "DELETE")):
        assert await database["audit_logs"].count_documents({"table": table, "action": action}) == CUSTOMERS
    ids = await database["audit_logs"].distinct("_id")
    assert len(ids) == 4 * len(planned.prices) + 4 * CUSTOMERS


async def test_a_rollback_calls_released_reminders_off(database: Database, ops: Operator, clock: Clock) -> None:
    planned = await released_run(database, ops, clock, 200)
    outcome = await rollback(database, ops, clock, planned.run, "billed too early", pace=Pace(7))
    assert (outcome.state, outcome.restored, outcome.kept, outcome.verified) == ("rolled-back", 200, 0, True)
    await assert_called_off(planned)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_a_rollback_killed_10_times_calls_released_reminders_off(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    planned = await released_run(database, ops, clock, 3_000)
    chance = random.Random(10)
    for _ in range(10):
        assert kill_at_random(mongod.uri, planned, "rollback", chance, 7)
        await wait_for_lease(database, planned.run)
    outcome = await rollback(database, ops, clock, planned.run, "billed too early", pace=Pace(500, LEASE))
    assert (outcome.state, outcome.restored, outcome.kept, outcome.verified) == ("rolled-back", 3_000, 0, True)
    await assert_called_off(planned)
