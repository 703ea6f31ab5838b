"""Making an order on the screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal

from textual.pilot import Pilot
from textual.widgets import Checkbox, Input

from screens.orders.creating import MakeOrder
from screens.orders.items import ItemLines
from screens.orders.screen import OrdersScreen
from screens.widgets.chooser import Chooser, Chosen
from screens.widgets.notice import Notice
from screens.widgets.question import Question
from services.database import Document
from services.operators.operator import Operator
from services.orders.creation import NewOrder, create_order
from tests import shop
from tests.screens.conftest import NOW, Company, opened, painted, press, put, said, type_text

PHONE = "9000000042"


@asynccontextmanager
async def with_zara(company: Company, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[None]]:
    """A customer, a delivery person and a product that are like no other; the orders on screen, the list in focus."""
    async with company.connected() as database:
        await database["customers_v2"].insert_one(
            shop.customer(id="cust-z", user_id="user-z", name="Zara Khan", phone=PHONE, delivery_boy_id="boy-z",
                          address="9, Lake Road, Bengaluru 560038", custom_product_prices={"p-zz": 38.5})
        )  # fmt: skip
        await database["delivery_boys_v2"].insert_one({"id": "boy-z", "name": "Zed"})
        await database["products"].insert_one({"id": "p-zz", "name": "Zucchini 1 kg", "unit": "bag", "price": 40.0})
    async with opened(company.app(), size) as pilot:
        await press(pilot, "f3", "escape")
        yield pilot


async def orders_of_zara(company: Company) -> list[Document]:
    async with company.connected() as database:
        return await database["orders"].find({"customer_id": "cust-z"}).sort("_id", 1).to_list()


async def test_an_order_is_made_in_a_few_keys_looked_at_first_and_stands_under_the_cursor(own_company: Company) -> None:
    async with with_zara(own_company, (80, 24)) as pilot:
        await press(pilot, "n")
        assert isinstance(pilot.app.screen, Chooser)
        await type_text(pilot, PHONE)
        assert "Zara Khan" in painted(pilot)
        await press(pilot, "enter")
        assert "9, Lake Road" in painted(pilot)
        await type_text(pilot, "zucch")
        assert "₹38.50" in painted(pilot)
        await press(pilot, "enter")
        await type_text(pilot, "3")
        await press(pilot, "ctrl+s")
        shown = " ".join(painted(pilot).replace("│", " ").split())
        for words in ("Zara Khan (cust-z)", "3 × Zucchini 1 kg bag at ₹38.50 (p-zz)", "Zed (boy-z)", "₹115.50",
                      "9, Lake Road, Jayanagar, Bengaluru, 560038", "Make it"):  # fmt: skip
            assert words in shown
        await press(pilot, "pagedown", "pagedown")
        assert "the postal circle Karnataka" in " ".join(painted(pilot).replace("│", " ").split())
        assert await orders_of_zara(own_company) == []
        async with own_company.connected() as database:
            own = {"custom_product_prices": {"p-zz": 1000.0}}
            await database["customers_v2"].update_one({"id": "cust-z"}, {"$set": own})
        await press(pilot, "ctrl+s")
        assert "came to ₹115.50 and comes to ₹3,000.00" in said(pilot)
        shown = " ".join(painted(pilot).replace("│", " ").split())
        assert "3 × Zucchini 1 kg bag at ₹1,000.00" in shown
        assert await orders_of_zara(own_company) == []
        await press(pilot, "ctrl+s")
        (made,) = await orders_of_zara(own_company)
        orders = pilot.app.screen
        assert isinstance(orders, OrdersScreen)
        assert orders.under_cursor() == made["id"]
        assert "is made, for Zara Khan" in painted(pilot)
    assert (made["delivery_date"], made["total_amount"], made["delivery_boy_id"]) == ("2026-11-23", 3000.0, "boy-z")


async def test_somebody_who_was_faster_is_named_nothing_typed_is_lost_and_a_second_order_can_be_meant(
    own_company: Company,
) -> None:
    async with with_zara(own_company) as pilot:
        await put(pilot, "search", PHONE)
        await press(pilot, "n", "enter", "ctrl+s")  # whoever was looked up is offered first
        assert "at least one item" in said(pilot)
        await type_text(pilot, "zucc kg")
        await press(pilot, "enter")
        assert said(pilot) == ""
        form = pilot.app.screen
        assert isinstance(form, MakeOrder)
        await put(pilot, "notes", "ring twice")
        await press(pilot, "ctrl+s")
        async with own_company.connected() as database:
            new = NewOrder("cust-z", {"p-zz": Decimal(1)}, date(2026, 11, 23))
            first = await create_order(database, Operator("asha", ("support",)), lambda: NOW, new)
        await press(pilot, "ctrl+s")
        assert first.order_id in said(pilot)
        assert form.query_one("#notes Input", Input).value == "ring twice"
        assert len(await orders_of_zara(own_company)) == 1
        form.query_one("#again", Checkbox).value = True
        await press(pilot, "ctrl+s")  # now it is known beside which order it is meant
        form.query_one("#again", Checkbox).value = True
        await press(pilot, "ctrl+s", "ctrl+s")
        assert not isinstance(pilot.app.screen, MakeOrder)
        assert [each["notes"] for each in await orders_of_zara(own_company)] == ["", "ring twice"]


async def test_what_cannot_be_is_told_and_escape_asks_before_it_drops_anything(company: Company) -> None:
    async with company.connected() as database:
        customer = await database["customers_v2"].find_one({"name": {"$gt": "A", "$lt": "z"}, "status": "active"})
    assert customer is not None
    async with opened(company.app()) as pilot:
        await press(pilot, "f3", "escape", "n", "escape", "ctrl+s")
        refusal = pilot.app.screen.query_one("#refusal", Notice)
        assert refusal.said == "Choose the customer first."
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, OrdersScreen)
        await press(pilot, "n")
        await put(pilot, "words", customer["id"])
        await press(pilot, "enter")
        await type_text(pilot, "milk")
        await press(pilot, "enter")
        form = pilot.app.screen
        refusal, line = form.query_one("#refusal", Notice), form.query_one(ItemLines).lines[0]
        line.input.value = "1e9"
        await press(pilot, "ctrl+s")
        assert "is too large for the quantity of" in refusal.said
        line.input.value = "1"
        for day, words in (
            ("9999-12-31", "outside the years"), ("2026-02-31", "is not a day"), ("yesterday", "is over"),
        ):  # fmt: skip
            await put(pilot, "day", day)
            await press(pilot, "ctrl+s")
            assert words in refusal.said
        await press(pilot, "escape", "escape")
        assert isinstance(pilot.app.screen, Question)
        await press(pilot, "escape")
        assert pilot.app.screen is form
        assert form.query_one("#customer", Chosen).key == customer["id"]
        await press(pilot, "escape", "tab", "enter")
        assert isinstance(pilot.app.screen, OrdersScreen)


async def test_a_viewer_makes_none(company: Company) -> None:
    async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
        await press(pilot, "f3", "escape", "n")
        assert not isinstance(pilot.app.screen, Chooser)
        assert "It needs the role support" in painted(pilot)
