"""What changed between the release and the sending: what no longer holds is not sent, and asked for rightly instead."""

from typing import Any

import pytest

from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator
from services.reminders.listing import list_reminders
from services.reminders.providers.provider import Provider
from services.reminders.release import release
from services.reminders.sender import send
from services.reminders.standing import call_off_unless_it_holds, holds
from tests.explaining import watch
from tests.services.reminders.conftest import QUICK, RUN, Shop, at
from tests.services.reminders.providing import ACCEPTED, ProviderServer, Reply


async def test_what_was_paid_deleted_or_corrected_overnight_is_not_sent_as_it_was(
    released: Shop, server: ProviderServer, provider: Provider, ops: Operator
) -> None:
    database = released.database
    assert (await send(database, ops, at(21, 1), provider, limits=QUICK)).waiting == 3
    await database["billing_records"].update_one({"order_id": "a"}, {"$set": {"payment_status": "paid"}})
    await database["billing_records"].delete_one({"order_id": "c"})
    await database["customers_v2"].update_one({"id": "cust-3"}, {"$set": {"phone": "9000000002"}})
    morning = at(8, 1, day=23)

    done = await send(database, ops, morning, provider, limits=QUICK)

    assert (done.sent, done.called_off, done.waiting, server.asked) == (0, 3, 0, [])
    assert await released.states() == {"a": "cancelled", "b": "held", "c": "cancelled", "d": "held"}
    cancelled = (await list_reminders(database, ops, state="cancelled")).items
    assert {each.orders: each.reason for each in cancelled} == {
        ("a",): "The bill was paid, at least in part.",
        ("c",): "There is no billing record for it.",
    }
    log = await released.log(reference_id="cust-3")
    assert (log["status"], log["outcome"]) == ("failed", "cancelled")
    assert log["error_message"] == "Cancelled: The customer's mobile number has changed."

    again = await release(database, ops, morning, RUN)
    assert (again.messages, again.amount_paise) == (2, 18_000 + 12_345_600)
    assert (await send(database, ops, morning, provider, limits=QUICK)).sent == 2
    assert server.phones() == ["+919000000002", "+919876500001"]
    (first,) = [each.body["text"]["body"] for each in server.asked if each.phone == "+919876500001"]
    assert first == "Dear Asha 1, your bill for September 2026 is ₹180.00."


@pytest.mark.parametrize(
    ("collection", "values"),
    [
        ("billing_records", {"amount": 49.0}),
        ("billing_records", {"month": "2026-09"}),
        ("billing_records", {"customer_id": "cust-3"}),
        ("billing_records", {"payment_status": "partial"}),
        ("billing_records", {"run": "run-2"}),
        ("console_outbox", {"message": "another"}),
    ],
)
async def test_each_change_calls_the_message_off_and_no_other(
    released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock, collection: str,
    values: dict[str, Any],
) -> None:  # fmt: skip
    await released.database[collection].update_one({"order_id": "c"}, {"$set": values})
    done = await send(released.database, ops, day, provider, limits=QUICK)
    assert (done.sent, done.called_off, done.waiting) == (2, 1, 0)
    assert server.phones() == ["+919876500001", "+919876500003"]


async def test_a_month_that_was_paid_since_the_release_is_held_back(
    released: Shop, provider: Provider, ops: Operator, day: Clock
) -> None:
    paid = {"id": "p", "customer_id": "cust-2", "month": "2026-10", "payment_date": "2026-11-23"}
    await released.database["payment_transactions"].insert_one(paid)
    done = await send(released.database, ops, day, provider, limits=QUICK)
    assert (done.sent, done.called_off) == (2, 1)
    assert (await list_reminders(released.database, ops, state="held")).items[0].code == "month-paid"


async def test_each_try_looks_again(
    released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    server.rule = lambda asked, count: Reply(503, {}) if asked.phone.endswith("2") else ACCEPTED
    assert (await send(released.database, ops, day, provider, limits=QUICK)).retrying == 1
    await released.database["billing_records"].update_one({"order_id": "c"}, {"$set": {"payment_status": "paid"}})
    assert (await send(released.database, ops, at(12), provider, limits=QUICK)).called_off == 1
    assert len(server.asked) == 3


async def test_a_message_that_holds_is_not_called_off(
    released: Shop, ops: Operator, day: Clock, database: Database
) -> None:
    """As where the record was put right between the two looks; and none that another sender is asking for."""
    message = (await released.log(reference_id="cust-2"))["id"]
    async with database.client.start_session() as session:
        assert not await call_off_unless_it_holds(database, ops, day, message, "+919876500002", session)
        await database["console_sends"].update_one({"_id": message}, {"$set": {"state": "asked"}})
        assert not await call_off_unless_it_holds(database, ops, day, message, "+919000000000", session)
    assert await holds(database, message, "+919000000000")
    assert (await released.states())["c"] == "released"


async def test_every_query_has_an_index(released: Shop, provider: Provider, ops: Operator, day: Clock) -> None:
    await apply(released.database, ops)
    await released.database["billing_records"].delete_one({"order_id": "c"})
    (await watch(released.database, send(released.database, ops, day, provider, limits=QUICK))).assert_indexed()
