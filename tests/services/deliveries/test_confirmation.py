"""Confirming a delivery: what it writes, and what the rules refuse."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.clock import Clock
from services.database import Database
from services.deliveries.confirmation import Confirmation, confirm_delivery
from services.errors import BadRequest, ConsoleError, NotFound, NotPermitted
from services.operators.operator import Operator
from tests import shop

TODAY = "2026-11-22"


def due(**fields: Any) -> dict[str, Any]:
    return shop.order(**{"id": "o1", "status": "pending", "delivery_date": TODAY, "delivered_at": ...,
                         "delivery_confirmed": ..., **fields})  # fmt: skip


async def test_a_whole_delivery_is_written_as_the_backend_expects(
    database: Database, support: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=due())
    done = await confirm_delivery(
        database, support, clock, "o1", delivered_at=datetime(2026, 11, 22, 0, 42, tzinfo=UTC)
    )
    assert done.status == "DELIVERED"
    order = await database["orders"].find_one({"id": "o1"})
    assert order is not None
    assert (order["status"], order["delivery_confirmed"]) == ("DELIVERED", True)
    assert order["delivered_at"] == "2026-11-22T00:42:00.000000+00:00"
    (delivery,) = await database["delivery_statuses"].find({"order_id": "o1"}).to_list()
    assert (delivery["status"], delivery["confirmation_method"]) == ("delivered", "admin")
    assert delivery["confirmed_by_user_id"] == "sam"
    assert [(i["product_id"], i["ordered_qty"], i["delivered_qty"]) for i in delivery["items"]] == [
        ("eggs", 2.0, 2.0), ("bread", 1.0, 1.0),
    ]  # fmt: skip
    entries = await database["audit_logs"].find({}, {"_id": 0, "table": 1, "action": 1}).to_list()
    assert sorted((e["table"], e["action"]) for e in entries) == [
        ("delivery_statuses", "CREATE"),
        ("orders", "DELIVERED"),
    ]


@pytest.mark.parametrize(
    ("quantities", "status", "billed"),
    [({"eggs": "1"}, "PARTIALLY_DELIVERED", 12000), ({"eggs": "0", "bread": "0"}, "NOT_DELIVERED", None),
     ({"eggs": "0.5"}, "PARTIALLY_DELIVERED", 9000)],
)  # fmt: skip
async def test_quantities_decide_the_status(
    database: Database, support: Operator, clock: Clock, quantities: dict[str, str], status: str, billed: int | None
) -> None:
    order = due()
    await shop.stock(database, orders=order, delivery_statuses=shop.delivery(order, status="pending"))
    amounts = {key: Decimal(value) for key, value in quantities.items()}
    done = await confirm_delivery(database, support, clock, "o1", quantities=amounts, reason="as the customer told")
    assert done.status == status
    stored = await database["orders"].find_one({"id": "o1"})
    assert stored is not None
    assert ("delivered_at" in stored) == (status != "NOT_DELIVERED")
    (delivery,) = await database["delivery_statuses"].find().to_list()
    assert delivery["status"] == status.lower()


async def test_a_subscription_learns_of_its_last_delivery(database: Database, support: Operator, clock: Clock) -> None:
    await shop.stock(
        database, orders=due(order_type="subscription", subscription_id="s1"), subscriptions_v2={"id": "s1"}
    )
    await confirm_delivery(database, support, clock, "o1")
    subscription = await database["subscriptions_v2"].find_one({"id": "s1"})
    assert subscription is not None
    assert (subscription["last_delivery_date"], subscription["last_delivery_confirmed"]) == (TODAY, True)
    assert await database["audit_logs"].count_documents({"table": "subscriptions_v2", "record_id": "s1"}) == 1


YESTERYEAR = datetime(2025, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "request_", "code"),
    [
        ({"status": "cancelled"}, {}, "order-cancelled"),
        ({"delivery_confirmed": True, "status": "DELIVERED"}, {}, "already-confirmed"),
        ({}, {"delivered_at": datetime(2026, 11, 22, 4, 31, tzinfo=UTC)}, "in-future"),
        ({}, {"delivered_at": YESTERYEAR}, "off-schedule"),
        ({"delivery_date": "2026-11-20"}, {}, "off-schedule"),
        ({"delivery_date": "2026-11-25"}, {}, "off-schedule"),
        ({"delivery_date": "31 February"}, {}, "no-schedule"),
        ({}, {"quantities": {"eggs": Decimal(3)}}, "bad-quantity"),
        ({}, {"quantities": {"eggs": Decimal(-1)}}, "bad-quantity"),
        ({}, {"quantities": {"eggs": Decimal("NaN")}}, "bad-quantity"),
        ({}, {"quantities": {"eggs": Decimal("1e309")}}, "bad-quantity"),
        ({}, {"quantities": {"eggs": Decimal("1e-400")}}, "bad-quantity"),
        ({}, {"quantities": {"eggs": Decimal("0.0009")}}, "bad-quantity"),
        ({}, {"quantities": {"milk": Decimal(1)}}, "unknown-item"),
        ({"items": [{"product_id": "eggs", "quantity": "two", "price": 1.0}]}, {}, "item-unreadable"),
        ({"items": []}, {}, "items-missing"),
        ({}, {"not_delivered": True}, "needs-reason"),
        ({}, {"quantities": {"eggs": Decimal(0), "bread": Decimal(0)}}, "needs-reason"),
        ({}, {"not_delivered": True, "reason": "gone", "quantities": {"eggs": Decimal(1)}}, "bad-item"),
        ({}, {"reason": "x" * 501}, "too-long"),
        ({}, {"reason": "locked \x1b[2J"}, "bad-text"),
        ({}, {"reason": "locked \udc80"}, "bad-text"),
        ({}, {"delivery_boy": "boy-9"}, "unknown-delivery-person"),
        ({"status": "not-delivered"}, {}, "needs-reason"),
        ({"status": "Partially Delivered"}, {}, "quantities-unknown"),
        ({"partial_delivery_items": ["Eggs"]}, {"quantities": {"eggs": Decimal(1)}}, "quantities-unknown"),
    ],
)
async def test_what_the_rules_refuse_is_told_and_not_written(
    database: Database, support: Operator, clock: Clock, fields: dict[str, Any], request_: dict[str, Any], code: str
) -> None:
    await shop.stock(database, orders=due(**fields))
    before = await database["orders"].find().to_list()
    with pytest.raises(ConsoleError) as refused:
        await confirm_delivery(database, support, clock, "o1", **request_)
    assert refused.value.code == code
    assert await database["orders"].find().to_list() == before
    assert (
        await database["delivery_statuses"].count_documents({}) == await database["audit_logs"].count_documents({}) == 0
    )


async def test_off_schedule_is_allowed_with_a_reason(database: Database, support: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=due(delivery_date="2026-11-18"))
    late = clock() - timedelta(days=1)
    await confirm_delivery(database, support, clock, "o1", delivered_at=late, reason="found in the old notebook")
    (delivery,) = await database["delivery_statuses"].find().to_list()
    assert delivery["notes"] == "found in the old notebook"


async def test_a_billed_order_keeps_its_quantities(database: Database, support: Operator, clock: Clock) -> None:
    order = due(status="DELIVERED", delivery_confirmed=False)
    await shop.stock(database, orders=order, billing_records=shop.bill(order))
    with pytest.raises(ConsoleError) as refused:
        await confirm_delivery(database, support, clock, "o1", quantities={"eggs": Decimal(1)})
    assert refused.value.code == "already-billed"
    assert (await confirm_delivery(database, support, clock, "o1")).status == "DELIVERED"


async def test_an_unknown_order_and_a_shared_id_are_refused(
    database: Database, support: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=[due(), due()])
    with pytest.raises(NotFound):
        await confirm_delivery(database, support, clock, "o2")
    with pytest.raises(ConsoleError, match="Two orders"):
        await confirm_delivery(database, support, clock, "o1")


async def test_of_two_operators_at_once_one_confirms_and_one_is_told(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=due())
    both = [confirm_delivery(database, who, clock, "o1") for who in (support, ops)]
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(answer, Confirmation) for answer in answers) == 1
    (refused,) = [answer for answer in answers if isinstance(answer, ConsoleError)]
    assert refused.code in ("already-confirmed", "changed-meanwhile")
    assert await database["delivery_statuses"].count_documents({}) == 1
    assert await database["audit_logs"].count_documents({}) == 2


async def test_a_viewer_may_not_confirm(database: Database, viewer: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=due())
    with pytest.raises(NotPermitted):
        await confirm_delivery(database, viewer, clock, "o1")


async def test_a_bad_item_is_wrong_usage(database: Database, support: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=due())
    with pytest.raises(BadRequest):
        await confirm_delivery(database, support, clock, "o1", quantities={"nothing": Decimal(1)})


async def test_a_delivery_on_record_keeps_its_time_and_so_its_month(
    database: Database, support: Operator, clock: Clock
) -> None:
    order = due(status="DELIVERED", delivery_confirmed=False, delivered_at="2026-10-31T01:00:00+00:00",
                delivery_date="2026-10-31")  # fmt: skip
    await shop.stock(database, orders=order)
    done = await confirm_delivery(database, support, clock, "o1")
    assert done.delivered_at == datetime(2026, 10, 31, 1, tzinfo=UTC)


async def test_lines_of_one_product_are_confirmed_each_for_itself(
    database: Database, support: Operator, clock: Clock
) -> None:
    line = {"product_id": "milk", "product_name": "Milk", "price": 50.0}
    await shop.stock(database, orders=due(items=[{**line, "quantity": 2}, {**line, "quantity": 1}], total_amount=150.0))
    assert (await confirm_delivery(database, support, clock, "o1")).status == "DELIVERED"
    (delivery,) = await database["delivery_statuses"].find().to_list()
    assert [item["delivered_qty"] for item in delivery["items"]] == [2.0, 1.0]
    assert {item["status"] for item in delivery["items"]} == {"delivered"}


async def test_nothing_delivered_leaves_no_delivery_time(database: Database, support: Operator, clock: Clock) -> None:
    await shop.stock(database, orders=due(delivered_at="2026-11-22T01:00:00+00:00"))
    none = {"eggs": Decimal(0), "bread": Decimal(0)}
    await confirm_delivery(database, support, clock, "o1", quantities=none, reason="nobody at home")
    stored = await database["orders"].find_one({"id": "o1"})
    assert stored is not None
    assert (stored["status"], stored["delivered_at"]) == ("NOT_DELIVERED", None)


async def test_a_bill_settles_the_day_and_the_quantities(database: Database, support: Operator, clock: Clock) -> None:
    order = due(status="DELIVERED", delivery_confirmed=False, delivered_at="2026-11-21T01:00:00+00:00")
    await shop.stock(
        database, orders=order, billing_records=shop.bill(order),
        delivery_statuses=shop.delivery(order, {"eggs": 1, "bread": 1}),
    )  # fmt: skip
    whole, moved = {"eggs": Decimal(2)}, {"eggs": Decimal(1)}
    for request in ({"quantities": whole}, {"quantities": moved, "delivered_at": clock()}):
        with pytest.raises(ConsoleError) as refused:
            await confirm_delivery(database, support, clock, "o1", **request)
        assert refused.value.code == "already-billed"
    agreed = await confirm_delivery(database, support, clock, "o1")
    assert agreed.status == "PARTIALLY_DELIVERED"


async def test_not_delivered_says_why_and_leaves_the_subscription_alone(
    database: Database, support: Operator, clock: Clock
) -> None:
    await shop.stock(
        database, orders=due(order_type="subscription", subscription_id="s1"), subscriptions_v2={"id": "s1"}
    )
    done = await confirm_delivery(database, support, clock, "o1", not_delivered=True, reason=" gate locked ")
    assert (done.status, done.delivered_at) == ("NOT_DELIVERED", None)
    (delivery,) = await database["delivery_statuses"].find().to_list()
    assert (delivery["status"], delivery["notes"]) == ("not_delivered", "gate locked")
    assert [item["delivered_qty"] for item in delivery["items"]] == [0.0, 0.0]
    assert await database["subscriptions_v2"].find_one({}, {"_id": 0}) == {"id": "s1"}
    reasons = await database["audit_logs"].distinct("meta.reason")
    assert reasons == ["gate locked"]


@pytest.mark.parametrize(
    ("status", "reported", "status_now"),
    [
        ("pending", {"delivered": {"eggs": 1, "bread": 1}, "status": "partially-delivered"}, "PARTIALLY_DELIVERED"),
        ("DELIVERED", {"delivered": {"eggs": 2, "bread": 0}}, "PARTIALLY_DELIVERED"),
        ("pending", {"delivered": {"eggs": 0, "bread": 0}, "status": "NOT_DELIVERED"}, "NOT_DELIVERED"),
        ("pending", {"status": "Not Delivered"}, "NOT_DELIVERED"),
        ("pending", {"status": "delivered"}, "DELIVERED"),
        ("FAILED", {"status": "delivered"}, "NOT_DELIVERED"),
    ],
)
async def test_what_is_on_record_is_confirmed_where_nothing_else_is_stated(
    database: Database, support: Operator, clock: Clock, status: str, reported: dict[str, Any], status_now: str
) -> None:
    order = due(status=status)
    await shop.stock(database, orders=order, delivery_statuses=shop.delivery(order, **reported))
    assert (await confirm_delivery(database, support, clock, "o1", reason="by the notebook")).status == status_now


async def test_what_is_stated_goes_before_what_is_on_record(
    database: Database, support: Operator, clock: Clock
) -> None:
    order = due(status="not_delivered")
    await shop.stock(database, orders=order, delivery_statuses=shop.delivery(order, status="not_delivered"))
    done = await confirm_delivery(database, support, clock, "o1", quantities={"eggs": Decimal(2)})
    assert [line.delivered for line in done.lines] == [2, 0]


async def test_a_quantity_of_a_product_on_two_lines_fills_one_after_the_other(
    database: Database, support: Operator, clock: Clock
) -> None:
    line = {"product_id": "milk", "product_name": "Milk", "price": 50.0}
    two = [{**line, "quantity": 2}, {**line, "quantity": 3}]
    await shop.stock(
        database, orders=[due(items=two), due(id="o2", items=[two[0], {**two[1], "price": 45.0}])],
    )  # fmt: skip
    done = await confirm_delivery(database, support, clock, "o1", quantities={"milk": Decimal(3)})
    assert [each.delivered for each in done.lines] == [2, 1]
    with pytest.raises(BadRequest, match="two prices"):
        await confirm_delivery(database, support, clock, "o2", quantities={"milk": Decimal(3)})


async def test_who_brought_it_is_the_given_person_else_the_orders_else_the_customers(
    database: Database, support: Operator, clock: Clock
) -> None:
    await shop.stock(
        database, orders=[due(), due(id="o2", delivery_boy_id="boy-2"), due(id="o3")],
        customers_v2=shop.customer(delivery_boy_id="boy-3"),
        delivery_boys_v2=[{"id": "boy-1", "name": "Raj"}, {"id": "boy-4", "status": "inactive"}],
    )  # fmt: skip
    await confirm_delivery(database, support, clock, "o1", delivery_boy="boy-1")
    await confirm_delivery(database, support, clock, "o2")
    with pytest.raises(ConsoleError, match="not active"):
        await confirm_delivery(database, support, clock, "o3", delivery_boy="boy-4")
    await confirm_delivery(database, support, clock, "o3")
    people = {each["order_id"]: each["delivery_boy_id"] async for each in database["delivery_statuses"].find()}
    assert people == {"o1": "boy-1", "o2": "boy-2", "o3": "boy-3"}
    named = [order.get("delivery_boy_id") async for order in database["orders"].find().sort("id", 1)]
    assert named == ["boy-1", "boy-2", None]


async def test_the_other_operator_is_told_who_confirmed_it(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await shop.stock(database, orders=due())
    await confirm_delivery(database, ops, clock, "o1")
    with pytest.raises(ConsoleError, match="confirmed already: delivered, 2026-11-22 10:00, by olga"):
        await confirm_delivery(database, support, clock, "o1")


async def test_an_order_of_a_day_to_come_takes_a_word_that_it_is_meant_or_a_reason(
    database: Database, support: Operator, clock: Clock
) -> None:
    days = {"o1": "2026-11-23", "o2": "2026-11-23", "o3": "2026-11-24", "o4": "2026-11-24"}
    await shop.stock(database, orders=[due(id=name, delivery_date=day) for name, day in days.items()])
    for name, code in (("o1", "due-later"), ("o3", "off-schedule")):
        with pytest.raises(ConsoleError) as refused:
            await confirm_delivery(database, support, clock, name)
        assert refused.value.code == code
    with pytest.raises(ConsoleError) as early:  # the rule of the schedule holds all the same
        await confirm_delivery(database, support, clock, "o4", early=True)
    assert early.value.code == "off-schedule"
    assert (await confirm_delivery(database, support, clock, "o1", early=True)).status == "DELIVERED"
    assert (await confirm_delivery(database, support, clock, "o2", reason="asked for it")).status == "DELIVERED"
    assert (await confirm_delivery(database, support, clock, "o3", reason="asked for it")).status == "DELIVERED"
