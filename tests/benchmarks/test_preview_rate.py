"""How fast a preview is and how much memory it takes, beside the raw limit of its reading and writing.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_preview_rate.py

DELIVERY_CONSOLE_BENCHMARK_ORDERS sets the number of one-time orders (default 24,000; 1000000 for the full figure).
"""

import os
import resource
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from console.demo.dataset import Dataset, load
from console.demo.mongod import EmbeddedMongod
from services.backfills.packs import ROWS
from services.backfills.preview import preview
from services.backfills.runs import keys_of
from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator

ORDERS = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ORDERS", "24000"))
MILLION_SECONDS = 60
HIGHEST_MEGABYTES = 300
_PACKS = 80
"""As many as four thousand rows."""
_READ = ("orders", "billing_records", "delivery_statuses", "customers_v2")


def server_seconds(mongod: EmbeddedMongod) -> float:
    """CPU time of the server so far."""
    fields = Path(f"/proc/{mongod.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def raw_seconds(database: Database, run: str) -> float:
    """Seconds to read what a preview reads, undecoded, and to insert the rows of a plan as they are."""
    begun = time.perf_counter()
    for name in _READ:
        async for _ in database[name].find_raw_batches({}, batch_size=2_000):
            pass
    target: Any = database["raw_rows"]
    raw = CodecOptions(document_class=RawBSONDocument)
    packs = database.client.get_database(database.name, raw)[ROWS].find(keys_of(run), batch_size=_PACKS)
    while batch := await packs.to_list(_PACKS):
        await target.insert_many(batch, ordered=False)
    return time.perf_counter() - begun


@pytest.mark.benchmark
@pytest.mark.timeout(3_600)
async def test_preview_rate_beside_the_raw_limit(
    mongod: EmbeddedMongod, database: Database, ops: Operator, clock: Clock
) -> None:
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=ORDERS))
    await apply(database, ops)
    busy, here, begun = server_seconds(mongod), time.process_time(), time.perf_counter()
    plan = await preview(database, ops, clock, "bill-one-time-orders")
    seconds = time.perf_counter() - begun
    here, busy = time.process_time() - here, server_seconds(mongod) - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    raw = await raw_seconds(database, plan.run or "")
    rate, million = plan.examined / seconds, 1e6 * seconds / plan.examined
    micro = 1e6 / plan.examined
    print(f"\npreview       {plan.examined:10,} orders in {seconds:.1f} s, {rate:,.0f}/s; both ways, stored, pinned")
    print(f"a million     {million:10.1f} s at that rate, to be at most {MILLION_SECONDS}")
    print(f"CPU           {here * micro:10.1f} us an order here, {busy * micro:.1f} us in the server")
    print(f"cores         {(here + busy) / seconds:10.2f} kept busy by both together")
    print(f"raw           {raw / seconds:10.2f} of that time: the same records read undecoded, the same rows inserted")
    print(f"memory        {peak:10.0f} MB at its peak, with the test's own, to be at most {HIGHEST_MEGABYTES}")
    assert plan.stored
    assert plan.examined == ORDERS
    assert peak <= HIGHEST_MEGABYTES
