"""The backend edits planned orders before and during the commit: no edit is lost, no order is billed wrongly."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection

from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import commit
from services.backfills.pace import Pace
from services.backfills.verification import verify
from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from services.reminders.outbox import OUTBOX
from tests.faults.exactness import MONTH, Planned, exceptions, planned_orders

WRITERS = 8
Edit = tuple[bool, Document]
"""Whether the bill depends on it, and the values that it sets."""


def random_edit(chance: random.Random, number: int) -> Edit:
    """An edit as the backend makes them; every third changes what the bill is made of."""
    matters = chance.random() < 0.3
    values: list[Document] = [
        {"total_amount": float(number)},
        {"items": [{"product_id": "p", "product_name": "Curd", "quantity": number, "price": 1.0}]},
        {"status": "cancelled", "cancelled_at": f"edit {number}"},
        {"delivered_at": f"2026-09-{1 + number % 28:02d}T06:00:00+00:00"},
        {"delivery_confirmed": False, "note": number},
        {"billed": True, "seen": number},  # what a look at the backend's monthly page does
    ]
    harmless: list[Document] = [{"notes": f"edit {number}"}, {"updated_at": f"edit {number}"}, {"address.line": number}]
    return matters, chance.choice(values if matters else harmless)


@dataclass(frozen=True)
class Writer:
    """A client of the backend's kind that edits orders of its own, and knows what each went through."""

    orders: AsyncCollection[Document]
    history: Mapping[str, list[Document]]
    """Every state of an order, but for the fields that a commit writes."""
    mattered: set[str]
    """The orders with an edit that their bill depends on."""
    chance: random.Random

    async def edit(self, times: int, numbers: range) -> None:
        names = sorted(self.history)
        for number in numbers[:times]:
            name = self.chance.choice(names)
            matters, values = random_edit(self.chance, number)
            if matters:
                self.mattered.add(name)
            # The state is noted before it is there: a commit may read it before the answer comes back.
            self.history[name].append(edited(self.history[name][-1], values))
            await self.orders.update_one({"id": name}, {"$set": values})


def edited(document: Document, values: Document) -> Document:
    after = {name: dict(value) if isinstance(value, dict) else value for name, value in document.items()}
    for path, value in values.items():
        outer, _, inner = path.partition(".")
        after[outer] = {**after.get(outer, {}), inner: value} if inner else value
    return after


async def edit_and_commit(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock, *, orders: int, edits: int, batch: int
) -> None:
    planned = await planned_orders(database, ops, clock, orders)
    names, share = sorted(planned.prices), edits // WRITERS
    async with AsyncMongoClient[Document](mongod.uri) as client:
        collection = client[database.name]["orders"]
        writers = [
            Writer(
                collection, {name: [dict(planned.before[name])] for name in names[place::WRITERS]}, set(),
                random.Random(place),
            )
            for place in range(WRITERS)
        ]  # fmt: skip
        numbers = [range(1 + place, 1 + edits * 2, WRITERS) for place in range(WRITERS)]
        before = share // 10
        await asyncio.gather(*(w.edit(before, n) for w, n in zip(writers, numbers, strict=True)))
        editing = asyncio.gather(*(w.edit(share - before, n[before:]) for w, n in zip(writers, numbers, strict=True)))
        outcome = await commit(database, ops, clock, planned.run, planned.digest, pace=Pace(batch))
        await editing
    assert (outcome.state, outcome.failed, outcome.verified) == ("done", 0, True)
    assert sum(len(states) - 1 for w in writers for states in w.history.values()) == edits
    drifted = await exceptions(planned, ops, "drifted")
    assert 0 < len(drifted) == outcome.drifted
    assert drifted <= set().union(*(w.mattered for w in writers)), "nothing drifts that nobody changed"
    history = {name: states for w in writers for name, states in w.history.items()}
    await assert_nothing_lost(planned, drifted, history)
    assert (await verify(database, ops, planned.run)).verified is True


async def assert_nothing_lost(planned: Planned, drifted: set[str], history: Mapping[str, Sequence[Document]]) -> None:
    """Each order has all its edits, and either a bill at its planned price or nothing of the run."""
    database, billed = planned.database, planned.prices.keys() - drifted
    bills = {bill["order_id"]: bill async for bill in database["billing_records"].find()}
    assert {name: bill["amount_paise"] for name, bill in bills.items()} == {n: planned.prices[n] for n in billed}
    assert await database["billing_records"].count_documents({}) == len(billed)
    assert set(await database[OUTBOX].distinct("order_id")) == billed
    entries = {entry["record_id"]: entry async for entry in database["audit_logs"].find({"table": "orders"})}
    assert entries.keys() == billed
    assert await database["audit_logs"].count_documents({}) == 2 * len(billed)
    async for order in database["orders"].find():
        name, last = order["id"], history[order["id"]][-1]
        stamp = (
            {"billed": True, "billed_month": MONTH, "billed_at": bills[name]["created_at"]} if name in billed else {}
        )
        assert order == {**last, **stamp}, "an edit was lost or undone"
        if name in billed:
            entry = entries[name]
            states = [{key: value for key, value in state.items() if key != "_id"} for state in history[name]]
            assert entry["before"] in states, "the audit entry tells of a state that never was"
            assert entry["after"] == {**entry["before"], **stamp}


async def test_1_000_edits_of_planned_orders_are_kept(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await edit_and_commit(mongod, database, ops, clock, orders=600, edits=1_000, batch=20)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_10_000_edits_of_planned_orders_are_kept(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await edit_and_commit(mongod, database, ops, clock, orders=5_000, edits=10_000, batch=25)
