"""A run on the screen: seen live by whoever looks, steered, approved, and taken back."""

import re
from typing import Any

from textual.widgets import Button

from screens.billing.screen import BillingScreen
from screens.run.screen import RunScreen
from screens.widgets.dialog import TypedConfirmation
from screens.widgets.notice import Notice
from screens.widgets.reason import ReasonDialog
from services.backfills.approval import approve
from services.backfills.runs import list_runs
from services.operators.operator import Operator
from tests.screens.conftest import NOW, Company, opened, painted, press, settle, type_text

RAVI = Operator("ravi", ("ops",))


async def bills(company: Company) -> int:
    async with company.connected() as database:
        return await database["billing_records"].count_documents({})


async def stored(company: Company, **values: Any) -> None:
    async with company.connected() as database:
        await database["console_runs"].update_many({}, {"$set": values})


async def preview(pilot: Any) -> None:
    """Make a plan and open its run; a key that needs what the one before asked for waits for it."""
    await press(pilot, "f5", "p")
    await press(pilot, "v")


async def commit(pilot: Any) -> str:
    await press(pilot, "c")
    dialog = pilot.app.screen
    assert isinstance(dialog, TypedConfirmation)
    await press(pilot, "tab")
    await type_text(pilot, dialog._expected)
    await press(pilot, "enter", "enter")
    return dialog._expected


async def test_a_committed_run_is_taken_back_with_a_reason_and_a_typed_number(own_company: Company) -> None:
    before = await bills(own_company)
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f5", "p")
        number = await commit(pilot)
        assert isinstance(pilot.app.screen, RunScreen)
        assert await bills(own_company) == before + int(number)
        await press(pilot, "z")
        assert isinstance(pilot.app.screen, ReasonDialog)
        assert pilot.app.screen.query_one("#confirm", Button).disabled
        await press(pilot, "tab", "shift+tab", "shift+tab")
        pilot.app.screen.query_one("#reason Input").focus()
        await type_text(pilot, "wrong month")
        await press(pilot, "enter", "enter")
        dialog = pilot.app.screen
        assert isinstance(dialog, TypedConfirmation)
        assert pilot.app.focused is dialog.query_one("#keep", Button)
        await press(pilot, "tab")
        await type_text(pilot, number)
        await press(pilot, "enter", "enter")
        screen = painted(pilot)
        assert "rolled-back" in screen
        assert "wrong month" in screen
        assert f"{number} of {number}" in screen
        await press(pilot, "escape", "f2")
        assert re.search(rf"rolled-back +0 of {number} ", painted(pilot))
    assert await bills(own_company) == before


async def test_another_operators_plan_is_approved_but_not_ones_own(own_company: Company) -> None:
    async with opened(own_company.app(alone=100)) as pilot:
        await press(pilot, "f5", "p")
        await press(pilot, "c")
        assert "Another operator must approve it: it changes 149 records" in words(pilot)
        await press(pilot, "escape", "v", "a")
        assert "It is your own plan" in painted(pilot)
    async with opened(own_company.app(RAVI)) as pilot:
        await press(pilot, "f5", "v")
        await press(pilot, "a")
        assert "Approved." in painted(pilot)
        assert "ravi" in painted(pilot)
    async with opened(own_company.app(alone=100)) as pilot:
        await press(pilot, "f5", "c")
        assert "Type 149 to commit" in painted(pilot)
        assert "must approve" not in words(pilot)


def words(pilot: Any) -> str:
    """What is painted, as one line."""
    return " ".join(painted(pilot).replace("│", " ").split())


async def test_what_others_do_with_the_runs_is_seen_on_the_billing_screen(own_company: Company) -> None:
    async with opened(own_company.app(alone=100)) as pilot:
        await press(pilot, "f5", "p")
        await press(pilot, "c")
        assert "must approve" in words(pilot)
        await press(pilot, "escape")
        async with own_company.connected() as database:
            (run,) = (await list_runs(database, RAVI))[:1]
            await approve(database, RAVI, lambda: NOW, run.run, run.digest)
        screen = pilot.app.screen
        assert isinstance(screen, BillingScreen)
        screen._look()
        await settle(pilot)
        await press(pilot, "c")
        assert "must approve" not in words(pilot)


