"""How fast the audit trail is sealed, checked and proven, beside a raw read of the same entries on one server.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_audit_log_rate.py

DELIVERY_CONSOLE_BENCHMARK_ENTRIES sets the size (default 100,000): entries like those of a run that bills orders.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import bson
import pytest

from console.demo.mongod import EmbeddedMongod
from services.audit.chain import GENESIS, Stream, documents_in
from services.audit.log import CHECKPOINTS, LEAVES, NODES
from services.audit.logger import AuditLogger, Facts, Purpose
from services.audit.prove import check, prove
from services.audit.seal import seal
from services.audit.trail import Trail
from services.audit.verify import verify
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.changes.series import entry_id, new_series
from services.clock import Clock
from services.database import Database, Document, connect
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop

ENTRIES = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ENTRIES", "100000"))
STREAMS_AT_ONCE = 8
BATCH = 1_000
PROOFS = 200


def entries_of(logger: AuditLogger, series: str, first: int) -> list[Document]:
    """The two entries of each of a batch's orders: the flags of the order, and its bill."""
    made = []
    for number in range(first, first + BATCH, 2):
        order = shop.order(id=f"ord-{number:09d}")
        billed = {**order, "billed": True, "billed_at": "2026-11-22T04:30:00.000000+00:00", "billed_month": "2026-10"}
        fields = ("billed", "billed_at", "billed_month")
        differing = {name: {"old": order.get(name), "new": billed[name]} for name in fields}
        bill = shop.bill(order, items=order["items"], amount_paise=18_000, order_type="one_time", run="run-1")
        made.append(logger.order_billed(entry_id(series, number), Facts(order["id"], order, billed, differing)))
        made.append(logger.billing_record_created(entry_id(series, number + 1), Facts(bill["id"], None, bill, {})))
    return made


async def fill(database: Database, ops: Operator, clock: Clock) -> float:
    """Write the entries in chains of their own; returns the bytes that a chain adds to an entry."""
    streams = [Stream(f"run-1/{number}") for number in range(STREAMS_AT_ONCE)]
    logger = AuditLogger(ops, clock(), new_series()[:-1], Purpose(run="run-1"))
    added = []
    for first in range(0, ENTRIES, BATCH):
        stream = streams[first // BATCH % STREAMS_AT_ONCE]
        entries = entries_of(logger, new_series(), first)
        linked = [stream.link(entry) for entry in entries]
        added.append(len(linked[0].raw) - len(bson.encode(entries[0])))
        await database[AUDIT_LOGS].insert_many(linked, ordered=False)
    await database[STREAMS].insert_many(
        {"_id": s.id, "opened_at": "2026-11-22", "sealed": 0, "head": GENESIS, "ended": False} for s in streams
    )
    return statistics.mean(added)


async def read_raw(database: Database) -> float:
    """Entries a second of a bare read of all of them, as bytes."""
    begun, count = time.perf_counter(), 0
    async for batch in database[AUDIT_LOGS].find_raw_batches({}, hint="_id_"):
        count += len(list(documents_in(cast(bytes, batch))))  # the driver's types tell of documents
    assert count == ENTRIES
    return count / (time.perf_counter() - begun)


async def checked_in_a_process_of_its_own(uri: str, name: str) -> Document:
    """The check of a process that did nothing else, with its time and its memory in kB."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.test_audit_log_rate", uri, name, stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    found: Document = json.loads(said)
    return found


def most_resident() -> int:
    """What this process had in memory at most, in kB; what the system tells of usage counts the parent's too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


async def check_alone(uri: str, name: str) -> Document:
    """Check the trail of that database."""
    database = await connect(uri, name)
    before, begun = most_resident(), time.perf_counter()
    found = await verify(database, Operator("amit", ("auditor",)))
    seconds = time.perf_counter() - begun
    await database.client.close()
    return {
        "seconds": seconds, "before": before, "resident": most_resident(),
        "problems": found.problem_count, "sealed": found.sealed, "entries": found.entries,
    }  # fmt: skip


async def bytes_an_entry(database: Database) -> dict[str, float]:
    """What sealing costs on the disk, by collection and by the index of the chain."""
    sizes = {}
    for name in (LEAVES, NODES, CHECKPOINTS):
        stats = await database.command({"collStats": name})
        sizes[name] = stats["size"] / ENTRIES
        sizes[f"{name}, indexes"] = stats["totalIndexSize"] / ENTRIES
    stats = await database.command({"collStats": AUDIT_LOGS})
    sizes["index of the chain"] = stats["indexSizes"]["chain.stream_1_chain.seq_1"] / ENTRIES
    return sizes


@pytest.mark.benchmark
@pytest.mark.timeout(3_600)
async def test_seal_check_and_proof_beside_a_raw_read(
    mongod: EmbeddedMongod, database: Database, ops: Operator, auditor: Operator, clock: Clock
) -> None:
    await apply(database, ops)
    chain = await fill(database, ops, clock)
    mean = (await database.command({"collStats": AUDIT_LOGS}))["avgObjSize"]
    begun = time.perf_counter()
    await seal(database, Trail(), clock, ended=[f"run-1/{number}" for number in range(STREAMS_AT_ONCE)])
    sealed = ENTRIES / (time.perf_counter() - begun)
    raw = await read_raw(database)
    found = await checked_in_a_process_of_its_own(mongod.uri, database.name)
    seconds = found["seconds"]
    times = []
    sample = await database[AUDIT_LOGS].aggregate([{"$sample": {"size": PROOFS}}, {"$project": {"_id": 1}}])
    async for entry in sample:
        begun = time.perf_counter()
        check(await prove(database, auditor, entry["_id"]))
        times.append(time.perf_counter() - begun)
    sizes = await bytes_an_entry(database)

    print(f"\nentries    {ENTRIES:10,} of {mean:,.0f} bytes")
    print(f"seal       {sealed:10,.0f}/s")
    print(f"verify     {ENTRIES / seconds:10,.0f}/s  {seconds:.1f} s, {ENTRIES / seconds / raw:.3f} x a raw read")
    print(f"raw read   {raw:10,.0f}/s")
    print(f"memory     {found['resident'] / 1024:10,.0f} MB resident at most, {found['before'] / 1024:,.0f} MB before")
    print(f"proof      {statistics.median(times) * 1e3:10.1f} ms, at most {max(times) * 1e3:.1f} ms, checked")
    print(f"bytes      {chain + sum(sizes.values()):10.0f} an entry: {chain:.0f} in it, "
          + ", ".join(f"{name} {size:.0f}" for name, size in sizes.items()))  # fmt: skip
    assert (found["problems"], found["sealed"], found["entries"]) == (0, ENTRIES, ENTRIES)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(check_alone(*sys.argv[1:]))))
