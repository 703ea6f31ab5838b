"""A day's deliveries on the screen, and confirming them."""

from textual.events import Key
from textual.widgets import Input

from screens.deliveries.dialog import ConfirmDelivery, ItemLine
from screens.widgets.notice import Notice
from screens.widgets.table import RecordTable
from services.operators.operator import Operator
from tests.screens.conftest import Company, opened, painted, press, settle, type_text


async def stored(company: Company, order_id: str) -> dict[str, object]:
    async with company.connected() as database:
        found = await database["orders"].find_one({"id": order_id})
    assert found is not None
    return found


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
        assert (await stored(own_company, row.key))["status"] == "DELIVERED"

    async def test_a_refusal_is_shown_in_the_dialog_and_nothing_typed_is_lost(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f4", "enter")
            await cancel_all_of_today(own_company)
            dialog = pilot.app.screen
            dialog.query_one("#reason Input", Input).focus()
            await type_text(pilot, "gate was open")
            await press(pilot, "ctrl+s")
            assert pilot.app.screen is dialog
            assert "a cancelled order cannot be confirmed" in dialog.query_one("#refusal", Notice).said
            assert "cancelled order" in painted(pilot)
            assert dialog.query_one("#reason Input", Input).value == "gate was open"

    async def test_more_than_ordered_is_refused_with_the_rule(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4", "enter")
            line = pilot.app.screen.query(ItemLine).first()
            line.input.value = "1000"
            await press(pilot, "ctrl+s")
            assert "must be between 0 and the ordered" in pilot.app.screen.query_one("#refusal", Notice).said
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
            assert "has not come yet" in dialog.query_one("#refusal", Notice).said

    async def test_escape_leaves_the_dialog_without_a_change(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f4", "enter", "escape")
            assert not isinstance(pilot.app.screen, ConfirmDelivery)

    async def test_a_viewer_is_told_why(self, company: Company) -> None:
        async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
            await press(pilot, "f4", "enter")
            assert not isinstance(pilot.app.screen, ConfirmDelivery)
            assert "It needs the role support" in painted(pilot)
