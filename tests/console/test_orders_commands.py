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
    asked = ("orders", "create", "--customer", "c2", "--item", "milk=2", "--date", "2099-01-01",
             "--address", "1, Main, Hubballi 580020")  # fmt: skip
    unasked = stocked(*asked, "--json")
    assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
    answer = stocked(*asked, "--yes", "--json")
    made = answer.json["order"]
    assert (made["amount_paise"], made["customer_id"], made["status"]) == (6000, "c2", "PENDING")
    assert {"validator": "order.delivery-date", "outcome": "warning", "code": "date-far",
            "message": "2099-01-01 is more than a year ahead."} in answer.json["checks"]  # fmt: skip
    for words in ("customer: Bala (c2)", "item: 2 × Milk at ₹30.00 (milk)", "total: ₹60.00", "✓ address.pincode"):
        assert words in answer.err
    twin = stocked(*asked, "--yes", "--json")
    assert (twin.status, twin.json["error"]["code"]) == (1, "order-duplicate")
    assert made["id"] in twin.json["error"]["message"]
    again = stocked(*asked, "--again", "--yes", "--json").json["order"]
    assert stocked("orders", "cancel", again["id"], "--reason", "once", "--yes").status == 0
    changed = stocked("orders", "update", made["id"], "--item", "milk=3", "--notes", "gate", "--yes", "--json")
    assert {"field": "total_amount", "old": 60.0, "new": 90.0, "kind": "changed"} in changed.json["changes"]
    assert "items: 2 × Milk at ₹30.00 (milk) → 3 × Milk at ₹30.00 (milk)" in changed.err
    assert stocked("orders", "cancel", made["id"], "--yes", "--json").json["error"]["code"] == "no-reason"
    cancelled = stocked("orders", "cancel", made["id"], "--reason", "away", "--yes")
    assert cancelled.status == 0
    assert all(f"{name}: " in cancelled.err for name in ("customer", "day", "item", "total", "status"))
    undone = stocked("orders", "undo", made["id"], "--reason", "back", "--yes", "--json")
    assert undone.status == 0
    assert "status: CANCELLED → PENDING" in undone.err
    order = stocked.database.orders.find_one({"id": made["id"]})
    assert order is not None
    assert (order["status"], order["total_amount"], order["notes"]) == ("PENDING", 90.0, "gate")
    back = stocked("orders", "undo", again["id"], "--reason", "twice after all", "--again", "--yes")
    assert back.status == 0
    assert stocked("--operator", "ravi", "orders", "cancel", made["id"], "--reason", "x", "--yes").status == 4


def test_customers_products_and_staff_are_found_for_whoever_takes_an_order(stocked: Shop) -> None:
    stocked.database.products.insert_many(
        [{"id": "p2", "name": "Milk 1 l", "unit": "packet", "price": 60.0}, {"id": "p1", "name": "Curd", "price": 20.0}]
    )
    stocked.database.customers_v2.update_one({"id": "c2"}, {"$set": {"custom_product_prices": {"p2": 55.5}}})
    (customer,) = stocked("customers", "find", "bal", "--json").json["customers"]
    assert (customer["id"], customer["phone"]) == ("c2", "+14155552671")
    viewer = stocked("--operator", "ravi", "customers", "find", "bal", "--json").json["customers"]
    assert viewer[0]["phone"] == "•••••671"
    (milk,) = stocked("orders", "products", "packet mil", "--customer", "c2", "--json").json["products"]
    assert milk == {"id": "p2", "name": "Milk 1 l", "unit": "packet", "price_paise": 5550, "own_price": True}
    assert [each["id"] for each in stocked("orders", "products", "--json").json["products"]] == ["p1", "p2"]
    (raj,) = stocked("deliveries", "staff", "ra", "--json").json["staff"]
    assert raj == {"id": "boy-1", "name": "Raj", "area": "", "shift": ""}
    assert stocked("customers", "find", "x" * 300, "--json").json["error"]["code"] == "query-too-long"


def test_writing_takes_an_unambiguous_beginning_and_names_the_whole_id_and_tells_the_change_once(stocked: Shop) -> None:
    stocked.database.orders.create_index("id")
    stocked.database.orders.insert_many(
        [
            stored.order(id=name, status="pending", delivery_date="2099-10-16", delivery_confirmed=False)
            for name in ("ord_7a-1", "ord_7a-2")
        ]
    )
    stocked.database.products.insert_many(
        [{"id": name, "name": "Curd", "price": 4_800.0} for name in ("52f7abb9", "52f8")]
    )
    unasked = stocked("orders", "cancel", "7a-1", "--reason", "x")
    assert "7a-1 is ord_7a-1.\ncustomer: Asha Rao\n" in unasked.err
    assert "status: PENDING → CANCELLED\nCancel ord_7a-1? Nobody can be asked" in unasked.err
    changed = stocked("orders", "update", "7a-1", "--item", "52f7=2", "--yes")
    assert (changed.status, changed.out) == (0, "ord_7a-1 is changed.\n")
    assert "total_amount: ₹180.00 → ₹9,600.00" in changed.err
    assert "✓ order.items: The one item has a quantity" in changed.err
    for arguments, words in (
        (("update", "ord_7a", "--notes", "x"), "begin with 'ord_7a': ord_7a-1, ord_7a-2. Type more"),
        (("update", "7a-1"), "Say what to change: --item"),
        (("update", "7a-1", "--item", "52f=2"), "Several products begin with '52f': 52f7abb9, 52f8."),
        (("update", "7a-1", "--item", "52f7=2", "--item", "52f7a=3"), "given twice"),
        (
            ("update", "7a-1", "--item", "52f7=30"),
            "come to ₹1,44,000.00; an order is worth more than nothing, and up to ₹1,",
        ),
        (("create", "--customer", "c", "--date", "2099-01-01", "--item", "52f7=1"), "No customer fits 'c'."),
    ):
        refused = stocked("orders", *arguments, "--yes")
        assert words in refused.err
    made = stocked("orders", "create", "--customer", "Bala", "--date", "2099-01-01", "--item", "52f7=1",
                   "--address", "1, Main, Hubballi 580020", "--yes", "--json")  # fmt: skip
    assert made.json["order"]["items"] == [{"product_id": "52f7abb9", "quantity": 1}]
    assert made.json["order"]["customer_id"] == "c2"
