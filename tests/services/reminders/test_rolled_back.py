"""The reminders of a run that was rolled back: of the bills that it kept, once released anew, and of nothing else."""

import pytest

from services.backfills.commit import commit
from services.backfills.pace import Pace
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.clock import Clock
from services.database import Database
from services.errors import Refused
from services.operators.operator import Operator
from services.reminders.lease import take
from services.reminders.listing import list_reminders
from services.reminders.providers.provider import Answer, Provider, Verdict
from services.reminders.release import release
from services.reminders.sender import send
from services.reminders.settlement import ask, settle
from tests.services.reminders.conftest import QUICK, Shop, person
from tests.services.reminders.providing import ProviderServer
from tests.shop import order, stock


@pytest.fixture
async def run(shop: Shop, ops: Operator, day: Clock) -> str:
    """A committed run: two customers, the first with the orders 1-0 to 1-2, the second with 2-0; ₹180 each."""
    orders = [order(id=f"{who}-{n}", customer_id=f"cust-{who}", user_id=None) for who, n in WHOSE]
    await stock(shop.database, orders=orders, customers_v2=[person(1), person(2)])
    plan = await preview(shop.database, ops, day, "bill-one-time-orders")
    assert plan.run
    await commit(shop.database, ops, day, plan.run, plan.digest)
    return plan.run


WHOSE = [(1, 0), (1, 1), (1, 2), (2, 0)]


async def touch(database: Database, *orders: str) -> None:
    """Change orders after the commit, so that a rollback keeps them."""
    await database["orders"].update_many({"id": {"$in": list(orders)}}, {"$set": {"notes": "rang the bell"}})


@pytest.mark.parametrize("before", ["held", "released"])
async def test_a_customer_is_asked_for_the_bills_that_are_kept_and_only_when_released_anew(
    shop: Shop, run: str, server: ProviderServer, provider: Provider, ops: Operator, day: Clock, before: str
) -> None:
    database = shop.database
    if before == "released":
        assert (await release(database, ops, day, run)).messages == 2
    await touch(database, "1-0", "1-1", "2-0")

    assert (await rollback(database, ops, day, run, "wrong")).kept == 3

    assert await shop.states() == {"1-0": "held", "1-1": "held", "1-2": "cancelled", "2-0": "held"}
    assert (await send(database, ops, day, provider, limits=QUICK)).sent == 0
    done = await release(database, ops, day, run)
    assert (done.messages, done.orders, done.amount_paise) == (2, 3, 54_000)
    assert (await send(database, ops, day, provider, limits=QUICK)).sent == 2
    assert sorted(asked.body["text"]["body"].split("is ")[-1] for asked in server.asked) == ["₹180.00.", "₹360.00."]
    with pytest.raises(Refused) as refusal:
        await release(database, ops, day, run)
    assert refusal.value.code == "run-rolled-back"


async def test_of_a_run_that_is_taken_back_whole_nothing_is_released(
    shop: Shop, run: str, ops: Operator, day: Clock
) -> None:
    await release(shop.database, ops, day, run)
    await rollback(shop.database, ops, day, run, "wrong")
    assert set((await shop.states()).values()) == {"cancelled"}
    assert await shop.queue() == []
    with pytest.raises(Refused) as refusal:
        await release(shop.database, ops, day, run)
    assert refusal.value.code == "run-rolled-back"


@pytest.mark.parametrize("before", ["held", "released"])
async def test_what_was_one_message_is_listed_as_one_cancelled_with_its_reason(
    shop: Shop, run: str, ops: Operator, day: Clock, before: str
) -> None:
    if before == "released":
        await release(shop.database, ops, day, run)
    await rollback(shop.database, ops, day, run, "wrong", pace=Pace(batch_size=1))
    reminders = (await list_reminders(shop.database, ops, run=run)).items
    assert sorted((each.orders, each.amount_paise, each.reason) for each in reminders) == [
        (("1-0", "1-1", "1-2"), 54_000, f"{run} was rolled back"), (("2-0",), 18_000, f"{run} was rolled back"),
    ]  # fmt: skip
    assert all(bool(each.text) == (before == "released") for each in reminders)


