"""Checking an order on the screen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from screens.orders.check import CheckOrder
from services.operators.operator import Operator
from tests.screens.conftest import Company, opened, painted, press, type_text

VIEWER = Operator("vera", ("viewer",))


@asynccontextmanager
async def odd_order(company: Company) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """An order with hostile text for a while; yields what deletes it."""
    async with company.connected() as database:
        delete = partial(database["orders"].delete_one, {"id": "o-odd"})
        await database["orders"].insert_one({"id": "o-odd", "items": [], "payment_method": "[b]x[/b]\x1b[31m"})
        try:
            yield delete
        finally:
            await delete()


async def test_v_shows_what_every_validator_says_and_escape_leads_back(company: Company) -> None:
    async with opened(company.app(), (120, 50)) as pilot:
        await press(pilot, "f3", "escape", "v")
        assert isinstance(pilot.app.screen, CheckOrder)
        screen = painted(pilot)
        for words in ("Check of an order", "customer exists", "the postal circle Karnataka.", "Does not apply"):
            assert words in screen
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, CheckOrder)


async def test_what_is_refused_is_told_as_plain_text_and_so_is_an_order_that_is_gone(company: Company) -> None:
    async with odd_order(company) as delete, opened(company.app(VIEWER), (80, 24)) as pilot:
        await press(pilot, "f3")
        await type_text(pilot, "o-odd")
        await press(pilot, "escape", "v")
        screen = " ".join(painted(pilot).replace("│", " ").split())
        assert "The order has no items." in screen
        assert "payment_method = [b]x[/b]␛[31m" in screen
        await press(pilot, "escape")
        await delete()
        await press(pilot, "v")
        assert isinstance(pilot.app.screen, CheckOrder)
        assert "There is no order 'o-odd'" in painted(pilot)
