"""How long lookups, filters, sorts and pages take, beside the bare query of the same orders through the driver.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_lookup_rate.py

The two take turns in one run. conftest.py says how large the data is, and how to keep it for the next run.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from services.customers.search import phone_writings
from services.database import Database, Document
from services.deliveries.day import DayFilters, list_day
from services.operators.operator import Operator
from services.orders.detail import show_order
from services.orders.filters import OrderFilters
from services.orders.lookup import find_orders
from services.orders.timeline import timeline
from services.records.orders import DELIVERED_STATUSES, status_spellings
from tests.benchmarks.beside import Asked, beside
from tests.benchmarks.conftest import DATASET

TODAY = DATASET.until
TIMES = 100
HIGHEST_MS = 5.0
DELIVERED = {"$in": [form for status in DELIVERED_STATUSES for form in status_spellings(status)]}
OWED: Document = {"status": DELIVERED, "billed": {"$ne": True}, "order_type": {"$nin": ["subscription"]}}


class Bare:
    """The same orders by the driver alone: no names, no bills, nothing resolved."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def orders(self, matching: Document, *sort: tuple[str, int], limit: int = 101) -> Sequence[Document]:
        """One query."""
        found = self._database["orders"].find(matching).sort(list(sort or [("_id", -1)]))
        return await found.limit(limit).to_list()

    async def of_customers(self, matching: Document, **options: Any) -> Sequence[Document]:
        """The customers, then their orders."""
        customers = self._database["customers_v2"].find(matching, {"id": 1, "user_id": 1}, **options).limit(30)
        ids = [name for each in await customers.to_list() for name in (each["id"], each.get("user_id")) if name]
        return await self.orders({"$or": [{"customer_id": {"$in": ids}}, {"user_id": {"$in": ids}}]})

    async def of_area(self, area: str) -> Sequence[Document]:
        """The newest orders of all, each with its customer, until a page of the area's is full."""
        joined: Document = {
            "from": "customers_v2",
            "localField": "user_id",
            "foreignField": "user_id",
            "as": "customer",
        }
        stages: list[Document] = [
            {"$match": {"user_id": {"$type": "string"}}},
            {"$sort": {"_id": -1}},
            {"$lookup": joined},
        ]
        fitting: list[Document] = [{"$match": {"customer.area": area}}, {"$limit": 101}]
        return await (await self._database["orders"].aggregate([*stages, *fitting], hint={"_id": 1})).to_list()

    async def order(self, order_id: str) -> None:
        """An order, and what names it."""
        await self._database["orders"].find_one({"id": order_id})
        for name in ("delivery_statuses", "billing_records"):
            await self._database[name].find({"order_id": order_id}).to_list()
        await self._database["audit_logs"].find({"table": "orders", "record_id": order_id}).to_list()


@dataclass
class Sample:
    """What is looked for."""

    orders: list[Document]
    people: list[Document]
    staff: list[Document]
    days: list[date]
    pages: list[str | None]
    """Tokens of the pages from the newest on."""
    due: Sequence[Document]
    """The orders from the newest on."""


async def sampled(database: Database, ops: Operator, bare: Bare) -> Sample:
    """Orders and people by chance, the same days each time, and the newest pages."""
    rng = Random(7)
    sample: list[Document] = [{"$sample": {"size": TIMES}}]
    with_id = [{"$match": {"id": {"$type": "string"}}}]
    orders = await (await database["orders"].aggregate([*with_id, *sample])).to_list()
    match_phone: Document = {"$match": {"phone": {"$regex": r"^\d{10}$"}}}
    people = await (await database["customers_v2"].aggregate([match_phone, *sample])).to_list()
    staff = await database["delivery_boys_v2"].find({}).to_list()
    days = [TODAY - timedelta(days=rng.randrange(170)) for _ in range(TIMES)]
    pages: list[str | None] = [None]
    while len(pages) < TIMES and (page := await find_orders(database, ops, "", None, pages[-1])).next:
        pages.append(page.next)
    return Sample(orders, people, staff, days, pages, await bare.orders({}, limit=TIMES))


