"""The company that lookups, pages and statements are measured on: loaded once for all of them.

DELIVERY_CONSOLE_BENCHMARK_ORDERS sets the number of one-time orders (default 24,000; as many subscription orders come
on top) and DELIVERY_CONSOLE_BENCHMARK_CUSTOMERS that of customers (default: as many as go with them). 500000 and 200000
make the full figures. With DELIVERY_CONSOLE_BENCHMARK_URI the data is loaded on that server and kept for the next time.
"""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import date

import pytest

from console.demo.dataset import Dataset, load
from console.demo.mongod import EmbeddedMongod
from services.database import Database, connect
from services.deployment.indexes import apply
from services.operators.operator import Operator

DATASET = Dataset(
    until=date(2026, 11, 22),
    orders=int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_ORDERS", "24000")),
    customers=int(os.environ.get("DELIVERY_CONSOLE_BENCHMARK_CUSTOMERS", "0")),
)


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMongod]:
    """A server as in production: with the memory that it takes by default, and nobody who records each query."""
    with EmbeddedMongod(tmp_path_factory.mktemp("mongod"), cache_gigabytes=None) as server:
        yield server


@pytest.fixture(scope="session")
async def company(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """The loaded database with its indexes."""
    kept = os.environ.get("DELIVERY_CONSOLE_BENCHMARK_URI")
    name = f"benchmark_{DATASET.orders}_{DATASET.customers}"
    database = await connect(kept or request.getfixturevalue("mongod").uri, name)
    try:
        if not await database["benchmark"].find_one({}):
            await database.client.drop_database(name)
            await load(database.client[name], DATASET)
            await database["benchmark"].insert_one({"loaded": True})
        await apply(database, Operator("olga", ("ops",)))
        yield database
    finally:
        if not kept:
            await database.client.drop_database(name)
        await database.client.close()
