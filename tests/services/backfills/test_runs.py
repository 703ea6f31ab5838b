"""Runs and the rows of their plans, page by page."""

import pytest

from services.backfills.preview import latest_plan, preview
from services.backfills.rows import list_rows
from services.backfills.runs import list_runs, show_run
from services.clock import Clock
from services.database import Database
from services.errors import BadRequest, NotFound
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch

FIX = "bill-one-time-orders"


@pytest.fixture
async def run(database: Database, ops: Operator, clock: Clock) -> str:
    september = {"delivered_at": "2026-09-10T01:00:00+00:00"}
    orders = [shop.order(id=f"o{n:02d}", **(september if n % 3 == 0 else {})) for n in range(30)]
    wrong = [shop.order(id=f"w{n}", total_amount=0.0 if n % 2 else 1.0) for n in range(5)]
    await shop.stock(database, orders=[*orders, *wrong, shop.order(id="p", status="pending")])
    plan = await preview(database, ops, clock, FIX)
    assert plan.run is not None
    return plan.run


@pytest.mark.parametrize(
    ("behind", "records"),
    [
        ({}, 36),
        ({"group": "change"}, 30),
        ({"group": "change", "month": "2026-09"}, 10),
        ({"group": "needs-review"}, 5),
        ({"group": "needs-review", "code": "amount-mismatch"}, 3),
        ({"group": "not-delivered"}, 1),
        ({"group": "already-billed"}, 0),
    ],
)
async def test_the_rows_behind_a_figure_come_in_pages(
    database: Database, viewer: Operator, run: str, behind: dict[str, str], records: int
) -> None:
    seen: list[str] = []
    token = None
    while True:
        page = await list_rows(database, viewer, run, token=token, limit=7, **behind)
        seen += [row.record for row in page.items]
        token = page.next
        if token is None:
            break
    assert len(seen) == len(set(seen)) == records


async def test_the_rows_are_served_by_their_key(database: Database, viewer: Operator, run: str) -> None:
    (await watch(database, list_rows(database, viewer, run, "change"))).assert_indexed()
    (await watch(database, list_runs(database, viewer))).assert_indexed()


async def test_a_token_of_another_class_is_refused(database: Database, viewer: Operator, run: str) -> None:
    token = (await list_rows(database, viewer, run, "change", limit=5)).next
    for group in ("needs-review", "nonsense"):
        with pytest.raises(BadRequest):
            await list_rows(database, viewer, run, group, token)
    with pytest.raises(NotFound):
        await list_rows(database, viewer, "run-none")


async def test_runs_are_listed_newest_first(database: Database, ops: Operator, clock: Clock, run: str) -> None:
    for _ in range(3):
        await preview(database, ops, clock, FIX)
    runs = await list_runs(database, ops)
    assert [each.run for each in runs] == sorted((each.run for each in runs), reverse=True)
    assert {(each.state, each.planned, each.created_by) for each in runs} == {("planned", 30, "olga")}
    assert (await show_run(database, ops, run)).plan.review == {"amount-mismatch": 3, "amount-invalid": 2}


async def test_the_latest_plan_is_kept_for_who_must_not_count_again(
    database: Database, viewer: Operator, run: str
) -> None:
    plan = await latest_plan(database, viewer, FIX)
    assert plan is not None
    assert (plan.run, plan.classes["change"].records) == (run, 30)
    assert await latest_plan(database, viewer, "another") is None
