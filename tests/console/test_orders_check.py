"""`orders check`."""

from tests import shop as stock
from tests.console.conftest import Shop

HOSTILE = "\x1b]0;pwned\x07[red]\u202e"


def test_a_check_tells_every_validator_and_ends_with_1_where_one_refuses(shop: Shop) -> None:
    good = stock.order(
        id="good", user_id=stock.USER, address={"address_line1": HOSTILE, "city": "B", "pincode": "560001"}
    )
    bad = stock.order(id="bad", total_amount=1.0, status=HOSTILE, delivery_boy_id=HOSTILE)
    shop.database.orders.insert_many([good, bad])
    shop.database.customers_v2.insert_one(stock.customer())
    shop.database.delivery_statuses.insert_one(stock.delivery(good, {"eggs": 2, "bread": 1}))

    passed, failed = shop("orders", "check", "good", "--json"), shop("orders", "check", "bad", "--json")
    people = shop("--operator", "ravi", "orders", "check", "bad")

    assert (passed.status, failed.status, people.status) == (0, 1, 1)
    assert passed.json["order"] == "good"
    assert all(check["ok"] for check in passed.json["checks"])
    assert len(passed.json["checks"]) + len(passed.json["skipped"]) == 27
    (total,) = [check for check in failed.json["checks"] if check["validator"] == "order.total"]
    assert total == {
        "validator": "order.total", "ok": False, "outcome": "refused", "code": "amount-mismatch",
        "field": "total_amount", "message": "The order says ₹1.00, its items come to ₹180.00.", "value": 1.0,
    }  # fmt: skip
    assert "amount-mismatch" in people.out
    assert "\x1b" not in people.out + failed.out
    assert "\u202e" not in people.out


def test_an_unknown_order_is_told(shop: Shop) -> None:
    refused = shop("orders", "check", "gone", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "unknown-order")
