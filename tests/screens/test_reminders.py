"""Reminders on the screen: read, released, sent and cancelled, with the safe answer in focus."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot
from textual.widgets import Button

from console.app import DeliveryConsole
from screens.context import Context
from screens.reminders.screen import RemindersScreen
from screens.widgets.dialog import TypedConfirmation
from screens.widgets.reason import ReasonDialog
from screens.widgets.table import RecordTable
from services.backfills.commit import commit
from services.backfills.preview import preview
from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from services.reminders.providers.account import Account
from services.reminders.recipients import Language
from tests.screens.conftest import NOW, OPS, Company, opened, painted, press, settle, type_text
from tests.services.reminders.providing import ProviderServer, serving

RUN = "run-20261122-100000-demo"


@dataclass(frozen=True)
class Billed:
    """A company whose one-time orders were billed just now."""

    company: Company

    def app(
        self,
        operator: Operator = OPS,
        *,
        language: Language = "en",
        account: Account | None = None,
        clock: Clock = lambda: NOW,
    ) -> DeliveryConsole:
        """The console on it, with an account at a provider."""

        @asynccontextmanager
        async def opening() -> AsyncIterator[Context]:
            async with self.company.connected() as database:
                yield Context(database, operator, clock, "demo", reminder_account=account, reminder_language=language)

        return DeliveryConsole(opening)

    async def count(self, collection: str, **matching: object) -> int:
        async with self.company.connected() as database:
            return await database[collection].count_documents(matching)


@pytest.fixture
def billed(own_company: Company, monkeypatch: pytest.MonkeyPatch) -> Billed:
    monkeypatch.setattr("services.backfills.preview.new_run_id", lambda now: RUN)

    async def bill() -> None:
        async with own_company.connected() as database:
            plan = await preview(database, OPS, lambda: NOW, "bill-one-time-orders")
            await commit(database, OPS, lambda: NOW, RUN, plan.digest)

    with ThreadPoolExecutor(1) as elsewhere:  # this thread's event loop is the tests'
        elsewhere.submit(asyncio.run, bill()).result()
    return Billed(own_company)


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with serving() as provider:
        yield provider


def account(server: ProviderServer) -> Account:
    return Account("whatsapp", SecretStr("s3cret"), "555", base=server.url)


def table(pilot: Pilot[None]) -> RecordTable:
    return pilot.app.screen.query_one("#reminder-list", RecordTable)


async def release(pilot: Pilot[None]) -> int:
    await press(pilot, "r")
    dialog = pilot.app.screen
    assert isinstance(dialog, TypedConfirmation)
    await type_text(pilot, dialog._expected)
    await press(pilot, "enter", "enter")
    return int(dialog._expected)


class TestReading:
    async def test_each_customers_message_is_shown_in_full_before_it_goes_out(self, billed: Billed) -> None:
        async with opened(billed.app()) as pilot:
            await press(pilot, "f7")
            screen = painted(pilot)
            assert "to release" in screen
            assert "without a number" in screen
            assert "Dear " in screen
            assert "kept back" in screen or table(pilot).more

    async def test_a_telugu_message_is_shown_in_telugu(self, billed: Billed) -> None:
        async with opened(billed.app(language="te")) as pilot:
            await press(pilot, "f7")
            assert "ప్రియమైన" in painted(pilot)

    async def test_a_viewer_reads_with_phones_masked_and_is_told_why_nothing_can_be_released(
        self, billed: Billed
    ) -> None:
        async with opened(billed.app(Operator("vera", ("viewer",)))) as pilot:
            await press(pilot, "f7")
            assert "•••••" in painted(pilot)
            assert "+91" not in painted(pilot)
            await press(pilot, "r")
            assert isinstance(pilot.app.screen, RemindersScreen)
            assert "It needs the role ops; vera has viewer." in painted(pilot)

    async def test_the_state_narrows_the_list(self, billed: Billed) -> None:
        async with opened(billed.app()) as pilot:
            await press(pilot, "f7")
            await press(pilot, "slash")
            await type_text(pilot, "run-none")
            await press(pilot, "enter")
            assert table(pilot).row_count == 0
            assert "No reminder fits." in painted(pilot)


class TestReleasing:
    async def test_cancel_has_the_focus_and_the_release_waits_for_the_typed_number(self, billed: Billed) -> None:
        async with opened(billed.app()) as pilot:
            await press(pilot, "f7", "r")
            dialog = pilot.app.screen
            assert isinstance(dialog, TypedConfirmation)
            assert pilot.app.focused is dialog.query_one("#keep", Button)
            assert dialog.query_one("#confirm", Button).disabled
            await press(pilot, "escape")
        assert await billed.count("notifications_queue", source="delivery-console") == 0

    async def test_released_messages_wait_and_sending_without_a_provider_says_so(self, billed: Billed) -> None:
        async with opened(billed.app()) as pilot:
            await press(pilot, "f7")
            number = await release(pilot)
            assert f"{number} messages wait in the queue" in painted(pilot)
            await press(pilot, "s")
            assert "No provider is configured" in painted(pilot)
        assert await billed.count("notifications_queue", source="delivery-console") == number

    async def test_sending_asks_shows_its_end_and_sends_each_once(self, billed: Billed, server: ProviderServer) -> None:
        async with opened(billed.app(account=account(server))) as pilot:
            await press(pilot, "f7")
            number = await release(pilot)
            await press(pilot, "s")
            assert isinstance(pilot.app.screen, TypedConfirmation)
            await type_text(pilot, str(number))
            await press(pilot, "enter", "enter")
            assert f"{number} sent." in painted(pilot)
        assert len(server.asked) == len(set(server.phones())) == number

    async def test_a_template_that_is_refused_is_told_and_nothing_is_released(self, billed: Billed) -> None:
        async with billed.company.connected() as database:
            await spoil(database)
        async with opened(billed.app()) as pilot:
            await press(pilot, "f7", "r")
            assert isinstance(pilot.app.screen, RemindersScreen)
            assert "is refused: it reaches into a value" in painted(pilot)


async def spoil(database: Database) -> None:
    evil = {"$set": {"content": "{{ customer_name.__class__ }}"}}
    await database["notification_templates"].update_one({"language": "en"}, evil)


class TestCancelling:
    async def test_one_is_cancelled_with_the_reason_and_keep_has_the_focus(self, billed: Billed) -> None:
        async with opened(billed.app()) as pilot:
            await press(pilot, "f7", "c")
            dialog = pilot.app.screen
            assert isinstance(dialog, ReasonDialog)
            assert pilot.app.focused is dialog.query_one("#keep", Button)
            assert dialog.query_one("#confirm", Button).disabled
            dialog.query_one("#reason Input").focus()
            await type_text(pilot, "paid in cash")
            await press(pilot, "enter", "enter")
            assert "Cancelled: the reminders of" in painted(pilot)
        assert await billed.count("console_outbox", state="cancelled", reason="paid in cash") > 0
        assert await billed.count("console_outbox", state="held") > 0

    async def test_a_whole_run_is_cancelled(self, billed: Billed) -> None:
        async with opened(billed.app()) as pilot:
            await press(pilot, "f7")
            await release(pilot)
            await press(pilot, "x")
            pilot.app.screen.query_one("#reason Input").focus()
            await type_text(pilot, "wrong month")
            await press(pilot, "enter", "enter")
            assert "Cancelled" in painted(pilot)
        assert await billed.count("notifications_queue", source="delivery-console") == 0
        assert await billed.count("console_outbox", state="cancelled") == await billed.count("console_outbox")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "narrow"])
class TestLooks:
    def test_reminders(self, billed: Billed, snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
        assert snap_compare(billed.app(language="te"), terminal_size=size, run_before=arrive("f7"))

    def test_the_release_and_in_a_narrow_terminal_the_message(
        self, billed: Billed, snap_compare: Callable[..., bool], size: tuple[int, int]
    ) -> None:
        keys = ("f7", "enter") if size[0] < 100 else ("f7", "r")
        assert snap_compare(billed.app(), terminal_size=size, run_before=arrive(*keys))


def arrive(*keys: str) -> Callable[[Pilot[None]], object]:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        for key in keys:
            await press(pilot, key)

    return run
