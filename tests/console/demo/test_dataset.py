"""The demo data set: deterministic, complete, and broken exactly where it says."""

import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

import bson
import pytest

from console.demo.dataset import Dataset, planted_reviews, rows
from tests.console.demo.stored import (
    FULL,
    INDIA,
    SMALL,
    UNTIL,
    Doc,
    Stored,
    exact,
    kind,
    moment,
    month,
    problems,
    spelled,
)


@pytest.fixture(scope="module")
def full() -> Stored:
    return Stored(FULL)


@pytest.fixture(scope="module", params=[SMALL, FULL], ids=["600", "12000"])
def stored(request: pytest.FixtureRequest) -> Stored:
    return Stored(request.param)


class TestTheStream:
    def test_same_parameters_give_the_same_bytes(self) -> None:
        def digest(dataset: Dataset) -> str:
            running = sha256()
            for collection, document in rows(dataset):
                running.update(collection.encode() + bson.encode(document))
            return running.hexdigest()

        assert digest(SMALL) == digest(Dataset(until=UNTIL, orders=600, seed=7))
        assert digest(SMALL) != digest(Dataset(until=UNTIL, orders=600, seed=8))
        assert digest(SMALL) != digest(Dataset(until=UNTIL - timedelta(1), orders=600))

    @pytest.mark.parametrize("until", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 3, 2), date(2026, 5, 31)])
    @pytest.mark.parametrize("orders", [60, 200, 2_999, 3_000])
    def test_any_size_and_day_keep_their_promises(self, until: date, orders: int) -> None:
        stored = Stored(Dataset(until=until, orders=orders))
        assert Counter(kind(stored, order) for order in stored.one_time) == stored.dataset.classes
        assert len(stored.all["orders"]) == 2 * orders
        assert len(stored.all["customers_v2"]) == stored.dataset.customers

    def test_fewer_than_sixty_orders_are_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 60"):
            Dataset(until=UNTIL, orders=59)

    def test_sizes(self, full: Stored) -> None:
        assert FULL.customers == 2_000
        assert len(full.one_time) == 12_000
        assert len(full.all["orders"]) == 24_000
        assert len(full.all["customers_v2"]) == 2_000
        assert 20 <= len(full.all["delivery_boys_v2"]) <= 30
        assert 2_000 < len(full.all["audit_logs"]) < 4_000
        assert len(full.all["system_settings"]) == 1

    def test_ids_are_unique_and_object_ids_follow_creation(self, stored: Stored) -> None:
        every = [d for documents in stored.all.values() for d in documents]
        assert len({d["_id"] for d in every}) == len(every)
        ids = [d["id"] for d in every if "id" in d]
        assert len(set(ids)) == len(ids)
        orders = sorted(stored.all["orders"], key=lambda order: order["_id"])
        assert orders == stored.all["orders"]
        assert all(a["created_at"][:26] <= b["created_at"][:26] for a, b in pairwise(orders))
        for order in orders:
            created = moment(order["created_at"])
            assert created
            assert created.replace(microsecond=0) == order["_id"].generation_time

    def test_nothing_happens_after_the_last_night(self, stored: Stored) -> None:
        limit = datetime(2026, 6, 29, 18, 30, tzinfo=UTC)
        for documents in stored.all.values():
            for document in documents:
                for field in (
                    "created_at",
                    "updated_at",
                    "delivered_at",
                    "timestamp",
                    "billed_at",
                    "sent_at",
                ):
                    written = moment(document.get(field))
                    assert written is None or written <= limit, (field, document)

    def test_every_document_fits_the_backend(self, stored: Stored) -> None:
        for documents in stored.all.values():
            for document in documents:
                bson.encode(document)
                assert "amount_paise" not in document
        assert not [name for name in stored.all if name.startswith("console_")]
        assert all(isinstance(r["amount"], float) for r in stored.all["billing_records"])
        assert all(isinstance(p["amount"], float) for p in stored.all["payment_transactions"])


