"""Cancelling what is unsent: of a run, of a customer in it, of a message."""

import pytest

from services.clock import INDIA, Clock, read_timestamp
from services.errors import NotPermitted, Refused
from services.operators.operator import Operator
from services.reminders.cancellation import cancel
from services.reminders.lease import take
from services.reminders.listing import list_reminders
from services.reminders.providers.provider import Answer, Provider
from services.reminders.release import release
from services.reminders.sender import send
from services.reminders.settlement import ask, settle
from tests.services.reminders.conftest import QUICK, RUN, Shop, at
from tests.services.reminders.providing import ProviderServer
from tests.services.reminders.test_release import take_back


async def test_a_run_a_customer_and_a_message_are_cancelled_with_the_reason(
    released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    message = (await released.log(reference_id="cust-1"))["id"]
    one = await cancel(released.database, ops, day, message, "she called")
    assert (one.orders, one.messages) == (2, 1)
    other = await cancel(released.database, ops, day, RUN, "he moved", customer_id="cust-2")
    assert (other.orders, other.messages) == (1, 1)
    assert (await send(released.database, ops, day, provider, limits=QUICK)).sent == 1
    assert server.phones() == ["+919876500003"]
    cancelled = (await list_reminders(released.database, ops, state="cancelled")).items
    assert {each.customer_id: each.reason for each in cancelled} == {"cust-1": "she called", "cust-2": "he moved"}
    with pytest.raises(Refused) as refusal:
        await cancel(released.database, ops, day, RUN, "all of it")
    assert refusal.value.code == "past-cancelling"


async def test_when_one_that_was_never_released_was_cancelled_is_stored(held: Shop, ops: Operator) -> None:
    database = held.database
    assert (await cancel(database, ops, at(10), RUN, "she called", customer_id="cust-1")).orders == 2
    await take_back(held, ops, at(11), "d")
    await database["billing_records"].delete_one({"order_id": "c"})
    assert (await release(database, ops, at(12), RUN)).cancelled == 1
    rows = [row async for row in database["console_outbox"].find()]
    when = {row["order_id"]: moment and moment.astimezone(INDIA).hour
            for row in rows for moment in [read_timestamp(row.get("cancelled_at"))]}  # fmt: skip
    assert when == {"a": 10, "b": 10, "c": 12, "d": 11}


@pytest.mark.parametrize(("target", "code"), [("run-none", "unknown-reminder"), ("", "unknown-reminder")])
async def test_what_is_not_there_is_told(released: Shop, ops: Operator, day: Clock, target: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        await cancel(released.database, ops, day, target, "why")
    assert refusal.value.code == code


async def test_only_ops_cancels(held: Shop, support: Operator, day: Clock) -> None:
    with pytest.raises(NotPermitted):
        await cancel(held.database, support, day, RUN, "why")


async def test_a_message_that_is_being_asked_for_is_not_cancelled_behind_its_refusal(
    released: Shop, ops: Operator, day: Clock
) -> None:
    database, log = released.database, await released.log(reference_id="cust-1")
    async with database.client.start_session() as session:
        note = await ask(database, log["id"], await take(database, 10, [session]))
        assert note
        with pytest.raises(Refused) as refusal:
            await cancel(database, ops, day, log["id"], "she called")
        assert refusal.value.code == "past-cancelling"
        await settle(database, ops, day, note, Answer("try-again", "busy"), QUICK, session)
    assert (await released.log(reference_id="cust-1"))["status"] == "queued"
    assert (await cancel(database, ops, day, log["id"], "she called")).messages == 1
