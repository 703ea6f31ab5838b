"""How fast a route of 200 orders is confirmed, beside the same writes without the console.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_route_rate.py

Either way each order is a transaction of its own, as many at once, on the same server and with the same indexes.
"""

import asyncio
import time
import uuid
from collections.abc import Iterator
from datetime import date

import pytest
from bson import ObjectId
from pymongo.read_concern import ReadConcern

from services.clock import Clock
from services.database import DURABLE, Database, Document, Session
from services.deliveries.day import DayFilters
from services.deliveries.route import AT_ONCE, confirm_deliveries, read_route
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop

ORDERS = 200
ROUNDS = 3
DAY = date(2026, 11, 22)


def route(number: int) -> list[Document]:
    """A morning's orders of one delivery person, each of a subscription."""
    return [
        shop.order(
            id=f"{number}-{n}", status="pending", delivery_date=DAY.isoformat(), delivered_at=None,
            delivery_confirmed=False, delivery_boy_id=f"boy-{number}", order_type="subscription",
            subscription_id=f"s{n}",
        )
        for n in range(ORDERS)
    ]  # fmt: skip


async def raw(database: Database, number: int) -> float:
    """Seconds for a route's writes by PyMongo alone: order, delivery, subscription and three audit entries."""
    orders = iter(route(number))

    async def confirm(session: Session, order: Document) -> None:
        async with await session.start_transaction(ReadConcern("snapshot"), DURABLE):
            await database["orders"].update_one(
                {"id": order["id"]}, {"$set": {"status": "DELIVERED", "delivery_confirmed": True}}, session=session
            )
            delivery = shop.delivery(order, {"eggs": 2, "bread": 1}, _id=ObjectId())
            await database["delivery_statuses"].insert_one(delivery, session=session)
            await database["subscriptions_v2"].update_one(
                {"id": order["subscription_id"]}, {"$set": {"last_delivery_date": DAY.isoformat()}}, session=session
            )
            images = [("orders", order), ("delivery_statuses", delivery), ("subscriptions_v2", {})]
            await database["audit_logs"].insert_many(
                [
                    {"_id": str(uuid.uuid4()), "id": str(uuid.uuid4()), "table": table, "record_id": order["id"],
                     "timestamp": DAY.isoformat(), "user_id": "raw", "before": image, "after": image}
                    for table, image in images
                ],
                session=session,
            )  # fmt: skip

    async def work(waiting: Iterator[Document]) -> None:
        async with database.client.start_session() as session:
            for order in waiting:
                await confirm(session, order)

    begun = time.perf_counter()
    await asyncio.gather(*(work(orders) for _ in range(AT_ONCE)))
    return time.perf_counter() - begun


@pytest.mark.benchmark
@pytest.mark.timeout(600)
async def test_a_route_beside_the_raw_limit(database: Database, ops: Operator, clock: Clock) -> None:
    numbers = range(2 * ROUNDS)
    await shop.stock(
        database, orders=[order for number in numbers for order in route(number)],
        subscriptions_v2=[{"id": f"s{n}", "shift": "morning"} for n in range(ORDERS)],
        delivery_boys_v2=[{"id": f"boy-{number}", "name": f"Raj {number}"} for number in numbers],
    )  # fmt: skip
    await apply(database, ops)
    print(f"\n{ORDERS} orders, {AT_ONCE} at once, each a transaction")
    for number in range(0, 2 * ROUNDS, 2):
        bare = await raw(database, number)
        begun = time.perf_counter()
        found = await read_route(database, ops, DayFilters(DAY, delivery_boy=f"boy-{number + 1}"))
        read = time.perf_counter() - begun
        outcomes = await confirm_deliveries(database, ops, clock, [row.order_id for row in found.due])
        confirmed = time.perf_counter() - begun - read
        assert sum(each.confirmation is not None for each in outcomes) == ORDERS
        print(f"confirmed {confirmed:5.2f} s, {ORDERS / confirmed:4.0f}/s", end="   ")
        print(f"raw PyMongo {bare:5.2f} s, {ORDERS / bare:4.0f}/s", end="   ")
        print(f"{bare / confirmed:.2f} x raw; the day's {2 * ROUNDS * ORDERS} orders were read in {read:.2f} s")
