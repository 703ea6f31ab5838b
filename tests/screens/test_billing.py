"""The billing fix on the screen: preview, records, commit, receipt."""

from datetime import date, timedelta

from textual.widgets import Button

from screens.billing.screen import BillingScreen
from screens.run.screen import RunScreen
from screens.widgets.dialog import TypedConfirmation
from screens.widgets.facts import FactsScreen
from screens.widgets.table import RecordTable
from services.backfills.plan import Options
from services.backfills.preview import preview
from services.operators.operator import Operator
from tests.screens.conftest import NOW, OPS, Company, opened, painted, press, type_text

FIX = "bill-one-time-orders"


async def bills(company: Company) -> int:
    async with company.connected() as database:
        return await database["billing_records"].count_documents({})


def rows(screen: object) -> RecordTable:
    assert isinstance(screen, BillingScreen)
    return screen.query_one("#rows", RecordTable)


class TestPreviewing:
    async def test_a_preview_shows_every_class_and_changes_nothing(self, own_company: Company) -> None:
        before = await bills(own_company)
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            screen = painted(pilot)
            for title in ("To bill", "Already billed", "Flagged, no record", "Not delivered", "Needs review"):
                assert title in screen
            assert "300 examined" in screen
            assert rows(pilot.app.screen).row_count > 0
        assert await bills(own_company) == before

    async def test_the_newest_plan_comes_into_sight_unless_another_was_chosen(self, own_company: Company) -> None:
        async def colleague(minutes: int) -> str:
            async with own_company.connected() as database:
                asked = Options(delivered_from=date(2026, 11, minutes))
                await preview(database, OPS, lambda: NOW + timedelta(minutes=minutes), FIX, asked)
            return f"delivered from 2026-11-{minutes:02}"

        first = await colleague(1)
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5")
            assert first in painted(pilot)
            second = await colleague(2)
            await press(pilot, "f2", "f5")
            assert second in painted(pilot)
            third = await colleague(3)
            await press(pilot, "ctrl+r")
            assert third in painted(pilot)
            pilot.app.screen.query_one("#runs", RecordTable).focus()
            await press(pilot, "end", "enter")
            assert first in painted(pilot)
            await press(pilot, "f2", "f5", "ctrl+r")
            assert first in painted(pilot)

    async def test_the_records_follow_the_class_under_the_cursor(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "end")
            assert rows(pilot.app.screen).border_title == "Records · Needs review"
            assert rows(pilot.app.screen).row_count == 6

    async def test_the_records_are_narrowed_to_a_customer_and_widened_again(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            every = rows(pilot.app.screen).row_count
            await press(pilot, "a")
            title = str(rows(pilot.app.screen).border_title)
            whose = title.rpartition(" · ")[2]
            assert title.startswith("Records · To bill · ")
            assert 0 < rows(pilot.app.screen).row_count < every
            assert {row.cells[1].plain for row in rows(pilot.app.screen).rows} == {whose}  # type: ignore[union-attr]
            await press(pilot, "a")
            assert rows(pilot.app.screen).row_count == every

    async def test_a_stored_plan_that_somebody_altered_is_told(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            async with own_company.connected() as database:
                of_review = {"_id": {"$regex": "/needs-review/"}}
                await database["console_plan_rows"].update_many(of_review, {"$set": {"rows.0.message": "all is well"}})
            await press(pilot, "end")
            assert rows(pilot.app.screen).border_title == "✗ Not as previewed · Records · Needs review"
            assert "rows were altered or added. Preview again." in painted(pilot)
            assert all(row.cells[0].plain.startswith("✗ ") for row in rows(pilot.app.screen).rows)  # type: ignore[union-attr]

    async def test_enter_on_a_record_goes_to_its_order(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "enter")
            record = rows(pilot.app.screen).row
            assert record is not None
            await press(pilot, "enter")
            assert pilot.app.current_mode == "orders"
            assert record.key[:20] in painted(pilot)

    async def test_a_day_that_is_none_keeps_the_preview_from_starting(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f5", "slash")
            await type_text(pilot, "yesterweek")
            await press(pilot, "enter")
            assert "is not a day" in painted(pilot)

    async def test_a_viewer_sees_the_figures_and_why_they_cannot_be_committed(self, company: Company) -> None:
        async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
            await press(pilot, "f5", "p")
            assert "To bill" in painted(pilot)
            await press(pilot, "c")
            assert not isinstance(pilot.app.screen, TypedConfirmation)
            assert "It needs the role ops; vera has viewer." in painted(pilot)

    async def test_without_transactions_the_screen_says_why_nothing_can_be_committed(self, company: Company) -> None:
        async with opened(company.app(read_only="This MongoDB has no transactions.")) as pilot:
            await press(pilot, "f5", "c")
            assert "This MongoDB has no transactions." in painted(pilot)
            assert "READ-ONLY" in painted(pilot)


class TestCommitting:
    async def test_cancel_has_the_focus_and_commit_waits_for_the_typed_number(self, own_company: Company) -> None:
        before = await bills(own_company)
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "c")
            dialog = pilot.app.screen
            assert isinstance(dialog, TypedConfirmation)
            cancel, commit = dialog.query_one("#keep", Button), dialog.query_one("#confirm", Button)
            assert pilot.app.focused is cancel
            await press(pilot, "tab")
            await type_text(pilot, "7")
            assert commit.disabled
            await press(pilot, "enter")
            assert pilot.app.screen is dialog
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, BillingScreen)
        assert await bills(own_company) == before

    async def test_a_commit_ends_with_a_receipt_of_what_was_done(self, own_company: Company) -> None:
        before = await bills(own_company)
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            number = await commit(pilot)
            assert isinstance(pilot.app.screen, RunScreen)
            screen = painted(pilot)
            assert f"Applied       {number} of {number} records" in screen
            assert "✓ the database" in screen
            assert "Digest" in screen
            await press(pilot, "escape", "c")
            assert "is done. Preview again" in painted(pilot)
        assert await bills(own_company) == before + int(number)

    async def test_the_records_that_drifted_are_left_alone_and_told(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            record = rows(pilot.app.screen).row
            assert record is not None
            async with own_company.connected() as database:
                await database["orders"].update_one({"id": record.key}, {"$set": {"total_amount": 1.0}})
            await commit(pilot)
            assert "Drifted       1" in painted(pilot)
            assert record.key in painted(pilot)

    async def test_an_interrupted_run_is_offered_and_resumed(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            async with own_company.connected() as database:
                await database["console_runs"].update_many({}, {"$set": {"state": "running"}})
            await press(pilot, "f2")
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5")
            assert "was interrupted" in painted(pilot)
            await press(pilot, "r")
            assert "✓ the database" in painted(pilot)


class TestRepairs:
    async def test_each_repair_can_be_chosen_and_previewed_and_one_committed(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5")
            for title in ("Repair billed", "Add order", "Link users", "Link deliveries"):
                await choose(pilot, 1)
                assert title in painted(pilot)
                assert "No preview yet" in painted(pilot)
                await press(pilot, "p")
                screen = painted(pilot)
                assert "To change" in screen
                assert "Nothing to do" in screen
                assert "₹" not in screen.split("Runs")[0]
                assert rows(pilot.app.screen).row_count > 0
            number = await commit(pilot)
            assert f"Applied       {int(number):,} of {int(number):,} records" in painted(pilot)
            assert "✓ the database" in painted(pilot)

    async def test_only_what_the_repair_takes_can_be_asked_for(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f5")
            assert "flagged too" in painted(pilot)
            await choose(pilot, 1)
            assert "Delivered from" in painted(pilot)
            assert "flagged too" not in painted(pilot)
            await choose(pilot, 2)
            assert "Delivered from" not in painted(pilot)

    async def test_what_was_typed_for_one_backfill_is_not_asked_of_another(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "slash")
            await type_text(pilot, "2026-11-01")
            await press(pilot, "escape")
            await choose(pilot, 3)
            await press(pilot, "p")
            assert "60 examined" in painted(pilot)

    async def test_a_record_that_is_no_order_is_shown_in_place(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5")
            await choose(pilot, 3)
            await press(pilot, "p", "enter", "enter")
            assert isinstance(pilot.app.screen, FactsScreen)
            assert "customers_v2" in painted(pilot)
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, BillingScreen)

    async def test_a_run_of_another_backfill_brings_its_own_plan_back(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await choose(pilot, 3)
            await press(pilot, "p")
            runs = pilot.app.screen.query_one("#runs", RecordTable)
            runs.focus()
            # Two runs of one moment stand in either order; the cursor is on the newer one.
            await press(pilot, "up" if runs.cursor else "down", "enter")
            screen = painted(pilot)
            assert "To bill" in screen
            assert "flagged too" in screen


async def choose(pilot: object, steps: int) -> None:
    """Choose the backfill that stands so many below the present one."""
    from textual.pilot import Pilot

    assert isinstance(pilot, Pilot)
    await press(pilot, "b", *["down"] * steps, "enter")


async def commit(pilot: object) -> str:
    from textual.pilot import Pilot

    assert isinstance(pilot, Pilot)
    await press(pilot, "c")
    dialog = pilot.app.screen
    assert isinstance(dialog, TypedConfirmation)
    number = dialog._expected
    await press(pilot, "tab")
    await type_text(pilot, number)
    await press(pilot, "enter", "enter")
    return number
