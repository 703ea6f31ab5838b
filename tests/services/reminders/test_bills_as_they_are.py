"""A reminder asks for what the bills say now, and only for bills of its own run."""

from typing import Any

import pytest

from services.backfills.commit import commit
from services.backfills.plan import Options
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.clock import Clock
from services.errors import Refused
from services.operators.operator import Operator
from services.reminders.listing import Count, list_reminders, survey
from services.reminders.release import Released, release
from tests.services.reminders.conftest import RUN, Shop, bill_of, due
from tests.shop import order, stock


@pytest.mark.parametrize(
    ("values", "paise"),
    [
        ({"amount": 90.0}, 9_000),  # the backend corrects the field that it knows
        ({"amount": 90.0, "amount_paise": 9_000}, 9_000),
        ({"amount": 90.0, "amount_paise": None, "run": None}, 9_000),
    ],
)
async def test_the_amount_is_what_the_bill_says_now(
    held: Shop, ops: Operator, clock: Clock, values: dict[str, Any], paise: int
) -> None:
    await held.database["billing_records"].update_one({"order_id": "a"}, {"$set": values})

    found = await survey(held.database, ops, RUN)
    done = await release(held.database, ops, clock, RUN)

    total = paise + 18_000 + 5_050 + 12_345_600
    assert (found.ready.amount_paise, found.states["held"].amount_paise, done.amount_paise) == (total,) * 3
    assert (await held.log(reference_id="cust-1"))["message"].endswith("is ₹270.00.")
    shown = (await list_reminders(held.database, ops, state="released")).items[-1]
    assert (shown.customer_id, shown.amount_paise) == ("cust-1", 27_000)


async def test_the_month_is_what_the_bill_says_now(held: Shop, ops: Operator, clock: Clock) -> None:
    await held.database["billing_records"].update_one({"order_id": "a"}, {"$set": {"month": "2026-09"}})
    await release(held.database, ops, clock, RUN)
    assert "for September 2026 is ₹360.00" in (await held.log(reference_id="cust-1"))["message"]


@pytest.mark.parametrize(
    "values",
    [{"amount": None}, {"amount": 0.0}, {"month": "soon"}, {"customer_id": "cust-3"}, {"order_id": ["c", "x"]}],
)
async def test_a_bill_that_is_not_clear_is_not_reminded_of(
    held: Shop, ops: Operator, clock: Clock, values: dict[str, Any]
) -> None:
    await held.database["billing_records"].update_one({"order_id": "c"}, {"$set": values})
    done = await release(held.database, ops, clock, RUN)
    assert (done.messages, done.held_back, done.cancelled) == (2, 1, 0)
    (kept,) = (await list_reminders(held.database, ops, state="held")).items
    assert (kept.orders, kept.code) == (("c",), "bill-unclear")


async def test_an_order_with_two_bills_is_not_reminded_of(held: Shop, ops: Operator, clock: Clock) -> None:
    await held.database["billing_records"].insert_one(bill_of(RUN, due("c", 2, 700)) | {"id": "second"})
    assert (await release(held.database, ops, clock, RUN)).held_back == 1
    assert (await list_reminders(held.database, ops, state="held")).items[0].code == "bill-unclear"


async def test_a_bill_that_is_gone_or_of_another_run_takes_its_order_out(
    held: Shop, ops: Operator, clock: Clock
) -> None:
    bills = held.database["billing_records"]
    await bills.delete_one({"order_id": "a"})
    await bills.update_one({"order_id": "c"}, {"$set": {"run": "run-2"}})
    found = await survey(held.database, ops, RUN)
    assert found.obstacles == {"bill-missing": Count(1, 1, 18_000), "bill-replaced": Count(1, 1, 5_050)}

    done = await release(held.database, ops, clock, RUN)

    assert done == Released(RUN, 2, 2, 18_000 + 12_345_600, held_back=0, cancelled=2)
    assert await held.states() == {"a": "cancelled", "b": "released", "c": "cancelled", "d": "released"}
    assert (await held.log(reference_id="cust-1"))["message"].endswith("for September 2026 is ₹180.00.")
    reasons = {each.orders: each.reason for each in (await list_reminders(held.database, ops, state="cancelled")).items}
    assert reasons[("a",)] == "There is no billing record for it."


@pytest.mark.parametrize("before", ["held", "released", "rolled-back"])
async def test_an_order_that_a_second_run_bills_is_the_second_runs_to_remind_of(
    shop: Shop, ops: Operator, day: Clock, before: str
) -> None:
    """Its bill of the first run was deleted, and the order put right; the customer's other order stays the first's."""
    database = shop.database
    await stock(database, orders=[order(id="ord-1"), order(id="ord-2")])
    first = await bill(shop, ops, day)
    if before == "released":
        assert (await release(database, ops, day, first)).amount_paise == 36_000
    await database["billing_records"].delete_one({"order_id": "ord-1"})
    half = [{"product_id": "b", "product_name": "Bread", "quantity": 1, "price": 60.0, "total": 60.0}]
    await database["orders"].update_one({"id": "ord-1"}, {"$set": {"total_amount": 60.0, "items": half}})
    if before == "rolled-back":
        assert (await rollback(database, ops, day, first, "wrong")).kept == 1

    second = await bill(shop, ops, day)

    if before == "rolled-back":
        with pytest.raises(Refused):
            await release(database, ops, day, first)
    else:
        assert (await release(database, ops, day, first)).amount_paise == 18_000
    done = await release(database, ops, day, second)
    assert done.amount_paise == (6_000 if before != "rolled-back" else 24_000)
    rows = await database["console_outbox"].find({"order_id": "ord-1"}).to_list()
    assert [(row["run"], row["amount_paise"], row["state"], "anew" in row) for row in rows] == [
        (second, 6_000, "released", False)
    ]
    texts = sorted(row["message"].split("is ")[-1] for row in await shop.queue())
    assert texts == (["₹240.00."] if before == "rolled-back" else ["₹180.00.", "₹60.00."])


async def bill(shop: Shop, ops: Operator, clock: Clock) -> str:
    plan = await preview(shop.database, ops, clock, "bill-one-time-orders", Options(include_flagged=True))
    assert plan.run
    await commit(shop.database, ops, clock, plan.run, plan.digest)
    return plan.run
