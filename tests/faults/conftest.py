"""A replica set of three for the tests that need one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.replica_set import ReplicaSet


@pytest.fixture
async def replica_set(tmp_path: Path) -> AsyncIterator[ReplicaSet]:
    """Three members that elect a new primary within seconds."""
    started = ReplicaSet(tmp_path)
    await asyncio.to_thread(started.__enter__)
    try:
        yield started
    finally:
        await asyncio.to_thread(started.stop)
