from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from services.audit.entries import FieldChange, field_changes, masked, read_entry
from services.records.masking import private_values

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("_id", "id", "table", "resource_type", "record_id", "resource_id", "action", "user_id", "timestamp")


def test_the_first_shape_is_read() -> None:
    entry = read_entry(
        {
            "_id": ObjectId(),
            "id": "e1",
            "table": "orders",
            "record_id": "ord_1",
            "action": "billed",
            "user_id": "asha",
            "timestamp": "2026-11-05T01:02:03.000004+00:00",
            "before": {"billed": False},
            "after": {"billed": True},
            "changes": {"billed": {"old": False, "new": True}},
        }
    )

    assert (entry.id, entry.table, entry.record_id, entry.action, entry.user) == (
        "e1",
        "orders",
        "ord_1",
        "BILLED",
        "asha",
    )
    assert entry.at == datetime(2026, 11, 5, 1, 2, 3, 4, tzinfo=UTC)
    assert entry.findings == ()


def test_the_second_shape_is_read_and_known_by_its_key() -> None:
    key = ObjectId()
    entry = read_entry(
        {
            "_id": key,
            "resource_type": "order",
            "resource_id": "ord_1",
            "action": "update_status",
            "user_id": "boy_1",
            "timestamp": datetime(2026, 11, 5, tzinfo=UTC),
        }
    )

    assert (entry.id, entry.table, entry.record_id, entry.action) == (str(key), "order", "ord_1", "UPDATE_STATUS")
    assert entry.at == datetime(2026, 11, 5, tzinfo=UTC)
    assert entry.findings == ()


def test_what_is_missing_becomes_a_finding() -> None:
    codes = {finding.code for finding in read_entry({"_id": 1, "changes": ["x"]}).findings}

    assert codes == {"undated", "no-record", "no-action", "no-user", "odd-changes"}


@given(st.dictionaries(st.sampled_from([*FIELDS, "before", "after", "changes"]), ANYTHING))
def test_no_document_breaks_the_reading(document: dict[str, Any]) -> None:
    entry = read_entry(document)

    assert isinstance(entry.id, str)
    assert all(isinstance(row, FieldChange) for row in field_changes(entry))


def rows(**document: Any) -> list[tuple[str, Any, Any, str]]:
    return [(row.field, row.old, row.new, row.kind) for row in field_changes(read_entry(document))]


def test_fields_are_compared_before_and_after_by_dotted_path() -> None:
    before = {"status": "PENDING", "address": {"city": "Bengaluru", "pincode": "560001"}, "notes": "x"}
    after = {"status": "BILLED", "address": {"city": "Bengaluru", "pincode": "560002"}, "billed": True}

    assert rows(before=before, after=after) == [
        ("status", "PENDING", "BILLED", "changed"),
        ("address.city", "Bengaluru", "Bengaluru", "same"),
        ("address.pincode", "560001", "560002", "changed"),
        ("notes", "x", None, "removed"),
        ("billed", None, True, "added"),
    ]


def test_a_new_record_has_only_added_fields_and_an_ended_one_only_removed() -> None:
    assert rows(after={"a": 1}) == [("a", None, 1, "added")]
    assert rows(before={"a": 1}) == [("a", 1, None, "removed")]


def test_types_that_compare_equal_are_still_a_change() -> None:
    assert rows(before={"a": 1}, after={"a": 1.0})[0][3] == "changed"
    assert rows(before={"a": 1}, after={"a": True})[0][3] == "changed"
    assert rows(before={"a": float("nan")}, after={"a": float("nan")})[0][3] == "same"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"a": {"old": 1, "new": 2}}, [("a", 1, 2, "changed")]),
        ({"a": {"old": None, "new": 2}}, [("a", None, 2, "added")]),
        ({"a": {"old": 1, "new": None}}, [("a", 1, None, "removed")]),
        ({"a": 5}, [("a", None, 5, "changed")]),
        ([{"field": "a", "old": 1, "new": 2}], [("a", 1, 2, "changed")]),
        (["status"], [("changes", None, "status", "changed")]),
        ("status was changed", [("changes", None, "status was changed", "changed")]),
        (None, []),
        ({}, []),
    ],
)
def test_changes_of_any_type_are_shown(changes: Any, expected: list[Any]) -> None:
    assert rows(changes=changes) == expected


def test_a_viewer_sees_no_phone_in_whatever_form_changes_are_listed() -> None:
    listed = [{"field": "phone", "old": "9876543210", "new": "9876500000"}, {"field": "name", "old": "A", "new": "B"}]
    entry = masked(
        read_entry({"_id": 1, "changes": listed, "after": {"address": {"pincode": "560001"}, "pincode": "1"}})
    )
    assert "98765" not in str(entry.changes)
    assert entry.changes[1] == listed[1]
    assert entry.changes[0]["field"] == "phone"
    assert "5600" not in str(entry.after)
    assert entry.findings[-1].code == "withheld"
    assert "viewers: address.pincode, pincode, phone. Changed: phone. " in entry.findings[-1].message


