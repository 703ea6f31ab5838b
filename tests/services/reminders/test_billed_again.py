"""Runs that are rolled back and billed again: one message in the end, and of the right run."""

import pytest

from services.backfills.commit import commit
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.clock import Clock
from services.operators.operator import Operator
from services.reminders.lease import take
from services.reminders.providers.provider import Answer, Provider, Verdict
from services.reminders.release import release
from services.reminders.sender import send
from services.reminders.settlement import ask, settle
from tests.services.reminders.conftest import QUICK, Shop, due
from tests.services.reminders.providing import ProviderServer
from tests.services.reminders.test_release import take_back
from tests.shop import order, stock


class TestBilledAgainWhileAsked:
    """A run is rolled back while its message is being sent, and another run bills the order."""

    @pytest.mark.parametrize(
        ("verdict", "state"), [("try-again", "held"), ("refused", "held"), ("accepted", "sent"), ("unclear", "unclear")]
    )
    async def test_the_reminder_is_the_new_runs_unless_the_customer_may_have_it(
        self, released: Shop, ops: Operator, day: Clock, verdict: Verdict, state: str
    ) -> None:
        await self.end(released, ops, day, verdict, "run-2")
        row = await released.database["console_outbox"].find_one({"order_id": "c"})
        assert row is not None
        assert (row["state"], "anew" in row) == (state, False)
        if state == "held":
            assert (row["run"], row["amount_paise"]) == ("run-2", 7_000)
        done = await release(released.database, ops, day, "run-2")
        assert (done.messages, done.amount_paise) == ((1, 7_000) if state == "held" else (0, 0))

    async def test_it_is_cancelled_where_the_new_run_is_rolled_back_too(
        self, released: Shop, ops: Operator, day: Clock
    ) -> None:
        await self.end(released, ops, day, "try-again", "run-2", "run-2")
        assert (await released.states())["c"] == "cancelled"

    async def end(self, shop: Shop, ops: Operator, day: Clock, verdict: Verdict, run: str, back: str = "") -> None:
        database, log = shop.database, await shop.log(reference_id="cust-2")
        async with database.client.start_session() as session:
            note = await ask(database, log["id"], await take(database, 10, [session]))
            assert note
            await take_back(shop, ops, day, "c")
            await shop.finish(run)
            await shop.hold(run, due("c", 2, 7_000))
            if back:
                await take_back(shop, ops, day, "c", run=back)
            await settle(database, ops, day, note, Answer(verdict, "words"), QUICK, session)


async def test_a_run_that_is_rolled_back_sends_nothing_and_billed_again_writes_once(
    shop: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    database = shop.database
    await stock(database, orders=[order(id=f"ord-{n}") for n in range(3)])

    async def bill() -> str:
        plan = await preview(database, ops, day, "bill-one-time-orders")
        assert plan.run
        await commit(database, ops, day, plan.run, plan.digest)
        return plan.run

    first = await bill()
    assert (await release(database, ops, day, first)).messages == 1
    await rollback(database, ops, day, first, "wrong prices")
    assert set((await shop.states()).values()) == {"cancelled"}
    assert (await send(database, ops, day, provider, limits=QUICK)).sent == 0
    assert await shop.queue() == []

    second = await bill()
    assert (await release(database, ops, day, second)).messages == 1
    assert (await send(database, ops, day, provider, limits=QUICK)).sent == 1
    await rollback(database, ops, day, second, "wrong prices again")
    third = await bill()
    assert (await release(database, ops, day, third)).messages == 0
    assert server.phones() == ["+919876543210"]
