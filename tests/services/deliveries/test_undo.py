"""Taking a confirmation back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.clock import Clock
from services.database import Database, Document
from services.deliveries.confirmation import confirm_delivery
from services.deliveries.undo import undo_confirmation
from services.deployment.indexes import apply
from services.errors import BadRequest, ConsoleError, NotFound, NotPermitted
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch

TODAY = "2026-11-22"
TABLES = ("orders", "delivery_statuses", "subscriptions_v2")


def due(**fields: Any) -> Document:
    return shop.order(**{"id": "o1", "status": "out_for_delivery", "delivery_date": TODAY, "delivered_at": ...,
                         "delivery_confirmed": ..., "subscription_id": "s1", "order_type": "subscription",
                         "updated_at": "2026-11-21T00:00:00", **fields})  # fmt: skip


async def everything(database: Database) -> dict[str, list[Document]]:
    return {name: await database[name].find().sort("_id", 1).to_list() for name in TABLES}


@pytest.mark.parametrize("request_", [{}, {"quantities": {"eggs": Decimal(1)}, "delivery_boy": "boy-1"},
                                      {"not_delivered": True, "reason": "gate locked"}])  # fmt: skip
@pytest.mark.parametrize("reported", [True, False])
async def test_everything_is_as_it_was_and_audited(
    database: Database, support: Operator, ops: Operator, clock: Clock, request_: dict[str, Any], reported: bool
) -> None:
    order = due(delivery_confirmed=False, delivered_at="2026-11-22T00:30:00")
    reports = [shop.delivery(order, status="delivered", notes="left with the guard")] if reported else []
    await shop.stock(
        database, orders=order, delivery_statuses=reports, delivery_boys_v2={"id": "boy-1"},
        subscriptions_v2={"id": "s1", "last_delivery_date": "2026-11-20"},
    )  # fmt: skip
    before = await everything(database)
    confirmed = await confirm_delivery(database, support, clock, "o1", **request_)
    written = await database["audit_logs"].count_documents({})
    undone = await undo_confirmation(database, ops, clock, "o1", "the wrong house")
    assert await everything(database) == before
    assert (undone.was, undone.status) == (confirmed.status, "OUT_FOR_DELIVERY")
    back = await database["audit_logs"].find({"user_id": "olga"}).to_list()
    assert len(back) == written == (2 if confirmed.status == "NOT_DELIVERED" else 3)
    assert {entry["meta"]["reason"] for entry in back} == {"the wrong house"}
    deliveries = {entry["action"] for entry in back if entry["table"] == "delivery_statuses"}
    assert deliveries == ({"UPDATE"} if reported else {"DELETE"})


async def test_it_can_be_confirmed_and_taken_back_again(database: Database, support: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=due(), subscriptions_v2={"id": "s1"})
    before = await everything(database)
    for _ in range(2):
        await confirm_delivery(database, support, clock, "o1")
        await undo_confirmation(database, support, clock, "o1", "once more")
    assert await everything(database) == before
    with pytest.raises(ConsoleError) as refused:
        await undo_confirmation(database, support, clock, "o1", "again")
    assert refused.value.code == "not-confirmed"


@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("orders", {"$set": {"status": "CANCELLED"}}, "orders.status"),
        ("orders", {"$set": {"delivered_at": "2026-11-20T00:00:00"}}, "orders.delivered_at"),
        ("delivery_statuses", {"$set": {"items.0.delivered_qty": 1.0}}, "delivery_statuses.items"),
        ("delivery_statuses", {"$set": {"notes": "the customer called"}}, "delivery_statuses.notes"),
        ("delivery_statuses", None, "it is gone"),
    ],
)
async def test_what_somebody_changed_since_is_named_and_nothing_is_written(
    database: Database, support: Operator, clock: Clock, table: str, change: Document | None, named: str
) -> None:
    await shop.stock(database, orders=due(), subscriptions_v2={"id": "s1"})
    await confirm_delivery(database, support, clock, "o1")
    if change:
        await database[table].update_one({}, change)
    else:
        await database[table].delete_many({})
    now, entries = await everything(database), await database["audit_logs"].count_documents({})
    with pytest.raises(ConsoleError) as refused:
        await undo_confirmation(database, support, clock, "o1", "wrong")
    assert refused.value.code == "changed-since"
    assert named in refused.value.message
    assert await everything(database) == now
    assert await database["audit_logs"].count_documents({}) == entries


async def test_what_else_was_written_to_the_order_stays(database: Database, support: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=due())
    await confirm_delivery(database, support, clock, "o1")
    await database["orders"].update_one({}, {"$set": {"notes": "ring twice", "updated_at": "2026-11-22T09:00:00"}})
    await undo_confirmation(database, support, clock, "o1", "wrong")
    order = await database["orders"].find_one({})
    assert order is not None
    assert (order["status"], order["notes"]) == ("out_for_delivery", "ring twice")
    assert order["updated_at"] == "2026-11-22T09:00:00"


async def test_a_billed_order_stays_confirmed_and_a_mere_flag_is_no_bill(
    database: Database, support: Operator, clock: Clock
) -> None:
    order = due()
    await shop.stock(database, orders=order, billing_records=shop.bill(order))
    await database["billing_records"].delete_many({})
    await confirm_delivery(database, support, clock, "o1")
    await database["orders"].update_one({}, {"$set": {"billed": True}})
    await database["billing_records"].insert_one(shop.bill(order))
    with pytest.raises(ConsoleError) as refused:
        await undo_confirmation(database, support, clock, "o1", "wrong")
    assert refused.value.code == "already-billed"
    await database["billing_records"].delete_many({})
    assert (await undo_confirmation(database, support, clock, "o1", "wrong")).status == "OUT_FOR_DELIVERY"


async def test_what_it_did_not_confirm_or_cannot_know_is_refused(
    database: Database, support: Operator, viewer: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=[due(), due(id="o2", delivery_confirmed=True, status="DELIVERED")])
    for order_id, reason, kind, code in (
        ("o1", "wrong", ConsoleError, "not-confirmed"), ("o2", "wrong", ConsoleError, "not-confirmed-here"),
        ("o3", "wrong", NotFound, "unknown-order"), ("o1", " ", BadRequest, "no-reason"),
        ("o1", "x" * 501, BadRequest, "too-long"),
    ):  # fmt: skip
        with pytest.raises(kind) as refused:
            await undo_confirmation(database, support, clock, order_id, reason)
        assert refused.value.code == code
    with pytest.raises(NotPermitted):
        await undo_confirmation(database, viewer, clock, "o1", "wrong")
    await confirm_delivery(database, support, clock, "o1")
    await database["audit_logs"].delete_one({"table": "orders"})
    with pytest.raises(ConsoleError) as lost:
        await undo_confirmation(database, support, clock, "o1", "wrong")
    assert lost.value.code == "no-images"


@pytest.mark.parametrize("sequence", ["ab", "ba"])
async def test_a_subscription_keeps_the_last_delivery_that_stands(
    database: Database, support: Operator, clock: Clock, sequence: str
) -> None:
    days = {"a": "2026-11-21", "b": TODAY}
    await shop.stock(
        database, orders=[due(id=name, delivery_date=day) for name, day in days.items()],
        subscriptions_v2={"id": "s1", "last_delivery_date": "2026-11-19"},
    )  # fmt: skip
    at = datetime(2026, 11, 21, 1, tzinfo=UTC)
    await confirm_delivery(database, support, clock, "a", delivered_at=at)
    await confirm_delivery(database, support, clock, "b", delivered_at=at + timedelta(days=1))
    left = []
    for name in sequence:
        await undo_confirmation(database, support, clock, name, "wrong")
        subscription = await database["subscriptions_v2"].find_one({}, {"_id": 0})
        assert subscription is not None
        left.append(subscription["last_delivery_date"])
    assert left == [days["b"] if sequence == "ab" else days["a"], "2026-11-19"]
    assert subscription == {"id": "s1", "last_delivery_date": "2026-11-19"}


async def test_confirming_and_taking_back_are_served_by_indexes(
    database: Database, ops: Operator, clock: Clock
) -> None:
    orders = [due(id=f"o{number}", delivery_boy_id=None) for number in range(300)]
    await shop.stock(database, orders=orders, subscriptions_v2=[{"id": f"s{number}"} for number in range(300)])
    await apply(database, ops)

    async def there_and_back() -> None:
        await confirm_delivery(database, ops, clock, "o1")
        await undo_confirmation(database, ops, clock, "o1", "wrong")

    (await watch(database, there_and_back())).assert_indexed(sorting=True)


@pytest.mark.parametrize(("status", "beside"), [("pending", ("o2",)), ("DELIVERED", ())])
async def test_a_second_open_order_of_the_day_is_told_and_no_reason_to_refuse(
    database: Database, support: Operator, clock: Clock, status: str, beside: tuple[str, ...]
) -> None:
    one_time = {"subscription_id": None, "order_type": "one_time"}
    await shop.stock(database, orders=due(status=status, **one_time), customers_v2=shop.customer())
    await confirm_delivery(database, support, clock, "o1")
    await database["orders"].insert_one(due(id="o2", **one_time))
    undone = await undo_confirmation(database, support, clock, "o1", "the wrong house")
    assert (undone.status, undone.beside) == (status.upper(), beside)
