"""`deliveries` in a process of its own: a day, a route, a selection, and taking one back."""

from datetime import timedelta
from typing import Any

import pytest

from tests import shop as stock
from tests.console.conftest import Shop

DAY = "2026-10-15"


def order(name: str, **fields: Any) -> dict[str, Any]:
    unconfirmed = {"status": "pending", "delivered_at": None, "delivery_confirmed": False, "delivery_boy_id": "boy-1"}
    return stock.order(**{"id": name, **unconfirmed, **fields})


@pytest.fixture
def day(shop: Shop) -> Shop:
    """A day of one delivery person: two due, one told as not delivered, one cancelled."""
    orders = [order("o1"), order("o2"), order("o3", status="not_delivered"), order("o4", status="cancelled")]
    shop.database.orders.insert_many(orders)
    shop.database.customers_v2.insert_one(stock.customer())
    shop.database.delivery_boys_v2.insert_one({"id": "boy-1", "name": "Raj\x1b[31m", "shift": "evening"})
    return shop


AT = ("--delivered-at", "2026-10-15T06:12")
ROUTE = ("deliveries", "confirm-route", "--date", DAY, "--delivery-boy", "boy-1")


def test_a_route_is_asked_for_confirmed_order_by_order_and_taken_back(day: Shop) -> None:
    listed = day("deliveries", "list", "--date", DAY, "--shift", "evening", "--json").json["deliveries"]
    assert [row["order_id"] for row in listed] == ["o4", "o3", "o2", "o1"]
    assert {row["shift"] for row in listed} == {"evening"}
    assert "seen" not in listed[0]

    unasked = day(*ROUTE, *AT, "--json")
    assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
    assert "2 to confirm. Left out: 1 reported as not delivered, 1 cancelled." in unasked.err
    assert "\x1b" not in unasked.err

    done = day(*ROUTE, *AT, "--except", "o2", "--yes", "--json")
    assert done.status == 0
    assert (done.json["confirmed"], done.json["refused"], done.json["already_confirmed"]) == (1, 0, 0)
    (outcome,) = done.json["outcomes"]
    assert (outcome["order_id"], outcome["error"]) == ("o1", None)
    assert outcome["confirmation"]["delivered_at"] == "2026-10-15T00:42:00+00:00"
    assert done.json["left_out"] == [
        {"order_id": "o2", "why": "excepted"}, {"order_id": "o3", "why": "reported-not-delivered"},
    ]  # fmt: skip

    undone = day("deliveries", "undo", "o1", "--reason", "the wrong house", "--json")
    assert (undone.status, undone.json["undone"]["was"], undone.json["undone"]["status"]) == (0, "DELIVERED", "PENDING")
    assert day.database.delivery_statuses.count_documents({}) == 0
    assert day("deliveries", "undo", "o1", "--reason", "again").status == 1
    assert day("deliveries", "undo", "o1").status == 2


def test_what_is_refused_of_several_ends_with_1_and_the_rest_is_confirmed(day: Shop) -> None:
    late = day("deliveries", "confirm", "o1", "o4", "--json")
    assert (late.status, [each["error"]["code"] for each in late.json["outcomes"]]) == (
        1, ["off-schedule", "order-cancelled"],
    )  # fmt: skip
    people = day("deliveries", "confirm", "o1", "o4", "--reason", "found in the notebook")
    assert people.status == 1
    assert "1 of 2 are confirmed." in people.out
    assert "a cancelled order cannot be confirmed" in people.out
    assert day.database.orders.count_documents({"delivery_confirmed": True}) == 1


def test_what_is_due_on_a_day_to_come_is_asked_first(day: Shop) -> None:
    from services.clock import india_day, utc_now

    tomorrow = (india_day(utc_now()) + timedelta(days=1)).isoformat()
    day.database.orders.update_many({"id": {"$in": ["o1", "o2"]}}, {"$set": {"delivery_date": tomorrow}})
    unasked = day("deliveries", "confirm", "o1", "--json")
    assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
    assert "that day has not come" in unasked.err
    assert "Asha Rao, on record: 2 × Eggs, 1 × Bread" in unasked.err
    several = day("deliveries", "confirm", "o1", "o2", "--json")
    assert [each["error"]["code"] for each in several.json["outcomes"]] == ["due-later"] * 2
    assert "has not come yet" in day("deliveries", "confirm-route", "--date", "tomorrow", "--delivery-boy", "boy-1").err
    assert day.database.orders.count_documents({"delivery_confirmed": True}) == 0
    assert day("deliveries", "confirm", "o1", "--yes").status == 0


def test_not_delivered_says_why(day: Shop) -> None:
    why = day("deliveries", "confirm", "o1", "--not-delivered", "--json", *AT)
    assert (why.status, why.json["error"]["code"]) == (1, "needs-reason")
    told = day("deliveries", "confirm", "o1", "--not-delivered", "--reason", "nobody at home", *AT, "--json")
    assert (told.status, told.json["confirmation"]["status"]) == (0, "NOT_DELIVERED")
    assert told.json["confirmation"]["delivered_at"] is None
    mixed = day("deliveries", "confirm", "o1", "o2", "--item", "eggs=1", "--json")
    assert (mixed.status, mixed.json["error"]["code"]) == (2, "one-order")
    assert day("--operator", "ravi", *ROUTE, *AT, "--yes").status == 4
