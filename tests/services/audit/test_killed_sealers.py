"""A sealer that is killed or slow leaves a whole log, and holds nobody up."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.demo.mongod import EmbeddedMongod
from services.audit import seal as sealing
from services.audit.log import CHECKPOINTS
from services.audit.seal import seal
from services.database import Database
from services.errors import ConsoleError, Refused
from services.operators.operator import Operator
from tests.failing import failing
from tests.services.audit.sealed import NOW, SealedTrail, empty_trail

SEALER = """
import asyncio, sys
from services.audit.seal import seal
from services.audit import seal as sealing
from services.audit.trail import Trail
from services.clock import utc_now
from services.database import connect

sealing._AT_ONCE = 20

async def main():
    database = await connect(*sys.argv[1:])
    print("begun", flush=True)
    await seal(database, Trail(), utc_now, progress=lambda size: print(size, flush=True))

asyncio.run(main())
"""


async def kill_sealers(mongod: EmbeddedMongod, database: Database, trail: SealedTrail, kills: int) -> None:
    chance, killed, written = random.Random(kills), 0, 0
    while killed < kills:
        await trail.write(Operator(f"w{written}", ("ops",)), 300)
        written += 300
        sealer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SEALER, mongod.uri, database.name, stdout=subprocess.PIPE
        )
        assert sealer.stdout
        for _ in range(chance.randrange(1, 5)):
            await sealer.stdout.readline()
        await asyncio.sleep(chance.random() * 0.02)  # where in its work it dies is left to chance
        if sealer.returncode is None:
            os.kill(sealer.pid, signal.SIGKILL)
        killed += await sealer.wait() == -signal.SIGKILL
        # What it left open blocks others until the server's minute is over.
        await database.client.admin.command({"killAllSessions": []})
        assert (await trail.check()).problems == ()
    await seal(database, trail.keeper, lambda: datetime.now(UTC), everything=True)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), written, 0)


async def test_killed_sealers_leave_a_whole_log(mongod: EmbeddedMongod, database: Database, tmp_path: Path) -> None:
    await kill_sealers(mongod, database, await empty_trail(database, tmp_path), 2)


KILLED = """
import asyncio, os, signal, sys
from services.audit import seal as sealing
from services.audit.trail import Trail
from services.clock import utc_now
from services.database import connect

stored = sealing._store

async def dying(*given):
    await stored(*given)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    sealing._store = dying
    await sealing.seal(await connect(*sys.argv[1:]), Trail(), utc_now)

asyncio.run(main())
"""


async def test_a_killed_sealer_holds_up_no_writer_and_no_session(
    mongod: EmbeddedMongod, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_PATIENCE", 2)
    trail = await empty_trail(database, tmp_path)
    await trail.write(Operator("first", ("ops",)), 3)
    sealer = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, mongod.uri, database.name)
    assert await sealer.wait() == -signal.SIGKILL
    await asyncio.wait_for(trail.write(Operator("second", ("ops",)), 3), 10)
    with pytest.raises(Refused) as refusal:
        await asyncio.wait_for(seal(database, trail.keeper, lambda: NOW), 20)
    assert refusal.value.code == "log-busy"
    await database.client.admin.command({"killAllSessions": []})  # as the server does after its minute
    await seal(database, trail.keeper, lambda: NOW)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), 6, 0)


@pytest.mark.parametrize(
    ("slow", "told"),
    [
        ({"errorCode": 50}, {"too-slow"}),
        ({"blockConnection": True, "blockTimeMS": 1_500}, {"too-slow", "connection-lost"}),
    ],
    ids=["told by the server", "told by the clock"],
)
async def test_a_seal_that_is_slow_tells_of_nobody_else_and_holds_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: dict[str, Any], told: set[str]
) -> None:
    trail = await empty_trail(database, tmp_path)
    await trail.write(Operator("first", ("ops",)), 3)
    await seal(database, trail.keeper, lambda: NOW)
    await trail.write(Operator("second", ("ops",)), 3)
    monkeypatch.setattr(sealing, "_PATIENCE", 0.5)
    async with failing(database, "insert", on=CHECKPOINTS, **slow):
        with pytest.raises(ConsoleError) as refusal:
            await seal(database, trail.keeper, lambda: NOW)
    assert refusal.value.code in told
    status = await database.client.admin.command({"serverStatus": 1})
    assert status["transactions"]["currentOpen"] == 0
    await seal(database, trail.keeper, lambda: NOW)
    found = await trail.check()
    assert (found.problems, found.sealed, found.unsealed) == ((), 6, 0)


@pytest.mark.long
@pytest.mark.timeout(1_800)
async def test_40_killed_sealers_leave_a_whole_log(mongod: EmbeddedMongod, database: Database, tmp_path: Path) -> None:
    await kill_sealers(mongod, database, await empty_trail(database, tmp_path), 40)
