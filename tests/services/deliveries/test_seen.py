"""A confirmation is of the order as it was seen: what somebody changed meanwhile is told, and not confirmed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.clock import Clock
from services.database import Database, Document
from services.deliveries.confirmation import confirm_delivery
from services.deliveries.day import DayFilters
from services.deliveries.route import confirm_deliveries, read_route
from services.deliveries.seen import open_delivery
from services.deployment.indexes import apply
from services.errors import Conflict
from services.operators.operator import Operator
from services.orders.editing import OrderEdit, open_order, update_order
from tests import shop
from tests.explaining import watch

DAY = date(2026, 11, 22)
ASHA = Operator("asha", ("support",))


def due(name: str, **fields: Any) -> Document:
    unconfirmed = {"status": "pending", "delivered_at": ..., "delivery_confirmed": ..., "delivery_boy_id": "boy-1"}
    return shop.order(**{"id": name, "delivery_date": DAY.isoformat(), **unconfirmed, **fields})


async def order_fifty(database: Database, clock: Clock, order_id: str) -> None:
    """Asha changes the order to fifty eggs."""
    await shop.stock(database, products={"id": "eggs", "name": "Eggs", "default_price": 60.0}, customers_v2=[])
    seen = (await open_order(database, ASHA, order_id)).seen
    await update_order(database, ASHA, clock, order_id, OrderEdit(items={"eggs": Decimal(50)}), seen)


async def test_what_was_changed_since_it_was_seen_is_told_with_who_and_not_confirmed(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=due("o1"))
    seen = (await open_delivery(database, support, "o1")).seen
    await order_fifty(database, clock, "o1")
    with pytest.raises(Conflict) as refused:
        await confirm_delivery(database, support, clock, "o1", seen=seen)
    assert refused.value.code == "changed-meanwhile"
    assert "items by asha" in refused.value.message
    order = await database["orders"].find_one({"id": "o1"})
    assert order is not None
    assert (order["status"], order.get("delivery_confirmed")) == ("pending", None)
    assert await database["delivery_statuses"].count_documents({}) == 0
    await apply(database, ops)
    reading = open_delivery(database, support, "o1")
    (await watch(database, reading)).assert_indexed()
    again = await open_delivery(database, support, "o1")
    assert (await confirm_delivery(database, support, clock, "o1", seen=again.seen)).quantities == "50 × Eggs"


@pytest.mark.parametrize(
    "changed",
    [{"delivery_date": "2026-11-23"}, {"delivery_boy_id": "boy-2"}, {"user_id": "user-2"}, {"status": "not_delivered"},
     {"status": "partially_delivered"}, {"partial_delivery_items": ["Eggs"]}],
)  # fmt: skip
async def test_day_person_customer_and_what_is_told_of_the_delivery_are_seen_too(
    database: Database, support: Operator, clock: Clock, changed: dict[str, Any]
) -> None:
    await shop.stock(database, orders=due("o1"))
    seen = (await open_delivery(database, support, "o1")).seen
    await database["orders"].update_one({"id": "o1"}, {"$set": changed})
    with pytest.raises(Conflict) as refused:
        await confirm_delivery(database, support, clock, "o1", seen=seen, reason="as told", early=True)
    assert refused.value.code == "changed-meanwhile"
    assert "the backend, which keeps no trace" in refused.value.message


async def test_a_report_of_other_quantities_is_told_and_one_that_agrees_hinders_nothing(
    database: Database, support: Operator, clock: Clock
) -> None:
    less, agreeing = due("o1"), due("o2")
    await shop.stock(database, orders=[less, agreeing])
    seen = {name: (await open_delivery(database, support, name)).seen for name in ("o1", "o2")}
    reports = [shop.delivery(less, {"eggs": 1, "bread": 1}), shop.delivery(agreeing, {"eggs": 2, "bread": 1})]
    await database["delivery_statuses"].insert_many(reports)
    await database["orders"].update_one({"id": "o2"}, {"$set": {"status": "delivered"}})
    with pytest.raises(Conflict) as refused:
        await confirm_delivery(database, support, clock, "o1", seen=seen["o1"])
    assert "it was 2 × Eggs, 1 × Bread, and is 1 of 2 × Eggs, 1 × Bread" in refused.value.message
    with pytest.raises(Conflict) as denied:
        await confirm_delivery(database, support, clock, "o2", seen=seen["o2"], not_delivered=True, reason="locked")
    assert "status by the backend" in denied.value.message
    assert (await confirm_delivery(database, support, clock, "o2", seen=seen["o2"])).status == "DELIVERED"


async def test_of_a_route_only_what_was_changed_since_it_was_read_is_left_alone(
    database: Database, support: Operator, clock: Clock
) -> None:
    reported = due("o3")
    half = shop.delivery(reported, {"eggs": 1, "bread": 1}, status="partially_delivered")
    await shop.stock(
        database, orders=[due("o1"), due("o2"), reported], delivery_statuses=half,
        delivery_boys_v2={"id": "boy-1", "name": "Raj"},
    )  # fmt: skip
    route = await read_route(database, support, DayFilters(DAY, "boy-1"))
    seen = {row.order_id: row.seen for row in route.due}
    await order_fifty(database, clock, "o2")
    outcomes = await confirm_deliveries(database, support, clock, sorted(seen), seen=seen)
    assert [(each.order_id, each.refusal.code if each.refusal else "") for each in outcomes] == [
        ("o1", ""), ("o2", "changed-meanwhile"), ("o3", ""),
    ]  # fmt: skip
    assert [each.confirmation.quantities for each in outcomes if each.confirmation] == [
        "2 × Eggs, 1 × Bread", "1 of 2 × Eggs, 1 × Bread",
    ]  # fmt: skip
