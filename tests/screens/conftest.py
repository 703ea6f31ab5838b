"""The screens on a real MongoDB with the demo's data and a fixed clock."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias, TypeVar

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.app import DeliveryConsole
from console.demo.dataset import Dataset, load
from console.demo.mongod import EmbeddedMongod
from screens.asking import LIVE
from screens.context import Context
from screens.widgets.notice import Notice
from services.database import Database, Document, connect
from services.deployment.indexes import apply
from services.operators.operator import Operator

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
"""Ten in the morning of the data set's last day, in India."""
OPS = Operator("olga", ("ops",))
T = TypeVar("T")
_ASKING = ("enter", "ctrl+s", "f2", "f3", "f4", "f5", "f6", "f9")
"""Keys that ask the database; what is pressed before its answer meets another screen than the test means."""

Contents: TypeAlias = dict[str, tuple[str, list[Document], Mapping[str, Any]]]
"""The checksum, the documents and the indexes of each collection."""


@dataclass(frozen=True)
class Company:
    """A database with the demo's data; each event loop connects to it by itself."""

    uri: str
    name: str

    def app(
        self,
        operator: Operator = OPS,
        *,
        environment: str = "demo",
        read_only: str | None = None,
        lacking: int = 0,
        alone: int | None = None,
    ) -> DeliveryConsole:
        """The console on this database; one operator commits up to `alone` records without another."""

        @asynccontextmanager
        async def opening() -> AsyncIterator[Context]:
            async with self.connected() as database:
                shown = Database(database.client, database.name, read_only, database.address)
                missing = ("orders(id)",) * lacking
                yield Context(
                    shown, operator, lambda: NOW, environment, missing_indexes=missing, approval_records=alone
                )

        return DeliveryConsole(opening)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Database]:
        """A connection of the test's own."""
        database = await connect(self.uri, self.name)
        try:
            yield database
        finally:
            await database.client.close()


@pytest.fixture(scope="session")
def company(mongod: EmbeddedMongod) -> Iterator[Company]:
    """Six months of the demo's company with all indexes, for tests that only look."""
    yield from _founded(Company(mongod.uri, "delivery_demo"))


@pytest.fixture(scope="session")
def spare_company(mongod: EmbeddedMongod) -> Iterator[tuple[Company, Contents]]:
    """A second such company, and all that is in it."""
    for company in _founded(Company(mongod.uri, "delivery_copy")):
        yield company, _elsewhere(_contents(company))


@pytest.fixture
def own_company(spare_company: tuple[Company, Contents]) -> Company:
    """The same company for one test that changes it, put back into its first state."""
    company, contents = spare_company
    _elsewhere(_put_back(company, contents))
    return company


def _founded(company: Company) -> Iterator[Company]:
    async def found() -> None:
        async with company.connected() as database:
            await load(database.client[database.name], Dataset(until=TODAY, orders=300))
            await apply(database, OPS)

    async def close() -> None:
        async with company.connected() as database:
            await database.client.drop_database(database.name)

    _elsewhere(found())
    yield company
    _elsewhere(close())


def _elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """This thread's event loop is the tests'."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _sums(database: Database) -> dict[str, str]:
    """The server's own checksum of each collection."""
    found: dict[str, str] = (await database.client[database.name].command("dbHash"))["collections"]
    return found


async def _contents(company: Company) -> Contents:
    async with company.connected() as database:
        return {
            name: (checksum, await database[name].find().to_list(), await database[name].index_information())
            for name, checksum in (await _sums(database)).items()
        }


async def _put_back(company: Company, contents: Contents) -> None:
    """Loading the data and building all indexes takes seconds; few tests change more than three collections."""
    async with company.connected() as database:
        sums = await _sums(database)
        for name in sums.keys() - contents.keys():
            await database[name].drop()
        for name, (checksum, documents, indexes) in contents.items():
            assert await database[name].index_information() == indexes, f"a test left other indexes on {name}"
            if sums[name] != checksum:
                await database[name].delete_many({})
                if documents:
                    await database[name].insert_many([dict(document) for document in documents])


@asynccontextmanager
async def opened(app: DeliveryConsole, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[None]]:
    """The running app, once all that it first asks for is on screen."""
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            await settle(pilot)
            yield pilot
    finally:
        await app.close_session()


async def settle(pilot: Pilot[None]) -> None:
    """Until every question is answered and painted; the app's own try at a lost connection goes on meanwhile."""
    app, quiet = pilot.app, 0
    assert isinstance(app, DeliveryConsole)
    while quiet < 3 and app.is_running:
        await pilot.pause()
        waiting = [
            worker
            for worker in app.workers
            if not worker.is_finished and worker.group != LIVE and not (worker.node is app and app._lost)
        ]
        resting = any(getattr(screen, "busy", False) for screen in app.screen_stack)
        quiet = 0 if waiting or resting else quiet + 1


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other; wait for all that is asked for before the next and at the end."""
    at_once: list[str] = []
    for key in keys:
        at_once.append(key)
        if key in _ASKING:
            await pilot.press(*at_once)
            await settle(pilot)
            at_once.clear()
    if at_once:
        await pilot.press(*at_once)
        await settle(pilot)


async def type_text(pilot: Pilot[None], words: str) -> None:
    """Type into what has the focus."""
    await press(pilot, *("space" if letter == " " else letter for letter in words))


async def put(pilot: Pilot[None], name: str, value: str) -> None:
    """Put a value into a field, and wait for all that it asks for."""
    pilot.app.screen.query_one(f"#{name} Input", Input).value = value
    await settle(pilot)


def said(pilot: Pilot[None]) -> str:
    """Why a dialog refuses."""
    return pilot.app.screen.query_one("#refusal", Notice).said


async def stored(company: Company, collection: str, record_id: str) -> Document:
    """A record as it is in the database."""
    async with company.connected() as database:
        found = await database[collection].find_one({"id": record_id})
    assert found is not None
    return found


def painted(pilot: Pilot[None]) -> str:
    """What is on the terminal now, line by line."""
    strips = pilot.app.screen._compositor.render_strips(pilot.app.screen.size)
    return "\n".join(strip.text for strip in strips)
