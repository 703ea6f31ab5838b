"""What a record was, as the command line tells it."""

from typing import Any

from tests.console.conftest import Shop

DAYS = {"id": "ord_1", "status": "NEW", "phone": "9876543210"}


def stock(shop: Shop) -> None:
    """Created on the 4th, changed on the 5th at ten in the evening in India, and since by nobody knows whom."""
    changed = DAYS | {"status": "PAID \x1b[31m"}
    entries: list[dict[str, Any]] = [
        {"action": "CREATE", "timestamp": "2026-11-04T10:00:00.000000+00:00", "before": None, "after": DAYS,
         "changes": {}},
        {"action": "UPDATE", "timestamp": "2026-11-05T16:30:00.000000+00:00", "before": DAYS, "after": changed,
         "changes": {"status": {"old": "NEW", "new": changed["status"]}}},
    ]  # fmt: skip
    for number, entry in enumerate(entries):
        head = {"_id": f"e{number}", "id": f"e{number}", "table": "orders", "record_id": "ord_1", "user_id": "asha"}
        shop.database.audit_logs.insert_one(head | entry)
    shop.database.orders.insert_one(changed | {"status": "GONE"})
    shop.database.orders.create_index("id")


def test_a_record_is_told_as_of_a_day_and_compared_with_another(shop: Shop) -> None:
    stock(shop)
    day = shop("audit", "as-of", "orders/ord_1", "--at", "2026-11-04", "--json").json
    assert day == {
        "record": "orders/ord_1",
        "at": "2026-11-04T18:29:59.999999+00:00",
        "exists": True,
        "state": DAYS,
        "entry": "e0",
        "exact": True,
        "told": "As its last entry left it.",
        "findings": [],
    }
    both = shop(
        "audit", "as-of", "orders/ord_1", "--at", "2026-11-05T22:00", "--and", "2026-11-04T09:59Z", "--json"
    ).json
    assert (both["from"]["exists"], both["to"]["state"]["status"]) == (False, "PAID \x1b[31m")
    assert both["entries"] == 2
    assert {field["field"]: field["kind"] for field in both["fields"]} == dict.fromkeys(DAYS, "added")
    assert [finding["code"] for finding in both["to"]["findings"]] == ["gap"]
    now = shop("audit", "as-of", "orders/ord_1", "--at", "now", "--json").json
    assert (now["state"]["status"], now["exact"]) == ("GONE", True)


def test_people_read_the_record_its_findings_and_who_touched_it(shop: Shop) -> None:
    stock(shop)
    then = shop("--operator", "ravi", "audit", "as-of", "orders/ord_1", "--at", "2026-11-05 23:00").out
    assert "2026-11-05 23:00 India time" in then
    assert "! gap: status changed after entry e1 and before now, and no entry says how." in then
    assert "9876543210" not in then
    assert "\x1b" not in then
    who = shop("audit", "touched", "orders/ord_1", "--json").json
    assert who == {
        "record": "orders/ord_1",
        "users": [{"user": "asha", "entries": 2, "actions": {"CREATE": 1, "UPDATE": 1},
                   "first": "2026-11-04T10:00:00+00:00", "last": "2026-11-05T16:30:00+00:00",
                   "doubted": 0}],
    }  # fmt: skip


def test_what_is_no_record_and_no_time_is_refused(shop: Shop) -> None:
    unknown = shop("audit", "as-of", "orders/ord_9", "--at", "today", "--json")
    assert (unknown.status, unknown.json["error"]["code"]) == (1, "unknown-record")
    reading = shop("audit", "as-of", "audit_logs/export-1", "--at", "today")
    assert (reading.status, "readings or exports of the trail, which change nothing" in reading.err) == (1, True)
    odd = shop("audit", "as-of", "orders/ord_9", "--at", "soon", "--json")
    assert (odd.status, odd.json["error"]["code"]) == (2, "bad-time")


def test_people_read_lists_money_and_times_as_the_browser_shows_them(shop: Shop) -> None:
    at = "2026-11-05T16:30:00.000000+00:00"
    old = {"id": "ord_2", "items": [{"product_id": "milk", "price": 45.0}], "delivered_at": at}
    new = {**old, "items": [{"product_id": "milk", "price": 50.5}]}
    head = {"_id": "e9", "id": "e9", "table": "orders", "record_id": "ord_2", "user_id": "asha", "action": "UPDATE"}
    shop.database.audit_logs.insert_one(head | {"timestamp": at, "before": old, "after": new, "changes": {}})
    shop.database.orders.insert_one(new)
    shop.database.orders.create_index("id")
    shop.database.customers_v2.insert_one({"id": "c-1", "location": {"lat": 12.5, "lng": 77.5}})

    then = shop("audit", "as-of", "orders/ord_2", "--at", "now").out.split()
    entry = shop("audit", "show", "e9").out.split()
    seen = shop("audit", "reveal", "customers_v2/c-1", "--reason", "to find the door").out

    assert then[then.index("items.0.price") + 1] == "₹50.50"
    assert then[then.index("delivered_at") :][1:4] == ["2026-11-05", "22:00:00", "India"]
    assert entry[entry.index("items.0.price") :][1:4] == ["changed", "₹45.00", "₹50.50"]
    assert "{lat: 12.5, lng: 77.5}" in seen
