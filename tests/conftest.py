"""A real MongoDB for every test that needs one: a server per test process, a database per test."""

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from pymongo import monitoring

from console.demo.mongod import EmbeddedMongod
from services.clock import Clock
from services.database import Database, connect
from services.operators.operator import Operator
from tests.every_query import RECORDER, explain

# No test is timed: the machine may be busy.
settings.register_profile("console", deadline=None)
settings.load_profile("console")

# Failpoints let a test make the server fail for real.
SERVER_OPTIONS = ("--setParameter", "enableTestCommands=1")


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMongod]:
    """The server of this test process; at its end every query that it was asked must have had its index."""
    monitoring.register(RECORDER)
    folder: Path = tmp_path_factory.mktemp("mongod")
    with EmbeddedMongod(folder, options=SERVER_OPTIONS) as server:
        yield server
        if wrong := explain(server.uri, RECORDER.asked.values()):
            pytest.fail("\n".join(wrong), pytrace=False)


@pytest.fixture
async def database(mongod: EmbeddedMongod) -> AsyncIterator[Database]:
    """An empty database, dropped after the test."""
    opened = await connect(mongod.uri, f"test_{uuid.uuid4().hex}")
    try:
        yield opened
        await opened.client.drop_database(opened.name)
    finally:
        await opened.client.close()


@pytest.fixture(scope="module")
async def standing(mongod: EmbeddedMongod) -> AsyncIterator[Database]:
    """A database for all tests of a module: making collections anew takes most of a short test's time."""
    opened = await connect(mongod.uri, f"test_{uuid.uuid4().hex}")
    try:
        yield opened
        await opened.client.drop_database(opened.name)
    finally:
        await opened.client.close()


@pytest.fixture
async def emptied(standing: Database) -> Database:
    """The module's database without a document; for tests that build no index."""
    for name in await standing.client[standing.name].list_collection_names():
        await standing[name].delete_many({})
    return standing


@pytest.fixture
def clock() -> Clock:
    """Ten in the morning of 22 November 2026 in India."""
    return lambda: datetime(2026, 11, 22, 4, 30, tzinfo=UTC)


@pytest.fixture
def ops() -> Operator:
    return Operator("olga", ("ops",))


@pytest.fixture
def support() -> Operator:
    return Operator("sam", ("support",))


@pytest.fixture
def viewer() -> Operator:
    return Operator("vera", ("viewer",))


@pytest.fixture
def auditor() -> Operator:
    return Operator("amit", ("auditor",))