class TestBilling:
    def test_the_classes_are_exact(self, stored: Stored) -> None:
        counts = Counter(kind(stored, order) for order in stored.one_time)
        assert counts == stored.dataset.classes
        assert counts.total() == stored.dataset.orders

    def test_each_planted_order_has_exactly_one_problem(self, stored: Stored) -> None:
        counts: Counter[str] = Counter()
        for order in stored.one_time:
            if kind(stored, order) == "needs-review":
                (code,) = problems(stored, order)
                counts[code] += 1
        assert counts == stored.dataset.reviews == planted_reviews(stored.dataset.orders)

    def test_a_full_set_has_every_reason_several_times(self) -> None:
        assert min(planted_reviews(12_000).values()) >= 3
        assert min(planted_reviews(600).values()) >= 1

    def test_unbilled_money_is_believable(self, full: Stored) -> None:
        billable = [o for o in full.one_time if kind(full, o) == "change"]
        rupees: list[float] = [o.get("total_amount") or o["total"] for o in billable]
        assert 60 < sum(rupees) / len(rupees) < 200

    def test_billable_orders_are_spread_over_the_months(self, full: Stored) -> None:
        counts = Counter(month(o) for o in full.one_time if kind(full, o) == "change")
        whole = [counts[f"2026-0{number}"] for number in range(1, 7)]
        assert max(whole) < 1.3 * min(whole)

    def test_tomorrow_waits_and_today_is_mostly_pending(self, full: Stored) -> None:
        today = [o["status"] for o in full.one_time if o.get("delivery_date") == "2026-06-30"]
        tomorrow = [o["status"] for o in full.one_time if o.get("delivery_date") == "2026-07-01"]
        assert len(today) == FULL.due_today
        assert today.count("pending") > 0.8 * len(today)
        assert tomorrow == ["pending"] * FULL.due_tomorrow


def form(order: Doc) -> str:
    value = order.get("delivered_at")
    if not isinstance(value, str):
        return type(value).__name__
    return "text" if moment(value) is None else re.sub(r"^.*\d\.\d+", "", value) or "naive"


