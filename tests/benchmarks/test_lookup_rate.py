"""How long a lookup and a page take, beside the bare query of the same orders through the driver.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_lookup_rate.py

DELIVERY_CONSOLE_BENCHMARK_ORDERS sets the number of one-time orders (default 24,000; as many subscription orders come
on top, and a sixth as many customers; 1000000 for the full figure).
"""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from random import Random

import pytest

from console.demo.dataset import Dataset, load
from services.customers.search import phone_writings
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator
from services.orders.filters import OrderFilters
from services.orders.lookup import find_orders
from services.orders.timeline import timeline

ORDERS = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ORDERS", "24000"))
TODAY = date(2026, 11, 22)
TIMES = 100
HIGHEST_MS = 5.0

Asked = Callable[[int], Awaitable[object]]


async def milliseconds(asked: Asked) -> tuple[float, float]:
    """The median and the 95th percentile; the first calls warm the server up."""
    taken = []
    for number in range(-5, TIMES):
        begun = time.perf_counter()
        await asked(number)
        if number >= 0:
            taken.append(1000 * (time.perf_counter() - begun))
    taken.sort()
    return taken[TIMES // 2], taken[TIMES * 95 // 100]


class Bare:
    """The same orders by the driver alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def orders(self, matching: Document, sort: str = "_id", limit: int = 101) -> Sequence[Document]:
        """One query."""
        return await self._database["orders"].find(matching).sort(sort, -1).limit(limit).to_list()

    async def by_phone(self, phone: str) -> Sequence[Document]:
        """The customer, then the orders."""
        customers = self._database["customers_v2"].find({"phone": {"$in": phone_writings(phone)}}).limit(30)
        ids = [name for each in await customers.to_list() for name in (each["id"], each.get("user_id")) if name]
        return await self.orders({"$or": [{"customer_id": {"$in": ids}}, {"user_id": {"$in": ids}}]})


@pytest.mark.benchmark
@pytest.mark.timeout(3_600)
async def test_lookup_rate_beside_the_bare_query(database: Database, ops: Operator) -> None:
    await load(database.client[database.name], Dataset(until=TODAY, orders=ORDERS))
    await apply(database, ops)
    rng, bare = Random(7), Bare(database)
    sample: list[Document] = [{"$sample": {"size": TIMES}}]
    orders = await (await database["orders"].aggregate([{"$match": {"id": {"$type": "string"}}}, *sample])).to_list()
    match_phone: Document = {"$match": {"phone": {"$regex": r"^\d{10}$"}}}
    people = await (await database["customers_v2"].aggregate([match_phone, *sample])).to_list()
    days = [TODAY - timedelta(days=rng.randrange(170)) for _ in range(TIMES)]
    pages: list[str | None] = [None]
    while len(pages) < TIMES and (page := await find_orders(database, ops, "", None, pages[-1])).next:
        pages.append(page.next)

    def find(query: str = "", filters: OrderFilters | None = None, token: str | None = None) -> Awaitable[object]:
        return find_orders(database, ops, query, filters, token, today=TODAY)

    measured: list[tuple[str, Asked, Asked | None]] = [
        ("order id", lambda n: find(orders[n]["id"]), lambda n: bare.orders({"id": orders[n]["id"]}, "id")),
        ("12 letters of an id", lambda n: find(orders[n]["id"][:12]),
         lambda n: bare.orders({"id": {"$gte": orders[n]["id"][:12], "$lt": orders[n]["id"][:12] + "\uffff"}}, "id")),
        ("phone", lambda n: find(people[n]["phone"]), lambda n: bare.by_phone(people[n]["phone"])),
        ("name, whole", lambda n: find(people[n]["name"]), None),
        ("customer id", lambda n: find(people[n]["id"]),
         lambda n: bare.orders({"$or": [{"customer_id": people[n]["id"]}, {"user_id": people[n]["id"]}]})),
        ("page, newest", lambda n: find(token=pages[n % len(pages)]), lambda n: bare.orders({})),
        ("page, a day", lambda n: find("", OrderFilters(start=days[n], end=days[n])),
         lambda n: bare.orders({"delivery_date": days[n].isoformat()})),
        ("page, a status", lambda n: find("", OrderFilters(status="pending")), None),
        ("page, unbilled", lambda n: find("", OrderFilters(unbilled=True)), None),
        ("page, person", lambda n: find("", OrderFilters(delivery_boy=orders[n].get("delivery_boy_id") or "x")), None),
        ("page, area", lambda n: find("", OrderFilters(area=people[n]["area"])), None),
        ("page, needs review", lambda n: find("", OrderFilters(needs_review=True)), None),
        ("timeline", lambda n: timeline(database, ops, orders[n]["id"]), None),
    ]  # fmt: skip
    stored = await database["orders"].estimated_document_count()
    print(
        f"\n{stored:,} orders, {await database['customers_v2'].estimated_document_count():,} customers; ms, p50 and p95"
    )
    for name, asked, raw in measured:
        middle, high = await milliseconds(asked)
        beside = "" if raw is None else "   bare {:5.2f} {:6.2f}".format(*await milliseconds(raw))
        print(f"{name:22} {middle:6.2f} {high:6.2f}{beside}{'' if high <= HIGHEST_MS else f'   over {HIGHEST_MS} ms'}")
    found = await find_orders(database, ops, orders[0]["id"])
    assert [row.id for row in found.items] == [orders[0]["id"]]
    assert stored >= 2 * ORDERS
