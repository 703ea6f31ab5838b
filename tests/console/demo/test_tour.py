"""The tour of the audit trail, from its first step to its last, on a small demo."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from textual.pilot import Pilot

from console.demo.dataset import Dataset, load
from console.demo.mongod import EmbeddedMongod
from console.demo.story import KEPT, Story
from console.demo.tour import GUIDE, STEPS, GuidedConsole, TourLine
from screens.audit.screen import AuditScreen
from screens.audit.verify import VerifyScreen
from screens.context import Context
from screens.widgets.table import RecordTable
from services.audit.trail import Trail
from services.audit.verify import verify
from services.database import Database, connect
from services.deployment.indexes import apply
from services.errors import Refused
from services.operators.directory import add, identify, mark
from services.operators.operator import Operator, Role
from tests.console.commandline import console
from tests.screens.conftest import opened, painted, press, settle

TODAY = date(2026, 11, 22)
OWNER = Operator("olga", ("ops", "auditor"))
CAST: dict[str, tuple[Role, ...]] = {"asha": ("support",), "vikram": ("ops",), GUIDE: ("auditor",)}


def now() -> datetime:
    return datetime(2026, 11, 22, 4, 30, tzinfo=UTC)


@asynccontextmanager
async def connected(uri: str, name: str) -> AsyncIterator[Database]:
    database = await connect(uri, name)
    try:
        yield database
    finally:
        await database.client.close()


@pytest.fixture(scope="module")
async def demo(mongod: EmbeddedMongod) -> AsyncIterator[tuple[str, str]]:
    """The address and the name of a demo with its operators."""
    name = f"tour_{uuid.uuid4().hex}"
    async with connected(mongod.uri, name) as database:
        await load(database.client[name], Dataset(until=TODAY, orders=300))
        await apply(database, OWNER)
        await mark(database, OWNER, now, "demo")
        await add(database, OWNER, now, OWNER.account, OWNER.roles)
        for account, roles in CAST.items():
            await add(database, OWNER, now, account, roles)
        yield mongod.uri, name
        await database.client.drop_database(name)


def tour(uri: str, name: str) -> GuidedConsole:
    @asynccontextmanager
    async def opening() -> AsyncIterator[Context]:
        async with connected(uri, name) as database:
            guide = replace(await identify(database, GUIDE, "test"), trail=Trail())
            yield Context(database, guide, now, "demo")

    return GuidedConsole(opening)


def told(pilot: Pilot[Any]) -> str:
    return str(pilot.app.screen.query_one(TourLine).content)


def rows(pilot: Pilot[Any], table: str) -> Any:
    return pilot.app.screen.query_one(table, RecordTable).rows


def row(pilot: Pilot[Any]) -> Any:
    audit = pilot.app.screen
    assert isinstance(audit, AuditScreen)
    return audit._entry()


async def test_every_step_brings_the_screen_to_what_was_really_done(demo: tuple[str, str]) -> None:
    app = tour(*demo)
    async with opened(app) as pilot, connected(*demo) as database:
        story = app._story
        assert story is not None
        assert told(pilot).startswith(f"1 of {len(STEPS)}  An order's life")
        assert sorted(found.cells[2].plain for found in rows(pilot, "#entries")) == ["BILLED", "DELIVERED"]

        await press(pilot, "f9")
        assert "A wrong bill is corrected" in told(pilot)
        assert sorted(found.cells[2].plain for found in rows(pilot, "#entries")) == ["CREATE", "CREATE", "DELETE"]
        assert story.paise < story.first_paise
        bills = await database["billing_records"].find({"order_id": story.order}).to_list()
        assert [bill["amount_paise"] for bill in bills] == [story.paise]

        await press(pilot, "f9")
        assert isinstance(pilot.app.screen, VerifyScreen)
        assert "sealed entries are as they were" in painted(pilot)
        assert "sealed into a signed log" in told(pilot)
        assert "Nothing was altered." in told(pilot)

        await press(pilot, "f9")
        assert row(pilot).id == story.entry
        assert {found.key: found.cells[0].plain[0] for found in rows(pilot, "#entries")}[story.entry] == "✗"
        assert "₹1.00" in painted(pilot)
        stored = await database["audit_logs"].find_one({"_id": story.entry})
        assert stored is not None
        assert stored["after"]["amount"] == 1.0

        await press(pilot, "f9")
        assert "1 thing is not as sealed" in painted(pilot)
        assert "It names that entry." in told(pilot)
        assert [found.cells[1].plain for found in rows(pilot, "#problems")] == [story.entry]
        await press(pilot, "enter")
        assert row(pilot).id == story.entry

        await press(pilot, "f9")
        assert "sealed entries are as they were" in painted(pilot)
        assert "put back byte by byte" in told(pilot)
        assert "Verify is clean again." in told(pilot)
        found = await verify(database, OWNER)
        assert (found.problem_count, found.unsealed) == (0, 0)
        await press(pilot, "escape")
        assert row(pilot).id == story.entry
        assert row(pilot).after["amount"] == story.paise / 100
        assert "₹1.00" not in painted(pilot)

        written = await database["audit_logs"].count_documents({})
        await press(pilot, "f9")
        assert told(pilot).startswith("The tour has ended")
        await press(pilot, "f9", "f8")
        assert "put back byte by byte" in told(pilot)
        await press(pilot, "f8", "f8")
        assert "changes the trail itself" in told(pilot)
        await press(pilot, "f10")
        assert not pilot.app.screen.query(TourLine)
        assert await database["audit_logs"].count_documents({}) == written


async def test_a_trail_that_was_altered_before_is_told_as_such(demo: tuple[str, str]) -> None:
    async with connected(*demo) as database:
        entry = await database["audit_logs"].find_one({"chain": {"$exists": True}})
        assert entry is not None
        await database["audit_logs"].update_one({"_id": entry["_id"]}, {"$set": {"action": "X"}})
        try:
            async with opened(tour(*demo)) as pilot:
                await press(pilot, "f9", "f9")
                assert "1 thing that is not as sealed was altered before, and not by the tour." in told(pilot)
                assert "Nothing was altered" not in told(pilot)
        finally:
            await database["audit_logs"].replace_one({"_id": entry["_id"]}, entry)


async def test_who_leaves_after_the_tampering_leaves_nothing_altered(demo: tuple[str, str]) -> None:
    async with opened(tour(*demo), (80, 24)) as pilot:
        for _ in range(3):
            await press(pilot, "f9")
        assert "directly in the database" in told(pilot)
        assert "₹1.00" in painted(pilot)
        assert "F10 leave" in painted(pilot)
    async with connected(*demo) as database:
        assert (await verify(database, OWNER)).problem_count == 0
        assert await database[KEPT].count_documents({}) == 0


async def test_it_is_refused_on_what_is_no_demo_and_says_so(demo: tuple[str, str]) -> None:
    async with connected(*demo) as database:
        await mark(database, OWNER, now, "test")  # the last test of the module: no demo from here
        with pytest.raises(Refused, match="demo databases alone"):
            await Story(database, now, OWNER).begin()
        before = await database["audit_logs"].count_documents({})
        async with opened(tour(*demo)) as pilot:
            await settle(pilot)
            assert "The tour cannot go on" in told(pilot)
        assert await database["audit_logs"].count_documents({}) == before


def test_a_tour_of_something_else_is_wrong_usage() -> None:
    told = console("demo", "--tour", "orders")
    assert (told.status, "--tour audit" in told.err) == (2, True)
