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
    assert shop.database.console_saved_searches.count_documents({}) == 0


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
