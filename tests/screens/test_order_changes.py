"""Changing an order on the screen."""

from bson import ObjectId
from textual.pilot import Pilot
from textual.widgets import Input

from screens.orders.cancelling import CancelOrder
from screens.orders.editing import EditOrder
from screens.orders.items import OrderedLine
from screens.orders.screen import OrdersScreen
from screens.orders.undoing import TakeBack
from screens.widgets.question import Question
from services.database import Document
from services.operators.operator import Operator
from services.orders.editing import cancel_order
from services.orders.undoing import undo_edit
from tests.screens.conftest import NOW, OPS, Company, opened, painted, press, put, said, stored, type_text


async def an_order(company: Company) -> Document:
    async with company.connected() as database:
        await database["orders"].update_many({"notes": {"$ne": ""}, "status": "pending"}, {"$set": {"notes": ""}})
        found = await database["orders"].find_one({"status": "pending", "delivery_date": "2026-11-23"})
    assert found is not None
    return found


async def look_up(pilot: Pilot[None], order_id: str) -> None:
    await press(pilot, "f3")
    await put(pilot, "search", order_id)
    await press(pilot, "escape")


async def test_the_difference_is_shown_before_it_is_written_and_z_takes_it_back(own_company: Company) -> None:
    order = await an_order(own_company)
    async with opened(own_company.app(), (80, 24)) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "e")
        await put(pilot, "notes", "ring twice")
        await press(pilot, "ctrl+s")
        assert "ring twice" in painted(pilot)
        assert "Write it" in painted(pilot)
        assert (await stored(own_company, "orders", order["id"]))["notes"] == ""
        await press(pilot, "ctrl+s")
        assert "is changed" in painted(pilot)
        assert (await stored(own_company, "orders", order["id"]))["notes"] == "ring twice"
        await press(pilot, "x", "ctrl+s")
        assert "Say why" in said(pilot)
        assert isinstance(pilot.app.screen, CancelOrder)
        assert "Ctrl+S: Cancel the order · Esc: Keep" in painted(pilot)
        await type_text(pilot, "away")
        assert said(pilot) == ""
        await press(pilot, "ctrl+s")
        assert (await stored(own_company, "orders", order["id"]))["status"] == "CANCELLED"
        await press(pilot, "z", "tab")
        await type_text(pilot, "back")
        await press(pilot, "enter", "enter")
        assert (await stored(own_company, "orders", order["id"]))["status"] == "pending"


async def test_whether_an_order_is_meant_beside_another_of_its_day_is_asked_before_it_is_restored(
    own_company: Company,
) -> None:
    order = await an_order(own_company) | {"order_type": "one_time", "subscription_id": None}
    async with own_company.connected() as database:
        await database["orders"].replace_one({"_id": order["_id"]}, order)
        await cancel_order(database, OPS, lambda: NOW, str(order["id"]), "away")
        await database["orders"].insert_one({**order, "_id": ObjectId(), "id": "ord_beside"})
    async with opened(own_company.app(), (80, 24)) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "z")
        assert isinstance(pilot.app.screen, Question)
        assert "ord_beside is open for the same customer and day" in " ".join(painted(pilot).split())
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, OrdersScreen)
        await press(pilot, "z", "ctrl+s")
        await type_text(pilot, "both are meant")
        await press(pilot, "ctrl+s")
    assert (await stored(own_company, "orders", order["id"]))["status"] == "pending"


async def test_the_second_of_two_operators_is_told_and_loses_nothing_typed(own_company: Company) -> None:
    from services.orders.editing import OrderEdit, open_order, update_order

    order = await an_order(own_company)
    async with opened(own_company.app()) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "e")
        await put(pilot, "address", "9, New Street")
        await press(pilot, "ctrl+s")
        async with own_company.connected() as database:
            asha = Operator("asha", ("support",))
            seen = (await open_order(database, asha, str(order["id"]))).seen
            await update_order(database, asha, lambda: NOW, str(order["id"]), OrderEdit(notes="hers"), seen)
        await press(pilot, "ctrl+s")
        dialog = pilot.app.screen
        assert isinstance(dialog, EditOrder)
        assert "notes by asha" in said(pilot)
        assert dialog.query_one("#address Input", Input).value == "9, New Street"
        assert dialog.query_one("#notes Input", Input).value == "hers"
        assert "Write it" in painted(pilot)
        await press(pilot, "ctrl+s")
        assert "is changed" in painted(pilot)
    after = await stored(own_company, "orders", order["id"])
    assert (after["notes"], after["address"]["address_line1"]) == ("hers", "9, New Street")


