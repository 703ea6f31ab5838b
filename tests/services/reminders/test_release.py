"""Release: one message per customer and run, exactly once, and nothing at all with a template that is refused."""

import asyncio
from typing import Any

import pytest

from services.backfills.commit import commit, resume
from services.backfills.preview import preview
from services.changes.changeset import Change, ChangeSet, transact
from services.clock import Clock
from services.database import Database
from services.errors import NotPermitted, Refused
from services.operators.operator import Operator
from services.reminders import release as releasing
from services.reminders.listing import list_reminders, survey
from services.reminders.outbox import withdraw
from services.reminders.queue import message_id
from services.reminders.release import release
from tests.explaining import watch
from tests.services.reminders.conftest import RUN, Shop, due, person
from tests.shop import customer, order, stock


async def take_back(shop: Shop, operator: Operator, clock: Clock, *orders: str, run: str = RUN) -> None:
    async def work(changes: ChangeSet) -> None:
        taken: Any = await withdraw(shop.database, changes.session, run, orders, now=changes.now)
        found: list[Change] = list(taken)
        changes.add(*found)

    await transact(shop.database, operator, clock, work)


async def test_the_orders_of_a_customer_become_one_message(held: Shop, ops: Operator, clock: Clock) -> None:
    done = await release(held.database, ops, clock, RUN)

    assert (done.messages, done.orders, done.amount_paise, done.held_back) == (3, 4, 12_386_650, 0)
    assert set((await held.states()).values()) == {"released"}
    log = await held.log(reference_id="cust-1")
    assert log["message"] == "Dear Asha 1, your bill for September 2026 and October 2026 is ₹360.00."
    assert (await held.log(reference_id="cust-3"))["message"].endswith("is ₹1,23,456.00.")


async def test_both_documents_have_the_shapes_that_the_backend_reads(held: Shop, ops: Operator, clock: Clock) -> None:
    await release(held.database, ops, clock, RUN)

    log = await held.log(reference_id="cust-2")
    (waiting,) = [row for row in await held.queue() if row["reference_id"] == "cust-2"]
    shared = {
        "phone": "+919876500002", "type": "payment_reminder", "retry_count": 0, "max_retries": 3,
        "created_at": "2026-11-22T04:30:00.000000+00:00",
        "message": "Dear Asha 2, your bill for October 2026 is ₹50.50.",
        "context": {"customer_name": "Asha 2", "amount": "50.50", "period": "October 2026", "language": "en"},
    }  # fmt: skip
    assert shared.items() <= log.items()
    assert shared.items() <= waiting.items()
    assert (log["id"], log["status"]) == (message_id("cust-2", ["c"]), "queued")
    assert [log[name] for name in ("sent_at", "failed_at", "error_message", "next_retry_at")] == [None] * 4
    assert (waiting["message_id"], waiting["retry_at"]) == (log["id"], waiting["created_at"])
    entries = await held.database["audit_logs"].find({"record_id": log["id"]}).to_list()
    assert [(entry["table"], entry["action"], entry["user_id"]) for entry in entries] == [
        ("notifications_log", "CREATE", "olga")
    ]
    assert await held.database["audit_logs"].count_documents({"table": "notifications_queue"}) == 3


async def test_releasing_twice_makes_nothing_twice(held: Shop, ops: Operator, clock: Clock) -> None:
    await release(held.database, ops, clock, RUN)
    again = await release(held.database, ops, clock, RUN)

    assert (again.messages, again.orders) == (0, 0)
    assert len(await held.queue()) == 3


async def test_a_release_that_broke_off_goes_on_where_it_stood(
    held: Shop, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "BATCH", 1)

    def break_off(messages: int, customers: int) -> None:
        if messages == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await release(held.database, ops, clock, RUN, progress=break_off)
    assert len(await held.queue()) == 2
    assert (await release(held.database, ops, clock, RUN)).messages == 1
    assert len(await held.queue()) == 3


async def test_two_releases_at_once_queue_each_message_once(held: Shop, ops: Operator, clock: Clock) -> None:
    outcomes = await asyncio.gather(
        *(release(held.database, ops, clock, RUN) for _ in range(4)), return_exceptions=True
    )
    assert sum(each.messages for each in outcomes if not isinstance(each, BaseException)) == 3
    assert len(await held.queue()) == await held.database["notifications_log"].count_documents({}) == 3


async def test_customers_without_an_indian_mobile_number_stay_held_with_the_reason(
    shop: Shop, ops: Operator, clock: Clock
) -> None:
    numbers = ["080-2345 6789", "12345", "", "not given", "+1 202 555 0147", None]
    await shop.customers(*(person(n, phone=number) for n, number in enumerate(numbers)))
    await shop.customers(person(6, phone=None, phone_number="098765-43210"), person(7, phone="+91 98765 43211"))
    await shop.hold(RUN, *(due(f"o{n}", n) for n in range(9)))

    done = await release(shop.database, ops, clock, RUN)

    assert (done.messages, done.held_back) == (2, 7)
    assert sorted(row["phone"] for row in await shop.queue()) == ["+919876543210", "+919876543211"]
    listed = await list_reminders(shop.database, ops, run=RUN, state="held")
    assert {each.customer_id: each.code for each in listed.items} == {
        **{f"cust-{n}": "no-number" for n in range(6)},
        "cust-8": "no-customer",
    }
    assert listed.items[-1].reason == "The customer has no valid Indian mobile number."


