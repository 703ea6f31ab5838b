"""A secondary falls behind: the run holds back until it has caught up, and is exact in the end."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from pymongo import WriteConcern

from services.backfills.commit import commit
from services.backfills.pace import Pace, replication_lag
from services.backfills.runner import Progress
from services.clock import Clock
from services.database import Database, connect
from services.operators.operator import Operator
from tests.faults.exactness import assert_exact, planned_orders
from tests.faults.replica_set import ReplicaSet

MOST_LAG = 0.9


@pytest.fixture(scope="module")
async def watched_set(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReplicaSet]:
    """A set with accounts."""
    started = ReplicaSet(tmp_path_factory.mktemp("watched"), accounts=True)
    await asyncio.to_thread(started.__enter__)
    try:
        yield started
    finally:
        await asyncio.to_thread(started.stop)


async def test_a_run_waits_for_a_secondary_that_is_behind_and_goes_on(
    watched_set: ReplicaSet, ops: Operator, clock: Clock
) -> None:
    database = await connect(watched_set.uri_of("root"), "lagging")
    behind = watched_set.secondaries()[0]
    lags: list[float] = []
    applied: list[int] = []

    def note(progress: Progress) -> None:
        lags.append(progress.lag)
        applied.append(progress.applied)
        if len(held_back()) == 3:
            behind.stop_applying(False)

    def held_back() -> list[int]:
        return [done for done, lag in zip(applied, lags, strict=True) if lag > MOST_LAG]

    try:
        planned = await planned_orders(database, ops, clock, 200)
        behind.stop_applying(True)
        await _write_until_behind(database, database)
        pace = Pace(batch_size=10, most_lag=MOST_LAG)
        outcome = await commit(database, ops, clock, planned.run, planned.digest, pace=pace, progress=note)
        assert (outcome.state, outcome.verified) == ("done", True)
        assert len(held_back()) >= 3, "the run never waited"
        assert held_back()[:3] == [0, 0, 0], "batches began while the secondary was behind"
        await assert_exact(planned, ops)
    finally:
        await database.client.close()


async def test_a_user_who_may_not_see_the_members_is_told_the_majoritys_lag(
    watched_set: ReplicaSet, ops: Operator, clock: Clock
) -> None:
    root = await connect(watched_set.uri_of("root"), "told")
    await root.client["told"].command(
        {"createUser": "plain", "pwd": "plain", "roles": ["readWrite"]}  # no clusterMonitor
    )
    plain = await connect(watched_set.uri_of("plain", "told"), "told")
    try:
        planned = await planned_orders(plain, ops, clock, 200)
        outcome = await commit(plain, ops, clock, planned.run, planned.digest)
        assert (outcome.state, outcome.verified) == ("done", True)
        assert await replication_lag(plain) <= 1.0
        behind = watched_set.secondaries()
        for member in behind:
            member.stop_applying(True)
        await _write_until_behind(root, plain)
        assert await replication_lag(root) > MOST_LAG
        for member in behind:
            member.stop_applying(False)
        await root.client["told"]["ticks"].insert_one({})  # by a majority: they have caught up
        assert await replication_lag(plain) <= MOST_LAG
    finally:
        await plain.client.close()
        await root.client.close()


async def test_a_secondary_that_is_late_on_purpose_holds_no_run_back(watched_set: ReplicaSet) -> None:
    root = await connect(watched_set.uri_of("root"), "delayed")
    late = watched_set.secondaries()[0]
    members = (await root.client.admin.command("replSetGetConfig"))["config"]
    usual = [dict(member) for member in members["members"]]
    for member in members["members"]:
        if member["host"].endswith(f":{late.port}"):
            member |= {"priority": 0, "hidden": True, "secondaryDelaySecs": 3600}
    try:
        late.stop_applying(True)
        await _write_until_behind(root, root)
        await root.client.admin.command("replSetReconfig", members | {"version": members["version"] + 1})
        assert await replication_lag(root) <= MOST_LAG
    finally:
        late.stop_applying(False)
        await root.client.admin.command(
            "replSetReconfig", members | {"version": members["version"] + 2, "members": usual}
        )
        await root.client.close()


async def _write_until_behind(writer: Database, reader: Database) -> None:
    """Write to the primary alone until the reader hears of the lag."""
    primary_alone = writer["ticks"].with_options(write_concern=WriteConcern(1))
    until = time.monotonic() + 60
    while await replication_lag(reader) <= MOST_LAG:
        assert time.monotonic() < until
        await primary_alone.insert_one({})
