"""Lines of orders are read as they are stored, whatever was read before them."""

import math
from decimal import Decimal

import pytest
from bson import Code, Decimal128, Int64

from services.billing.charge import billed_items, ordered_line
from services.records.orders import Item, read_items

EQUAL = {
    "1": 1, "1.0": 1.0, "True": True, "Int64": Int64(1), "1.00": Decimal128("1.00"),
    "sNaN": Decimal("sNaN"), "0": 0, "0.0": 0.0, "-0.0": -0.0, "False": False,
}  # fmt: skip


def line(**fields: object) -> Item:
    (item,) = read_items({"items": [{"product_id": "eggs", "quantity": 2, "price": 3.5, **fields}]})
    return item


@pytest.mark.parametrize("name", ["quantity", "price", "total"])
def test_numbers_that_are_equal_are_read_each_as_it_is_written(name: str) -> None:
    for _ in range(2):
        read = [getattr(line(**{name: number}), name) for number in EQUAL.values()]
        assert list(map(str, read)) == ["1", "1.0", "None", "1", "1.00", "None", "0", "0.0", "-0.0", "None"]


def test_what_nobody_meant_for_a_line_is_read_as_nothing() -> None:
    for strange in ({"a": 1}, ["eggs"], None):
        item = line(product_id=strange, product_name=strange, unit=strange, total=strange)
        assert item == Item(None, "", Decimal(2), "", Decimal("3.5"), None)
    assert line(product_id=Code("eggs")).key == line().key == "eggs"


def test_a_line_for_nothing_is_billed_at_a_plain_zero() -> None:
    for price in (-0.0, 0.0):
        priced = ordered_line(line(price=price))
        assert priced is not None
        (billed,) = billed_items([priced])
        assert (billed["price"], math.copysign(1, billed["price"])) == (0.0, 1.0)


@pytest.mark.parametrize("name", ["product_name", "unit"])
def test_a_line_with_code_in_place_of_a_text_has_its_price(name: str) -> None:
    priced = ordered_line(line(**{name: Code("eggs")}))
    assert priced is not None
    (billed,) = billed_items([priced])
    assert (billed[name], type(billed[name]), billed["total"]) == ("eggs", str, 7.0)