async def test_a_bill_that_was_paid_meanwhile_is_not_reminded_of(held: Shop, ops: Operator, clock: Clock) -> None:
    await held.database["billing_records"].update_one({"order_id": "a"}, {"$set": {"payment_status": "paid"}})

    await release(held.database, ops, clock, RUN)

    assert (await held.states())["a"] == "held"
    assert "₹180.00" in (await held.log(reference_id="cust-1"))["message"]
    (kept,) = (await list_reminders(held.database, ops, state="held")).items
    assert kept.code == "bill-paid"


@pytest.mark.parametrize(
    ("payment", "code"),
    [
        ({"created_at": "2026-11-22T00:00:01+00:00"}, "month-paid"),
        ({"created_at": "2026-11-21T23:59:59+00:00"}, None),
        ({"payment_date": "2026-11-22"}, "month-paid"),
        ({"payment_date": "2026-11-21"}, None),
        ({}, "month-paid"),
        ({"month": "2026-09"}, None),
        ({"customer_id": "cust-3"}, None),
    ],
)
async def test_a_month_that_was_paid_after_the_bill_is_not_reminded_of(
    held: Shop, ops: Operator, clock: Clock, payment: dict[str, str], code: str | None
) -> None:
    paid = {"id": "p", "customer_id": "cust-2", "month": "2026-10", "amount": 50.5}
    await held.database["payment_transactions"].insert_one(paid | payment)
    listed = (await list_reminders(held.database, ops, state="held")).items
    await release(held.database, ops, clock, RUN)
    assert [each.code for each in listed if each.customer_id == "cust-2"] == [code]
    assert (await held.states())["c"] == ("held" if code else "released")


class TestOneMessageOfARun:
    async def test_a_customer_with_a_message_of_the_run_gets_no_second_one(
        self, held: Shop, ops: Operator, clock: Clock
    ) -> None:
        await release(held.database, ops, clock, RUN)
        await held.hold(RUN, due("late", 2))
        again = await release(held.database, ops, clock, RUN)

        assert (again.messages, again.held_back) == (0, 1)
        assert len(await held.queue()) == 3
        (kept,) = (await list_reminders(held.database, ops, state="held")).items
        assert (kept.orders, kept.code) == (("late",), "has-message")
        assert kept.reason
        await held.finish("run-2")
        await held.hold("run-2", due("other", 2))
        assert (await release(held.database, ops, clock, "run-2")).messages == 1

    async def test_a_run_that_failed_to_bill_an_order_releases_the_other_customers_alone(
        self, database: Database, shop: Shop, ops: Operator, clock: Clock
    ) -> None:
        await stock(
            database,
            customers_v2=[customer(id=f"c{n}", user_id=f"u{n}", phone=f"987654321{n}") for n in range(2)],
            orders=[order(id=f"o{n}", user_id=f"u{n % 2}", customer_id=f"u{n % 2}") for n in range(3)],
        )
        plan = await preview(database, ops, clock, "bill-one-time-orders")
        assert plan.run
        await database["billing_records"].insert_one({"_id": "bill:o2"})
        assert (await commit(database, ops, clock, plan.run, plan.digest)).failed == 1

        assert (await release(database, ops, clock, plan.run)).messages == 1
        (kept,) = (await list_reminders(database, ops, state="held")).items
        assert (kept.customer_id, kept.code) == ("c0", "run-failed")
        await database["billing_records"].delete_one({"_id": "bill:o2"})
        await resume(database, ops, clock, plan.run)
        assert (await release(database, ops, clock, plan.run)).messages == 1
        assert sorted(row["reference_id"] for row in await shop.queue()) == ["c0", "c1"]
        assert (await shop.log(reference_id="c0"))["message"].endswith("is ₹360.00.")


async def test_the_language_is_the_customers_own_else_the_default(shop: Shop, ops: Operator, clock: Clock) -> None:
    await shop.customers(
        person(1, language="en"), person(2, preferred_language="Telugu"), person(3), person(4, language="kn")
    )
    await shop.hold(RUN, *(due(f"o{n}", n) for n in range(1, 5)))

    found = await survey(shop.database, ops, RUN, "te")
    await release(shop.database, ops, clock, RUN, language="te")

    assert found.languages == {"en": 1, "te": 3}
    assert (await shop.log(reference_id="cust-1"))["message"].startswith("Dear Asha 1")
    telugu = await shop.log(reference_id="cust-2")
    assert telugu["message"] == "ప్రియమైన Asha 2 గారు, అక్టోబర్ 2026 నెలకు బిల్లు ₹180.00."
    assert telugu["context"]["language"] == "te"