async def test_an_order_is_cancelled_as_it_was_shown_and_one_that_was_changed_meanwhile_is_shown_anew(
    own_company: Company,
) -> None:
    from services.orders.editing import OrderEdit, open_order, update_order

    order = await an_order(own_company)
    async with opened(own_company.app()) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "x")
        dialog = pilot.app.screen
        assert isinstance(dialog, CancelOrder)
        assert all(
            words in painted(pilot) for words in ("day  2026-11-23", "item  ", "total  ₹", "PENDING → CANCELLED")
        )
        await type_text(pilot, "customer asked")
        async with own_company.connected() as database:
            asha = Operator("asha", ("support",))
            seen = (await open_order(database, asha, str(order["id"]))).seen
            edit = OrderEdit(notes="do NOT cancel [b]")
            await update_order(database, asha, lambda: NOW, str(order["id"]), edit, seen)
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is dialog
        assert "notes by asha" in said(pilot)
        assert "do NOT cancel [b]" in painted(pilot)
        assert dialog.query_one("#reason Input", Input).value == "customer asked"
        assert (await stored(own_company, "orders", order["id"]))["status"] == "pending"
        await press(pilot, "ctrl+s")
        assert "is cancelled; z takes it back" in painted(pilot)
        after = await stored(own_company, "orders", order["id"])
        assert (after["status"], after["cancel_reason"]) == ("CANCELLED", "customer asked")
        await press(pilot, "x")
        assert "only an order that is still open can be cancelled" in said(pilot)
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, CancelOrder)


async def test_an_order_deleted_while_it_is_changed_is_told_and_what_was_typed_stays(own_company: Company) -> None:
    order = await an_order(own_company)
    async with opened(own_company.app()) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "e")
        await put(pilot, "notes", "typed")
        async with own_company.connected() as database:
            await database["orders"].delete_one({"id": order["id"]})
        await press(pilot, "ctrl+s")
        assert "may have been deleted" in said(pilot)
        assert pilot.app.screen.query_one("#notes Input", Input).value == "typed"
        await put(pilot, "day", "2026-02-31")
        await press(pilot, "ctrl+s")
        assert "is not a day" in painted(pilot)


async def test_items_and_people_are_chosen_and_shown_by_name(own_company: Company) -> None:
    order = await an_order(own_company)
    async with own_company.connected() as database:
        await database["orders"].update_one({"id": order["id"]}, {"$set": {"delivery_boy_id": "boy-1"}})
        await database["delivery_boys_v2"].insert_many([{"id": "boy-1", "name": "Zed"}, {"id": "boy-2", "name": "Zoe"}])
        await database["products"].insert_one({"id": "p-zz", "name": "Zucchini 1 kg", "unit": "bag", "price": 40.0})
    async with opened(own_company.app()) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "e")
        dialog = pilot.app.screen
        assert "Zed  boy-1" in painted(pilot)
        dialog.query_one("#person").focus()
        await type_text(pilot, "zo")
        await press(pilot, "enter")
        dialog.query_one("#add").focus()
        await type_text(pilot, "zucch")
        assert "₹40.00" in painted(pilot)
        await press(pilot, "enter", "2")
        await press(pilot, "ctrl+s")
        shown = painted(pilot)
        assert "Zed (boy-1) → Zoe (boy-2)" in shown
        assert "2 × Zucchini 1 kg bag at ₹40.00 (p-zz)" in shown
        await press(pilot, "ctrl+s")
        after = await stored(own_company, "orders", order["id"])
        assert (after["delivery_boy_id"], after["items"][-1]["product_id"]) == ("boy-2", "p-zz")
        await press(pilot, "z")
        assert "Zoe (boy-2) → Zed (boy-1)" in painted(pilot)


async def test_escape_drops_nothing_typed_unasked_and_the_same_quantity_is_no_change(company: Company) -> None:
    async with company.connected() as database:
        order = await database["orders"].find_one({"status": "pending", "delivery_date": "2026-11-23"})
    assert order is not None
    async with opened(company.app()) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "e", "escape")
        assert not isinstance(pilot.app.screen, EditOrder)
        await press(pilot, "e")
        dialog = pilot.app.screen
        line = dialog.query(OrderedLine).first()
        line.input.value = f"{line.typed}.0"
        await press(pilot, "ctrl+s")
        assert "says so already" in painted(pilot)
        await press(pilot, "escape")
        await press(pilot, "ctrl+s")  # what writes elsewhere drops nothing
        assert isinstance(pilot.app.screen, Question)
        await press(pilot, "escape")
        assert pilot.app.screen is dialog
        assert line.typed.endswith(".0")
        await press(pilot, "escape", "tab", "enter")
        assert not isinstance(pilot.app.screen, EditOrder)


