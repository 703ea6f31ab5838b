"""A day's deliveries on the screen, and confirming them."""

from asyncio import Event
from typing import Any

import pytest
from textual.events import Key
from textual.widgets import Input

from screens.asking import Refusal
from screens.deliveries.dialog import ConfirmDelivery, ItemLine
from screens.deliveries.questions import Deleted
from screens.deliveries.screen import DeliveriesScreen
from screens.widgets.field import Field
from screens.widgets.question import Question
from screens.widgets.table import RecordTable
from services.deliveries import day
from services.errors import Refused
from services.operators.operator import Operator
from tests.screens.conftest import Company, opened, painted, press, put, said, settle, stored, type_text
from tests.screens.routes import due, line_of


async def cancel_all_of_today(company: Company) -> None:
    async with company.connected() as database:
        await database["orders"].update_many({"delivery_date": "2026-11-22"}, {"$set": {"status": "CANCELLED"}})


class TestTheDay:
    async def test_today_is_listed_first_and_brackets_turn_the_day(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4")
            assert "Deliveries · Sunday 2026-11-22" in painted(pilot)
            await press(pilot, "[")
            assert "Deliveries · Saturday 2026-11-21" in painted(pilot)
            await press(pilot, "]")
            await press(pilot, "]")
            assert "Deliveries · Monday 2026-11-23" in painted(pilot)
            await press(pilot, "t")
            assert "Deliveries · Sunday 2026-11-22" in painted(pilot)

    async def test_the_list_narrows_by_area(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4")
            table = pilot.app.screen.query_one(RecordTable)
            every = table.row_count
            pilot.app.screen.query_one("#area Input", Input).focus()
            await type_text(pilot, "zzz")
            assert table.row_count == 0
            assert "Nothing due on this day" in painted(pilot)
            await press(pilot, "backspace", "backspace", "backspace")
            assert table.row_count == every

    async def test_a_day_that_is_none_is_told_in_a_sentence(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4")
            day = pilot.app.screen.query_one("#day Input", Input)
            day.value = "2026-02-31"
            await press(pilot, "tab")
            assert "is not a day" in painted(pilot)


class TestWhileTheDayIsRead:
    async def test_the_first_list_is_read_and_not_empty_until_there_is_an_answer(
        self, company: Company, slow_day: Event
    ) -> None:
        async with opened(company.app()) as pilot:
            await pilot.press("f4")
            await pilot.pause()
            assert "Reading …" in painted(pilot)
            assert "Nothing due" not in painted(pilot)
            slow_day.set()
            await settle(pilot)
            assert "Reading …" not in painted(pilot)
            assert pilot.app.screen.query_one(RecordTable).row_count

    async def test_heading_and_rows_change_together(self, company: Company, slow_day: Event) -> None:
        slow_day.set()
        async with opened(company.app()) as pilot:
            await press(pilot, "f4")
            screen = pilot.app.screen
            assert isinstance(screen, DeliveriesScreen)
            table = screen.query_one(RecordTable)
            rows = table.rows
            slow_day.clear()
            await pilot.press("]")
            screen.act_now("typing", screen.read_first)
            await pilot.pause()
            assert table.rows == rows
            assert "Deliveries · Sunday 2026-11-22" in painted(pilot)
            await pilot.press("c")
            assert pilot.app.screen is screen  # neither day's order is confirmed
            slow_day.set()
            await settle(pilot)
            assert table.rows != rows
            assert "Deliveries · Monday 2026-11-23" in painted(pilot)

    async def test_a_list_that_could_not_be_read_is_not_said_to_be_empty(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4")
            pilot.app.screen.query_one(RecordTable).show([])
            pilot.app.screen.post_message(Refusal("list", Refused("too-slow", "It took too long.")))
            await settle(pilot)
            assert "Not read." in painted(pilot)
            assert "Nothing due" not in painted(pilot)


@pytest.fixture
def slow_day(monkeypatch: pytest.MonkeyPatch) -> Event:
    """The day is answered once this is set."""
    answer, real = Event(), day.list_day

    async def waiting(*given: Any) -> Any:
        await answer.wait()
        return await real(*given)

    monkeypatch.setattr(day, "list_day", waiting)
    return answer


class TestConfirming:
    async def test_ordered_quantities_are_filled_in_and_ctrl_s_confirms(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f4")
            row = pilot.app.screen.query_one(RecordTable).row
            assert row is not None
            await press(pilot, "enter")
            for line in pilot.app.screen.query(ItemLine):
                assert line.delivered() == line.known == line.item.quantity
            await press(pilot, "ctrl+s")
            assert not isinstance(pilot.app.screen, ConfirmDelivery)
            assert "is confirmed as delivered" in painted(pilot)
        assert (await stored(own_company, "orders", row.key))["status"] == "DELIVERED"

    async def test_a_refusal_is_shown_in_the_dialog_and_nothing_typed_is_lost(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f4", "enter")
            await cancel_all_of_today(own_company)
            dialog = pilot.app.screen
            dialog.query_one("#reason Input", Input).focus()
            await type_text(pilot, "gate was open")
            await press(pilot, "ctrl+s")
            assert pilot.app.screen is dialog
            assert "a cancelled order cannot be confirmed" in said(pilot)
            assert "cancelled order" in painted(pilot)
            assert dialog.query_one("#reason Input", Input).value == "gate was open"

    async def test_more_than_ordered_is_refused_with_the_rule(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4", "enter")
            line = pilot.app.screen.query(ItemLine).first()
            line.input.value = "1000"
            await press(pilot, "ctrl+s")
            assert "must be between 0 and the ordered" in said(pilot)
            assert line.input.value == "1000"

    async def test_what_is_no_number_is_refused_before_it_is_sent(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4", "enter")
            line = pilot.app.screen.query(ItemLine).first()
            line.input.value = "two [b]"
            await press(pilot, "ctrl+s")
            assert "Type a number" in painted(pilot)

    async def test_keys_that_come_in_a_burst_each_land_where_they_are_meant(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4", "enter")
            dialog, typed = pilot.app.screen, "2099-01-01T06:00"
            for _ in dialog.query(ItemLine):
                pilot.app.post_message(Key("tab", None))
            for letter in "0612":
                pilot.app.post_message(Key(letter, letter))
            pilot.app.post_message(Key("ctrl+u", None))
            for letter in typed:
                pilot.app.post_message(Key(letter, letter))
            pilot.app.post_message(Key("ctrl+s", None))
            await settle(pilot)
            assert pilot.app.screen is dialog
            assert dialog.query_one("#at Input", Input).value == typed
            assert "has not come yet" in said(pilot)

    async def test_an_order_of_a_day_to_come_is_confirmed_when_it_is_said_again(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f4", "]")
            row = pilot.app.screen.query_one(RecordTable).row
            assert row is not None
            await press(pilot, "enter", "ctrl+s")
            assert "that day has not come" in said(pilot)
            await put(pilot, "at", "09:59")
            await press(pilot, "ctrl+s")
            assert "has not come yet" in said(pilot)
            await put(pilot, "at", "")
            await press(pilot, "ctrl+s")
            assert (await stored(own_company, "orders", row.key)).get("delivery_confirmed") is not True
            await press(pilot, "ctrl+s")
            assert "is confirmed as delivered" in painted(pilot)
            await press(pilot, "a", "c")
            assert "The day has not come yet" in painted(pilot)

    async def test_an_order_that_was_deleted_is_told_in_the_dialog_and_in_its_row(self, company: Company) -> None:
        async with company.connected() as database:
            await database["orders"].insert_many([due("z1"), due("z2"), due("z3")])
            try:
                async with opened(company.app()) as pilot:
                    await press(pilot, "f4", "j")
                    table = pilot.app.screen.query_one(RecordTable)
                    listed = [each.key for each in table.rows]
                    assert (listed[:3], table.row and table.row.key) == (["z3", "z2", "z1"], "z2")
                    await press(pilot, "enter")
                    await database["orders"].delete_one({"id": "z2"})
                    await press(pilot, "ctrl+s")
                    assert "was deleted meanwhile" in painted(pilot)
                    await press(pilot, "escape")
                    assert [each.key for each in table.rows] == listed
                    assert "The order was deleted" in line_of(pilot, "z2")
                    await press(pilot, "c")
                    assert not isinstance(pilot.app.screen, ConfirmDelivery)
                    await press(pilot, "ctrl+r")
                    assert [each.key for each in table.rows] == [each for each in listed if each != "z2"]
            finally:
                await database["orders"].delete_many({"id": {"$in": ["z1", "z2", "z3"]}})

    async def test_a_late_answer_about_a_row_that_is_no_longer_listed_is_dropped(self, company: Company) -> None:
        async with company.connected() as database, opened(company.app()) as pilot:
            await database["orders"].insert_one(due("z4"))
            try:
                await press(pilot, "f4", "ctrl+r")
                await database["orders"].delete_one({"id": "z4"})
                await press(pilot, "ctrl+r", "ctrl+r")
                listed = [each.key for each in pilot.app.screen.query_one(RecordTable).rows]
                pilot.app.screen.post_message(Deleted(["z4"]))
                await settle(pilot)
                assert [each.key for each in pilot.app.screen.query_one(RecordTable).rows] == listed
                assert "z4" not in listed
            finally:
                await database["orders"].delete_many({"id": "z4"})

    async def test_escape_leaves_the_dialog_without_a_change_and_drops_nothing_typed_unasked(
        self, company: Company
    ) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4", "enter", "escape")
            assert not isinstance(pilot.app.screen, ConfirmDelivery)
            await press(pilot, "enter")
            line = pilot.app.screen.query(ItemLine).first()
            line.input.value = "0"
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, Question)
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, ConfirmDelivery)
            assert line.typed == "0"
            await press(pilot, "escape", "tab", "enter")
            assert not isinstance(pilot.app.screen, ConfirmDelivery)

    async def test_a_viewer_is_told_why(self, company: Company) -> None:
        async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
            await press(pilot, "f4", "enter")
            assert not isinstance(pilot.app.screen, ConfirmDelivery)
            assert "It needs the role support" in painted(pilot)


async def test_a_reason_that_is_typed_at_once_is_not_lost(own_company: Company) -> None:
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f4", "n")
        await type_text(pilot, "gate locked")
        assert pilot.app.screen.query_one("#reason", Field).value == "gate locked"
        assert "gate locked" in painted(pilot)


async def test_ctrl_r_reads_the_list_as_it_is_now(own_company: Company) -> None:
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f4")
        async with own_company.connected() as database:
            await database["orders"].update_many({}, {"$set": {"status": "cancelled"}})
        assert "cancelled" not in painted(pilot)
        await press(pilot, "ctrl+r")
        assert "cancelled" in painted(pilot)