async def test_a_customer_who_was_told_is_not_told_again(
    shop: Shop, run: str, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    database = shop.database
    await database["console_outbox"].update_one({"order_id": "1-2"}, {"$set": {"customer_id": "away"}})
    await release(database, ops, day, run)
    assert (await send(database, ops, day, provider, limits=QUICK)).sent == 2
    await database["console_outbox"].update_one({"order_id": "1-2"}, {"$set": {"customer_id": "cust-1"}})
    await touch(database, "1-0", "1-2", "2-0")

    assert (await rollback(database, ops, day, run, "wrong")).kept == 3

    assert await shop.states() == {"1-0": "sent", "1-1": "sent", "1-2": "held", "2-0": "sent"}
    assert (await release(database, ops, day, run)).messages == 0
    (held,) = (await list_reminders(database, ops, run=run, state="held")).items
    assert (held.orders, held.code) == (("1-2",), "has-message")
    assert (await send(database, ops, day, provider, limits=QUICK)).sent == 0
    assert len(server.asked) == 2


async def test_what_was_paid_or_is_gone_is_not_asked_for(shop: Shop, run: str, ops: Operator, day: Clock) -> None:
    database = shop.database
    await release(database, ops, day, run)
    await database["billing_records"].update_one({"order_id": "1-0"}, {"$set": {"payment_status": "paid"}})
    await database["billing_records"].delete_one({"order_id": "1-1"})
    await touch(database, "1-2")

    assert (await rollback(database, ops, day, run, "wrong")).kept == 3

    assert await shop.states() == {"1-0": "cancelled", "1-1": "held", "1-2": "held", "2-0": "cancelled"}
    done = await release(database, ops, day, run)
    assert (done.orders, done.amount_paise, done.cancelled) == (1, 18_000, 1)
    assert await shop.states() == {"1-0": "cancelled", "1-1": "cancelled", "1-2": "released", "2-0": "cancelled"}


@pytest.mark.parametrize(("verdict", "state"), [("try-again", "held"), ("accepted", "sent"), ("unclear", "unclear")])
async def test_a_message_that_is_being_sent_is_not_tried_again_for_what_is_kept(
    shop: Shop, run: str, ops: Operator, day: Clock, verdict: Verdict, state: str
) -> None:
    database = shop.database
    await release(database, ops, day, run)
    await touch(database, "2-0")
    async with database.client.start_session() as session:
        log = await shop.log(reference_id="cust-2")
        note = await ask(database, log["id"], await take(database, 10, [session]))
        assert note
        await rollback(database, ops, day, run, "wrong")
        await settle(database, ops, day, note, Answer(verdict, "words"), QUICK, session)
    assert (await shop.states())["2-0"] == state
    assert await shop.queue() == []


async def test_the_other_run_that_bills_the_rest_asks_for_the_rest(
    shop: Shop, run: str, ops: Operator, day: Clock
) -> None:
    database = shop.database
    await touch(database, "1-0")
    await rollback(database, ops, day, run, "wrong")
    plan = await preview(database, ops, day, "bill-one-time-orders")
    assert plan.run
    await commit(database, ops, day, plan.run, plan.digest)
    assert (await release(database, ops, day, run)).amount_paise == 18_000
    assert (await release(database, ops, day, plan.run)).amount_paise == 54_000
    orders = [order for note in await database["console_sends"].find().to_list() for order in note["orders"]]
    assert sorted(orders) == ["1-0", "1-1", "1-2", "2-0"]


async def test_the_released_reminder_of_a_bill_whose_order_the_server_will_not_restore_is_held(
    shop: Shop, run: str, ops: Operator, day: Clock
) -> None:
    database = shop.database
    await release(database, ops, day, run)
    rule = {"$or": [{"id": {"$ne": "2-0"}}, {"billed": True}]}
    await database.client[database.name].command("collMod", "orders", validator=rule)

    assert (await rollback(database, ops, day, run, "wrong")).kept == 1

    assert await shop.states() == {"1-0": "cancelled", "1-1": "cancelled", "1-2": "cancelled", "2-0": "held"}
    assert await shop.queue() == []
