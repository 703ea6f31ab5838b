"""Providers and settings at fault: the sending stops, and spoils few messages or none."""

from dataclasses import replace

import pytest

from services.clock import Clock
from services.errors import Refused
from services.operators.operator import Operator
from services.reminders.providers.provider import Provider
from services.reminders.providers.whatsapp import WhatsAppCloud
from services.reminders.sender import send
from tests.services.reminders.conftest import QUICK, Shop, many
from tests.services.reminders.providing import ACCEPTED, ProviderServer, Reply

ERROR = {"error": {"code": 131000, "message": "Something went wrong"}}


@pytest.mark.parametrize(
    ("reply", "within"),
    [(Reply(500, ERROR), 2.0), (Reply(502), 2.0), (Reply(hang=True), 0.1), (Reply(200, b"<html>Sign in</html>"), 2.0)],
    ids=["error", "bad-gateway", "hangs", "sign-in-page"],
)  # fmt: skip
async def test_an_outage_stops_the_sending_after_five_unclear_ones(
    shop: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock, reply: Reply,
    within: float,
) -> None:  # fmt: skip
    await many(shop, ops, day, 60)
    server.rule = lambda asked, count: reply
    with pytest.raises(Refused) as refusal:
        await send(shop.database, ops, day, provider, limits=replace(QUICK, answer_within=within))
    assert refusal.value.code == "provider-unclear"
    assert len(server.asked) == 5
    assert list((await shop.states()).values()).count("unclear") == 5
    assert len(await shop.queue()) == 55


async def test_unclear_ones_between_accepted_ones_do_not_stop_it(
    shop: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    await many(shop, ops, day, 14)
    server.rule = lambda asked, count: ACCEPTED if len(server.asked) % 2 else Reply(500, ERROR)
    done = await send(shop.database, ops, day, provider, limits=replace(QUICK, at_once=1))
    assert (done.sent, done.unclear, done.waiting) == (7, 7, 0)


async def test_settings_of_which_no_request_can_be_made_stop_it_and_fail_no_message(
    released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    broken = WhatsAppCloud(server.url, "v23.0", "555", "s3cret\n", {})
    with pytest.raises(Refused) as refusal:
        await send(released.database, ops, day, broken, limits=QUICK)
    assert refusal.value.code == "provider-shut-out"
    assert "s3cret" not in refusal.value.message
    assert set((await released.states()).values()) == {"released"}
    assert (await send(released.database, ops, day, provider, limits=QUICK)).sent == 3
