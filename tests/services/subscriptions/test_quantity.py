"""The quantity rules, beside an oracle that reads the stored document by itself, in strings."""

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clock import month_days
from services.records.subscriptions import read_subscription
from services.subscriptions.quantity import quantities, quantity_on

FIRST = date(2026, 10, 1)
DAYS = tuple(FIRST + timedelta(days=number) for number in range(31))
TEXTS = [day.isoformat() for day in DAYS]


def oracle(document: dict[str, Any], day: str) -> float:
    """The rules of the business as they are written, first that applies; days compare as text."""
    status, mode = document.get("status"), document.get("mode")
    quantity = document["default_qty"] if "default_qty" in document else document.get("quantity", 0)
    if status in ("draft", "stopped"):
        return 0
    if document.get("stop_date") and day >= document["stop_date"]:
        return 0
    for pause in document.get("pause_intervals", []):
        if pause["start"] <= day <= (pause["end"] or "9999"):
            return 0
    for entries in (document.get("irregular_list", []), document.get("day_overrides", [])):
        for entry in entries:
            if entry["date"] == day:
                return float(entry["quantity"])
    if mode == "weekly_pattern":
        year, month, number = map(int, day.split("-"))
        return quantity if date(year, month, number).weekday() in document.get("weekly_pattern", []) else 0
    if mode == "one_time":
        start = str(document.get("start_date") or document.get("startDate"))
        end = str(document.get("end_date") or document.get("endDate"))
        return quantity if start <= day <= end else 0
    return quantity if mode == "fixed_daily" else 0


amounts = st.one_of(st.integers(0, 9), st.sampled_from([0.5, 1.5, 2.0]))
days = st.sampled_from(TEXTS)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    other = draw(st.booleans())
    start, end = sorted([draw(days), draw(days)])
    document: dict[str, Any] = {
        "id": "s1", "customerId" if other else "customer_id": "c1", "productId" if other else "product_id": "milk",
        "mode": draw(st.sampled_from(
            ["fixed_daily", "weekly_pattern", "day_by_day", "irregular", "one_time", "alternate_days"]
        )),
        "quantity" if other else "default_qty": draw(amounts),
        "startDate" if other else "start_date": start, "endDate" if other else "end_date": end,
        "status": draw(st.sampled_from(["active"] * 5 + ["paused", "draft", "stopped"])),
        "weekly_pattern": draw(st.lists(st.integers(0, 6), max_size=4)),
    }  # fmt: skip
    if draw(st.booleans()):
        document["stop_date"] = draw(st.one_of(days, st.none()))
    ends = st.tuples(days, st.one_of(days, st.none()))
    document["pause_intervals"] = [{"start": s, "end": e} for s, e in draw(st.lists(ends, max_size=2))]
    entry = st.fixed_dictionaries({"date": days, "quantity": amounts})
    document["irregular_list"] = draw(st.lists(entry, max_size=3))
    document["day_overrides"] = draw(st.lists(entry, max_size=3))
    return document


@given(documents(), days)
def test_every_day_has_the_quantity_of_the_rules(document: dict[str, Any], day: str) -> None:
    assert quantity_on(read_subscription(document), date.fromisoformat(day)).quantity == Decimal(
        str(oracle(document, day))
    )


broken = st.one_of(st.none(), st.text(max_size=6), st.floats(), st.integers(), st.booleans(), st.just([]), st.just({}))


@given(st.dictionaries(
    st.sampled_from(["id", "customer_id", "product_id", "mode", "default_qty", "status", "stop_date", "start_date",
                     "weekly_pattern", "day_overrides", "irregular_list", "pause_intervals", "shift"]),
    st.one_of(broken, st.lists(broken, max_size=3),
              st.lists(st.dictionaries(st.sampled_from(["date", "quantity", "start", "end"]), broken), max_size=3)),
))  # fmt: skip
def test_no_document_breaks_it_and_no_quantity_is_below_zero(document: dict[str, Any]) -> None:
    for each in quantities(read_subscription(document), DAYS):
        assert each.quantity >= 0
        assert each.quantity.is_finite()


