"""A delivery person's route on the screen: many confirmed at once, taken back, and changed by others meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from screens.deliveries.dialog import ItemLine
from screens.deliveries.many import ConfirmMany
from screens.deliveries.undoing import TakeConfirmationBack
from screens.widgets.table import RecordTable
from services.deliveries.confirmation import confirm_delivery
from services.operators.operator import Operator
from tests import shop
from tests.screens.conftest import NOW, Company, opened, painted, press, put, said, stored, type_text
from tests.screens.routes import due, line_of

ROUTE = [due("z1"), due("z2"), due("z3"), due("z4", status="not_delivered"), due("z5", status="cancelled")]


@asynccontextmanager
async def on_the_route(
    company: Company, *more: dict[str, Any], orders: list[dict[str, Any]] = ROUTE
) -> AsyncIterator[Pilot[None]]:
    """The day of a delivery person with five orders, the last one under the cursor."""
    async with company.connected() as database:
        await database["delivery_boys_v2"].insert_one({"id": "boy-z", "name": "Zed", "shift": "evening"})
        await database["orders"].insert_many(orders)
        if more:
            await database["delivery_statuses"].insert_many(more)
    async with opened(company.app()) as pilot:
        await press(pilot, "f4")
        pilot.app.screen.query_one("#person Input", Input).focus()
        await type_text(pilot, "zed")
        await press(pilot, "enter")
        assert pilot.app.screen.query_one(RecordTable).row_count == len(orders)
        yield pilot


@asynccontextmanager
async def changed_to(company: Company, quantity: int, *order_ids: str) -> AsyncIterator[None]:
    """Somebody orders another quantity of everything."""
    async with company.connected() as database:
        update = {"$set": {"items.$[].quantity": quantity}}
        await database["orders"].update_many({"id": {"$in": order_ids}}, update)
        yield


async def confirmed_by_asha(company: Company, order_id: str, *, eggs: int) -> None:
    """Asha confirms an order at ten, with that many eggs."""
    asha = Operator("asha", ("support",))
    async with company.connected() as database:
        await confirm_delivery(database, asha, lambda: NOW, order_id, quantities={"eggs": Decimal(eggs)})


class TestWhatWasChangedMeanwhile:
    async def test_the_dialog_confirms_nothing_else_than_it_shows_and_keeps_what_was_typed(
        self, own_company: Company
    ) -> None:
        async with on_the_route(own_company, orders=[due("z1")]) as pilot:
            await press(pilot, "enter")
            dialog = pilot.app.screen
            lines = list(dialog.query(ItemLine))
            assert [line.typed for line in lines] == ["2", "1"]
            lines[1].input.focus()
            await press(pilot, "backspace", "0")
            async with changed_to(own_company, 20, "z1"):
                await press(pilot, "ctrl+s")
            assert pilot.app.screen is dialog
            assert "changed since you looked: items by" in said(pilot)
            assert (await stored(own_company, "orders", "z1"))["status"] == "pending"
            assert [line.typed for line in dialog.query(ItemLine)] == ["20", "0"]
            assert "of 20 dozen" in painted(pilot)
            assert dialog.query(ItemLine).last().input.has_focus
            await press(pilot, "ctrl+s")
            assert "z1 is confirmed as partially delivered: 20 × Eggs, 0 of 20 × Bread" in painted(pilot)

    async def test_of_marked_orders_the_changed_one_is_told_and_shown_as_it_is_now(self, own_company: Company) -> None:
        async with on_the_route(own_company, orders=[due("z1"), due("z2")]) as pilot:
            await press(pilot, "space", "space", "c")
            async with changed_to(own_company, 50, "z1"):
                await press(pilot, "ctrl+s")
            assert "1 order is confirmed. 1 not; the first because: The order was changed" in painted(pilot)
            assert "typed" not in painted(pilot)
            assert "✗" in line_of(pilot, "z1")
            assert "50 × Eggs" in line_of(pilot, "z1")
            assert (await stored(own_company, "orders", "z1"))["status"] == "pending"
            await press(pilot, "ctrl+r")
            assert "50 × Eggs" in line_of(pilot, "z1")
            assert "✗" not in line_of(pilot, "z1")
            await press(pilot, "G", "space", "c", "ctrl+s")
            assert "1 order is confirmed." in painted(pilot)
        (report,) = await stored_reports(own_company, "z1")
        assert [item["delivered_qty"] for item in report["items"]] == [50.0, 50.0]

    async def test_the_dialog_shows_what_somebody_else_confirmed_and_keeps_what_was_typed(
        self, own_company: Company
    ) -> None:
        async with on_the_route(own_company, orders=[due("z1")]) as pilot:
            await press(pilot, "enter")
            dialog = pilot.app.screen
            assert "due 2026-11-22 · pending" in painted(pilot)
            dialog.query(ItemLine).last().input.focus()
            await press(pilot, "backspace", "0")
            await put(pilot, "reason", "gate locked")
            await confirmed_by_asha(own_company, "z1", eggs=1)
            await press(pilot, "ctrl+s")
            assert "is confirmed already: partially delivered, 2026-11-22 10:00, by asha" in said(pilot)
            assert "confirmed: partially delivered, 2026-11-22 10:00, by asha" in painted(pilot)
            assert [line.typed for line in dialog.query(ItemLine)] == ["1", "0"]
            assert dialog.query_one("#reason Input", Input).value == "gate locked"

    async def test_of_marked_orders_and_a_route_those_that_others_confirmed_are_shown_as_they_are_now(
        self, own_company: Company
    ) -> None:
        async with on_the_route(own_company, orders=[due("z1"), due("z2"), due("z3"), due("z4")]) as pilot:
            await press(pilot, "G", "space", "c")
            await confirmed_by_asha(own_company, "z1", eggs=1)
            await press(pilot, "ctrl+s")
            assert "by asha" in painted(pilot)
            assert "partially deli" in line_of(pilot, "z1")
            await press(pilot, "r")
            await confirmed_by_asha(own_company, "z2", eggs=1)
            await press(pilot, "ctrl+s")
            assert "2 orders are confirmed. 1 not" in painted(pilot)
            assert "partially deli" in line_of(pilot, "z2")

    async def test_a_route_is_confirmed_as_it_was_read(self, own_company: Company) -> None:
        async with on_the_route(own_company, orders=[due("z1"), due("z2")]) as pilot:
            await press(pilot, "r")
            async with changed_to(own_company, 50, "z2"):
                await press(pilot, "ctrl+s")
            assert "1 order is confirmed. 1 not" in painted(pilot)
        assert (await stored(own_company, "orders", "z2"))["status"] == "pending"
        assert (await stored(own_company, "orders", "z1"))["status"] == "DELIVERED"

    async def test_a_confirmation_is_not_taken_back_over_a_change_and_the_reason_stays(
        self, own_company: Company
    ) -> None:
        async with on_the_route(own_company, orders=[due("z1")]) as pilot:
            await press(pilot, "enter", "ctrl+s", "z")
            dialog = pilot.app.screen
            assert isinstance(dialog, TakeConfirmationBack)
            assert "it becomes what it was before" in painted(pilot)
            await type_text(pilot, "the wrong house")
            async with own_company.connected() as database:
                await database["orders"].update_one({"id": "z1"}, {"$set": {"status": "FAILED"}})
            await press(pilot, "ctrl+s")
            assert pilot.app.screen is dialog
            assert "orders.status by" in said(pilot)
            assert dialog.query_one("#reason Input", Input).value == "the wrong house"
            async with own_company.connected() as database:
                await database["orders"].update_one({"id": "z1"}, {"$set": {"status": "DELIVERED"}})
            await press(pilot, "ctrl+s")
            assert "z1 is pending again, not confirmed" in painted(pilot)

    async def test_a_row_whose_confirmation_could_not_be_taken_back_is_shown_as_it_is(
        self, own_company: Company
    ) -> None:
        async with on_the_route(own_company, orders=[due("z1")]) as pilot:
            await press(pilot, "enter", "ctrl+s", "z")
            await type_text(pilot, "the wrong house")
            async with own_company.connected() as database:
                await database["orders"].update_one({"id": "z1"}, {"$set": {"status": "FAILED"}})
            await press(pilot, "ctrl+s", "escape", "tab", "enter")
            assert "failed" in line_of(pilot, "z1")


async def stored_reports(company: Company, order_id: str) -> list[dict[str, Any]]:
    async with company.connected() as database:
        return await database["delivery_statuses"].find({"order_id": order_id}).to_list()


class TestConfirmingMany:
    async def test_each_marked_order_gets_its_own_outcome_and_one_is_taken_back(self, own_company: Company) -> None:
        async with on_the_route(own_company) as pilot:
            await press(pilot, "a")
            assert [name for name in ("z1", "z2", "z3", "z4", "z5") if "●" in line_of(pilot, name)] == [
                "z1",
                "z2",
                "z3",
            ]
            await press(pilot, "a")
            assert "●" not in painted(pilot)
            await press(pilot, "G", "space", "k", "space", "c")
            assert isinstance(pilot.app.screen, ConfirmMany)
            assert "2 orders marked" in painted(pilot)
            async with own_company.connected() as database:
                await database["orders"].update_one({"id": "z2"}, {"$set": {"status": "CANCELLED"}})
            await press(pilot, "ctrl+s")
            assert "1 order is confirmed. 1 not; the first because: The order is cancelled" in painted(pilot)
            assert "✓" in line_of(pilot, "z1")
            assert "✗" in line_of(pilot, "z2")
            assert "The order is cancelled" in line_of(pilot, "z2")
            await press(pilot, "ctrl+r")
            assert "cancelled  " in line_of(pilot, "z2")
            assert "×" in line_of(pilot, "z2")
            await press(pilot, "G", "z")
            pilot.app.screen.query_one("#reason Input", Input).focus()
            await type_text(pilot, "the wrong house")
            await press(pilot, "enter", "enter")
            assert "z1 is pending again, not confirmed" in painted(pilot)
            assert "✓" not in line_of(pilot, "z1")
        assert (await stored(own_company, "orders", "z1"))["status"] == "pending"

    async def test_a_route_leaves_out_what_is_marked_or_told_as_failed(self, own_company: Company) -> None:
        told = shop.delivery(ROUTE[1], status="Not Delivered")
        async with on_the_route(own_company, told) as pilot:
            assert "? not delivered" in line_of(pilot, "z2")
            await press(pilot, "G", "space", "r")
            shown = painted(pilot)
            assert "Zed: 1 order, each as it is on record." in shown
            assert "1 left out, as marked." in shown
            assert "2 left out, as told not delivered." in shown
            assert "1 cancelled." in shown
            await press(pilot, "ctrl+s")
            assert "1 order is confirmed." in painted(pilot)
            await press(pilot, "n")
            pilot.app.screen.query_one("#reason Input", Input).focus()
            await type_text(pilot, "gate locked")
            await press(pilot, "enter", "enter")
            assert "not delivered" in line_of(pilot, "z1")
        states = [(await stored(own_company, "orders", name)).get("status") for name in ("z1", "z2", "z3", "z4", "z5")]
        assert states == ["NOT_DELIVERED", "pending", "DELIVERED", "not_delivered", "cancelled"]

    async def test_the_dialog_of_one_is_filled_in_with_what_is_on_record(self, own_company: Company) -> None:
        orders = [due("z1"), due("z2", status="partially_delivered")]
        async with on_the_route(own_company, shop.delivery(orders[0], {"eggs": 1, "bread": 1}), orders=orders) as pilot:
            await press(pilot, "enter")
            assert [line.input.value for line in pilot.app.screen.query(ItemLine)] == ["", ""]
            await press(pilot, "ctrl+s")
            assert "Type a number" in painted(pilot)
            await press(pilot, "escape", "G", "enter")
            assert [line.input.value for line in pilot.app.screen.query(ItemLine)] == ["1", "1"]
            await press(pilot, "ctrl+s")
            assert "z1 is confirmed as partially delivered" in painted(pilot)
        assert (await stored(own_company, "orders", "z1"))["status"] == "PARTIALLY_DELIVERED"

    async def test_what_cannot_be_done_says_why(self, company: Company) -> None:
        async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
            for key in ("r", "n", "c", "z"):
                await press(pilot, "f4", key)
                assert pilot.app.screen.is_modal is False
            assert "It needs the role support" in painted(pilot)
