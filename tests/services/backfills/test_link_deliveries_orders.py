"""A delivery is linked to the one order that it can be about, and to no other."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.backfills.plan import Options
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.services.backfills.repairing import Repair, broken

BOTH = {"eggs": 2.0, "bread": 1.0}
MILK = [{"product_id": "milk", "product_name": "Milk", "quantity": 1, "price": 30.0}]


@pytest.fixture
def repair(database: Database, ops: Operator, clock: Clock) -> Repair:
    return Repair("link-deliveries-orders", database, ops, clock)


def order(**fields: Any) -> Document:
    return shop.order(**{"id": "ord-1", **fields})


def loose(delivered: dict[str, float] | None = None, **fields: Any) -> Document:
    """A delivery that names no order, of the customer and day of `order`."""
    return shop.delivery(order(), delivered, **{"id": "del-1", "order_id": ..., **fields})


def milk(**fields: Any) -> Document:
    return order(**{"id": "ord-milk", "items": MILK, **fields})


@pytest.mark.parametrize("reference", [..., None, "", "ord-gone"])
@pytest.mark.parametrize("delivered", [None, BOTH])
async def test_a_delivery_is_linked_to_the_only_order_of_its_customer_and_day(
    repair: Repair, reference: Any, delivered: dict[str, float] | None
) -> None:
    another_day, somebody = (
        order(id="ord-2", delivery_date="2026-10-16"),
        order(id="ord-3", customer_id="u", user_id="u"),
    )
    await shop.stock(
        repair.database, orders=[order(), another_day, somebody], delivery_statuses=loose(delivered, order_id=reference)
    )
    before = await repair.find("delivery_statuses", id="del-1")
    await repair.done()
    assert await repair.find("delivery_statuses", id="del-1") == before | {"order_id": "ord-1"}
    entry = await repair.find("audit_logs", record_id="del-1")
    old = None if reference is ... else reference
    assert entry["changes"] == {"order_id": {"old": old, "new": "ord-1"}}


async def test_the_products_tell_two_orders_of_a_day_apart(repair: Repair) -> None:
    of_milk = shop.delivery(milk(), {"milk": 1.0}, order_id=..., id="del-milk")
    await shop.stock(repair.database, orders=[order(), milk()], delivery_statuses=[loose(BOTH), of_milk])
    # A batch each: what the first one links is no drift for the second.
    await repair.done(batch_size=1)
    assert (await repair.find("delivery_statuses", id="del-1"))["order_id"] == "ord-1"
    assert (await repair.find("delivery_statuses", id="del-milk"))["order_id"] == "ord-milk"


async def test_old_products_are_told_by_their_names(repair: Repair) -> None:
    old = [{"product": "Eggs", "quantity": 2, "price": 60.0}, {"product": "Bread", "quantity": 1, "price": 60.0}]
    await shop.stock(repair.database, orders=[order(items=old), milk()], delivery_statuses=loose(BOTH))
    await repair.done()
    assert (await repair.find("delivery_statuses", id="del-1"))["order_id"] == "ord-1"


async def test_a_cancelled_order_is_not_what_was_delivered(repair: Repair) -> None:
    cancelled = order(id="ord-2", status="Canceled")
    await shop.stock(repair.database, orders=[cancelled, order()], delivery_statuses=loose())
    await repair.done()
    assert (await repair.find("delivery_statuses", id="del-1"))["order_id"] == "ord-1"


async def test_two_orders_of_one_id_need_a_person(repair: Repair) -> None:
    twin = order(delivery_date="2026-10-16")
    await shop.stock(repair.database, orders=[order(), twin], delivery_statuses=loose())
    assert list((await repair.outcomes()).values()) == ["id-duplicate"]


@pytest.mark.parametrize(
    ("collection", "edit"),
    [
        ("delivery_statuses", {"$set": {"order_id": "ord-2"}}),
        ("delivery_statuses", {"$set": {"delivery_date": "2026-10-16"}}),
        ("orders", {"$set": {"status": "CANCELLED"}}),
        ("orders", {"$set": {"delivery_date": "2026-10-16"}}),
        ("customers_v2", {"$set": {"user_id": "user-9"}}),
    ],
)
async def test_what_changed_since_the_preview_is_left_alone(repair: Repair, collection: str, edit: Document) -> None:
    await shop.stock(repair.database, orders=order(), delivery_statuses=loose())
    plan = await repair.preview()
    await repair.database[collection].update_one({}, edit)
    before = await repair.find("delivery_statuses", id="del-1")
    outcome = await repair.commit(plan)
    assert (outcome.applied, outcome.drifted, outcome.verified) == (0, 1, True)
    assert await repair.find("delivery_statuses", id="del-1") == before


@pytest.mark.parametrize(
    "arrival",
    [
        ("orders", milk()),
        ("delivery_statuses", loose(id="del-2", order_id="ord-1")),
        ("delivery_statuses", loose(id="del-2", customer_id="cust-1")),
    ],
)
async def test_what_came_since_the_preview_and_competes_is_drift(repair: Repair, arrival: tuple[str, Document]) -> None:
    await shop.stock(repair.database, orders=order(), delivery_statuses=loose())
    plan = await repair.preview()
    collection, document = arrival
    await repair.database[collection].insert_one(dict(document))
    assert (await repair.commit(plan)).drifted == 1


async def test_the_days_asked_for_are_kept_to(repair: Repair) -> None:
    deliveries = [loose(), loose(id="del-2", delivery_date="2026-09-30")]
    await shop.stock(repair.database, orders=order(), delivery_statuses=deliveries)
    plan = await repair.preview(Options(delivered_from=date(2026, 10, 1)))
    assert (plan.examined, plan.classes["change"].records) == (1, 1)


@pytest.mark.parametrize(
    "broken",
    [
        {"id": {"x": 1}, "customer_id": {"$gt": ""}, "items": "eggs", "status": 7},
        {"order_id": "", "delivery_date": datetime(1, 1, 1, tzinfo=UTC), "items": [{"product_id": [1]}, 3]},
        {"customer_id": ["user-1"], "delivery_date": "2026-10-15", "order_id": [["ord-1"]]},
    ],
)
async def test_no_neighbour_breaks_the_plan_of_a_sound_delivery(repair: Repair, broken: Document) -> None:
    odd = order(id={"a": 1}, customer_id={"b": 1}, user_id=["x"], items={"c": 1}, delivery_date=["2026-10-15"])
    await shop.stock(repair.database, orders=[order(), odd], delivery_statuses=[loose(), broken])
    key = (await repair.find("delivery_statuses", id="del-1"))["_id"]
    outcomes = await repair.outcomes()
    assert len(outcomes) == 2
    assert outcomes[str(key)] == "change"


async def test_every_query_has_an_index(repair: Repair) -> None:
    await apply(repair.database, repair.ops)
    numbers = range(300)
    orders = [order(id=f"ord-{n}", customer_id=f"user-{n}", user_id=f"user-{n}") for n in numbers]
    await shop.stock(
        repair.database,
        orders=orders,
        customers_v2=[shop.customer(id=f"cust-{n}", user_id=f"user-{n}") for n in numbers],
        delivery_statuses=[loose(customer_id=f"user-{n}", order_id=f"ord-{n}" if n % 2 else ...) for n in numbers],
    )
    (await watch(repair.database, repair.done())).assert_indexed(sorting=True)


async def test_a_delivery_is_not_linked_by_an_id_of_broken_text(repair: Repair) -> None:
    orders = [broken({"_id": 1, **order(id="ord-ZZ")})]
    await shop.stock(repair.database, orders=orders, delivery_statuses=loose())
    assert set((await repair.outcomes()).values()) == {"id-missing"}
