"""How fast a statement and the month of everybody are, beside the raw driver asking for the same records.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_statement_rate.py

conftest.py says how large the data is, and how to keep it for the next run.
"""

import random
import resource
import time

import pytest

from services.billing.month_totals import month_customers, month_totals
from services.billing.statement import show_statement
from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from services.records.orders import DELIVERED_STATUSES, status_spellings
from tests.benchmarks.beside import beside

HIGHEST_MS = 50
MONTH = "2026-10"
SAMPLE = 150


async def raw(database: Database, customer: str) -> None:
    """What a statement asks for, with the least that can be asked: no names resolved, nothing read."""
    found = await database["customers_v2"].find_one({"id": customer})
    assert found
    names = [name for name in (customer, found.get("user_id")) if name]
    either: Document = {"$or": [{"customer_id": {"$in": names}}, {"user_id": {"$in": names}}]}
    orders = await database["orders"].find(either | {"order_type": "one_time"}).to_list()
    ids = {"order_id": {"$in": [order.get("id") for order in orders]}}
    await database["billing_records"].find(ids).to_list()
    await database["delivery_statuses"].find(ids).to_list()
    subscriptions = await database["subscriptions_v2"].find({"customer_id": {"$in": names}}).to_list()
    await database["products"].find({"id": {"$in": [each.get("product_id") for each in subscriptions]}}).to_list()
    await database["payment_transactions"].find({"customer_id": {"$in": names}, "month": MONTH}).to_list()


async def raw_month(database: Database) -> float:
    """Seconds to read what the month of everybody is made of, undecoded, and nothing done with it."""
    delivered = [form for status in DELIVERED_STATUSES for form in status_spellings(status)]
    types = {"order_type": {"$nin": ["subscription"]}, "status": {"$in": delivered}}
    begun = time.perf_counter()
    reads: list[tuple[str, Document]] = [
        ("orders", {**types, "delivered_at": {"$gte": MONTH, "$lt": f"{MONTH}~"}}), ("customers_v2", {}),
        ("subscriptions_v2", {}), ("payment_transactions", {"month": MONTH}), ("billing_records", {"month": MONTH}),
    ]  # fmt: skip
    for name, matching in reads:
        async for _ in database[name].find_raw_batches(matching, batch_size=2_000):
            pass
    return time.perf_counter() - begun


@pytest.mark.benchmark
@pytest.mark.timeout(3_600)
async def test_statements_beside_the_raw_driver(company: Database, ops: Operator, clock: Clock) -> None:
    database = company
    sample = await database["customers_v2"].aggregate([{"$sample": {"size": SAMPLE}}, {"$project": {"id": 1}}])
    customers = [str(each["id"]) async for each in sample]
    busiest = await database["orders"].aggregate(
        [{"$sample": {"size": SAMPLE}}, {"$group": {"_id": "$customer_id"}}, {"$project": {"_id": 1}}]
    )
    users = [str(each["_id"]) async for each in busiest if each["_id"]]
    links = database["customers_v2"].find({"user_id": {"$in": users}}, {"id": 1})
    customers += [str(each["id"]) async for each in links]
    random.Random(7).shuffle(customers)
    taken, bare = await beside(
        database, len(customers), lambda n: show_statement(database, ops, clock, customers[n], MONTH),
        lambda n: raw(database, customers[n]),
    )  # fmt: skip

    reading = await raw_month(database)
    spent, begun = time.process_time(), time.perf_counter()
    totals = await month_totals(database, ops, clock, MONTH)
    month, processor = time.perf_counter() - begun, time.process_time() - spent
    everybody = totals.total.customers + totals.total.idle
    begun = time.perf_counter()
    await month_customers(database, ops, clock, MONTH, totals.areas[0].area, limit=100)
    page = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    count = await database["orders"].estimated_document_count()
    print(f"\n{count:,} orders, {everybody:,} customers; milliseconds: p50, p95, CPU; at most {HIGHEST_MS} at p95")
    print(f"statement     {taken}")
    print(f"raw driver    {bare}")
    print(
        f"month         {month:7.1f} s for all statements, {everybody / month:,.0f}/s; {processor:.1f} s of its own CPU"
    )
    print(f"raw driver    {reading:7.1f} s to read the same, undecoded")
    print(f"page          {1_000 * page:7.1f} ms for 100 customers of an area")
    print(f"memory        {peak:7.0f} MB at its peak, with the test's own")
    assert taken.at(0.95) <= HIGHEST_MS