def test_an_entry_without_anything_private_withholds_nothing() -> None:
    entry = read_entry({"_id": 1, "changes": {"name": {"old": "A", "new": "B"}}, "after": {"phone": None, "name": "B"}})
    assert masked(entry) == entry


TYPED = {
    "call 9886012345 please": "call •••••345 please", "+91 98860-12345": "•••••345", "(080) 2345.6789x": "(•••••789x",
    "०९८८६०१२३४५": "•••••३४५", "2026-11-22 - 9886012345": "2026-11-22 - •••••345", "tel9886012345": "tel•••••345",
    "6b036adf-6160-49e6-8f49-12345678ab12 98860 12345": "6b036adf-6160-49e6-8f49-12345678ab12 •••••345",
    "ord_12345678-1234-4321-8123-123456789012, made by run-20261122-101530-k3v9": ...,
    "60123456789012345678901f": ..., "601234567890123456789012": "•••••012", "9886012345-k3v9": "•••••345-k3v9",
    "since 2026-11-22 06:12, and 22/11/2026": ..., "item 12 of 340, ₹1,20,000": ..., "": ...,
    "2026-10-15T05:30:00.123456+00:00": ..., "2026-11-22 - 2026-11-30": ..., "12345678.50": ..., "0.3333333333": ...,
    "by UPI 412345678901 on 15-10-2026": ..., "UPI/632710123456/ok": ..., "T2610150912345678901234": ...,
    "INV-20261015-001": ..., "01901234-5678-7123-8123/2": ..., "0123456789" * 6 + "cafe": ...,
    "919886012345": "•••••345", "0091 98860 12345": "•••••345", "9886012345@ybl": "•••••345@ybl",
    "+447911123456": "•••••456", "98860\n12345 12.50": "•••••345 12.50", "98765432109886012345": "•••••345",
    "9886012345 412345678901": "•••••345 412345678901", "9198860123459198860123": "•••••123",
}  # fmt: skip


@pytest.mark.parametrize(("words", "shown"), list(TYPED.items()))
def test_a_phone_in_what_a_person_typed_is_masked_and_a_day_or_an_amount_is_not(words: str, shown: Any) -> None:
    document = {
        "table": "orders", "record_id": "ord_12345678", "meta": {"reason": words, "run": "run-20261122-101530-k3v9"},
        "before": {"notes": words, "ref": "1234567890"}, "after": {"cancel_reason": words, "items": [words]},
        "changes": {"notes": {"old": words, "new": None}},
    }  # fmt: skip
    entry = masked(read_entry(document))
    expected = words if shown is ... else shown
    assert entry.meta == {"reason": expected, "run": "run-20261122-101530-k3v9"}
    assert (entry.before, entry.after["cancel_reason"]) == ({"notes": expected, "ref": "1234567890"}, expected)
    assert entry.changes == {"notes": {"old": expected, "new": None}}
    withheld = [each.message for each in entry.findings if each.code == "withheld"]
    assert [("notes, cancel_reason, items, reason" in each) for each in withheld] == ([] if shown is ... else [True])
    hidden = {"meta.reason", "before.notes", "after.cancel_reason", "after.items.0", "changes.notes.old"}
    assert set(private_values(document)) == (set() if shown is ... else hidden)


IDS = {
    "product_id": "1234567890", "utr": "632710123456", "payment_ref": "20261015001", "customerId": "cust-98765432",
    "digest": "9592693590ab", "delivery_ids": ["12345678", "23456789"],
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), list(IDS.items()))
def test_ids_and_references_stay_whole(field: str, value: Any) -> None:
    head = {"_id": 1, "id": "12345678", "record_id": "23456789", "user_id": "34567890", "table": "odd"}
    entry = read_entry({**head, "after": {field: value}, "changes": {field: {"old": None, "new": value}}})
    assert masked(entry) == entry


UNKNOWN = (
    {"contact": "9592693590"}, {"contact": 9592693590}, {"contact": 9592693590.0}, {"wa_id": "919592693590"},
    {"upi_id": "9592693590@ybl"}, {"caller": {"said": ["ring +91 95926-93590"]}}, {"by": {"9592693590": "home"}},
)  # fmt: skip


@pytest.mark.parametrize("record", UNKNOWN, ids=repr)
def test_phones_in_fields_that_nobody_knows_are_masked(record: Any) -> None:
    stored = {"_id": 1, "table": "odd", "record_id": "1", "action": "called 9592693590", "user_id": "9592693590"}
    for part in ({"before": record}, {"after": {"deep": [record]}}, {"changes": record}, {"changes": [record]},
                 {"meta": record}, {"changes": {"deep": {"old": record, "new": None}}}):  # fmt: skip
        shown = repr(masked(read_entry(stored | part)))
        assert "93590" not in shown
        assert "590" in shown


def test_amounts_and_quantities_are_no_phones() -> None:
    record = {"total_paise": 9592693590, "amount": 7_000_000_000.0, "at": 1_700_000_000, "quantity": 2.5, "qty": "12"}
    assert masked(read_entry({"_id": 1, "after": record})).after == record