class TestTraps:
    def test_1_customer_ids_lead_to_customers_in_three_ways(self, stored: Stored) -> None:
        users = {user["id"] for user in stored.all["users"]}
        ways = Counter(
            "customer" if o.get("customer_id") in stored.customers
            else "user" if o.get("customer_id") in stored.by_user
            else "pointer" if o.get("customer_id") in stored.pointers
            else "absent" if not o.get("customer_id") else "unknown"
            for o in stored.all["orders"]
        )  # fmt: skip
        assert ways["user"] + ways["pointer"] > 0.7 * ways.total()
        assert all(ways[way] for way in ("customer", "pointer", "absent", "unknown"))
        assert all(a["user_id"] in users | stored.customers for a in stored.all["addresses"])

    def test_2_statuses_and_types_come_in_every_spelling(self, stored: Stored) -> None:
        found = {o["status"] for o in stored.one_time}
        assert {"DELIVERED", "delivered", "Delivered", "PARTIALLY_DELIVERED", "partially-delivered"} <= found
        assert {"pending", "cancelled", "NOT_DELIVERED"} <= found
        types = {o.get("order_type") for o in stored.one_time}
        assert types == {"one_time", "one-time", "ONE_TIME", None}
        reported = {d["status"] for d in stored.all["delivery_statuses"]}
        assert {"delivered", "DELIVERED", "partially_delivered", "not_delivered"} <= reported

    def test_2_a_third_of_the_delivered_is_not_written_in_capitals(self, full: Stored) -> None:
        spellings = Counter(o["status"] for o in full.one_time if spelled(o["status"]) == "delivered")
        assert 0.3 < 1 - spellings["DELIVERED"] / spellings.total() < 0.4

    def test_4_records_without_a_flag_and_twice(self, stored: Stored) -> None:
        billed = [o for o in stored.one_time if o["id"] in stored.billed]
        unflagged = [o for o in billed if not o.get("billed")]
        assert any("billed" in o for o in unflagged)
        assert any("billed" not in o for o in unflagged)
        assert set(stored.billed.values()) == {1, 2}

    def test_5_older_orders_lack_fields_and_use_total(self, stored: Stored) -> None:
        oldest = [o for o in stored.one_time if "total" in o]
        assert oldest
        assert all(set(item) == {"product", "quantity", "price"} for o in oldest for item in o["items"])
        lacking = [o for o in stored.one_time if not {"billed", "delivery_confirmed", "billed_month"} & set(o)]
        assert len(lacking) > len(oldest)
        assert {o["id"].startswith("ord_") for o in stored.one_time} == {True, False}

    def test_6_amounts_are_bad_in_every_way(self, full: Stored) -> None:
        bad = [o.get("total_amount", "none") for o in full.one_time if "amount-invalid" in problems(full, o)]
        assert {0.0, -120.0, "N/A", 1e12, None, "none", math.inf} <= set(bad)
        assert any(isinstance(value, float) and math.isnan(value) for value in bad)

    def test_6_float_noise_and_one_paisa_are_harmless(self, full: Stored) -> None:
        def off(order: Doc) -> Decimal:
            total = exact(order.get("total_amount", order.get("total"))) or Decimal(0)
            return abs(total - sum(Decimal(repr(i["quantity"])) * Decimal(repr(i["price"])) for i in order["items"]))

        gaps = [off(o) for o in full.one_time if kind(full, o) == "change"]
        assert sum(0 < gap < Decimal("0.001") for gap in gaps) > 20
        assert sum(gap == Decimal("0.01") for gap in gaps) > 20

    def test_7_delivery_times_come_in_every_form(self, stored: Stored) -> None:
        forms = Counter(form(o) for o in stored.one_time if spelled(o["status"]) == "delivered")
        assert {"naive", "+00:00", "+05:30", "Z", "datetime", "NoneType", "text"} == set(forms)

    def test_8_mornings_of_the_first_are_the_last_in_utc(self, stored: Stored) -> None:
        crossing = [
            o for o in stored.one_time
            if (at := moment(o.get("delivered_at"))) and at.strftime("%Y-%m") != month(o)
        ]  # fmt: skip
        assert crossing
        other = [o for o in stored.one_time if kind(stored, o) == "change" and o.get("billed_month")]
        assert any(re.fullmatch(r"\d{4}-(0\d|1[0-2])", str(o["billed_month"])) for o in other)

    def test_8_some_are_delivered_a_day_late(self, stored: Stored) -> None:
        delivered = [(moment(o.get("delivered_at")), o.get("delivery_date")) for o in stored.one_time]
        assert any(at and day and (at + INDIA).strftime("%Y-%m-%d") > day for at, day in delivered)

    def test_9_partial_deliveries_have_quantities(self, stored: Stored) -> None:
        billable = [o for o in stored.one_time if kind(stored, o) == "change"]
        partial = [o for o in billable if spelled(o["status"]) == "partially_delivered"]
        assert len(partial) >= 0.02 * len(billable)
        short = [
            o for o in billable if spelled(o["status"]) == "delivered"
            for item in stored.delivery.get(o["id"], {}).get("items", [])
            if item["delivered_qty"] < item["ordered_qty"]
        ]  # fmt: skip
        assert short

    def test_10_many_customers_have_no_account(self, stored: Stored) -> None:
        customers = stored.all["customers_v2"]
        assert sum(c.get("user_id", 0) is None for c in customers) > 0.05 * len(customers)
        assert sum("user_id" not in c for c in customers) > 0.05 * len(customers)

    def test_11_and_13_staff(self, stored: Stored) -> None:
        staff = stored.all["delivery_boys_v2"]
        assert "delivery_boys" not in stored.all
        assert any(boy.get("status") == "active" and "is_active" not in boy for boy in staff)
        assert any(boy.get("is_active") is False for boy in staff)
        known = {boy["id"] for boy in staff}
        assert any(o["delivery_boy_id"] not in known for o in stored.one_time)
        assert not any("date" in delivery for delivery in stored.all["delivery_statuses"])

    def test_14_phones_are_written_in_every_way(self, stored: Stored) -> None:
        customers = stored.all["customers_v2"]
        assert any("phone_number" in c and "phone" not in c for c in customers)
        phones = [c.get("phone") or c.get("phone_number", "") for c in customers]
        for shape in (r"\d{10}", r"\+91 \d{5} \d{5}", r"0\d{5}-\d{5}", r"\+91\d{10}", r"080-.*"):
            assert any(re.fullmatch(shape, phone) for phone in phones), shape
        assert all(re.fullmatch(r"\+91\d{10}", row["phone"]) for row in stored.all["notifications_log"])

    @pytest.mark.parametrize("text", ["[/b]", "\x1b", "\u202e", "\n", "=cmd|", "రావు", "\U0001f95b"])
    def test_15_names_are_hostile(self, stored: Stored, text: str) -> None:
        assert any(text in customer["name"] for customer in stored.all["customers_v2"])

    @pytest.mark.parametrize("text", ["[bold", "\x1b]52", "\u202e", "\r\n", "=HYPERLINK", "\x00", "कृपया", "x" * 10_000])
    def test_15_notes_are_hostile(self, stored: Stored, text: str) -> None:
        assert any(text in order["notes"] for order in stored.one_time)

    def test_15_keys_hold_dollars_and_dots(self, stored: Stored) -> None:
        keys = {key for order in stored.one_time for key in order["address"]}
        assert any(key.startswith("$") for key in keys)
        assert any("." in key for key in keys)

    def test_16_queued_reminders_were_never_sent(self, stored: Stored) -> None:
        log = {row["id"]: row for row in stored.all["notifications_log"]}
        queue = stored.all["notifications_queue"]
        assert queue
        assert all(log[row["message_id"]]["status"] == "queued" for row in queue)

    def test_17_audit_entries_come_in_two_shapes(self, stored: Stored) -> None:
        first = [e for e in stored.all["audit_logs"] if "id" in e]
        second = [e for e in stored.all["audit_logs"] if "id" not in e]
        assert {type(e["timestamp"]) for e in first} == {str}
        assert {type(e["timestamp"]) for e in second} == {datetime}
        known = {d["id"] for name in ("orders", "customers_v2", "subscriptions_v2") for d in stored.all[name]}
        assert {e["record_id"] for e in first} | {e["resource_id"] for e in second} <= known
        assert {e["table"] for e in first} == {"orders", "customers_v2", "subscriptions_v2"}


