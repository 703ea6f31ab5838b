"""Finding and showing orders on the command line."""

import pytest

from tests import shop as stored
from tests.console.conftest import Shop


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.database.orders.insert_many([
        stored.order(id="o1", total_amount=1.0, delivery_boy_id="boy-1"),
        stored.order(id="o2", status="pending", delivery_date="2026-10-16"),
        stored.order(id="o3", customer_id="u2", user_id="u2", notes="\x1b[31m"),
    ])  # fmt: skip
    shop.database.customers_v2.insert_many(
        [stored.customer(), stored.customer(id="c2", user_id="u2", name="Bala", area="HSR", phone="+14155552671")]
    )
    shop.database.delivery_boys_v2.insert_one({"id": "boy-1", "name": "Raj"})
    return shop


def test_every_filter_narrows_and_a_search_is_kept_under_a_name(stocked: Shop) -> None:
    def found(*arguments: str) -> list[str]:
        return [order["id"] for order in stocked("orders", "find", *arguments, "--json").json["orders"]]

    assert found("--area", "jaya", "--sort", "oldest") == ["o1", "o2"]
    assert found("--delivery-boy", "raj", "--needs-review") == ["o1"]
    assert found("--status", "pending", "--from", "2026-10-16", "--save", "mine") == ["o2"]
    assert found("--saved", "mine") == ["o2"]
    kept = stocked("orders", "saved", "--json").json["searches"]
    assert [(each["name"], each["status"], each["from"]) for each in kept] == [("mine", "pending", "2026-10-16")]
    assert stocked("orders", "forget", "mine", "--json").json == {"forgotten": "mine"}
    gone = stocked("orders", "find", "--saved", "mine", "--json")
    assert (gone.status, gone.json["error"]["code"]) == (1, "unknown-search")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("x" * 10_240,), 2, "query-too-long"), (("--from", "2026-02-31"), 2, "bad-date"),
        (("o", "--saved", "mine"), 2, "saved-alone"), (("--save", "\x1b"), 2, "bad-name"),
    ],
)  # fmt: skip
def test_what_makes_no_search_is_told(shop: Shop, arguments: tuple[str, ...], status: int, code: str) -> None:
    refused = shop("orders", "find", *arguments, "--json")
    assert (refused.status, refused.json["error"]["code"]) == (status, code)
    assert shop.database.console_views.count_documents({}) == 0


def test_an_order_is_shown_with_its_links_and_what_happened_to_it(stocked: Shop) -> None:
    shown = stocked("orders", "show", "o3", "--json").json
    assert {"order", "customer", "delivery", "billing", "findings", "history", "links", "timeline"} <= shown.keys()
    assert [(link["field"], link["sound"]) for link in shown["links"]] == [
        ("orders.customer_id, user_id", False), ("customers_v2.user_id", True),
    ]  # fmt: skip
    assert [event["source"] for event in shown["timeline"]] == ["order", "order"]
    people = stocked("orders", "show", "o3")
    assert "\x1b" not in people.out
    assert "the customer Bala (c2)" in people.out
    assert "2026-10-15 06:30" in people.out
    assert stocked("orders", "show", "o" * 5_000).status == 1


def test_an_order_is_made_changed_cancelled_and_restored_each_time_after_it_was_confirmed(stocked: Shop) -> None:
    stocked.database.products.insert_one({"id": "milk", "name": "Milk", "price": 30.0})
    asked = ("orders", "create", "--customer", "c2", "--item", "milk=2", "--date", "2099-01-01", "--address", "1, Main")
    unasked = stocked(*asked, "--json")
    assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
    made = stocked(*asked, "--yes", "--json").json["order"]
    assert (made["amount_paise"], made["customer_id"], made["status"]) == (6000, "c2", "PENDING")
    changed = stocked("orders", "update", made["id"], "--item", "milk=3", "--notes", "gate", "--yes", "--json")
    assert {"field": "total_amount", "old": 60.0, "new": 90.0, "kind": "changed"} in changed.json["changes"]
    assert "2 × Milk → 3 × Milk" in changed.err
    assert stocked("orders", "cancel", made["id"], "--yes", "--json").json["error"]["code"] == "no-reason"
    assert stocked("orders", "cancel", made["id"], "--reason", "away", "--yes").status == 0
    assert stocked("orders", "undo", made["id"], "--reason", "back", "--yes", "--json").status == 0
    order = stocked.database.orders.find_one({"id": made["id"]})
    assert order is not None
    assert (order["status"], order["total_amount"], order["notes"]) == ("PENDING", 90.0, "gate")
    assert stocked("--operator", "ravi", "orders", "cancel", made["id"], "--reason", "x", "--yes").status == 4
