"""Correcting a customer on the command line, and taking that back."""

import pytest

from tests import shop as stored
from tests.console.conftest import Shop


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.database.customers_v2.insert_many(
        [stored.customer(name="Asha\x1b[31m"), stored.customer(id="c2", user_id="u2", name="Ashok", phone="9000000001")]
    )
    shop.database.users.insert_many(
        [{"id": "user-1", "customer_v2_id": "cust-1"}, {"id": "user-new", "phone": "98\x1b"}]
    )
    return shop


def test_a_customer_is_corrected_by_phone_and_the_correction_taken_back_by_its_entry(stocked: Shop) -> None:
    before = list(stocked.database.customers_v2.find())
    done = stocked("customers", "correct", "98765 43210", "--phone", "+91 98860-12345", "--user", "user-new",
                   "--reason", "she called", "--yes", "--json")  # fmt: skip
    assert done.json["customer"] == "cust-1"
    assert {each["field"]: each["new"] for each in done.json["changes"]} == {
        "phone": "9886012345", "user_id": "user-new", "users/user-new.customer_v2_id": "cust-1",
        "users/user-1.customer_v2_id": None,
    }  # fmt: skip
    assert "phone: 9876543210 → 9886012345" in done.err
    assert done.json["user_phones"] == [{"user": "user-new", "phone": "98\x1b", "differs": True}]
    assert "The user user-new keeps another phone of their own, 98␛; it is not changed here." in done.err
    wrong = stocked("customers", "undo", "98860 12345", "--reason", "hers", "--correction", "x", "--yes", "--json")
    assert (wrong.status, wrong.json["error"]["code"]) == (1, "changed-meanwhile")
    undone = stocked("customers", "undo", "98860 12345", "--reason", "hers", "--yes", "--json")
    assert (undone.status, undone.json["undone"]) == (0, done.json["correction"])
    assert list(stocked.database.customers_v2.find()) == before


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("correct", "Ash", "--phone", "9886012345", "--reason", "x"), 1, "Ashok, 9000000001, Jayanagar (id c2)"),
        (("correct", "cust-1", "--phone", "9886012345"), 2, "Say why"),
        (("correct", "cust-1", "--phone", "9886012345", "--reason", "x"), 2, "Correct Asha␛[31m? Nobody can be asked"),
        (("find", " "), 2, "Give a phone, the beginning of a name, or an id."),
        (("correct", "cust-1", "--phone", "12"), 2, "mobile"),
        (("undo", "cust-1", "--reason", "x", "--yes"), 1, "No correction of the customer was made here"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_written(
    stocked: Shop, arguments: tuple[str, ...], status: int, words: str
) -> None:
    refused = stocked("customers", *arguments)
    assert refused.status == status
    assert words in refused.err
    assert stocked.database.audit_logs.count_documents({}) == 0


def test_a_viewer_corrects_nobody(stocked: Shop) -> None:
    refused = stocked("--operator", "ravi", "customers", "correct", "Zorro", "--phone", "1", "--reason", "x", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (4, "not-permitted")


def test_a_viewer_is_told_why_part_of_a_number_finds_nobody(stocked: Shop) -> None:
    for command, none in (("customers", "No customer fits."), ("orders", "No order matches.")):
        found = stocked("--operator", "ravi", command, "find", "98765")
        assert found.out.splitlines()[:2] == [
            none,
            "Phones are masked for viewers: only a whole number finds its customer.",
        ]
