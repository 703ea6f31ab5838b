"""A record's life on the screen."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from console.demo.mongod import EmbeddedMongod
from screens.history.screen import HistoryScreen
from screens.place import Place
from screens.widgets.sheet import Sheet
from screens.widgets.table import RecordTable
from services.database import Database
from services.deployment.indexes import INDEXES
from services.operators.operator import Operator
from tests.screens.conftest import NOW, OPS, Company, opened, painted, press, settle
from tests.screens.test_hostile_text import ESCAPE, MARKUP
from tests.services.history.living import Life, old_entry

RECORD = "ord_life"


@pytest.fixture
async def small(mongod: EmbeddedMongod) -> AsyncIterator[Company]:
    """A company that has no records yet."""
    company = Company(mongod.uri, f"history_{uuid.uuid4().hex}")
    async with company.connected() as database:
        for index in INDEXES:
            if index.collection in ("audit_logs", "orders"):
                await database[index.collection].create_index(list(index.keys), **index.options)
        yield company
        await database.client.drop_database(company.name)


async def lived(database: Database) -> Life:
    """Created at eight in the morning of the 22nd in India, changed by the console, the backend and nobody."""
    life = Life(database, now=NOW - timedelta(hours=2, seconds=1), ids=[RECORD])
    await life.create(RECORD, {"status": "NEW", "phone": "9876543210", "notes": f"{MARKUP} {ESCAPE}"})
    life.now += timedelta(minutes=30)
    await life.assign(RECORD, {"status": "PAID", "deep.in.two": 2})
    life.now += timedelta(minutes=30)
    await life.old(RECORD, {"status": "PACKED", "notes": "x" * 5_000}, 1)
    await life.write(RECORD, {"status": "HACKED"})
    return life


@asynccontextmanager
async def history(
    company: Company, operator: Operator = OPS, size: tuple[int, int] = (120, 40), record: str = RECORD
) -> AsyncIterator[Pilot[Any]]:
    """The history of the record, opened over the first screen."""
    async with opened(company.app(operator), size) as pilot:
        below = pilot.app.screen
        assert isinstance(below, Place)
        assert below.context is not None
        pilot.app.push_screen(HistoryScreen("orders", record, below.context))
        await settle(pilot)
        yield pilot


async def test_the_life_of_a_record_is_told_entry_by_entry(small: Company) -> None:
    async with small.connected() as database:
        await lived(database)
    async with history(small) as pilot:
        now = painted(pilot)
        assert "now, as stored" in now
        assert "HACKED" in now
        assert "gap" in now
        await press(pilot, "down")
        assert "~ status" in painted(pilot)
        assert "PAID → PACKED" in painted(pilot)
        assert "2026-11-22 09:00 India time" in painted(pilot)
        await press(pilot, "down")
        assert "NEW → PAID" in painted(pilot)
        assert "+ deep.in.two" in painted(pilot)
        await press(pilot, "down")
        created = painted(pilot)
        assert "+ status" in created
        assert "\x1b" not in created
        await press(pilot, "down")
        assert "before the first entry" in painted(pilot)
        assert "It was not there yet." in painted(pilot)
        await press(pilot, "w")
        assert all(name in painted(pilot) for name in ("asha", "sam", "olga"))


async def test_two_points_are_compared_and_the_mark_is_taken_away_again(small: Company) -> None:
    async with small.connected() as database:
        await lived(database)
    async with history(small) as pilot:
        await press(pilot, "down", "down", "m")
        await press(pilot, "up", "up")
        screen = painted(pilot)
        assert "●" in screen
        assert "Difference" in screen
        assert "PAID → HACKED" in screen
        assert "1 entry" in screen
        await press(pilot, "down", "down", "m")
        assert "●" not in painted(pilot)
        assert "NEW → PAID" in painted(pilot)


async def test_a_viewer_sees_no_phone(small: Company) -> None:
    async with small.connected() as database:
        await lived(database)
    async with history(small, Operator("vera", ("viewer",))) as pilot:
        for _ in range(4):
            assert "9876543210" not in painted(pilot)
            await press(pilot, "down")


async def test_broken_entries_break_nothing(small: Company) -> None:
    async with small.connected() as database:
        life = await lived(database)
        broken: list[dict[str, Any]] = [
            {"timestamp": None}, {"timestamp": "x"}, {"action": {"a": 1}, "user_id": [MARKUP]}, {"action": "DELETE"},
            {"before": "words", "after": 5}, {"after": {"\u202e\x1b": {MARKUP: ESCAPE}}}, {"changes": [1, MARKUP]},
        ]  # fmt: skip
        await database["audit_logs"].insert_many(
            [old_entry(RECORD, life.now, n) | each for n, each in enumerate(broken)]
        )
    async with history(small) as pilot:
        table = pilot.app.screen.query_one("#steps", RecordTable)
        assert table.row_count == 2 + 3 + len(broken)
        for _ in range(table.row_count):
            await press(pilot, "down")
            assert "\x1b" not in painted(pilot)
        await press(pilot, "up")
        assert "has no readable time" in painted(pilot)


async def test_many_entries_come_page_by_page(small: Company) -> None:
    async with small.connected() as database:
        life = await lived(database)
        for number in range(150):
            await life.old(RECORD, {"status": f"S{number}"}, number)
    async with history(small) as pilot:
        table = pilot.app.screen.query_one("#steps", RecordTable)
        assert table.row_count == 51
        for key in ("m", "end", "end", "end"):
            await press(pilot, key)
        assert table.row_count == 155
        assert "Difference" in painted(pilot)


async def test_in_a_narrow_terminal_enter_shows_the_record_and_escape_leads_back(small: Company) -> None:
    async with small.connected() as database:
        await lived(database)
    async with history(small, size=(80, 24)) as pilot:
        sheet = pilot.app.screen.query_one("#record", Sheet)
        assert not sheet.display
        await press(pilot, "down", "enter")
        assert sheet.display
        assert "PAID → PACKED" in painted(pilot)
        await press(pilot, "escape")
        assert not sheet.display
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, HistoryScreen)


async def test_a_record_that_nobody_knows_is_told(small: Company) -> None:
    async with history(small, record="ord_nobody") as pilot:
        assert "No audit entry and no stored record" in painted(pilot)
