"""Listing: pages by run, state and customer, masked for a viewer, with honest counts."""

import pytest

from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.errors import BadRequest, NotFound
from services.operators.operator import Operator
from services.reminders.listing import Count, list_reminders, survey
from services.reminders.release import release
from tests.explaining import watch
from tests.services.reminders.conftest import RUN, Shop, due, person


async def test_held_ones_show_the_message_that_would_go_out(held: Shop, viewer: Operator) -> None:
    page = await list_reminders(held.database, viewer)
    first = page.items[-1]
    assert (first.customer_id, first.customer_name, first.orders) == ("cust-1", "Asha 1", ("a", "b"))
    assert (first.months, first.amount_paise, first.message) == (("2026-09", "2026-10"), 36_000, None)
    assert first.text == "Dear Asha 1, your bill for September 2026 and October 2026 is ₹360.00."
    assert first.phone == "•••••001"


async def test_pages_follow_each_other_to_the_end_without_gap_or_repetition(
    shop: Shop, ops: Operator, clock: Clock
) -> None:
    await shop.customers(*(person(n) for n in range(12)))
    await shop.hold(RUN, *(due(f"a{n}", n) for n in range(12)), *(due(f"b{n}", n) for n in range(12)))
    await release(shop.database, ops, clock, RUN)
    await shop.hold("run-20261123", *(due(f"c{n}", n) for n in range(7)))
    seen, token, pages = [], None, 0
    while True:
        page = await list_reminders(shop.database, ops, token=token, limit=5)
        seen += [each.key for each in page.items]
        token, pages = page.next, pages + 1
        if token is None:
            break
    assert (len(seen), len(set(seen)), pages) == (19, 19, 4)
    assert [key.split("/")[0] for key in seen[:7]] == ["run-20261123"] * 7
    narrowed = await list_reminders(shop.database, ops, run=RUN, state="released", limit=200)
    assert len(narrowed.items) == 12
    with pytest.raises(BadRequest):
        await list_reminders(
            shop.database, ops, run=RUN, token=(await list_reminders(shop.database, ops, limit=5)).next
        )


async def test_a_customer_of_two_runs_has_a_reminder_in_each(held: Shop, ops: Operator) -> None:
    await held.hold("run-2", due("x", 1))
    mine = [each for each in (await list_reminders(held.database, ops)).items if each.customer_id == "cust-1"]
    assert [(each.run, each.orders) for each in mine] == [(RUN, ("a", "b")), ("run-2", ("x",))]


async def test_the_survey_counts_what_would_go_out_and_what_is_kept_back(held: Shop, viewer: Operator) -> None:
    await held.customers(person(4, phone="12345"))
    await held.hold(RUN, due("e", 4, 700))
    await held.database["billing_records"].update_one({"order_id": "b"}, {"$set": {"payment_status": "partial"}})
    found = await survey(held.database, viewer, RUN)
    assert found.ready == Count(3, 3, 18_000 + 5_050 + 12_345_600)
    assert found.obstacles == {"no-number": Count(1, 1, 700), "bill-paid": Count(1, 1, 18_000)}
    assert found.states["held"].orders == 5
    assert found.languages == {"en": 3, "te": 0}


async def test_what_is_not_there_is_told(held: Shop, ops: Operator) -> None:
    with pytest.raises(NotFound):
        await survey(held.database, ops, "run-none")
    with pytest.raises(BadRequest):
        await list_reminders(held.database, ops, state="lost")
    with pytest.raises(BadRequest):
        await list_reminders(held.database, ops, token="nonsense")


@pytest.mark.parametrize(("run", "state"), [(None, None), (RUN, None), (RUN, "held"), (None, "held")])
async def test_every_query_has_an_index(
    held: Shop, ops: Operator, database: Database, run: str | None, state: str | None
) -> None:
    await apply(database, ops)
    token = (await list_reminders(database, ops, run=run, state=state, limit=1)).next
    (await watch(database, list_reminders(database, ops, run=run, state=state, limit=1))).assert_indexed()
    (await watch(database, list_reminders(database, ops, run=run, state=state, limit=1, token=token))).assert_indexed()
    (await watch(database, survey(database, ops, RUN))).assert_indexed()
