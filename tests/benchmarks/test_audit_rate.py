"""How fast the first page of many filters of the audit trail is, beside the plainest finds of the driver.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_audit_rate.py

DELIVERY_CONSOLE_BENCHMARK_ENTRIES sets the size (default 100,000 entries in both shapes over 200 days), all sealed.
"""

import itertools
import os
import random
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pymongo import IndexModel

from services.audit.chain import GENESIS, Stream
from services.audit.filters import read_filters
from services.audit.log import LEAVES
from services.audit.query import AuditQuery
from services.audit.seal import seal
from services.audit.trail import Trail
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.database import Database, Document
from services.deployment.indexes import INDEXES
from services.operators.operator import Operator

ENTRIES = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ENTRIES", "100000"))
ROUNDS = 100
START = datetime(2026, 5, 1, tzinfo=UTC)
STAFF = [f"boy_{number}" for number in range(120)]
TABLES = (
    ["orders"] * 10 + ["billing_records"] * 6 + ["delivery_statuses"] * 3 + ["customers_v2", "payment_transactions"]
)
ACTIONS = ("UPDATE", "CREATE", "BILLED", "DELIVERED")
ASKED: list[dict[str, str]] = [
    {},
    {"user": "asha"},
    {"user": "boy_77"},
    {"user": "nobody"},
    {"user": "asha,vikram,boy_5"},
    {"table": "orders"},
    {"table": "leads"},
    {"table": "products"},
    {"action": "UPDATE"},
    {"action": "DELETE"},
    {"table": "orders", "action": "DELETE"},
    {"user": "asha", "action": "DELETE"},
    {"user": "boy_100", "table": "payment_transactions", "action": "CREATE"},
    {"run": "run-1"},
    {"run": "run-1", "action": "DELETE"},
    {"session": "s-17"},
    {"session": "s-17", "table": "orders"},
    {"first_day": "2026-06-01", "last_day": "2026-06-02"},
    {"first_day": "2026-06-01", "last_day": "2026-06-02", "user": "boy_9"},
    {"first_day": "2026-06-01", "action": "DELETE"},
]
LOOKED_FOR: list[dict[str, str]] = [{"field": "status"}, {"text": "delivered"}, {"request": "r-30", "session": "s-17"}]


def entries() -> Iterator[Document]:
    """Entries as a busy company has them: few do most, and some actions and tables are nearly never seen."""
    chance = random.Random(7)
    step = timedelta(days=200) / ENTRIES
    for number in range(ENTRIES):
        at, record = START + step * number, str(uuid.UUID(int=chance.getrandbits(128)))
        user = chance.choice(("asha", "asha", "vikram", "meera", chance.choice(STAFF)))
        if chance.random() < 0.25:
            kind = "order" if chance.random() < 0.999 else "product"
            action = chance.choice(("update_status", "UPDATE", "mark_delivered"))
            yield {"resource_type": kind, "resource_id": record, "action": action, "user_id": user, "timestamp": at}
            continue
        before = {"id": record, "status": "PENDING", "items": [{"product_name": "Eggs", "quantity": 2, "price": 60.0}]}
        entry: Document = {
            "_id": (key := str(uuid.UUID(int=chance.getrandbits(128)))), "id": key,
            "table": "leads" if number == ENTRIES // 500 else chance.choice(TABLES), "record_id": record,
            "action": "DELETE" if number == ENTRIES // 2 else chance.choice(ACTIONS),
            "user_id": user, "timestamp": at.isoformat(timespec="microseconds"), "before": before,
            "after": before | {"status": "DELIVERED"}, "changes": {"status": {"old": "PENDING", "new": "DELIVERED"}},
        }  # fmt: skip
        if chance.random() < 0.5:
            entry["meta"] = {"session": f"s-{number // 500}", "request": f"r-{number // 300}"}
            entry["meta"] |= {"run": f"run-{number // 20_000}"} if chance.random() < 0.5 else {}
        yield entry


async def fill(database: Database) -> None:
    """Store the entries, those of the first shape in chains, and seal them."""
    made, streams = entries(), [Stream(f"lane-{number}") for number in range(8)]
    for number in itertools.count():
        batch = list(itertools.islice(made, 10_000))
        if not batch:
            break
        lane = streams[number % len(streams)]
        await database[AUDIT_LOGS].insert_many([lane.link(each) if "_id" in each else each for each in batch])
    ours = [index for index in INDEXES if index.collection in (AUDIT_LOGS, LEAVES, STREAMS)]
    for index in ours:
        await database[index.collection].create_indexes([IndexModel(list(index.keys), **index.options)])
    await database[STREAMS].insert_many(
        {"_id": lane.id, "opened_at": "2026-05-01", "sealed": 0, "head": GENESIS, "ended": False} for lane in streams
    )
    newest = await seal(database, Trail(), lambda: datetime.now(UTC) + timedelta(days=1), everything=True)
    assert newest is not None
    assert newest.size == ENTRIES


async def milliseconds(work: Callable[[], Awaitable[object]]) -> list[float]:
    """How long each of several rounds took."""
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await work()
        took.append((time.perf_counter() - begun) * 1000)
    return took


def p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20)[-1]


@pytest.mark.benchmark
@pytest.mark.timeout(3_600)
async def test_first_pages_beside_plain_finds(database: Database, auditor: Operator) -> None:
    await fill(database)
    trail = database[AUDIT_LOGS]
    asked = AuditQuery(database, auditor)
    newest = [("timestamp", -1), ("_id", -1)]

    print(f"\n{ENTRIES:,} entries, the first page of 50; p95 and median of {ROUNDS} rounds in ms")
    every = []
    for words in ASKED + LOOKED_FOR:
        filters = read_filters(**words)
        took = await milliseconds(lambda filters=filters: asked.page(filters))  # type: ignore[misc]
        every += took if words in ASKED else []
        print(f"{p95(took):8.1f} {statistics.median(took):8.1f}  {words}")
    print(f"{p95(every):8.1f} {statistics.median(every):8.1f}  all but those that look for text, field or request")
    for name, query in {"newest": {}, "of asha": {"user_id": "asha"}}.items():
        took = await milliseconds(lambda query=query: trail.find(query).sort(newest).limit(100).to_list())  # type: ignore[misc]
        print(f"{p95(took):8.1f} {statistics.median(took):8.1f}  plain find, {name}: one shape of time, no merging")
    begun = time.perf_counter()
    report = await asked.report(read_filters())
    print(f"{time.perf_counter() - begun:8.1f} s the report of everything")
    assert report.entries == ENTRIES
    assert len((await asked.page(read_filters(action="DELETE"))).items) == 1
