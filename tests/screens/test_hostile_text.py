"""Text from the database is only ever text: nothing of it is markup, a command, or a control sequence."""

import re

from console.demo.mongod import EmbeddedMongod
from screens.history.screen import HistoryScreen
from screens.month.screen import MonthScreen
from screens.orders.screen import OrdersScreen
from screens.place import Place
from screens.run.screen import RunScreen
from screens.statement.screen import StatementScreen
from screens.tones import text
from screens.widgets.facts import FactsScreen
from screens.widgets.sheet import Section
from screens.widgets.table import RecordTable
from services.database import Database
from tests import shop
from tests.screens.conftest import Company, opened, painted, press, settle, type_text

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MARKUP = "[/b] [@click=app.quit]x[/]"
ESCAPE = "\x1b]0;pwned\x07\x1b[31mRed"


async def rename_customers(company: Company, name: str) -> str:
    """Give the customers of every order of today that name; one of these orders."""
    async with company.connected() as database:
        await database["customers_v2"].update_many({}, {"$set": {"name": name, "address": name, "area": name}})
        await database["orders"].update_many({}, {"$set": {"notes": f"{name}\n{name}"}})
        order = await database["orders"].find_one({"delivery_date": "2026-11-22"}, {"id": 1})
    assert order is not None
    return str(order["id"])


async def test_a_name_in_markup_shows_as_it_is_typed_and_a_click_on_it_does_nothing(own_company: Company) -> None:
    await rename_customers(own_company, MARKUP)
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f3")
        await press(pilot, "escape", "enter")
        assert MARKUP in painted(pilot)
        lines = painted(pilot).splitlines()
        y = next(number for number, line in enumerate(lines) if MARKUP in line)
        for x in range(lines[y].index(MARKUP), lines[y].index(MARKUP) + len(MARKUP), 4):
            await pilot.click(offset=(x, y))
        await settle(pilot)
        assert pilot.app.is_running


async def test_no_control_character_of_a_record_reaches_the_terminal_on_any_screen(own_company: Company) -> None:
    await rename_customers(own_company, ESCAPE)
    async with opened(own_company.app()) as pilot:
        for key in ("f3", "f4", "f5", "f6"):
            await press(pilot, key)
            screen = painted(pilot)
            assert not CONTROL.search(screen)
        await press(pilot, "f4")
        assert "␛]0;pwned␇" in painted(pilot)
        await press(pilot, "enter")
        assert "Confirm a delivery" in painted(pilot)
        assert not CONTROL.search(painted(pilot))


async def test_an_order_with_hostile_notes_is_shown_whole(own_company: Company) -> None:
    order_id = await rename_customers(own_company, ESCAPE)
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f3")
        await type_text(pilot, order_id)
        assert isinstance(pilot.app.screen, OrdersScreen)
        assert pilot.app.screen.query_one("#orders", RecordTable).row_count == 1
        assert "pwned" in painted(pilot)
        assert not CONTROL.search(painted(pilot))


HOSTILE = "[/x]"
NAME = HOSTILE + ESCAPE


async def test_an_id_in_markup_is_no_markup_in_any_title(mongod: EmbeddedMongod, database: Database) -> None:
    items = [{"product_id": HOSTILE, "product_name": NAME, "quantity": 1, "price": 180.0}]
    order = shop.order(
        id=HOSTILE, customer_id=HOSTILE, user_id=HOSTILE, items=items, delivery_boy_id=HOSTILE, billed_month=HOSTILE
    )
    await shop.stock(
        database, orders=order,
        customers_v2=shop.customer(id=HOSTILE, user_id=HOSTILE, name=NAME, area=NAME, previous_balance=1.0),
        products={"id": HOSTILE, "name": NAME, "price": 180.0},
        audit_logs={"table": HOSTILE, "record_id": HOSTILE, "action": "UPDATE", "user_id": HOSTILE,
                    "timestamp": "2026-11-22T04:00:00+00:00", "changes": {HOSTILE: {"old": 1, "new": HOSTILE}}},
    )  # fmt: skip
    async with opened(Company(mongod.uri, database.name).app()) as pilot:
        place = pilot.app.screen
        assert isinstance(place, Place)
        context = place.context
        assert context is not None
        facts = FactsScreen(NAME, [Section(NAME, [(NAME, text(NAME))])])
        for screen in (
            HistoryScreen("orders", HOSTILE, context), HistoryScreen(HOSTILE, HOSTILE, context), facts,
            StatementScreen(context, HOSTILE, "2026-10"), MonthScreen(context, "2026-10"), RunScreen(context, HOSTILE),
        ):  # fmt: skip
            pilot.app.push_screen(screen)
            await settle(pilot)
            await press(pilot, "end")
            assert HOSTILE in painted(pilot) or isinstance(screen, MonthScreen), screen
            assert not CONTROL.search(painted(pilot))
            await pilot.app.pop_screen()


async def test_what_a_refusal_says_of_hostile_input_is_only_text(company: Company) -> None:
    async with opened(company.app()) as pilot:
        await press(pilot, "f6", "slash")
        await type_text(pilot, "[b][@click=app.quit]x")
        await press(pilot, "enter")
        assert "is no record" in painted(pilot)
        assert pilot.app.is_running