async def test_a_viewer_is_told_why_nothing_can_be_changed(company: Company) -> None:
    async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
        await press(pilot, "f3", "escape", "e")
        assert not isinstance(pilot.app.screen, EditOrder)
        assert "It needs the role support" in painted(pilot)


async def test_where_somebody_was_faster_what_taking_back_would_change_is_shown_anew_and_the_reason_stays(
    own_company: Company,
) -> None:
    from services.orders.editing import OrderEdit, open_order, update_order

    order = await an_order(own_company)

    async def noted(notes: str) -> None:
        async with own_company.connected() as database:
            asha = Operator("asha", ("support",))
            seen = (await open_order(database, asha, str(order["id"]))).seen
            await update_order(database, asha, lambda: NOW, str(order["id"]), OrderEdit(notes=notes), seen)

    await noted("first")
    async with opened(own_company.app(), (80, 24)) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "z")
        dialog = pilot.app.screen
        assert isinstance(dialog, TakeBack)
        await type_text(pilot, "not so")
        await press(pilot, "escape")
        assert "What you typed is not written" in painted(pilot)
        await press(pilot, "escape")
        await noted("second")
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is dialog
        assert "another by now, by asha" in said(pilot)
        assert "second" in painted(pilot)
        assert dialog.query_one("#reason Input", Input).value == "not so"
        await press(pilot, "ctrl+s")
        assert "is as it was before its last change" in " ".join(painted(pilot).split())
    after = await stored(own_company, "orders", order["id"])
    assert (after["notes"], after["undo_reason"]) == ("first", "not so")


async def test_an_order_that_the_day_got_meanwhile_is_told_and_the_reason_stays(own_company: Company) -> None:
    order = await an_order(own_company) | {"order_type": "one_time", "subscription_id": None}
    async with own_company.connected() as database:
        await database["orders"].replace_one({"_id": order["_id"]}, order)
        await cancel_order(database, OPS, lambda: NOW, str(order["id"]), "away")
    async with opened(own_company.app(), (80, 24)) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "z")
        await type_text(pilot, "here after all")
        async with own_company.connected() as database:
            await database["orders"].insert_one({**order, "_id": ObjectId(), "id": "ord_beside"})
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, TakeBack)
        assert pilot.app.screen.value("reason") == "here after all"
        assert "ord_beside is open for the same customer and day" in " ".join(painted(pilot).split())
        await press(pilot, "ctrl+s")
        assert "is as it was before its last change" in " ".join(painted(pilot).split())
    assert (await stored(own_company, "orders", order["id"]))["status"] == "pending"


async def test_an_order_that_was_cancelled_meanwhile_names_who_and_is_read_again_behind_the_dialog(
    own_company: Company,
) -> None:
    order, asha = await an_order(own_company), Operator("asha", ("support",))
    async with opened(own_company.app()) as pilot:
        await look_up(pilot, order["id"])
        await press(pilot, "x")
        await type_text(pilot, "away")
        async with own_company.connected() as database:
            await cancel_order(database, asha, lambda: NOW, str(order["id"]), "she called")
        await press(pilot, "ctrl+s")
        assert "The order is cancelled by asha, 2026-11-22 10:00; only" in " ".join(said(pilot).split())
        assert "PENDING → CANCELLED" not in painted(pilot)
        assert pilot.app.screen.query_one("#reason Input", Input).value == "away"
        await press(pilot, "escape", "tab", "enter")
        assert isinstance(pilot.app.screen, OrdersScreen)
        screen = painted(pilot).lower()
        assert (screen.count("pending"), screen.count("cancelled ")) == (0, 2), screen


async def test_where_nothing_can_be_taken_back_the_order_is_shown_as_it_is(own_company: Company) -> None:
    order, asha = await an_order(own_company), Operator("asha", ("support",))
    async with own_company.connected() as database:
        await cancel_order(database, asha, lambda: NOW, str(order["id"]), "she called")
    async with opened(own_company.app()) as pilot:
        await look_up(pilot, order["id"])
        async with own_company.connected() as database:
            await undo_edit(database, asha, lambda: NOW, str(order["id"]), "a mistake")
        await press(pilot, "z")
        assert "taken back already" in painted(pilot)
        screen = painted(pilot).lower()
        assert (screen.count("pending"), screen.count("cancelled ")) == (2, 0), screen