async def test_a_run_that_somebody_else_works_on_is_seen_and_paused(own_company: Company) -> None:
    async with opened(own_company.app(RAVI)) as pilot:
        await press(pilot, "f5", "p")
        async with own_company.connected() as database:
            now: dict[str, Any] = {"$add": ["$$NOW", 600_000]}
            running = {"state": "running", "lease.until": now, "began": {"at": "$$NOW", "rows": 0}}
            await database["console_runs"].update_many({}, [{"$set": running}])
        await press(pilot, "v")
        assert isinstance(pilot.app.screen, RunScreen)
        assert "0 of 149" in painted(pilot)
        assert "running" in painted(pilot)
        await press(pilot, "r")
        assert "There is nothing to go on with." in painted(pilot)
        await stored(own_company, **{"state": "paused", "lease.until": None})
        pilot.app.screen._look()
        await settle(pilot)
        assert "There is nothing to go on with." not in painted(pilot)
        await press(pilot, "y")
        assert "paused" in painted(pilot)
        await press(pilot, "r")
        assert "✓ the database adds up" in painted(pilot)


async def test_a_paused_rollback_is_told_from_one_whose_runner_died(own_company: Company) -> None:
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f5", "p")
        await commit(pilot)
        reversal = {"by": "ravi", "at": NOW.isoformat(), "reason": "wrong"}
        await stored(own_company, state="rolling-back", reversal=reversal)
        await press(pilot, "escape", "v")
        assert "rolling-back, and nobody works on it: r goes on" in painted(pilot)
        await stored(own_company, paused=True)
        await press(pilot, "escape", "v")
        assert "rolling-back, paused: r goes on" in painted(pilot)
        await press(pilot, "r")
        assert "rolled-back" in painted(pilot)


async def test_a_notice_about_a_state_goes_with_the_state(own_company: Company) -> None:
    async with opened(own_company.app(RAVI)) as pilot:
        await press(pilot, "f5", "p")
        number = await commit(pilot)
        dialog = pilot.app.screen
        assert isinstance(dialog, RunScreen)
        told = f"{number} of {number} billed"
        await press(pilot, "p")
        assert "is done. Nobody works on it." in painted(pilot)
        await press(pilot, "y")
        assert "Added up again." in painted(pilot)
        await stored(own_company, state="rolled-back")
        dialog._look()
        await settle(pilot)
        assert "Added up again." not in painted(pilot)
        notice = pilot.app.screen_stack[-2].query_one("#notice", Notice)
        assert told in notice.said
        await press(pilot, "escape")
        assert "rolled-back" in painted(pilot)
        assert notice.said == ""


async def test_a_cancelled_plan_is_over(own_company: Company) -> None:
    before = await bills(own_company)
    async with opened(own_company.app()) as pilot:
        await preview(pilot)
        await press(pilot, "x")
        assert isinstance(pilot.app.screen, TypedConfirmation)
        await press(pilot, "tab")
        await type_text(pilot, "cancel")
        await press(pilot, "enter", "enter")
        assert "Cancelled." in painted(pilot)
        await press(pilot, "escape", "c")
        assert isinstance(pilot.app.screen, BillingScreen)
        assert "is cancelled" in painted(pilot)
    assert await bills(own_company) == before


async def test_a_viewer_looks_and_decides_nothing(own_company: Company) -> None:
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f5", "p")
    async with opened(own_company.app(Operator("vera", ("viewer",)))) as pilot:
        await press(pilot, "f5", "v")
        for key in ("p", "r", "x", "a", "z"):
            await press(pilot, key)
            assert isinstance(pilot.app.screen, RunScreen)
            assert "It needs the role ops; vera has viewer." in painted(pilot)


async def test_in_a_narrow_terminal_the_keys_that_can_be_pressed_go_before_greyed_ones_and_f1_tells_all(
    own_company: Company,
) -> None:
    async with opened(own_company.app(), (80, 24)) as pilot:
        await press(pilot, "f5", "p")
        number = await commit(pilot)
        bottom = painted(pilot).splitlines()[-1]
        assert "z Take back" in bottom
        assert "o Report" in bottom
        assert "…" in bottom
        await press(pilot, "z")
        assert f"{number} records, ₹" in painted(pilot)
        await press(pilot, "escape")
        await press(pilot, "f1")
        assert "Help · Run" in painted(pilot)
        assert "Keys of this screen" in painted(pilot)
