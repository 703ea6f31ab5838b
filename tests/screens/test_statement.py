"""The month and the statement on the screen: from the billing to an area, a customer, a line, and to a file."""

import csv
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.billing.screen import BillingScreen
from screens.month.screen import MonthScreen
from screens.orders.screen import OrdersScreen
from screens.statement.screen import StatementScreen
from screens.widgets.field import Field
from screens.widgets.sheet import Sheet
from screens.widgets.table import RecordTable
from services.operators.operator import Operator
from tests.screens.conftest import Company, opened, painted, press, settle, type_text
from tests.screens.test_hostile_text import CONTROL, ESCAPE, MARKUP, rename_customers
from tests.screens.test_snapshots import SIZES, Compare, after

VIEWER = Operator("vera", ("viewer",))


def table(pilot: Pilot[Any], name: str) -> RecordTable:
    return pilot.app.screen.query_one(name, RecordTable)


async def to_statement(pilot: Pilot[Any]) -> StatementScreen:
    """The statement of the newest customer of all areas, for October."""
    await press(pilot, "f5", "m")
    await press(pilot, "left_square_bracket")
    await press(pilot, "c", "enter")
    assert isinstance(pilot.app.screen, StatementScreen)
    return pilot.app.screen


class TestMonth:
    async def test_it_leads_from_the_areas_to_a_statement_and_back(self, company: Company) -> None:
        async with opened(company.app(VIEWER)) as pilot:
            await press(pilot, "f5", "m")
            assert isinstance(pilot.app.screen, MonthScreen)
            assert "2026-11" in painted(pilot)
            everybody = table(pilot, "#customers").row_count
            await press(pilot, "left_square_bracket")
            assert "2026-10" in painted(pilot)
            await press(pilot, "enter")
            assert table(pilot, "#customers").has_focus
            assert 0 < table(pilot, "#customers").row_count < everybody
            await press(pilot, "enter")
            assert isinstance(pilot.app.screen, StatementScreen)
            assert "2026-10" in painted(pilot)
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, MonthScreen)
            await press(pilot, "escape", "escape")
            assert isinstance(pilot.app.screen, BillingScreen)

    async def test_areas_are_narrowed_as_one_types_and_customers_by_what_they_owe(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f5", "m")
            all_areas, everybody = table(pilot, "#areas").row_count, table(pilot, "#customers").row_count
            await press(pilot, "slash")
            await type_text(pilot, "JAYA")
            assert table(pilot, "#areas").row_count == 1 < all_areas
            await press(pilot, "enter")
            assert table(pilot, "#areas").has_focus
            pilot.app.screen.query_one("#only").focus()
            await press(pilot, "enter", "down", "down", "down", "down", "enter")
            only_missing = table(pilot, "#customers")
            assert 0 < only_missing.row_count < everybody
            missing = [row.cells[-1].plain for row in only_missing._rows if not isinstance(row.cells[-1], int)]  # type: ignore[union-attr]
            assert all(int(number) > 0 for number in missing)

    async def test_the_file_holds_every_customer(
        self, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        async with opened(company.app()) as pilot:
            await press(pilot, "f5", "m")
            await save(pilot, "m.csv")
            assert "Written to m.csv" in painted(pilot)
            with (tmp_path / "m.csv").open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))
            areas = sum(int(row["total_paise"]) for row in rows if row["section"] == "area")
            assert areas == sum(int(row["total_paise"]) for row in rows if row["section"] == "customer") > 0


class TestStatement:
    async def test_the_calendar_follows_the_cursor_and_the_months_turn(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f5", "m")
            pilot.app.push_screen(StatementScreen(company_context(pilot), await subscriber(company), "2026-11"))
            await press(pilot, "left_square_bracket")
            october = painted(pilot)
            assert "Mon   Tue   Wed" in october
            assert "Counts the whole month." in october
            await press(pilot, "right_square_bracket")
            assert "is for days after 2026-11-22" in painted(pilot)
            await press(pilot, "enter")
            assert pilot.app.screen.query_one("#behind", Sheet).has_focus
            await press(pilot, "escape")
            assert table(pilot, "#lines").has_focus

    async def test_enter_on_an_order_shows_the_order(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f5", "m")
            customer, order = await buyer(company)
            pilot.app.push_screen(StatementScreen(company_context(pilot), customer, "2026-10"))
            await settle(pilot)
            await press(pilot, "G", "enter")
            assert isinstance(pilot.app.screen, OrdersScreen)
            assert order in painted(pilot)

    async def test_it_is_saved(self, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        async with opened(company.app()) as pilot:
            await to_statement(pilot)
            await save(pilot, "s.csv")
            with (tmp_path / "s.csv").open(newline="", encoding="utf-8") as stream:
                assert {row["section"] for row in csv.DictReader(stream)} >= {"about"}

    async def test_names_are_only_text(self, own_company: Company) -> None:
        await rename_customers(own_company, f"{ESCAPE}{MARKUP}")
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "m")
            assert not CONTROL.search(painted(pilot))
            await press(pilot, "enter")
            assert f"Customers · ␛]0;pwned␇␛[31mRed{MARKUP[:8]}" in painted(pilot)
            await press(pilot, "enter")
            assert isinstance(pilot.app.screen, StatementScreen)
            assert not CONTROL.search(painted(pilot))
            assert "pwned" in painted(pilot)

    async def test_a_customer_who_is_gone_is_told(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f5", "m")
            pilot.app.push_screen(StatementScreen(company_context(pilot), "gone", "2026-10"))
            await press(pilot, "s")
            assert "No customer fits 'gone'" in painted(pilot)
            assert isinstance(pilot.app.screen, StatementScreen)


def company_context(pilot: Pilot[Any]) -> Any:
    assert isinstance(pilot.app.screen, MonthScreen)
    return pilot.app.screen.context


async def subscriber(company: Company) -> str:
    """A customer with a daily subscription."""
    async with company.connected() as database:
        daily = {"mode": "fixed_daily", "status": "active", "stop_date": None, "pause_intervals": None}
        found = await database["subscriptions_v2"].find_one({**daily, "customer_id": {"$exists": True}})
        assert found
        return str(found["customer_id"])


async def buyer(company: Company) -> tuple[str, str]:
    """A customer whose October ends with a one-time order, and that order."""
    from services.billing.month_totals import month_customers
    from services.billing.statement import show_statement
    from tests.screens.conftest import NOW

    async with company.connected() as database:
        page = await month_customers(database, VIEWER, lambda: NOW, "2026-10", only="missing")
        customer = page.items[0].customer_id
        statement = await show_statement(database, VIEWER, lambda: NOW, customer, "2026-10")
        return customer, str(statement.lines[-1].id)


async def save(pilot: Pilot[Any], name: str) -> None:
    await press(pilot, "s")
    field = pilot.app.screen.query_one("#path", Field)
    field.value = ""
    field.input.focus()
    await type_text(pilot, name)
    await press(pilot, "enter")


@SIZES
class TestLooks:
    def test_the_month(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(company.app(), terminal_size=size, run_before=after("f5", "m", "left_square_bracket"))

    def test_a_statement(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        keys = ("f5", "m", "left_square_bracket", "c", "G", "enter")
        assert snap_compare(company.app(), terminal_size=size, run_before=after(*keys))
