"""Runners that are really killed: whatever the moment, the run ends exact."""

import random
import signal
import subprocess
import sys

import pytest

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import Pace, resume, status
from services.backfills.preview import preview
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from tests import shop

FIX = "bill-one-time-orders"
LEASE = 0.6


class Runs:
    """Runner processes of one run."""

    def __init__(self, uri: str, database: Database, run: str, digest: str, batch: int) -> None:
        self._command = [
            sys.executable, "-m", "tests.faults.runner", uri, database.name, run, digest, str(batch), str(LEASE),
        ]  # fmt: skip

    def start_and_kill(self, chance: random.Random) -> bool:
        """Start a runner and kill it at a random moment of its work; False where it came to its end before."""
        with subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
                if not process.stdout.readline():
                    break
            try:
                process.wait(timeout=chance.random() * 0.05)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.stdout.read()
        assert process.returncode in (0, -signal.SIGKILL)
        return process.returncode != 0


async def kill_often(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, *, kills: int, orders: int, batch: int
) -> None:
    chance = random.Random(kills)
    prices = [chance.randrange(1, 50_000) for _ in range(orders)]
    await shop.stock(database, orders=[
        shop.order(
            id=f"ord-{n:06d}", total_amount=paise / 100,
            items=[{"product_id": "p", "product_name": "Milk", "quantity": 1, "price": paise / 100}],
        )
        for n, paise in enumerate(prices)
    ])  # fmt: skip
    plan = await preview(database, ops, clock, FIX)
    assert plan.run
    runs, killed = Runs(mongod.uri, database, plan.run, plan.digest, batch), 0
    while killed < kills:
        assert runs.start_and_kill(chance), f"the run ended after {killed} kills; give it more orders"
        killed += 1
    while (between := await status(database, ops, plan.run)).state == "running":
        pass  # until the dead runner's lease ends
    assert between.state == "interrupted"
    assert between.applied == await database["billing_records"].count_documents({})
    outcome = await resume(database, ops, clock, plan.run, pace=Pace(500, LEASE))
    assert (outcome.state, outcome.applied, outcome.drifted, outcome.failed) == ("done", orders, 0, 0)
    assert (outcome.verified, outcome.amount_paise) == (True, sum(prices))
    await assert_exact(database, prices)


async def assert_exact(database: Database, prices: list[int]) -> None:
    """Bills = flags = audit entries, each order once and at its price."""
    expected = {f"ord-{n:06d}": paise for n, paise in enumerate(prices)}
    bills = await database["billing_records"].find().to_list()
    assert len(bills) == len(expected)
    assert {bill["order_id"]: bill["amount_paise"] for bill in bills} == expected
    assert await database["orders"].count_documents({"billed": True, "billed_month": "2026-10"}) == len(expected)
    entries = await database["audit_logs"].find({}, {"table": 1, "record_id": 1, "action": 1}).to_list()
    flagged = [entry["record_id"] for entry in entries if (entry["table"], entry["action"]) == ("orders", "BILLED")]
    created = [entry["record_id"] for entry in entries if entry["table"] == "billing_records"]
    assert sorted(flagged) == sorted(expected)
    assert sorted(created) == sorted(bill["id"] for bill in bills)
    assert len(entries) == 2 * len(expected)


async def test_25_kills_at_random_moments_lose_and_repeat_nothing(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await kill_often(mongod, database, ops, clock, kills=25, orders=6_000, batch=15)


@pytest.mark.long
async def test_100_kills_over_50_000_orders_lose_and_repeat_nothing(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await kill_often(mongod, database, ops, clock, kills=100, orders=50_000, batch=40)
