"""The audit trail is followed while primaries die: every entry is seen, once, in order."""

import asyncio
import contextlib
import time

import pytest
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.audit.filters import AuditFilters
from services.audit.query import AuditQuery
from services.database import Database, connect
from services.operators.operator import Operator
from tests.faults.replica_set import ReplicaSet
from tests.services.audit.entries import first_shape


async def write(database: Database, number: int) -> None:
    """Insert an entry, until the set has it."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        try:
            await database["audit_logs"].insert_one(first_shape(number, _id=f"{number:06}", id=f"{number}"))
            return
        except DuplicateKeyError:
            return
        except PyMongoError:
            continue
    raise AssertionError("no primary was elected")


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_following_goes_on_over_elections_without_a_gap(replica_set: ReplicaSet, viewer: Operator) -> None:
    database = await connect(replica_set.uri, "followed")
    seen: list[int] = []

    async def read() -> None:
        async for entry in AuditQuery(database, viewer).follow(AuditFilters(tables=("orders",))):
            seen.append(int(entry.id))

    async def has_seen(number: int) -> None:
        while not seen or seen[-1] < number:
            assert not reading.done()
            await asyncio.sleep(0.01)

    reading = asyncio.create_task(read())
    try:
        number = 0
        while not seen:
            await write(database, number := number + 1)
        for _ in range(3):  # elections
            dead = await asyncio.to_thread(replica_set.kill_primary)
            for _ in range(50):
                await write(database, number := number + 1)
            await asyncio.wait_for(has_seen(number), 90)
            dead.start()
            await asyncio.to_thread(replica_set.wait_until_whole)
        assert seen == list(range(seen[0], number + 1))
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        await database.client.close()
