"""The audit trail on the screen."""

import re

from textual.pilot import Pilot

from screens.audit.screen import AuditScreen
from screens.widgets.sheet import Sheet
from screens.widgets.table import RecordTable
from tests.screens.conftest import Company, opened, painted, press, settle


async def go_to(pilot: Pilot[None], table: str) -> None:
    """Put the cursor on the newest entry about that table."""
    screen = pilot.app.screen
    assert isinstance(screen, AuditScreen)
    entries = screen.query_one("#entries", RecordTable)
    tables = [screen._entries[row.key].table for row in entries._rows]
    entries.cursor = tables.index(table)
    await settle(pilot)


async def test_the_newest_entries_come_first_with_their_fields(company: Company) -> None:
    async with opened(company.app()) as pilot:
        await press(pilot, "f6")
        table = pilot.app.screen.query_one("#entries", RecordTable)
        assert table.row_count > 0
        screen = painted(pilot)
        assert "Fields" in screen
        assert "India time" in screen


async def test_a_change_is_shown_as_old_and_new_and_the_rest_is_folded(own_company: Company) -> None:
    async with opened(own_company.app()) as pilot:
        for key in ("f4", "enter", "ctrl+s", "f6"):
            await press(pilot, key)
        await go_to(pilot, "orders")
        screen = painted(pilot)
        assert "~ status" in screen
        assert "pending → DELIVERED" in screen
        assert "unchanged:" in screen


async def test_entries_narrow_to_the_record_under_the_cursor_and_widen_again(company: Company) -> None:
    async with opened(company.app()) as pilot:
        await press(pilot, "f6")
        table = pilot.app.screen.query_one("#entries", RecordTable)
        every = table.row_count
        await press(pilot, "s")
        assert 1 <= table.row_count < every
        await press(pilot, "x")
        assert table.row_count == every


async def test_o_goes_to_the_order_and_says_why_where_there_is_none(own_company: Company) -> None:
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f4", "enter", "ctrl+s")
        await press(pilot, "f6")
        await go_to(pilot, "delivery_statuses")
        await press(pilot, "o")
        assert "The entry is about delivery_statuses" in painted(pilot)
        await go_to(pilot, "orders")
        await press(pilot, "o")
        assert pilot.app.current_mode == "orders"
        assert re.search("Status +delivered", painted(pilot))


async def test_in_a_narrow_terminal_enter_shows_the_change(company: Company) -> None:
    async with opened(company.app(), (80, 24)) as pilot:
        await press(pilot, "f6")
        await press(pilot, "enter")
        sheet = pilot.app.screen.query_one("#entry", Sheet)
        assert sheet.display
        assert pilot.app.focused is sheet
        await press(pilot, "escape")
        assert not sheet.display
