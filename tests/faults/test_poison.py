"""One record in a hundred is poisoned between the preview and the commit: each is isolated, the rest lands."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from bson import Decimal128
from bson.code import Code
from bson.datetime_ms import DatetimeMS

from services.backfills.commit import commit, resume
from services.backfills.control import pause
from services.backfills.pace import Pace
from services.backfills.rows import list_rows
from services.backfills.runner import Progress
from services.backfills.runs import RunView
from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from tests.faults.exactness import Planned, assert_exact, exceptions, planned_orders

BROKEN: Sequence[Any] = (
    {"$set": {"total_amount": "a lot"}},
    {"$set": {"total_amount": Decimal128("NaN")}},
    {"$set": {"items": "milk"}},
    {"$set": {"items": [None, 7, [{"price": {"$literal": 1}}]]}},
    {"$set": {"status": Code("DELIVERED")}},
    {"$unset": {"status": 1}},
    {"$set": {"delivered_at": DatetimeMS(2**62)}},
    {"$set": {"customer_id": ["user-0"], "user_id": {}}},
    [{"$set": {"id": "$_id"}}],
    {"$set": {"billed": "yes"}},
)
"""What makes an order another one than the plan was made of."""
HUGE = "x" * (9 * 1024 * 1024)
"""Twice in an audit entry it is more than a document holds."""


class Poison:
    """The poisoned orders, and their cure."""

    def __init__(self, planned: Planned, chance: random.Random, number: int) -> None:
        self._database = planned.database
        names = chance.sample(sorted(planned.prices), number)
        self.broken = names[: number * 2 // 5]
        self.refused, self.taken, self.huge = names[number * 2 // 5 : -5], names[-5:-2], names[-2:]
        self.cured = {*self.refused, *self.taken, *self.huge}
        """Those that land in the end."""

    async def give(self) -> None:
        """Refuse some bills by a validator, take the place of others, blow some orders up, and break the rest."""
        orders, bills = self._database["orders"], self._database["billing_records"]
        for place, name in enumerate(self.broken):
            await orders.update_one({"id": name}, BROKEN[place % len(BROKEN)])
        await bills.insert_many([{"_id": f"bill:{name}", "order_id": "another"} for name in self.taken])
        await orders.update_many({"id": {"$in": self.huge}}, {"$set": {"notes": HUGE}})
        await self._validate({"order_id": {"$nin": self.refused}})

    async def cure(self) -> None:
        """Take back what keeps planned bills from being written."""
        orders, bills = self._database["orders"], self._database["billing_records"]
        await self._validate({})
        await bills.delete_many({"order_id": "another"})
        await orders.update_many({"id": {"$in": self.huge}}, {"$unset": {"notes": 1}})

    async def _validate(self, validator: Document) -> None:
        await self._database.command({"collMod": "billing_records", "validator": validator})


async def poison_and_commit(database: Database, ops: Operator, clock: Clock, *, orders: int) -> None:
    planned = await planned_orders(database, ops, clock, orders)
    poison = Poison(planned, random.Random(orders), orders // 100)
    await poison.give()
    touched = await _by_name(database, poison.broken, planned)
    first = await commit(database, ops, clock, planned.run, planned.digest, pace=Pace(500))
    assert (first.state, first.verified) == ("done", True)
    assert (first.applied, first.failed + first.drifted) == (orders - orders // 100, orders // 100)
    assert await exceptions(planned, ops, "failed") == poison.cured
    assert await exceptions(planned, ops, "drifted") == set(poison.broken)
    reasons = {
        row.record: row.message for row in (await list_rows(database, ops, planned.run, "failed", limit=200)).items
    }
    assert all("MongoDB refused a record" in reasons[name] for name in (*poison.taken, *poison.refused[:50]))
    assert all("larger than MongoDB's 16 MB" in reasons[name] for name in poison.huge)

    second = await resume(database, ops, clock, planned.run, pace=Pace(500))
    assert (second.applied, second.failed) == (first.applied, first.failed), "nothing was cured yet"
    await poison.cure()
    third = await resume(database, ops, clock, planned.run, pace=Pace(500))
    assert (third.state, third.applied, third.failed) == ("done", orders - len(poison.broken), 0)
    assert await _by_name(database, poison.broken, planned) == touched
    await assert_exact(planned, ops, poison.broken)


async def _by_name(database: Database, names: Sequence[str], planned: Planned) -> list[Any]:
    keys = [planned.before[name]["_id"] for name in names]
    return await database["orders"].find({"_id": {"$in": keys}}).sort("_id").to_list()


async def test_25_poisoned_records_of_2_500_are_isolated_and_cured(
    database: Database, ops: Operator, clock: Clock
) -> None:
    await poison_and_commit(database, ops, clock, orders=2_500)


async def test_the_second_try_of_failed_records_can_be_paused(database: Database, ops: Operator, clock: Clock) -> None:
    planned = await planned_orders(database, ops, clock, 60)
    await database["billing_records"].insert_many([{"_id": f"bill:{name}"} for name in planned.prices])
    assert (await commit(database, ops, clock, planned.run, planned.digest)).failed == 60
    await database["billing_records"].delete_many({})
    asked: list[asyncio.Task[RunView]] = []

    def ask(progress: Progress) -> None:
        if not asked:
            asked.append(asyncio.create_task(pause(database, ops, planned.run)))

    paused = await resume(database, ops, clock, planned.run, progress=ask)
    assert (await asked[0]).state == paused.state == "paused"
    assert 0 < paused.applied == 60 - paused.failed < 60
    assert (await resume(database, ops, clock, planned.run)).applied == 60
    await assert_exact(planned, ops)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_200_poisoned_records_of_20_000_are_isolated_and_cured(
    database: Database, ops: Operator, clock: Clock
) -> None:
    await poison_and_commit(database, ops, clock, orders=20_000)
