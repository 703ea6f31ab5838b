"""How fast a statement and the month of everybody are, beside the raw driver asking for the same records.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_statement_rate.py

DELIVERY_CONSOLE_BENCHMARK_ORDERS sets the number of one-time orders (default 24,000; as many subscription orders come
on top) and DELIVERY_CONSOLE_BENCHMARK_CUSTOMERS that of customers (default: those of the demo). 500000 and 200000 make
the full figure. Customers above the demo's have a subscription and a payment.
"""

import os
import random
import resource
import time
from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from console.demo.dataset import Dataset, load
from services.billing.month_totals import month_customers, month_totals
from services.billing.statement import show_statement
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator

ORDERS = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ORDERS", "24000"))
CUSTOMERS = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_CUSTOMERS", "0"))
HIGHEST_MS = 50
MONTH = "2026-10"
SAMPLE = 300
_BATCH = 2_000


async def enlarge(database: Database) -> None:
    """More customers, each with a daily subscription and a payment, up to the number asked for."""
    product = await database["products"].find_one({})
    assert product
    there = await database["customers_v2"].estimated_document_count()
    for start in range(there, CUSTOMERS, _BATCH):
        numbers = range(start, min(start + _BATCH, CUSTOMERS))
        await database["customers_v2"].insert_many(
            [{"id": f"more-{n}", "user_id": f"user-{n}", "name": f"Customer {n}", "area": f"Area {n % 40}",
              "phone": f"{7_000_000_000 + n}", "previous_balance": 10.0} for n in numbers]
        )  # fmt: skip
        await database["subscriptions_v2"].insert_many(
            [{"id": f"sub-{n}", "customer_id": f"more-{n}", "product_id": product["id"], "mode": "fixed_daily",
              "default_qty": 1, "status": "active", "start_date": "2026-01-01"} for n in numbers]
        )  # fmt: skip
        await database["payment_transactions"].insert_many(
            [{"id": f"pay-{n}", "customer_id": f"more-{n}", "month": MONTH, "amount": 100.0} for n in numbers]
        )


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


async def timed(work: Callable[[str], Awaitable[object]], customers: list[str]) -> list[float]:
    """Milliseconds of each, in order."""
    taken = []
    for customer in customers:
        begun = time.perf_counter()
        await work(customer)
        taken.append(1_000 * (time.perf_counter() - begun))
    return sorted(taken)


@pytest.mark.benchmark
@pytest.mark.timeout(3_600)
async def test_statements_beside_the_raw_driver(database: Database, ops: Operator, clock: Clock) -> None:
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=ORDERS))
    await enlarge(database)
    await apply(database, ops)
    sample = await database["customers_v2"].aggregate([{"$sample": {"size": SAMPLE}}, {"$project": {"id": 1}}])
    customers = [str(each["id"]) async for each in sample]
    busiest = await database["orders"].aggregate(
        [{"$sample": {"size": SAMPLE}}, {"$group": {"_id": "$customer_id"}}, {"$project": {"_id": 1}}]
    )
    users = [str(each["_id"]) async for each in busiest if each["_id"]]
    links = database["customers_v2"].find({"user_id": {"$in": users}}, {"id": 1})
    customers += [str(each["id"]) async for each in links]
    random.Random(7).shuffle(customers)
    await timed(lambda customer: raw(database, customer), customers)
    bare = await timed(lambda customer: raw(database, customer), customers)
    taken = await timed(lambda customer: show_statement(database, ops, clock, customer, MONTH), customers)

    begun = time.perf_counter()
    totals = await month_totals(database, ops, clock, MONTH)
    month = time.perf_counter() - begun
    everybody = totals.total.customers + totals.total.idle
    begun = time.perf_counter()
    await month_customers(database, ops, clock, MONTH, totals.areas[0].area, limit=100)
    page = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    count = await database["orders"].estimated_document_count()
    print(f"\nstatement     p50 {taken[len(taken) // 2]:6.1f} ms, p95 {taken[int(len(taken) * 0.95)]:.1f}, most "
          f"{taken[-1]:.1f}; to be at most {HIGHEST_MS}. {count:,} orders, {everybody:,} customers")  # fmt: skip
    print(
        f"raw driver    p50 {bare[len(bare) // 2]:6.1f} ms, p95 {bare[int(len(bare) * 0.95)]:.1f}, most {bare[-1]:.1f}"
    )
    print(f"month         {month:10.1f} s for all statements, {everybody / month:,.0f}/s")
    print(f"page          {1_000 * page:10.1f} ms for 100 customers of an area")
    print(f"memory        {peak:10.0f} MB at its peak, with the test's own")
    assert taken[int(len(taken) * 0.95)] <= HIGHEST_MS