@pytest.mark.parametrize(
    ("fields", "rule", "quantity"),
    [
        ({"status": "Stopped"}, "stopped", 0),
        ({"status": "DRAFT", "irregular_list": [{"date": "2026-10-10", "quantity": 4}]}, "draft", 0),
        ({"stop_date": "2026-10-10"}, "after-stop", 0),
        ({"stop_date": "2026-10-11"}, "daily", 2),
        ({"pause_intervals": [{"start": "2026-10-01", "end": "2026-10-10"}]}, "paused", 0),
        ({"pause_intervals": [{"start": "2026-10-11", "end": None}]}, "daily", 2),
        ({"pause_intervals": [{"start": "2026-01-01"}]}, "paused", 0),
        ({"mode": "irregular", "irregular_list": [{"date": "2026-10-10", "quantity": 4}]}, "irregular", 4),
        ({"irregular_list": [{"date": "2026-10-10", "quantity": 4}],
          "day_overrides": [{"date": "2026-10-10", "quantity": 5}]}, "irregular", 4),
        ({"day_overrides": [{"date": "2026-10-10", "quantity": 0}]}, "override", 0),
        ({"day_overrides": [{"date": "2026-10-10", "quantity": math.nan}]}, "override", 0),
        ({"mode": "Weekly-Pattern", "weekly_pattern": [5.0]}, "weekday", 2),
        ({"mode": "weekly_pattern", "weekly_pattern": [0, 6]}, "off-weekday", 0),
        ({"mode": "one_time", "start_date": "2026-10-10"}, "in-dates", 2),
        ({"mode": "one_time", "start_date": "2026-10-09"}, "outside-dates", 0),
        ({"mode": "day_by_day"}, "none", 0),
        ({"start_date": "2026-10-20"}, "daily", 2),
        ({"status": "paused"}, "daily", 2),
    ],
)  # fmt: skip
def test_each_rule_says_why(fields: dict[str, Any], rule: str, quantity: int) -> None:
    document = {"mode": "fixed_daily", "default_qty": 2, "status": "active", **fields}
    found = quantity_on(read_subscription(document), date(2026, 10, 10))
    assert (found.quantity, str(found.rule)) == (Decimal(quantity), rule)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": "gone"}, "status-unknown"),
        ({"mode": "alternate_days"}, "mode-unknown"),
        ({"default_qty": "two"}, "quantity-unreadable"),
        ({"default_qty": -1}, "quantity-unreadable"),
        ({"default_qty": math.inf}, "quantity-unreadable"),
        ({"product_id": None}, "product-missing"),
        ({"stop_date": "soon"}, "stop-date-unreadable"),
        ({"weekly_pattern": [7]}, "weekday-unreadable"),
        ({"weekly_pattern": "Mon"}, "weekday-unreadable"),
        ({"day_overrides": [{"date": "x", "quantity": 1}]}, "entry-day-unreadable"),
        ({"irregular_list": [{"date": "2026-10-10", "quantity": "x"}]}, "entry-quantity-unreadable"),
        ({"day_overrides": [{"date": "2026-10-10", "quantity": 1}] * 2}, "entry-twice"),
        ({"pause_intervals": [{"start": "x", "end": None}]}, "pause-unreadable"),
        ({"pause_intervals": [{"start": "2026-10-10", "end": "x"}]}, "pause-end-unreadable"),
    ],
)
def test_what_cannot_be_read_is_a_finding(fields: dict[str, Any], code: str) -> None:
    document = {"product_id": "milk", "mode": "fixed_daily", "default_qty": 2, "status": "active", **fields}
    assert [finding.code for finding in read_subscription(document).findings] == [code]


def test_a_month_has_its_days() -> None:
    assert month_days("2026-10") == tuple(DAYS)
    assert [len(month_days(month)) for month in ("2026-02", "2028-02", "2026-11")] == [28, 29, 30]


def test_subscriptions_that_are_alike_keep_their_own_writing_and_their_own_exceptions() -> None:
    milk = {"mode": "fixed_daily", "status": "active", "default_qty": 1}
    alike = [milk, milk | {"default_qty": 1.0}, milk | {"status": "stopped"}, milk | {"mode": "day_by_day"},
             milk | {"mode": "weekly_pattern", "weekly_pattern": [0]}, milk | {"stop_date": str(DAYS[3])},
             milk | {"day_overrides": [{"date": str(DAYS[2]), "quantity": 4}]}]  # fmt: skip
    for document in (*alike, *alike):
        subscription = read_subscription(document)
        said = quantities(subscription, DAYS)
        assert [str(each) for each in said] == [str(quantity_on(subscription, day)) for day in DAYS]
