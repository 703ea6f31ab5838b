"""The month and the statement on the screen: from the billing to an area, a customer, a line, and to a file."""

import csv
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import Select

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


async def test_the_month_leads_to_areas_customers_and_a_statement_and_back(company: Company) -> None:
    async with opened(company.app(VIEWER)) as pilot:
        await press(pilot, "f5", "m")
        assert "2026-11" in painted(pilot)
        await press(pilot, "left_square_bracket")
        assert "2026-10" in painted(pilot)
        areas, everybody = table(pilot, "#areas").row_count, table(pilot, "#customers").row_count
        await press(pilot, "slash")
        await type_text(pilot, "JAYA")
        assert table(pilot, "#areas").row_count == 1 < areas
        await press(pilot, "enter", "enter")
        await settle(pilot)
        assert table(pilot, "#customers").has_focus
        assert 0 < table(pilot, "#customers").row_count < everybody
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, StatementScreen)
        assert "2026-10" in painted(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MonthScreen)
        pilot.app.screen.query_one("#only", Select).value = "missing"
        await press(pilot, "c")
        customers = table(pilot, "#customers")
        assert 0 < customers.row_count < everybody
        assert all(isinstance(row.cells[-1], Text) and row.cells[-1].plain for row in customers._rows)
        await press(pilot, "escape", "escape")
        assert isinstance(pilot.app.screen, BillingScreen)


async def test_a_phone_in_the_search_of_the_month_finds_whose_statement_it_is(company: Company) -> None:
    async with company.connected() as database:
        customer = await database["customers_v2"].find_one({"phone": {"$regex": "^[6-9][0-9]{9}$"}})
    assert customer is not None
    async with opened(company.app()) as pilot:
        await press(pilot, "f5", "m", "slash", *"jaya", "enter")  # the areas may not be known yet
        assert table(pilot, "#areas").has_focus
        assert table(pilot, "#areas").row_count == 1
        await press(pilot, "slash", "ctrl+u")
        await type_text(pilot, customer["phone"])
        assert "No area fits; Enter in the search looks for a customer." in painted(pilot)
        await press(pilot, "enter")
        assert "Whose statement?" in painted(pilot)
        await press(pilot, "enter")
        statement = pilot.app.screen
        assert isinstance(statement, StatementScreen)
        assert statement.customer_shown() == customer["id"]
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MonthScreen)


async def test_both_are_saved_with_all_that_is_in_them(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(company.app()) as pilot:
        await press(pilot, "f5", "m")
        await save(pilot, "m.csv")
        assert "Written to m.csv" in painted(pilot)
        pilot.app.push_screen(StatementScreen(context_of(pilot), await subscriber(company), "2026-10"))
        await settle(pilot)
        await save(pilot, "s.csv")
        assert "Written to s.csv" in painted(pilot)
    totals = {
        section: sum(int(row["total_paise"]) for row in rows(tmp_path / "m.csv", section))
        for section in ("area", "customer")
    }
    assert totals["area"] == totals["customer"] > 0
    assert len(rows(tmp_path / "s.csv", "day")) % 31 == 0 < len(rows(tmp_path / "s.csv", "day"))


async def test_the_calendar_follows_the_months_and_an_order_leads_to_its_screen(company: Company) -> None:
    async with opened(company.app()) as pilot:
        await press(pilot, "f5", "m")
        customer, order = await buyer(company)
        pilot.app.push_screen(StatementScreen(context_of(pilot), await subscriber(company), "2026-11"))
        await press(pilot, "left_square_bracket")
        assert "Mon   Tue   Wed" in painted(pilot)
        assert "Counts the whole month." in painted(pilot)
        await press(pilot, "right_square_bracket")
        assert "is for days after 2026-11-22" in painted(pilot)
        await press(pilot, "enter")
        assert pilot.app.screen.query_one("#behind", Sheet).has_focus
        await press(pilot, "escape")
        assert table(pilot, "#lines").has_focus
        await press(pilot, "escape")
        pilot.app.push_screen(StatementScreen(context_of(pilot), "gone", "2026-10"))
        await settle(pilot)
        assert "No customer fits 'gone'" in painted(pilot)
        await press(pilot, "escape")
        pilot.app.push_screen(StatementScreen(context_of(pilot), customer, "2026-10"))
        await settle(pilot)
        await press(pilot, "G", "enter")
        assert isinstance(pilot.app.screen, OrdersScreen)
        assert order in painted(pilot)


async def test_names_and_areas_are_only_text(own_company: Company) -> None:
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


def context_of(pilot: Pilot[Any]) -> Any:
    assert isinstance(pilot.app.screen, MonthScreen)
    return pilot.app.screen.context


def rows(file: Path, section: str) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["section"] == section]


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
