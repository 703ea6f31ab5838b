"""The field diff: what is changed first, in rupees and India times, and nothing hidden that differs."""

from typing import Any

from bson import Decimal128
from rich.console import Console

from screens.widgets.diff import field_diff
from services.audit.entries import Entry, field_changes


def drawn(before: Any, after: Any, **how: Any) -> str:
    entry = Entry(None, "", "", "", "", "", None, before, after, None, {})
    console = Console(width=60, no_color=True)
    with console.capture() as captured:
        for part in field_diff(field_changes(entry), **how):
            console.print(part)
    return captured.get()


def lines(*given: Any, **how: Any) -> list[str]:
    return [" ".join(line.split()) for line in drawn(*given, **how).splitlines()]


def test_money_is_in_rupees_and_times_are_indias() -> None:
    before = {"amount": 180.0, "amount_paise": 18000, "delivered_at": None, "prices": 1}
    after = {"amount": 120.5, "amount_paise": 12050, "delivered_at": "2026-11-21T20:00:00.000000+00:00", "prices": 1}
    assert lines(before, after) == [
        "~ amount ₹180.00 → ₹120.50",
        "~ amount_paise ₹180.00 → ₹120.50",
        "~ delivered_at null → 2026-11-22 01:30:00 India",
        "= 1 unchanged: prices",
    ]
    assert "stored: 180.0 → 120.5" in " ".join(lines(before, after, whole=True))


def test_what_is_no_whole_paisa_or_looks_alike_is_shown_as_stored() -> None:
    assert lines({"amount": 1.005}, {"amount": 2.0}) == ["~ amount 1.005 → 2.0"]
    assert lines({"amount": 1}, {"amount": 1.0}) == ["~ amount 1 → 1.0"]
    odd = {"amount": float("nan"), "total": Decimal128("1E+6000"), "price": True}
    assert lines(None, odd) == ["+ amount nan", "+ total 1E+6000", "+ price true"]
    zulu, offset = "2026-11-22T00:00:00Z", "2026-11-22T00:00:00+00:00"
    assert lines({"at": zulu}, {"at": offset}) == [f"~ at {zulu} → {offset}"]


def test_nested_fields_stand_under_their_name_and_lists_of_records_open() -> None:
    items = [{"product_id": "eggs", "quantity": 2}, {"product_id": "bread", "quantity": 1}]
    before = {"items": items, "address": {"city": "Mysuru", "pin": "1"}}
    after = {"items": [{**items[0], "quantity": 1}, items[1]], "address": {"city": "Bengaluru", "pin": "2"}}
    assert lines(before, after) == [
        "~ items.0.quantity 2 → 1",
        "address",
        "~ city Mysuru → Bengaluru",
        "~ pin 1 → 2",
    ]
    assert lines({"items": items}, {"items": []}) == [
        "items.0", "- product_id eggs", "- quantity 2", "items.1", "- product_id bread", "- quantity 1",
    ]  # fmt: skip
    assert lines({"items": []}, {"items": None}) == ["~ items [] → null"]


def test_long_texts_show_what_differs_and_open_whole() -> None:
    old, new = f"{'a' * 500}cat{'b' * 500}", f"{'a' * 500}dog{'b' * 500}"
    folded = "".join(drawn({"notes": old}, {"notes": new}).split())
    assert "cat" in folded
    assert "dog" in folded
    assert len(folded) < 200
    assert "".join(drawn({"notes": old}, {"notes": new}, whole=True).split()).count("a") > 1_000
    assert "9,760morecharacters" in "".join(drawn(None, {"notes": "x" * 10_000}).split())


def test_what_stays_the_same_is_counted_or_shown() -> None:
    state = {"a": 1, "b": 2}
    assert lines(state, {**state, "b": 3}) == ["~ b 2 → 3", "= 1 unchanged: a"]
    assert lines(state, {**state, "b": 3}, fold=False) == ["~ b 2 → 3", "a 1"]
    assert lines(state, state) == ["No field differs.", "= 2 unchanged: a, b"]
    assert lines(None, None) == ["The entry does not say which fields changed."]
