"""Looking orders up on the screen."""

from textual.widgets import Checkbox, Input, Select

from screens.deliveries.dialog import ConfirmDelivery
from screens.history.screen import HistoryScreen
from screens.statement.screen import StatementScreen
from screens.widgets.table import RecordTable
from services.operators.operator import Operator
from tests.screens.conftest import Company, opened, painted, press, put, said, settle, type_text


async def first_order(company: Company) -> dict[str, object]:
    async with company.connected() as database:
        found = await database["orders"].find_one({"status": "pending", "delivery_date": "2026-11-22"})
    assert found is not None
    return found


class TestSearching:
    async def test_the_newest_orders_are_listed_before_anything_is_typed(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3")
            table = pilot.app.screen.query_one("#orders", RecordTable)
            assert table.row_count == 50
            assert table.border_subtitle == "50+ orders"
            assert isinstance(pilot.app.focused, Input)

    async def test_the_list_follows_what_is_typed(self, company: Company) -> None:
        order = await first_order(company)
        async with opened(company.app()) as pilot:
            await press(pilot, "f3")
            await type_text(pilot, str(order["id"])[:12])
            table = pilot.app.screen.query_one("#orders", RecordTable)
            assert [row.key for row in table._rows] == [order["id"]]
            assert str(order["id"])[:24] in painted(pilot)

    async def test_a_phone_finds_in_any_writing(self, company: Company) -> None:
        async with company.connected() as database:
            customer = await database["customers_v2"].find_one({"phone": {"$regex": r"^\d{10}$"}})
        assert customer is not None
        phone = customer["phone"]
        async with opened(company.app()) as pilot:
            await press(pilot, "f3")
            await type_text(pilot, f"+91 {phone[:5]}-{phone[5:]}")
            assert pilot.app.screen.query_one("#orders", RecordTable).row_count >= 1

    async def test_a_search_without_a_result_says_so_and_keeps_what_was_typed(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3")
            await type_text(pilot, "zzzzzz")
            assert "Nothing found" in painted(pilot)
            await press(pilot, "f2", "f3")
            assert pilot.app.screen.query_one("#search Input", Input).value == "zzzzzz"

    async def test_the_next_page_is_read_when_the_cursor_nears_the_end(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3", "escape")
            table = pilot.app.screen.query_one("#orders", RecordTable)
            await press(pilot, "end")
            assert table.row_count == 100
            assert table.cursor == 49

    async def test_u_narrows_to_what_was_never_billed(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3", "escape", "u")
            assert pilot.app.screen.query_one("#unbilled", Checkbox).value
            screen = painted(pilot)
            assert "delivered" in screen
            assert "pending" not in screen


class TestNavigating:
    async def test_digits_lead_to_screens_only_outside_of_inputs(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "2")
            await press(pilot, "4")
            assert pilot.app.current_mode == "orders"
            await press(pilot, "escape", "4")
            assert pilot.app.current_mode == "billing"

    async def test_slash_goes_to_the_search_and_escape_back_to_the_list(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3", "escape")
            assert pilot.app.focused is pilot.app.screen.query_one("#orders")
            await press(pilot, "slash")
            assert isinstance(pilot.app.focused, Input)

    async def test_in_a_narrow_terminal_enter_and_escape_turn_between_list_and_order(self, company: Company) -> None:
        async with opened(company.app(), (80, 24)) as pilot:
            await press(pilot, "f3", "escape")
            sheet = pilot.app.screen.query_one(".detail")
            table = pilot.app.screen.query_one("#orders", RecordTable)
            assert (table.display, sheet.display) == (True, False)
            await press(pilot, "enter")
            assert (table.display, sheet.display) == (False, True)
            assert "Customer" in painted(pilot)
            await press(pilot, "escape")
            assert (table.display, sheet.display) == (True, False)

    async def test_help_tells_the_keys_of_the_screen_and_what_cannot_be_done_now(self, company: Company) -> None:
        viewer = Operator("vera", ("viewer",))
        async with opened(company.app(viewer)) as pilot:
            await press(pilot, "f3", "escape", "f1")
            screen = painted(pilot)
            assert "Help · Orders" in screen
            assert "Not now" in screen


async def test_c_on_an_order_opens_its_confirmation(company: Company) -> None:
    order = await first_order(company)
    async with opened(company.app()) as pilot:
        await press(pilot, "f3")
        await type_text(pilot, str(order["id"]))
        await press(pilot, "escape", "c")
        assert isinstance(pilot.app.screen, ConfirmDelivery)
        assert str(order["id"]) in painted(pilot)


async def test_a_viewer_is_told_why_nothing_can_be_confirmed(company: Company) -> None:
    async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
        await press(pilot, "f3", "escape", "c")
        assert not isinstance(pilot.app.screen, ConfirmDelivery)
        assert "It needs the role support" in painted(pilot)


async def test_from_an_order_to_its_customers_statement_and_to_its_life(company: Company) -> None:
    order = await first_order(company)
    async with opened(company.app()) as pilot:
        await press(pilot, "f3")
        await type_text(pilot, str(order["id"]))
        await press(pilot, "escape", "b")
        assert isinstance(pilot.app.screen, StatementScreen)
        assert "2026-11" in painted(pilot)
        await press(pilot, "escape", "h")
        assert isinstance(pilot.app.screen, HistoryScreen)
        assert str(order["id"]) in painted(pilot)


class TestTabs:
    async def test_brackets_turn_the_parts_of_the_order_in_either_size(self, company: Company) -> None:
        for size in ((120, 40), (80, 24)):
            async with opened(company.app(), size) as pilot:
                await press(pilot, "f3", "escape", "enter", "]")
                assert "Links" in painted(pilot)
                await press(pilot, "]")
                assert "Confirmed" in painted(pilot)
                await press(pilot, "[", "[", "[")
                assert "What happened, India time" in painted(pilot)
                assert "made, " in painted(pilot)
                await press(pilot, "]")
                assert "Items" in painted(pilot)

    async def test_a_tab_is_turned_by_a_click(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3", "escape")
            await pilot.click("#tabs", offset=(10, 0))
            await settle(pilot)
            assert "Links" in painted(pilot)

    async def test_an_order_that_was_deleted_meanwhile_is_told_and_shown_no_longer(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f3", "escape")
            row = pilot.app.screen.query_one("#orders", RecordTable).row
            assert row is not None
            async with own_company.connected() as database:
                await database["orders"].delete_one({"id": row.key})
            await press(pilot, "[")
            assert "it may have been deleted" in painted(pilot)
            assert "No order is chosen" in painted(pilot)
            assert pilot.app.screen.query_one("#orders", RecordTable).row == row


class TestFilters:
    async def test_area_person_review_and_sort_narrow_the_list(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3", "escape")
            table = pilot.app.screen.query_one("#orders", RecordTable)
            pilot.app.screen.query_one("#review", Checkbox).value = True
            pilot.app.screen.query_one("#sort", Select).value = "due-first"
            await settle(pilot)
            assert 0 < table.row_count < 30
            assert "delivered" in painted(pilot)
            await put(pilot, "area", "no such area")
            assert (table.row_count, "Nothing found" in painted(pilot)) == (0, True)

    async def test_a_search_is_kept_applied_and_forgotten(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f3", "escape", "u", "f")
            await press(pilot, "tab")
            await type_text(pilot, "open")
            await press(pilot, "enter")
            assert "unbilled" in painted(pilot)
            await press(pilot, "escape", "u")
            assert not pilot.app.screen.query_one("#unbilled", Checkbox).value
            await press(pilot, "f", "enter")
            assert pilot.app.screen.query_one("#unbilled", Checkbox).value
            await press(pilot, "f", "d")
            assert "You keep no search yet" in painted(pilot)

    async def test_31_february_is_told_and_nothing_typed_is_lost(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f3", "escape")
            await put(pilot, "from", "2026-02-31")
            assert "is not a day" in painted(pilot)
            assert pilot.app.screen.query_one("#from Input", Input).value == "2026-02-31"


async def test_a_search_is_kept_applied_and_forgotten(own_company: Company) -> None:
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f3")
        await put(pilot, "area", "Jaya")
        await press(pilot, "escape", "f", "tab")
        await type_text(pilot, "jaya")
        await press(pilot, "enter")
        assert pilot.app.focused is pilot.app.screen.query_one(RecordTable)
        await put(pilot, "name", "")
        await press(pilot, "tab")
        await press(pilot, "enter")
        assert said(pilot)
        await press(pilot, "escape")
        await put(pilot, "area", "")
        await press(pilot, "escape", "f", "enter")
        assert pilot.app.screen.query_one("#area Input", Input).value == "Jaya"
        await press(pilot, "f", "d")
        assert "You keep no search yet." in painted(pilot)
