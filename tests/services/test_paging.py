from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from services.errors import BadRequest
from services.paging import LARGEST_PAGE, PAGE_SIZE, page_size, read_token, scalar_key, write_token

VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()


@given(st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), VALUES, max_size=4))
def test_a_token_gives_back_its_key(key: dict[str, Any]) -> None:
    assert read_token("orders", write_token("orders", key)) == key


@pytest.mark.parametrize("value", [ObjectId(), 1.5, DatetimeMS(10**17), "అమ్మ"])
def test_a_token_keeps_the_types_of_its_key(value: object) -> None:
    key = read_token("orders", write_token("orders", {"_id": value}))
    assert key is not None
    assert (type(key["_id"]), key["_id"]) == (type(value), value)


def test_a_time_in_a_token_is_the_same_instant() -> None:
    key = read_token("orders", write_token("orders", {"at": datetime(2026, 11, 5, 6, tzinfo=UTC)}))
    assert key is not None
    assert key["at"].replace(tzinfo=UTC) == datetime(2026, 11, 5, 6, tzinfo=UTC)


@given(st.text(min_size=1))
def test_anything_else_is_refused_as_a_token(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        read_token("orders", text)
    assert refusal.value.code == "bad-page"


def test_a_token_of_another_list_is_refused() -> None:
    with pytest.raises(BadRequest):
        read_token("orders", write_token("audit", {"_id": 1}))


def test_no_token_is_the_first_page() -> None:
    assert read_token("orders", None) is None
    assert read_token("orders", "") is None


def test_a_page_holds_one_to_two_hundred_rows() -> None:
    assert (page_size(None), page_size(1), page_size(200)) == (PAGE_SIZE, 1, LARGEST_PAGE)
    for limit in (0, -1, 201, 10_000):
        with pytest.raises(BadRequest):
            page_size(limit)


def test_a_document_is_no_scalar_key() -> None:
    assert scalar_key("x")
    assert scalar_key(None)
    assert not scalar_key({"$gt": ""})
    assert not scalar_key([1])
