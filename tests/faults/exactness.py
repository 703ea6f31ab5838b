"""A shop with a plan, and the proof that what a run left of it is exact."""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from services.backfills.preview import preview
from services.backfills.rows import list_rows
from services.backfills.runs import Totals, load_lanes, load_run
from services.backfills.verification import verify
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator
from services.reminders.outbox import OUTBOX
from tests import shop

FIX = "bill-one-time-orders"
MONTH = "2026-10"


@dataclass(frozen=True)
class Planned:
    """A stored plan, and the orders as they were then."""

    database: Database
    run: str
    digest: str
    before: Mapping[str, Document]
    """Orders by id."""
    prices: Mapping[str, int]
    """Paise by order id."""


async def planned_orders(database: Database, ops: Operator, clock: Clock, number: int, customers: int = 1) -> Planned:
    """That many delivered orders at prices of their own, with the indexes of production, and the plan to bill them."""
    chance = random.Random(number)
    prices = {f"ord-{n:06d}": chance.randrange(1, 50_000) for n in range(number)}
    await apply(database, ops)
    people = [shop.customer(id=f"cust-{n}", user_id=f"user-{n}", phone=f"98765{n:05d}") for n in range(customers)]
    await shop.stock(database, customers_v2=people, orders=[
        shop.order(
            id=order_id, total_amount=paise / 100, user_id=f"user-{n % customers}", customer_id=f"user-{n % customers}",
            items=[{"product_id": "p", "product_name": "Milk", "quantity": 1, "price": paise / 100}],
        )
        for n, (order_id, paise) in enumerate(prices.items())
    ])  # fmt: skip
    before = {order["id"]: order async for order in database["orders"].find()}
    plan = await preview(database, ops, clock, FIX)
    assert plan.run
    assert plan.classes["change"].records == number
    return Planned(database, plan.run, plan.digest, before, prices)


async def assert_exact(planned: Planned, ops: Operator, left: Collection[str] = ()) -> None:
    """Bills = flags = outbox rows = audit entries, one of each for every planned order but those left alone.

    Nobody but the runs may have touched the orders that are not left alone.
    """
    database, done = planned.database, {name: paise for name, paise in planned.prices.items() if name not in left}
    bills = await database["billing_records"].find({"run": planned.run}).to_list()
    assert len(bills) == len(done)
    assert {bill["order_id"]: bill["amount_paise"] for bill in bills} == done
    assert all(round(bill["amount"] * 100) == bill["amount_paise"] for bill in bills)

    flagged = {order["id"]: order async for order in database["orders"].find({"billed": True, "billed_month": MONTH})}
    assert flagged.keys() == done.keys()
    for name, order in flagged.items():
        fields = {"billed": True, "billed_month": MONTH, "billed_at": order["billed_at"]}
        assert order == {**planned.before[name], **fields}

    outbox = await database[OUTBOX].find({"run": planned.run}).to_list()
    assert {row["order_id"]: row["amount_paise"] for row in outbox} == done
    assert len(outbox) == len(done)
    await _assert_audited(planned, {bill["id"]: bill for bill in bills}, flagged)
    await _assert_counted(planned, ops, done, left)


async def _assert_audited(planned: Planned, bills: Mapping[str, Document], flagged: Mapping[str, Document]) -> None:
    entries = {"BILLED": 0, "CREATE": 0}
    async for entry in planned.database["audit_logs"].find({}):
        record, action = entry["record_id"], entry["action"]
        entries[action] += 1
        if action == "CREATE":
            assert (entry["table"], entry["before"], entry["after"]) == ("billing_records", None, _shown(bills[record]))
        else:
            before, after = _shown(planned.before[record]), _shown(flagged[record])
            assert (entry["table"], entry["before"], entry["after"]) == ("orders", before, after)
    ids = await _distinct(planned.database, "audit_logs", "record_id")
    assert entries == {"BILLED": len(flagged), "CREATE": len(bills)}
    assert ids == len(flagged) + len(bills)


async def _assert_counted(planned: Planned, ops: Operator, done: Mapping[str, int], left: Collection[str]) -> None:
    """What the lanes, the list of exceptions and the run's own verification say is what is there."""
    totals = Totals.of(await load_lanes(planned.database, planned.run, "commit"))
    assert (totals.applied, totals.amount_paise) == (len(done), sum(done.values()))
    assert totals.drifted + totals.failed == len(left)
    assert await exceptions(planned, ops) == set(left)
    state = (await load_run(planned.database, planned.run)).state
    assert (state, (await verify(planned.database, ops, planned.run)).verified) == ("done", True)


async def exceptions(planned: Planned, ops: Operator, *groups: str) -> set[str]:
    """The records that the run lists as left alone, with one of these outcomes."""
    names: set[str] = set()
    for group in groups or ("drifted", "failed"):
        token: str | None = None
        while True:
            page = await list_rows(planned.database, ops, planned.run, group, token, 200)
            names |= {row.record for row in page.items}
            if (token := page.next) is None:
                break
    return names


async def assert_restored(planned: Planned, ops: Operator, kept: Collection[str] = ()) -> None:
    """Each order as it was before the run, but those kept; no bill, no reminder, and all of it in the audit trail."""
    database, back = planned.database, planned.prices.keys() - set(kept)
    async for order in database["orders"].find():
        if order["id"] in back:
            # Documents compare without the order of their fields: that too is as it was.
            assert list(order.items()) == list(planned.before[order["id"]].items())
        else:
            assert (order["billed"], order["billed_month"]) == (True, MONTH)
    bills = await database["billing_records"].find({"run": planned.run}).to_list()
    assert sorted(bill["order_id"] for bill in bills) == sorted(kept)
    states: dict[str, str] = {row["order_id"]: row["state"] async for row in database[OUTBOX].find()}
    assert states == dict.fromkeys(planned.prices, "cancelled")
    counts: Document = {"_id": {"table": "$table", "action": "$action"}, "entries": {"$sum": 1}}
    cursor = await database["audit_logs"].aggregate([{"$group": counts}])
    entries = {(each["_id"]["table"], each["_id"]["action"]): each["entries"] async for each in cursor}
    assert entries == {
        ("orders", "BILLED"): len(planned.prices),
        ("billing_records", "CREATE"): len(planned.prices),
        ("orders", "UPDATE"): len(back),
        ("billing_records", "DELETE"): len(back),
    }
    run = await verify(database, ops, planned.run)
    assert (run.state, run.restored, run.kept, run.verified) == ("rolled-back", len(back), len(kept), True)


async def hashes(database: Database) -> dict[str, Any]:
    """A digest of each collection's content: equal only where not a byte differs."""
    return dict((await database.command({"dbHash": 1}))["collections"])


async def _distinct(database: Database, collection: str, field: str) -> int:
    cursor = await database[collection].aggregate([{"$group": {"_id": f"${field}"}}, {"$count": "values"}])
    found = await cursor.to_list()
    return int(found[0]["values"]) if found else 0


def _shown(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "_id"}
