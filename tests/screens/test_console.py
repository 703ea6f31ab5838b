"""The console around its screens: header, home, opening, and a lost connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Input

from console.app import DeliveryConsole
from screens.context import Context
from screens.place import Place
from screens.widgets.header import PLACES
from screens.widgets.notice import Notice
from services.backfills.commit import commit
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.backfills.runs import RunView
from services.errors import NotPermitted, Unreachable
from services.money import format_rupees
from services.operators.operator import Operator
from tests.failing import failing
from tests.screens.conftest import NOW, OPS, Company, opened, painted, press, settle, type_text


async def _bill(company: Company) -> RunView:
    """What another session bills meanwhile."""
    async with company.connected() as database:
        plan = await preview(database, OPS, lambda: NOW, "bill-one-time-orders")
        return await commit(database, OPS, lambda: NOW, plan.run or "", plan.digest)


class TestHeader:
    async def test_it_names_environment_database_operator_and_roles_on_every_screen(self, company: Company) -> None:
        operator = Operator("olga", ("ops", "auditor"))
        async with opened(company.app(operator, lacking=3)) as pilot:
            for number, _ in enumerate(PLACES, 2):
                await press(pilot, f"f{number}")
                top = painted(pilot).splitlines()[:2]
                assert all(words in top[0] for words in ("DEMO", "delivery_demo", "olga", "ops, auditor"))
                assert "3 indexes missing" in top[1]

    async def test_production_is_loud(self, company: Company) -> None:
        async with opened(company.app(environment="production")) as pilot:
            strip = pilot.app.screen._compositor.render_strips(pilot.app.screen.size)[0]
            (badge,) = (segment for segment in strip if "PRODUCTION" in segment.text)
            assert badge.style is not None
            assert badge.style.bgcolor is not None
            assert badge.style.bgcolor.get_truecolor() == (192, 57, 43)

    async def test_a_hostile_account_name_is_only_text(self, company: Company) -> None:
        async with opened(company.app(Operator("[b]x\x1b[31m", ("viewer",)))) as pilot:
            assert "[b]x␛[31m" in painted(pilot)


class TestHome:
    async def test_what_is_at_stake_is_counted_without_storing_a_plan(self, company: Company) -> None:
        async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
            screen = painted(pilot)
            assert "Delivered, never billed  ₹" in screen
            assert "counted 2026-11-22" in screen
            assert "2026-10" in screen
            assert "No customer belongs to the order." in screen

    async def test_after_a_run_it_is_counted_again(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            before = painted(pilot)
            await _bill(own_company)
            await press(pilot, "f3", "f2")
            assert "₹0.00   0 orders" in painted(pilot) != before
            assert "A run has changed" not in painted(pilot)

    async def test_of_many_orders_it_is_said_that_a_run_has_outrun_the_figures(
        self, own_company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("screens.home.screen._COUNTED_UNASKED", -1)
        async with opened(own_company.app()) as pilot:
            assert "Nothing was counted yet" in painted(pilot)
            done = await _bill(own_company)
            await press(pilot, "r")
            assert "₹0.00   0 orders" in painted(pilot)
            assert "A run has changed" not in painted(pilot)
        async with opened(own_company.app()) as pilot:  # what the latest plan knew
            assert f"{format_rupees(done.amount_paise)}   {done.applied} orders" in painted(pilot)
            assert "A run has changed records since these figures were counted: r counts again." in painted(pilot)
            await press(pilot, "r")
            assert "₹0.00   0 orders" in painted(pilot)
            async with own_company.connected() as database:
                await rollback(database, OPS, lambda: NOW, done.run, "wrong")
            await press(pilot, "f3", "f2")
            assert "A run has changed records since these figures were counted: r counts again." in painted(pilot)

    async def test_enter_on_a_month_goes_to_billing(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "enter")
            assert pilot.app.current_mode == "billing"


class TestOpening:
    async def test_an_account_that_may_not_enter_ends_the_console_with_the_reason(self) -> None:
        @asynccontextmanager
        async def refused() -> AsyncIterator[Context]:
            raise NotPermitted("not-an-operator", "mallory is not an operator.")
            yield

        app = DeliveryConsole(refused)
        async with app.run_test() as pilot:
            await settle(pilot)
        assert app.refusal is not None
        assert app.refusal.code == "not-an-operator"

    async def test_a_server_that_is_not_up_yet_is_waited_for(self, company: Company) -> None:
        tries = []
        inner = company.app()._opening

        @asynccontextmanager
        async def slow() -> AsyncIterator[Context]:
            tries.append(1)
            if len(tries) == 1:
                raise Unreachable("no-connection", "No MongoDB answers at that address.")
            async with inner() as context:
                yield context

        async with opened(DeliveryConsole(slow)) as pilot:
            assert "No MongoDB answers" in painted(pilot)
            while len(tries) < 2:
                await pilot.pause()
            await settle(pilot)
            assert "No MongoDB answers" not in painted(pilot)
            assert "counted 2026-11-22" in painted(pilot)

    @pytest.mark.parametrize("size", [(80, 24), (120, 40), (30, 8)])
    async def test_every_screen_opens_at_every_size(self, company: Company, size: tuple[int, int]) -> None:
        async with opened(company.app(), size) as pilot:
            for number, name in enumerate(PLACES, 2):
                await press(pilot, f"f{number}", "f1", "escape")
                assert isinstance(pilot.app.screen, Place)
                assert name == pilot.app.screen.NAME


class TestALostConnection:
    async def test_a_banner_shows_heals_by_itself_and_what_was_typed_is_answered(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot, own_company.connected() as database:
            await press(pilot, "f3")
            async with failing(database, "find", "ping", closeConnection=True, appName="delivery-console"):
                await type_text(pilot, "ord_")
                banner = pilot.app.screen.query_one("#connection", Notice)
                assert "Trying again by itself" in banner.said
                assert banner.said.split(".")[0] in painted(pilot)
            while banner.said:
                await pilot.pause()
            await settle(pilot)
            assert pilot.app.screen.query_one("#search Input", Input).value == "ord_"
            assert "orders" in painted(pilot)


class TestKeys:
    @pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
    async def test_help_search_and_back_are_told_on_every_screen(self, company: Company, size: tuple[int, int]) -> None:
        async with opened(company.app(Operator("olga", ("ops", "auditor"))), size) as pilot:
            for number, place in enumerate(PLACES, 2):
                await press(pilot, f"f{number}", "escape")
                keys = painted(pilot).splitlines()[-1]
                assert " esc Back " in keys
                assert " F1 Help " in keys
                assert (" / " in keys) == (place != "home")
                assert len(keys.rstrip()) <= size[0]

    async def test_what_has_no_room_is_left_out_whole_and_comes_back_with_the_room(self, company: Company) -> None:
        async with opened(company.app(), (80, 24)) as pilot:
            await press(pilot, "f3", "escape")
            narrow = painted(pilot).splitlines()[-1]
            assert "Confirm delivery" in narrow
            assert "…" in narrow
            assert "Unbilled" not in narrow
            await pilot.resize_terminal(140, 24)
            await settle(pilot)
            wide = painted(pilot).splitlines()[-1]
            assert "…" not in wide
            assert "Unbilled" in wide
