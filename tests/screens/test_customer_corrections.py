"""Correcting a customer on the screen, from an order and wherever else one is shown."""

from textual.widgets import Input

from screens.customers.correcting import CorrectCustomer
from screens.widgets.question import Question
from services.customers.correction import Correction, correct_customer, open_customer
from services.operators.operator import Operator
from tests import shop
from tests.screens.conftest import NOW, Company, opened, painted, press, put, said, stored, type_text

MEERA = Operator("meera", ("support",))


async def stock(company: Company) -> None:
    async with company.connected() as database:
        await shop.stock(
            database,
            customers_v2=shop.customer(
                id="cust-asha", user_id="user-asha", name="Asha [b]Rao[/b]\x1b[31m", area="Kalyan Nagar " * 12
            ),
            users=[{"id": "user-asha", "customer_v2_id": "cust-asha"},
                   {"id": "user-new", "role": "customer", "phone": "98\x1b"}],
            orders=shop.order(id="o-asha", customer_id="user-asha", user_id="user-asha"),
        )  # fmt: skip


async def corrected_by_meera(company: Company) -> None:
    async with company.connected() as database:
        seen = (await open_customer(database, MEERA, "cust-asha")).seen
        given = (database, MEERA, lambda: NOW, "cust-asha", Correction(phone="9000000001"), seen)
        await correct_customer(*given, "she called")


async def test_a_customer_is_corrected_and_taken_back_while_others_work_on_it(own_company: Company) -> None:
    await stock(own_company)
    async with opened(own_company.app(), (80, 24)) as pilot:
        await press(pilot, "f3")
        await type_text(pilot, "o-asha")
        await press(pilot, "escape", "p")
        assert isinstance(pilot.app.screen, CorrectCustomer)
        assert "Asha [b]Rao[/b]␛[31m" in painted(pilot)
        await put(pilot, "phone", "12345")
        await press(pilot, "ctrl+s")
        assert "no Indian mobile number" in said(pilot)
        await put(pilot, "reason", "new")
        assert "no Indian mobile number" in said(pilot)  # a reason mends no number
        await put(pilot, "reason", "")
        await put(pilot, "phone", "+91 98860 12345")
        assert said(pilot) == ""
        await put(pilot, "user", "user-new")
        await press(pilot, "ctrl+s")
        screen = painted(pilot)
        assert "9876543210 → 9886012345" in screen
        assert "users/user-new" in screen
        assert "user-new keeps another phone of their own, 98␛;" in screen
        assert "Reason" in screen  # however long all the rest is
        assert "Write it" in screen
        await press(pilot, "escape")
        assert "Show change" in painted(pilot)  # back to the inputs, and all that is in them
        await press(pilot, "ctrl+s")
        await press(pilot, "ctrl+s")
        assert "Say why" in said(pilot)
        await put(pilot, "reason", "new number")
        assert said(pilot) == ""
        assert "Write it" in painted(pilot)  # a reason is no other change
        await corrected_by_meera(own_company)
        await press(pilot, "ctrl+s")
        assert "phone by meera, 2026-11-22 10:00" in said(pilot)
        assert pilot.app.screen.query_one("#phone Input", Input).value == "+91 98860 12345"
        assert "9000000001 → 9886012345" in painted(pilot)
        await press(pilot, "ctrl+s")
        assert "[31m is corrected; P takes it back." in painted(pilot)
        after = await stored(own_company, "customers_v2", "cust-asha")
        assert (after["phone"], after["user_id"]) == ("9886012345", "user-new")
        await press(pilot, "p")  # the order is nobody's any more; what was just done can be taken back all the same
        assert not isinstance(pilot.app.screen, CorrectCustomer)
        await press(pilot, "P")
        assert "new number" in painted(pilot)
        assert "9886012345 → 9000000001" in painted(pilot)
        await press(pilot, "tab")
        await type_text(pilot, "hers after all")
        await press(pilot, "enter", "enter")
        assert "is as before the last correction" in painted(pilot)
        before = await stored(own_company, "customers_v2", "cust-asha")
        assert (before["phone"], before["user_id"]) == ("9000000001", "user-asha")
        await press(pilot, "b")
        await press(pilot, "P")
        assert "Corrected by meera, 2026-11-22 10:00: she called" in painted(pilot)


async def test_a_viewer_is_told_why_no_customer_can_be_corrected(company: Company) -> None:
    async with opened(company.app(Operator("vera", ("viewer",)))) as pilot:
        for keys in (("f3", "escape", "p"), ("f4", "P"), ("f7", "p")):
            await press(pilot, *keys)
            assert not isinstance(pilot.app.screen, CorrectCustomer)
            assert "It needs the role support" in painted(pilot)
            pilot.app.clear_notifications()


async def test_what_was_never_corrected_cannot_be_taken_back_and_every_list_of_customers_has_the_key(
    company: Company,
) -> None:
    async with opened(company.app()) as pilot:
        await press(pilot, "f4")
        await press(pilot, "P")
        assert "No correction of the customer was made here" in painted(pilot)
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, CorrectCustomer)
        await put(pilot, "user", "user-typed")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, Question)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, CorrectCustomer)
        assert pilot.app.screen.value("user") == "user-typed"
        await press(pilot, "escape", "tab", "enter", "p")
        assert isinstance(pilot.app.screen, CorrectCustomer)
        assert pilot.app.screen.typed("user") is None
        await press(pilot, "escape", "f5", "m")
        await press(pilot, "c")
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, CorrectCustomer)


async def test_what_a_refused_dialog_learned_is_shown_behind_it(own_company: Company) -> None:
    await stock(own_company)
    async with own_company.connected() as database:
        seen = (await open_customer(database, MEERA, "cust-asha")).seen
        given = (database, MEERA, lambda: NOW, "cust-asha", Correction(phone="9000000009"), seen)
        await correct_customer(*given, "a first one")
    async with opened(own_company.app()) as pilot:
        await press(pilot, "f3")
        await type_text(pilot, "o-asha")
        await press(pilot, "escape", "right_square_bracket")
        assert "9000000009" in painted(pilot)
        await press(pilot, "P")
        await type_text(pilot, "not so")
        await corrected_by_meera(own_company)
        await press(pilot, "ctrl+s")
        assert "another by now, by meera" in said(pilot)
        await press(pilot, "escape", "tab", "enter")
        assert "9000000001" in painted(pilot)
        assert "9000000009" not in painted(pilot)