async def test_a_template_that_is_refused_releases_nothing(held: Shop, ops: Operator, clock: Clock) -> None:
    evil = "{{ customer_name.__class__.__mro__[1].__subclasses__() }}"
    await held.database["notification_templates"].update_one({"language": "te"}, {"$set": {"content": evil}})

    with pytest.raises(Refused) as refusal:
        await release(held.database, ops, clock, RUN)

    assert refusal.value.code == "template-refused"
    assert "payment_reminder_te" in refusal.value.message
    assert await held.queue() == []
    assert set((await held.states()).values()) == {"held"}
    listed = await list_reminders(held.database, ops)
    assert "payment_reminder_te" in (listed.note or "")
    assert [each.text for each in listed.items] == ["", "", ""]


async def test_the_settings_have_templates_where_the_collection_has_none(
    held: Shop, ops: Operator, clock: Clock
) -> None:
    await held.database["notification_templates"].update_many({}, {"$set": {"active": False}})
    with pytest.raises(Refused) as refusal:
        await release(held.database, ops, clock, RUN)
    assert refusal.value.code == "no-template"

    await held.database["system_settings"].insert_one(
        {"whatsapp_template_english": "{{amount}} to {{upi_id}}", "upi_id": "halu@upi"}
    )
    await release(held.database, ops, clock, RUN)
    assert (await held.log(reference_id="cust-2"))["message"] == "₹50.50 to halu@upi"


@pytest.mark.parametrize("state", ["planned", "running", "paused", "interrupted", "rolling-back"])
async def test_a_run_that_is_not_done_is_not_released(held: Shop, ops: Operator, clock: Clock, state: str) -> None:
    await held.finish(RUN, state)
    with pytest.raises(Refused) as refusal:
        await release(held.database, ops, clock, RUN)
    assert refusal.value.code == "run-not-done"
    assert await held.queue() == []


async def test_only_ops_releases(held: Shop, support: Operator, clock: Clock) -> None:
    with pytest.raises(NotPermitted):
        await release(held.database, support, clock, RUN)


class TestRollingBack:
    async def test_a_released_message_is_called_off_and_the_customers_other_orders_are_held_again(
        self, held: Shop, ops: Operator, clock: Clock
    ) -> None:
        await release(held.database, ops, clock, RUN)
        await take_back(held, ops, clock, "a", "d")

        assert await held.states() == {"a": "cancelled", "b": "held", "c": "released", "d": "cancelled"}
        assert [row["reference_id"] for row in await held.queue()] == ["cust-2"]
        log = await held.log(reference_id="cust-1")
        assert (log["status"], log["outcome"]) == ("failed", "cancelled")
        assert log["error_message"] == f"Cancelled: {RUN} was rolled back"
        await take_back(held, ops, clock, "b")
        assert (await held.states())["b"] == "cancelled"

    async def test_what_was_rolled_back_and_billed_again_is_released_anew_once(
        self, held: Shop, ops: Operator, clock: Clock
    ) -> None:
        await release(held.database, ops, clock, RUN)
        await take_back(held, ops, clock, "a", "b", "c", "d")
        await held.finish("run-2")
        await held.hold("run-2", due("a"), due("b", month="2026-09"), due("c", 2, 6_000))

        assert (await release(held.database, ops, clock, "run-2")).messages == 2

        assert len(await held.queue()) == 2
        log = await held.log(reference_id="cust-2")
        assert (log["status"], log["outcome"], log["run"]) == ("queued", None, "run-2")
        assert "₹60.00" in log["message"]
        assert await held.database["notifications_log"].count_documents({}) == 3

    @pytest.mark.parametrize("state", ["sent", "unclear"])
    async def test_an_order_that_was_reminded_of_is_never_reminded_of_again(
        self, held: Shop, ops: Operator, clock: Clock, state: str
    ) -> None:
        await release(held.database, ops, clock, RUN)
        await held.database["console_outbox"].update_one({"order_id": "c"}, {"$set": {"state": state}})
        await held.database["console_sends"].update_one({"orders": "c"}, {"$set": {"state": "closed"}})
        await take_back(held, ops, clock, "a", "b", "c", "d")
        await held.finish("run-2")
        await held.hold("run-2", due("c", 2))

        assert (await held.states())["c"] == state
        assert (await release(held.database, ops, clock, "run-2")).messages == 0

    async def test_a_message_that_is_being_sent_is_past_taking_back(
        self, held: Shop, ops: Operator, clock: Clock
    ) -> None:
        await release(held.database, ops, clock, RUN)
        await held.database["console_sends"].update_one({"orders": "c"}, {"$set": {"state": "asked", "token": 1}})
        await take_back(held, ops, clock, "c")
        assert (await held.states())["c"] == "released"
        assert "cust-2" in [row["reference_id"] for row in await held.queue()]


async def test_every_query_has_an_index(held: Shop, ops: Operator, clock: Clock, database: Database) -> None:
    from services.deployment.indexes import apply

    await apply(database, ops)
    await database["payment_transactions"].insert_one({"id": "p", "customer_id": "cust-2", "month": "2026-09"})
    await database["console_run_exceptions"].insert_one(
        {"_id": f"{RUN}/commit/000000001", "outcome": "failed", "number": 1}
    )
    (await watch(database, release(database, ops, clock, RUN))).assert_indexed()
