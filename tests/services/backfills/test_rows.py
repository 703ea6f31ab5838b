"""A plan's rows as they are shown: held to what was previewed, and looked for by month, code and customer."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.backfills import rows
from services.backfills.commit import commit
from services.backfills.packs import ROWS, pack_key, pins_key
from services.backfills.plan import Plan, plan_digest
from services.backfills.preview import preview
from services.backfills.rows import RowsPage, list_rows
from services.backfills.runs import RUNS, load_run
from services.clock import Clock
from services.database import Database, Document
from services.errors import BadRequest, Refused
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.services.backfills.conftest import FIX, run_of

Show = Callable[..., Awaitable[RowsPage]]


@pytest.fixture
async def plan(database: Database, ops: Operator, clock: Clock) -> Plan:
    """120 orders to bill in two months, 60 that need a person, of two customers."""
    september = {"delivered_at": "2026-09-10T01:00:00+00:00"}
    orders = [shop.order(id=f"ord-{n:03d}", **(september if n % 3 == 0 else {})) for n in range(120)]
    wrong = [shop.order(id=f"bad-{n:02d}", total_amount=1.0 if n else 0.0) for n in range(60)]
    await shop.stock(database, orders=[*orders, *wrong, shop.order(id="hers", user_id="u2", customer_id="u2")])
    await database["customers_v2"].insert_one(shop.customer(id="her", user_id="u2"))
    return await preview(database, ops, clock, FIX)


@pytest.fixture
def show(database: Database, viewer: Operator, plan: Plan) -> Show:
    async def work(group: str | None = None, token: str | None = None, limit: int = 200, **sought: str) -> RowsPage:
        return await list_rows(database, viewer, run_of(plan), group, token, limit, **sought)

    return work


async def walked(show: Show, group: str | None = None, limit: int = 7, **sought: str) -> list[RowsPage]:
    pages = [await show(group, None, limit, **sought)]
    while pages[-1].next:
        pages.append(await show(group, pages[-1].next, limit, **sought))
    return pages


async def test_a_plan_as_it_was_previewed_says_nothing(show: Show) -> None:
    for group in (None, "change", "needs-review", "not-delivered"):
        for page in await walked(show, group, 33):
            assert page.altered is None
            assert not any(row.altered for row in page.items)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"$set": {"rows.3.message": "all is well"}}, "rows were altered or added."),
        ({"$set": {"rows.3.amount_paise": "a lot", "rows.3.code": {"$ne": 1}}}, "rows were altered or added."),
        ({"$set": {"rows": "none"}}, "rows were altered or added."),
        ({"$set": {"first": 7}}, "rows were altered or added."),
        ({"$push": {"rows": {"record": "ord-999", "group": "needs-review"}}}, "rows were altered or added."),
        (None, "rows are missing."),
    ],
)
async def test_rows_that_nothing_commits_are_held_to_the_preview_too(
    database: Database, plan: Plan, show: Show, change: Document | None, words: str
) -> None:
    pack = {"_id": pack_key(run_of(plan), "needs-review", 50)}
    await (database[ROWS].update_one(pack, change) if change else database[ROWS].delete_one(pack))
    first, *_, last = await walked(show, "needs-review", 25)
    assert (first.altered is None) == (change is not None)
    assert last.altered
    assert last.altered.endswith(f"{words} Preview again.")
    assert {row.altered for row in last.items} == {change is not None}
    assert (await show("change", limit=50)).altered is None
    assert (await show(limit=200)).altered == last.altered


async def test_packs_beyond_the_plans_numbers_are_told_though_a_commit_leaves_them_out(
    database: Database, ops: Operator, clock: Clock, plan: Plan, show: Show
) -> None:
    stranger: Document = {"record": "ord-x", "group": "change", "amount_paise": 1}
    added = {"_id": pack_key(run_of(plan), "change", 121), "first": 121, "rows": [stranger]}
    await database[ROWS].insert_one(added)
    assert (await show("change", limit=5)).altered
    assert (await show("needs-review")).altered is None
    page = await show("change")
    assert [row.record for row in page.items if row.altered] == ["ord-x"]
    assert page.altered
    assert (await commit(database, ops, clock, run_of(plan), plan.digest)).applied == 121


async def test_pins_and_figures_are_held_to_the_digest(database: Database, plan: Plan, show: Show) -> None:
    run = run_of(plan)
    stored = await database[ROWS].find_one({"_id": pins_key(run, "change")})
    assert stored
    await database[ROWS].update_one({"_id": stored["_id"]}, {"$set": {"pins": stored["pins"][:20] * 3}})
    assert all(row.altered for row in (await show("change")).items)
    await database[ROWS].replace_one({"_id": stored["_id"]}, stored)
    assert (await show("change")).altered is None
    altered: list[Document] = [{"summary.classes.needs-review.records": 1}, {"pin_digests": {}}]
    for figures in altered:
        before = await database[RUNS].find_one_and_update({"_id": run}, {"$set": figures})
        told = (await show("change")).altered
        assert told
        assert "its figures were altered" in told
        await database[RUNS].replace_one({"_id": run}, before or {})


async def test_a_plan_of_an_earlier_version_is_shown_and_committed_as_before(
    database: Database, ops: Operator, clock: Clock, plan: Plan, show: Show
) -> None:
    run = run_of(plan)
    stored = await load_run(database, run)
    digest = plan_digest(stored.backfill, stored.options, stored.summary, stored.class_digests, {})
    await database[RUNS].update_one({"_id": run}, {"$set": {"digest": digest}, "$unset": {"pin_digests": 1}})
    await database[ROWS].delete_many({"pins": {"$exists": True}})
    assert (await show("change")).altered is None
    assert (await commit(database, ops, clock, run, digest)).verified is True


@pytest.mark.parametrize(
    ("asked", "records"),
    [
        ({"month": "2026-09"}, 40),
        ({"month": "2026-09", "group": "change"}, 40),
        ({"month": "2026-09", "group": "needs-review"}, 0),
        ({"code": "amount-invalid"}, 1),
        ({"code": "amount-mismatch", "month": "2026-10"}, 59),
        ({"customer": "her"}, 1),
        ({"customer": "her", "code": "amount-mismatch"}, 0),
        ({"customer": "$ne"}, 0),
    ],
)
async def test_rows_are_looked_for(show: Show, asked: dict[str, Any], records: int) -> None:
    found = [row.record for page in await walked(show, **asked) for row in page.items]
    assert len(found) == len(set(found)) == records


async def test_a_look_that_takes_long_goes_on_on_the_next_page(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LOOKING_SECONDS", 0.0)
    monkeypatch.setattr(rows, "_LOOKED_AT_ONCE", 1)
    pages = await walked(show, month="2026-09", customer=shop.CUSTOMER)
    assert len(pages) > 6
    assert sum(len(page.items) for page in pages) == 40
    assert "50 rows" in (pages[0].note or "") + (pages[2].note or "")
    assert pages[-1].note is None


async def test_what_is_looked_through_is_held_to_the_preview(database: Database, plan: Plan, show: Show) -> None:
    hidden = {"_id": pack_key(run_of(plan), "change", 0)}
    await database[ROWS].update_one(hidden, {"$set": {"rows.0.month": "2026-01"}})
    page = await show("change", customer="her")
    assert [row.record for row in page.items] == ["hers"]
    assert page.altered


async def test_what_is_asked_amiss_is_refused(show: Show) -> None:
    for asked in ({"month": "2026-13"}, {"group": "drifted", "month": "2026-09"}, {"group": "kept", "customer": "x"}):
        with pytest.raises(BadRequest):
            await show(**asked)
    token = (await show("change", limit=5)).next
    with pytest.raises(BadRequest):
        await show("change", token, month="2026-09")


async def test_a_look_is_served_by_the_key(show: Show, database: Database) -> None:
    for sought in ({}, {"month": "2026-09"}, {"code": "x"}, {"customer": "her"}):
        (await watch(database, show("change", **sought))).assert_indexed()
        (await watch(database, show(**sought))).assert_indexed()


async def test_a_plan_altered_in_what_it_changes_is_shown_and_refused(
    database: Database, ops: Operator, clock: Clock, plan: Plan, show: Show
) -> None:
    await database[ROWS].update_one({"rows.record": "ord-001"}, {"$set": {"rows.$.values.amount": 1.0}})
    assert (await show("change")).altered
    with pytest.raises(Refused) as refused:
        await commit(database, ops, clock, run_of(plan), plan.digest)
    assert refused.value.code == "plan-altered"
