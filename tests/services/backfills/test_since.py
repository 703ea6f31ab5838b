"""Who changed the records that a rollback kept, as the audit trail tells."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.backfills import since
from services.backfills.commit import commit
from services.backfills.plan import Changed, Plan, why_left
from services.backfills.rollback import rollback
from services.backfills.rows import list_rows
from services.backfills.runs import list_exceptions
from services.changes.changeset import ChangeSet, Update, transact
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.backfills.conftest import run_of

LATER = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ORDERS = [f"ord-{n:02d}" for n in range(60)]


async def edit(database: Database, operator: Operator, clock: Clock, where: Document, **values: Any) -> None:
    """Change an order or its bill as the console does."""
    collection = "billing_records" if "order_id" in where else "orders"
    record = await database[collection].find_one(where)
    assert record

    async def work(changes: ChangeSet) -> None:
        changes.add(Update(collection, record, values, {}))

    await transact(database, operator, clock, work)


@pytest.fixture
async def kept(database: Database, ops: Operator, support: Operator, clock: Clock, plan: Plan) -> None:
    """Five kept rows: edited in the console, by the backend twice, without a trace, paid, and gone."""
    await apply(database, ops)
    await commit(database, ops, clock, run_of(plan), plan.digest)

    def later() -> datetime:
        return LATER

    await edit(database, support, later, {"id": ORDERS[0]}, notes="rang the bell")
    backend = {"resource_type": "order", "resource_id": ORDERS[1], "action": "update"}
    await database["orders"].update_many({"id": {"$in": ORDERS[1:3]}}, {"$set": {"notes": "left at the door"}})
    await database["audit_logs"].insert_many([
        {**backend, "user_id": "anand", "timestamp": LATER},
        {**backend, "user_id": "asha", "timestamp": LATER.replace(hour=13)},
        {**backend, "user_id": "before", "timestamp": datetime(2026, 1, 1, tzinfo=UTC)},
        {**backend, "user_id": "reader", "action": "READ", "timestamp": LATER.replace(hour=15)},
    ])  # fmt: skip
    await edit(database, support, later, {"order_id": ORDERS[3]}, payment_status="paid")
    await edit(database, ops, lambda: LATER.replace(hour=16), {"id": ORDERS[3]}, notes="paid, they say")
    await database["billing_records"].delete_one({"order_id": ORDERS[4]})
    await rollback(database, ops, clock, run_of(plan), "wrong")


@pytest.mark.usefixtures("kept")
async def test_the_last_change_is_told_with_who_and_when(
    database: Database, viewer: Operator, support: Operator, plan: Plan
) -> None:
    expected = {
        ORDERS[0]: Changed(support.account, LATER, "orders"),
        ORDERS[1]: Changed("asha", LATER.replace(hour=13), "orders"),
        ORDERS[2]: None,
        ORDERS[3]: Changed(support.account, LATER, "billing_records"),
        ORDERS[4]: None,
    }
    left = await list_exceptions(database, viewer, run_of(plan))
    assert {each.record: each.changed for each in left} == expected
    rows = (await list_rows(database, viewer, run_of(plan), "kept")).items
    assert {row.record: row.changed for row in rows} == expected
    words = {each.record: why_left(each.reason, each.changed) for each in left}
    assert words[ORDERS[1]] == "it was changed since: orders by asha, 2026-11-22 18:30"
    assert words[ORDERS[2]] == "it was changed since"
    assert words[ORDERS[3]] == f"its bill was paid: billing_records by {support.account}, 2026-11-22 17:30"


@pytest.mark.usefixtures("kept")
async def test_an_entry_that_was_altered_is_told_with_its_doubt(database: Database, ops: Operator, plan: Plan) -> None:
    of_edit = {"record_id": ORDERS[0], "meta.run": None}
    await database["audit_logs"].update_one(of_edit, {"$set": {"user_id": "ravi"}})
    (first, *_) = await list_exceptions(database, ops, run_of(plan))
    assert first.changed == Changed("ravi", LATER, "orders", "altered")
    assert why_left(first.reason, first.changed).endswith("by ravi, 2026-11-22 17:30 (that audit entry is altered)")


@pytest.mark.usefixtures("kept")
async def test_a_page_asks_the_trail_thrice_whatever_its_length(
    database: Database, ops: Operator, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = await watch(database, list_rows(database, ops, run_of(plan), "kept"))
    watched.assert_indexed()
    asked = [query for query in watched.queries if query["ns"].endswith(".audit_logs")]
    assert len([each for each in asked if "timestamp" in each["command"].get("projection", {})]) == 3
    monkeypatch.setattr(since, "_MOST", 3)
    assert {row.changed for row in (await list_rows(database, ops, run_of(plan), "kept")).items} == {None}
