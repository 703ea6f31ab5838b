"""How fast a commit and its rollback are, beside the raw limit and the one-order-at-a-time way, on one server.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_commit_rate.py

DELIVERY_CONSOLE_BENCHMARK_ORDERS sets the size (default 24,000 one-time orders, half of them to bill; 200000 bills
100,000).
"""

import asyncio
import os
import random
import statistics
import time
import uuid
from datetime import date

import pytest

from console.demo.dataset import Dataset, load
from console.demo.mongod import EmbeddedMongod
from services.backfills.commit import commit
from services.backfills.packs import change_bodies
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import INDEXES, apply
from services.operators.operator import Operator
from tests.benchmarks.writes_alone import writes_alone_rate

ORDERS = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ORDERS", "24000"))
SCRIPT_ORDERS = 500
SCRIPT_ORDERS_UNINDEXED = 50
RAW_TIMES = 3


async def raw_rate(database: Database, documents: list[Document], *, indexed: bool) -> float:
    """Orders a second of one insert_many, into a bare collection or into one with the indexes of `orders`."""
    target = database[f"raw_{uuid.uuid4().hex}"]
    if indexed:
        for index in INDEXES:
            if index.collection == "orders":
                await target.create_index(list(index.keys), **index.options)
    begun = time.perf_counter()
    await target.insert_many([dict(document) for document in documents])
    rate = len(documents) / (time.perf_counter() - begun)
    await target.drop()
    return rate


async def script_rate(database: Database, documents: list[Document], count: int, *, indexed: bool) -> float:
    """Orders a second of the way a script would bill: one insert and one update at a time, unaudited.

    A script knows an order by its `id`, on which the database as found has no index.
    """
    bills, orders = database["script_bills"], database["script_orders"]
    await orders.insert_many([dict(document) for document in documents])
    if indexed:
        await orders.create_index("id")
    begun = time.perf_counter()
    for document in random.Random(count).sample(documents, count):
        await bills.insert_one({"order_id": document["id"], "amount": document.get("total_amount")})
        await orders.update_one({"id": document["id"]}, {"$set": {"billed": True}})
    rate = count / (time.perf_counter() - begun)
    await orders.drop()
    return rate


@pytest.mark.benchmark
@pytest.mark.timeout(1_800)
async def test_commit_and_rollback_beside_the_raw_limit(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=ORDERS))
    await apply(database, ops)
    plan = await preview(database, ops, clock, "bill-one-time-orders")
    run, change = plan.run or "", plan.classes["change"].records
    keys = [body["key"] for _, body in await change_bodies(database, run, 0, change)]
    documents = await database["orders"].find({"_id": {"$in": keys}}).to_list()

    async def raw() -> tuple[float, float]:
        return await raw_rate(database, documents, indexed=False), await raw_rate(database, documents, indexed=True)

    script = await script_rate(database, documents, SCRIPT_ORDERS, indexed=True)
    as_found = await script_rate(database, documents, SCRIPT_ORDERS_UNINDEXED, indexed=False)
    raws = [await raw() for _ in range(RAW_TIMES)]
    begun = time.perf_counter()
    outcome = await commit(database, ops, clock, run, plan.digest)
    committed = change / (time.perf_counter() - begun)
    raws += [await raw() for _ in range(RAW_TIMES)]
    alone = await asyncio.to_thread(writes_alone_rate, mongod.uri, database.name, run, documents)
    begun = time.perf_counter()
    back = await rollback(database, ops, clock, run, "benchmark")
    restored = change / (time.perf_counter() - begun)
    bare, indexed = (statistics.median(rates) for rates in zip(*raws, strict=True))

    print(f"\ncommit            {change:8,} orders, {committed:,.0f}/s: bill, flag, outbox, two audit entries, "
          "checkpoint, verified")  # fmt: skip
    print(f"raw, bare         {committed / bare:8.3f} x {bare:,.0f}/s  insert_many without any index")
    print(f"raw, indexed      {committed / indexed:8.3f} x {indexed:,.0f}/s  insert_many with the indexes of orders")
    print(f"its writes alone  {committed / alone:8.3f} x {alone:,.0f}/s  nothing read, checked, chained or sealed: "
          f"{alone / bare:.3f} x bare, {alone / indexed:.3f} x indexed")  # fmt: skip
    print(
        f"script, as found  {committed / as_found:8.1f} x {as_found:,.0f}/s  insert_one, update_one by an unindexed id"
    )
    print(f"script, indexed   {committed / script:8.1f} x {script:,.0f}/s  the same with an index on id")
    print(f"rollback          {restored / committed:8.3f} x the commit, {restored:,.0f}/s")
    print("raw rates before and after the commit, bare and indexed:", [[round(rate) for rate in pair] for pair in raws])
    assert (outcome.applied, outcome.verified) == (change, True)
    assert (back.restored, back.verified) == (change, True)