class TestReferences:
    @pytest.mark.parametrize(
        ("collection", "field", "target"),
        [
            ("billing_records", "customer_id", "customers_v2"),
            ("billing_records", "order_id", "orders"),
            ("payment_transactions", "customer_id", "customers_v2"),
            ("orders", "subscription_id", "subscriptions_v2"),
            ("orders", "address_id", "addresses"),
            ("delivery_statuses", "delivery_boy_id", "delivery_boys_v2"),
            ("customers_v2", "delivery_boy_id", "delivery_boys_v2"),
        ],
    )
    def test_references_lead_somewhere(self, stored: Stored, collection: str, field: str, target: str) -> None:
        known = {document["id"] for document in stored.all[target]}
        assert all(d[field] in known for d in stored.all[collection] if field in d)

    def test_few_reports_name_no_order_and_fewer_one_that_is_gone(self, stored: Stored) -> None:
        reports, known = stored.all["delivery_statuses"], {order["id"] for order in stored.all["orders"]}
        nameless = sum("order_id" not in report for report in reports)
        gone = sum(report.get("order_id", next(iter(known))) not in known for report in reports)
        assert 0 < gone < nameless < 0.02 * len(reports)

    def test_some_links_between_accounts_and_customers_lead_nowhere_or_twice(self, full: Stored) -> None:
        users, customers = full.all["users"], full.all["customers_v2"]
        known = {user["id"] for user in users}
        broken = [c for c in customers if c.get("user_id") and c["user_id"] not in known]
        twice = [c for c, n in Counter(u.get("customer_v2_id") for u in users).items() if c and n > 1]
        assert broken
        assert twice
        assert max(Counter(c["user_id"] for c in customers if c.get("user_id")).values()) == 1

    def test_subscriptions_use_both_spellings(self, stored: Stored) -> None:
        every = stored.all["subscriptions_v2"]
        has: Callable[[str], bool] = lambda field: any(field in s for s in every)  # noqa: E731
        assert all(map(has, ("customer_id", "customerId", "product_id", "productId", "default_qty", "quantity")))
        assert all(map(has, ("start_date", "startDate", "weekly_pattern", "pause_intervals", "stop_date")))

    def test_subscription_orders_are_not_one_time(self, stored: Stored) -> None:
        subscribed = [o for o in stored.all["orders"] if "subscription_id" in o]
        assert len(subscribed) == stored.dataset.orders
        assert {o.get("order_type") for o in subscribed} == {"subscription", None}
