"""What the audit chain and its sealing cost a commit: the same commit with and without them, in turns on one server.

    pytest -m benchmark -n 0 -s tests/benchmarks/test_chain_rate.py

DELIVERY_CONSOLE_BENCHMARK_ORDERS sets the size (default 24,000 one-time orders, half of them to bill).
"""

import os
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from console.demo.dataset import Dataset, load
from console.demo.mongod import EmbeddedMongod
from services.audit.chain import Stream
from services.audit.seal import seal_everything
from services.backfills import runner
from services.backfills.commit import commit
from services.backfills.preview import preview
from services.changes import changeset
from services.clock import Clock
from services.database import Database, Document, connect
from services.deployment.indexes import AUDIT_BY_CHAIN, apply
from services.operators.operator import Operator

ORDERS = int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ORDERS", "24000"))
TURNS = 7


def server_pid(mongod: EmbeddedMongod) -> int:
    """The server's own process."""
    with MongoClient[Document](mongod.uri) as client:
        return int(client.admin.command("serverStatus")["pid"])


def processor_seconds(mongod: EmbeddedMongod) -> float:
    """What this process and the server have used of the processors."""
    spent = Path(f"/proc/{server_pid(mongod)}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + sum(map(int, spent[11:13])) / os.sysconf("SC_CLK_TCK")


async def nothing(*_: Any, **__: Any) -> None:
    """In the place of sealing."""


def unlinked(_: Stream, entry: Document) -> Any:
    """In the place of linking."""
    return entry


async def committed(mongod: EmbeddedMongod, operator: Operator, clock: Clock, turn: int, *, chained: bool) -> Any:
    """Orders a second of a commit, and processor microseconds an order."""
    database: Database = await connect(mongod.uri, f"turn_{turn}_{chained}")
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=ORDERS))
    await apply(database, operator)
    if not chained:
        await database[changeset.AUDIT_LOGS].drop_index(AUDIT_BY_CHAIN.name)
    else:
        await seal_everything(database, operator, clock)  # older entries are taken in once, not by every commit
    plan = await preview(database, operator, clock, "bill-one-time-orders")
    change = plan.classes["change"].records
    used, begun = processor_seconds(mongod), time.perf_counter()
    outcome = await commit(database, operator, clock, plan.run or "", plan.digest)
    seconds, spent = time.perf_counter() - begun, processor_seconds(mongod) - used
    assert (outcome.applied, outcome.verified) == (change, True)
    await database.client.drop_database(database.name)
    await database.client.close()
    return change / seconds, spent / change * 1e6


@pytest.mark.benchmark
@pytest.mark.timeout(1_800)
async def test_commit_with_and_without_the_chain(
    mongod: EmbeddedMongod, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for turn in range(TURNS):
        for chained in (True, False):
            with monkeypatch.context() as patched:
                if not chained:
                    patched.setattr(Stream, "link", unlinked)
                    patched.setattr(Stream, "is_new", False)
                    patched.setattr(runner, "seal_finished", nothing)
                found[chained].append(await committed(mongod, ops, clock, turn, chained=chained))
    print()
    for chained, name in ((False, "without"), (True, "with")):
        rate, spent = (statistics.median(figures) for figures in zip(*found[chained], strict=True))
        turns = [round(each) for each, _ in found[chained]]
        print(f"{name:10} {rate:8,.0f}/s  {spent:6.0f} us of processor an order   {turns}")
    # Whatever else the machine does makes a turn slower, never quicker: beside the medians stand the best turns.
    for name, of_turns in (("median", statistics.median), ("best", max)):
        rates = [of_turns(rate for rate, _ in found[chained]) for chained in (True, False)]
        print(f"cost       {1 - rates[0] / rates[1]:8.1%} of the rate, {name}")
    spent = [statistics.median(each for _, each in found[chained]) for chained in (True, False)]
    print(f"           {spent[0] / spent[1] - 1:8.1%} more processor, median")
