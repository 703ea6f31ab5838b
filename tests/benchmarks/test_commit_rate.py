"""How fast a commit is, beside the raw limit and the one-order-at-a-time way, in one run on one server.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_commit_rate.py

DELIVERY_CONSOLE_BENCHMARK_ORDERS sets the size (default 24,000 one-time orders, half of them to bill).
"""

import os
import time
import uuid
from datetime import date

import pytest

from console.demo.dataset import Dataset, load
from services.backfills.commit import commit
from services.backfills.preview import preview
from services.backfills.runs import change_bodies
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import INDEXES, apply
from services.operators.operator import Operator

ORDERS = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ORDERS", "24000"))
SCRIPT_ORDERS = 500


async def raw_rate(database: Database, documents: list[Document], *, indexed: bool) -> float:
    """Orders a second of one insert_many, into a bare collection or into one with the indexes of `orders`."""
    target = database[f"raw_{uuid.uuid4().hex}"]
    if indexed:
        for index in INDEXES:
            if index.collection == "orders":
                await target.create_index(list(index.keys), **index.options)
    begun = time.perf_counter()
    await target.insert_many([dict(document) for document in documents])
    return len(documents) / (time.perf_counter() - begun)


async def script_rate(database: Database, documents: list[Document]) -> float:
    """Orders a second of the way a script would bill: one insert and one update at a time, unaudited."""
    bills, orders = database["script_bills"], database["script_orders"]
    await orders.insert_many([dict(document) for document in documents])
    begun = time.perf_counter()
    for document in documents:
        await bills.insert_one({"order_id": document["id"], "amount": document.get("total_amount")})
        await orders.update_one({"_id": document["_id"]}, {"$set": {"billed": True}})
    return len(documents) / (time.perf_counter() - begun)


@pytest.mark.benchmark
async def test_commit_rate_beside_the_raw_limit(database: Database, ops: Operator, clock: Clock) -> None:
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=ORDERS))
    await apply(database, ops)
    begun = time.perf_counter()
    plan = await preview(database, ops, clock, "bill-one-time-orders")
    previewed = time.perf_counter() - begun
    change = plan.classes["change"].records
    keys = [body["key"] for body in await change_bodies(database, plan.run or "", 0, change, ("key",))]
    documents = await database["orders"].find({"_id": {"$in": keys}}).to_list()
    bare, indexed = [await raw_rate(database, documents, indexed=with_indexes) for with_indexes in (False, True)]
    script = await script_rate(database, documents[:SCRIPT_ORDERS])
    begun = time.perf_counter()
    outcome = await commit(database, ops, clock, plan.run or "", plan.digest)
    committed = change / (time.perf_counter() - begun)
    bare_after = await raw_rate(database, documents, indexed=False)
    bare = (bare + bare_after) / 2
    print(f"\npreview       {plan.examined:8,} orders in {previewed:.1f} s, {plan.examined / previewed:,.0f}/s")
    print(f"commit        {change:8,} orders, {committed:,.0f}/s: bill, flag, two audit entries, checkpoint, verified")
    print(
        f"raw, bare     {committed / bare:8.3f} x {bare:,.0f}/s  insert_many without any index (mean of before, after)"
    )
    print(f"raw, indexed  {committed / indexed:8.3f} x {indexed:,.0f}/s  insert_many with the indexes of orders")
    print(f"script        {committed / script:8.1f} x {script:,.0f}/s  insert_one, update_one, unaudited")
    assert (outcome.applied, outcome.verified) == (change, True)
