"""What a preview promises whatever it counts: two ways that agree, one digest, patience, and nothing left behind."""

import asyncio
from datetime import timedelta
from typing import Any

import bson
import pytest

from services.backfills import plan_rows
from services.backfills import preview as previews
from services.backfills.packs import PACK, ROWS, pack_key, unpacked
from services.backfills.plan import Plan
from services.backfills.plan_rows import PinnedRows
from services.backfills.preview import preview
from services.backfills.repairs import bill_one_time_orders
from services.backfills.runs import RUNS, new_run_id
from services.billing.charge import Charge
from services.billing.charge import charge as charge_as_it_is
from services.clock import Clock
from services.database import Database, Document
from services.errors import Refused
from services.operators.operator import Operator
from tests import shop
from tests.failing import failing
from tests.services.backfills.conftest import FIX, run_of


@pytest.fixture
def dearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the first way: a paisa more for orders of bread alone."""

    def wrong(order: Any, deliveries: Any) -> Any:
        outcome = charge_as_it_is(order, deliveries)
        if isinstance(outcome, Charge) and len(outcome.lines) == 1:
            return outcome._replace(amount_paise=outcome.amount_paise + 1)
        return outcome

    monkeypatch.setattr(bill_one_time_orders, "charge", wrong)


def bread(**fields: Any) -> Document:
    return shop.order(items=[{"product": "Bread", "quantity": 1, "price": 60.0}], total_amount=60.0, **fields)


@pytest.mark.usefixtures("dearer")
async def test_a_plan_on_which_the_two_ways_disagree_is_not_offered(
    database: Database, ops: Operator, viewer: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=[shop.order(), bread(id="one"), bread(id="two")])
    with pytest.raises(Refused) as refused:
        await preview(database, ops, clock, FIX)
    assert refused.value.code == "paths-disagree"
    assert "2 records" in refused.value.message
    assert "one: ₹60.01 in 2026-10 here, ₹60.00 in 2026-10 there" in refused.value.message
    assert await database[RUNS].count_documents({}) == await database[ROWS].count_documents({}) == 0
    counted = await preview(database, viewer, clock, FIX, store=False)
    assert counted.classes["change"].records == 3
    assert counted.unstored_because == refused.value.message


@pytest.mark.usefixtures("dearer")
async def test_where_nobody_is_concerned_a_plan_is_offered(database: Database, ops: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=[shop.order(), bread(billed=True)])
    assert (await preview(database, ops, clock, FIX)).stored


@pytest.mark.parametrize(("chunk", "breath"), [(1, 1), (7, 3), (60, 60)])
async def test_the_digest_does_not_depend_on_how_the_records_were_read(
    database: Database,
    ops: Operator,
    clock: Clock,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    breath: int,
) -> None:
    monkeypatch.setattr(previews, "_CHUNK", chunk)
    monkeypatch.setattr(previews, "_BREATH", breath)
    again = await preview(database, ops, clock, FIX)
    assert (again.digest, again.summary) == (plan.digest, plan.summary)
    stored = [
        [row async for row in database[ROWS].find({"_id": {"$regex": f"^{each.run}/change/"}}, {"_id": 0}).sort("_id")]
        for each in (plan, again)
    ]
    assert stored[0] == stored[1]
    assert [len(pack["rows"]) for pack in stored[0]] == [50, 10]


def test_rows_are_hashed_as_they_are_stored_without_the_keys_of_their_packs() -> None:
    bodies: list[Document] = [{"record": f"ord-{n}", "group": "change", "key": bson.ObjectId()} for n in range(70)]
    one, other = PinnedRows("run-1", ["change"]), PinnedRows("run-of-another-length", ["change"])
    packs = [bson.decode(pack) for pack in (*one.add(bodies), *one.rest())]
    starts = (0, PACK)
    assert packs == [{"_id": pack_key("run-1", "change", n), "first": n, "rows": bodies[n : n + PACK]} for n in starts]
    for body in bodies:
        other.add([body])
    other.rest()
    assert one.digests() == other.digests()
    assert one.pin_digests() == other.pin_digests()
    other.add(bodies[:1])
    other.rest()
    assert one.digests() != other.digests()


def test_rows_that_take_much_room_stand_in_smaller_packs() -> None:
    bodies: list[Document] = [{"group": "change", "message": "long" * 20_000 * (n % 7), "n": n} for n in range(60)]
    pinned = PinnedRows("run-1", ["change"])
    stored = [*pinned.add(bodies), *pinned.rest()]
    packs = [bson.decode(pack) for pack in stored]
    assert [body for _, body in unpacked(packs)] == bodies
    assert max(map(len, stored)) <= 1 << 20
    assert PACK in [pack["first"] for pack in packs]
    assert 10 < len(packs) < 40


@pytest.mark.parametrize(("command", "where"), [("getMore", "orders"), ("aggregate", "orders"), ("insert", ROWS)])
async def test_a_failure_in_the_middle_ends_the_preview_and_leaves_nothing(
    database: Database, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch, command: str, where: str
) -> None:
    await shop.stock(database, orders=[shop.order() for _ in range(40)])
    monkeypatch.setattr(previews, "_CHUNK", 5)
    monkeypatch.setattr(plan_rows, "PACK", 5)
    before = asyncio.all_tasks()
    async with failing(database, command, on=where, mode={"skip": 2}, errorCode=96):
        with pytest.raises(Refused, match="Failing command via 'failCommand'"):
            await preview(database, ops, clock, FIX)
    assert asyncio.all_tasks() == before
    assert await database[RUNS].count_documents({}) == await database[ROWS].count_documents({}) == 0


NO_SNAPSHOT = 246


async def test_a_server_that_has_no_snapshot_yet_is_asked_again(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    async with failing(database, "find", on="orders", mode={"times": 3}, errorCode=NO_SNAPSHOT):
        again = await preview(database, ops, clock, FIX)
    assert (again.digest, again.examined) == (plan.digest, 60)


async def test_a_server_that_never_has_a_snapshot_is_told(
    database: Database, ops: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "_PATIENCE", (0.0, 0.0))
    await shop.stock(database, orders=[shop.order()])
    async with failing(database, "find", on="orders", errorCode=NO_SNAPSHOT):
        with pytest.raises(Refused) as refused:
            await preview(database, ops, clock, FIX)
    assert refused.value.code == "no-snapshot"
    assert await database[ROWS].count_documents({}) == 0


async def leave(database: Database, clock: Clock, days: int, state: str | None, rows: int = 5) -> str:
    """Rows that a preview of that many days ago left, and its run in this state, if any."""
    run = new_run_id(clock() - timedelta(days=days))
    await database[ROWS].insert_many([{"_id": pack_key(run, "change", n), "rows": []} for n in range(rows)])
    if state:
        await database[RUNS].insert_one({"_id": run, "state": state})
    return run


async def present(database: Database) -> tuple[set[str], set[str]]:
    rows = {row["_id"].split("/")[0] async for row in database[ROWS].find()}
    return rows, set(await database[RUNS].distinct("_id"))


async def test_a_preview_thins_out_what_nobody_will_commit(
    database: Database, ops: Operator, clock: Clock, plan: Plan
) -> None:
    killed, fresh = await leave(database, clock, 2, None), await leave(database, clock, 0, None)
    old, young = await leave(database, clock, 31, "planned"), await leave(database, clock, 29, "planned")
    kept = [await leave(database, clock, 400, state) for state in ("done", "approved", "paused", "rolled-back")]
    again = await preview(database, ops, clock, FIX)
    rows, runs = await present(database)
    own = {run_of(plan), run_of(again)}
    assert rows == {fresh, young, *kept, *own}
    assert runs == {young, *kept, *own}
    assert {killed, old}.isdisjoint(rows | runs)


async def test_thinning_out_is_bounded_and_goes_on_next_time(
    database: Database, ops: Operator, clock: Clock, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_rows, "_PACKS_AT_ONCE", 4)
    killed = [await leave(database, clock, days, None) for days in (2, 3)]
    left = []
    for _ in range(3):
        await preview(database, ops, clock, FIX)
        ids = await database[ROWS].distinct("_id")
        left.append(sum(1 for key in ids if key.split("/")[0] in killed))
    assert left == [6, 2, 0]


async def test_a_dry_run_thins_out_nothing(database: Database, viewer: Operator, clock: Clock, plan: Plan) -> None:
    killed = await leave(database, clock, 2, None)
    await preview(database, viewer, clock, FIX, store=False)
    assert killed in (await present(database))[0]


@pytest.mark.parametrize("collection", [RUNS, ROWS])
async def test_a_database_user_who_may_only_read_can_preview_beside_old_plans(
    database: Database, ops: Operator, clock: Clock, plan: Plan, collection: str
) -> None:
    await leave(database, clock, 2, None)
    await leave(database, clock, 31, "planned")
    async with failing(database, "insert", "delete", on=collection, errorCode=13):
        again = await preview(database, ops, clock, FIX)
    assert (again.examined, again.digest, again.stored) == (60, plan.digest, False)
    assert "may only read" in (again.unstored_because or "")
