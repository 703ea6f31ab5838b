"""A stored plan to commit."""

import pytest

from services.backfills.plan import Plan
from services.backfills.preview import preview
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from tests import shop

FIX = "bill-one-time-orders"


@pytest.fixture
async def plan(database: Database, ops: Operator, clock: Clock) -> Plan:
    """A stored plan of 60 orders."""
    await shop.stock(database, orders=[shop.order(id=f"ord-{n:02d}") for n in range(60)])
    return await preview(database, ops, clock, FIX)


def run_of(plan: Plan) -> str:
    assert plan.run is not None
    return plan.run
