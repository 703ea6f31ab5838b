"""What an order costs where its lines do not round to its total."""

from decimal import Decimal
from typing import Any

import pytest

from services.billing.charge import Charge, Undecided, billed_items, charge
from services.money import to_paise
from services.records.deliveries import read_report
from services.records.orders import read_order
from tests import shop


def lines(count: int, quantity: float, price: float) -> list[dict[str, Any]]:
    return [
        {"product_id": f"p{n}", "product_name": f"P{n}", "quantity": quantity, "unit": "kg", "price": price}
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "quantity", "price", "total", "paise", "printed"),
    [
        (3, 0.5, 0.33, 0.50, 50, 51),  # 3 x 0.165 are 0.495: the order rounds once, its lines three times
        (3, 0.5, 0.33, 0.49, 49, 51),  # the stated total counts while the exact sum is within a paisa of it
        (7, 1.5, 33.33, 349.97, 34997, 35000),
        (3, 0.25, 0.50, 0.38, 38, 39),
    ],
)
def test_an_order_costs_its_total_whatever_its_lines_round_to(
    count: int, quantity: float, price: float, total: float, paise: int, printed: int
) -> None:
    order = read_order(shop.order(items=lines(count, quantity, price), total_amount=total))
    charged = charge(order, ())
    assert isinstance(charged, Charge)
    assert charged.amount_paise == paise
    items = billed_items(charged.lines)
    assert sum(to_paise(Decimal(repr(item["total"]))) for item in items) == printed
    assert abs(printed - paise) <= 1 + Decimal(count) / 2


@pytest.mark.parametrize(("total", "fits"), [(0.505, True), (0.485, True), (0.5051, False), (0.4849, False)])
def test_the_exact_sum_and_not_that_of_rounded_lines_is_held_against_the_total(total: float, fits: bool) -> None:
    charged = charge(read_order(shop.order(items=lines(3, 0.5, 0.33), total_amount=total)), ())
    assert isinstance(charged, Charge) == fits
    if isinstance(charged, Undecided):
        assert charged.code == "amount-mismatch"


def test_a_part_of_it_rounds_once_too() -> None:
    document = shop.order(items=lines(3, 0.5, 0.33), total_amount=0.5, status="PARTIALLY_DELIVERED")
    report = shop.delivery(document, {"p0": 0.5, "p1": 0.5, "p2": 0})
    charged = charge(read_order(document), [read_report(report)])
    assert isinstance(charged, Charge)
    assert charged.amount_paise == 33, "2 x 0.165 are 0.33, though two lines of 0.17 would be 0.34"