def compared(database: Database, ops: Operator, bare: Bare, of: Sample) -> list[tuple[str, Asked, Asked]]:
    """Each question by its name, through the services and through the driver."""
    texts = [day.isoformat() for day in of.days]  # as they are stored

    def find(query: str = "", token: str | None = None, **filters: Any) -> Awaitable[object]:
        return find_orders(database, ops, query, OrderFilters(**filters), token, today=TODAY)

    def begins(field: str, text: str) -> Document:
        return {field: {"$gte": text, "$lt": text + "\uffff"}}

    def person(n: int) -> str:
        return str(of.staff[n % len(of.staff)]["id"])

    alike: dict[str, Any] = {"collation": {"locale": "en", "strength": 1}}
    return [
        ("order id", lambda n: find(of.orders[n]["id"]), lambda n: bare.orders({"id": of.orders[n]["id"]})),
        ("12 letters of an id", lambda n: find(of.orders[n]["id"][:12]),
         lambda n: bare.orders(begins("id", of.orders[n]["id"][:12]), ("id", 1))),
        ("phone", lambda n: find(of.people[n]["phone"]),
         lambda n: bare.of_customers({"phone": {"$in": phone_writings(of.people[n]["phone"])}})),
        ("7 digits of a phone", lambda n: find(of.people[n]["phone"][:7]),
         lambda n: bare.of_customers(begins("phone", of.people[n]["phone"][:7]))),
        ("customer id", lambda n: find(of.people[n]["id"]), lambda n: bare.of_customers({"id": of.people[n]["id"]})),
        ("name", lambda n: find(of.people[n]["name"]),
         lambda n: bare.of_customers(begins("name", of.people[n]["name"]), **alike)),
        ("4 letters of a name", lambda n: find(of.people[n]["name"][:4]),
         lambda n: bare.of_customers(begins("name", of.people[n]["name"][:4]), **alike)),
        ("newest", lambda n: find(token=of.pages[n % len(of.pages)]),
         lambda n: bare.orders({"_id": {"$lte": of.due[n]["_id"]}})),
        ("oldest", lambda n: find(sort="oldest"), lambda n: bare.orders({}, ("_id", 1))),
        ("due first", lambda n: find(sort="due-first", start=of.days[n]),
         lambda n: bare.orders({"delivery_date": {"$gte": texts[n]}}, ("delivery_date", 1), ("_id", 1))),
        ("a day", lambda n: find(start=of.days[n], end=of.days[n]),
         lambda n: bare.orders({"delivery_date": texts[n]}, ("delivery_date", -1), ("_id", -1))),
        ("a week, newest", lambda n: find(start=of.days[n], end=of.days[n] + timedelta(6), sort="newest"),
         lambda n: bare.orders({"delivery_date": {"$gte": texts[n], "$lte": (of.days[n] + timedelta(6)).isoformat()}})),
        ("a status", lambda n: find(status="pending"),
         lambda n: bare.orders({"status": {"$in": status_spellings("pending")}})),
        ("unbilled", lambda n: find(unbilled=True), lambda n: bare.orders(OWED)),
        ("unbilled of a day", lambda n: find(unbilled=True, start=of.days[n], end=of.days[n]),
         lambda n: bare.orders(OWED | {"delivery_date": texts[n]}, ("delivery_date", -1), ("_id", -1))),
        ("person", lambda n: find(delivery_boy=person(n)), lambda n: bare.orders({"delivery_boy_id": person(n)})),
        ("person on a day", lambda n: find(delivery_boy=person(n), start=of.days[n], end=of.days[n]),
         lambda n: bare.orders({"delivery_boy_id": person(n), "delivery_date": texts[n]})),
        ("area", lambda n: find(area=of.people[n]["area"]), lambda n: bare.of_area(of.people[n]["area"])),
        ("needs review", lambda n: find(needs_review=True), lambda n: bare.orders(OWED, limit=1_000)),
        ("an order", lambda n: show_order(database, ops, of.orders[n]["id"]), lambda n: bare.order(of.orders[n]["id"])),
        ("timeline", lambda n: timeline(database, ops, of.orders[n]["id"]), lambda n: bare.order(of.orders[n]["id"])),
        ("a day's deliveries", lambda n: list_day(database, ops, DayFilters(of.days[n])),
         lambda n: bare.orders({"delivery_date": texts[n]}, ("delivery_date", -1), ("_id", -1))),
    ]  # fmt: skip


@pytest.mark.benchmark
@pytest.mark.timeout(3_600)
async def test_lookup_rate_beside_the_bare_query(company: Database, ops: Operator) -> None:
    database, bare = company, Bare(company)
    of = await sampled(database, ops, bare)
    stored = await database["orders"].estimated_document_count()
    print(f"\n{stored:,} orders, {await database['customers_v2'].estimated_document_count():,} customers")
    print(f"{'milliseconds':20} {'p50':>7} {'p95':>7} {'CPU':>7}   raw {'p50':>7} {'p95':>7} {'CPU':>7}")
    for name, asked, raw in compared(database, ops, bare, of):
        ours, theirs = await beside(database, TIMES, asked, raw)
        late = "" if ours.at(0.95) <= HIGHEST_MS else f"   over {HIGHEST_MS:.0f}"
        print(f"{name:20} {ours}       {theirs}{late}")
    found = await find_orders(database, ops, of.orders[0]["id"])
    assert [row.id for row in found.items] == [of.orders[0]["id"]]
    assert stored >= 2 * DATASET.orders
