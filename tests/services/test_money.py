from decimal import Decimal

import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from services.money import exact, format_rupees, quantity_told, to_double, to_paise

PAISE = st.integers(-(10**13), 10**13)


@given(PAISE)
def test_paise_survive_the_double_that_the_backend_reads(paise: int) -> None:
    stored = exact(to_double(paise))
    assert stored is not None
    assert to_paise(stored) == paise


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_read_as_its_shortest_notation(number: float) -> None:
    assert exact(number) == Decimal(repr(number))


@pytest.mark.parametrize(
    "value", [None, True, False, "12", [], {}, float("nan"), float("inf"), Decimal128("NaN"), Decimal("Infinity")]
)
def test_what_is_no_number_is_none(value: object) -> None:
    assert exact(value) is None


@pytest.mark.parametrize("value", [12, Int64(12), 12.0, Decimal("12"), Decimal128("12.00")])
def test_every_stored_kind_of_number_is_read(value: object) -> None:
    assert exact(value) == 12


@pytest.mark.parametrize(
    ("rupees", "paise"), [("0.005", 1), ("0.004", 0), ("1.115", 112), ("-0.005", -1), ("12", 1200)]
)
def test_half_a_paisa_rounds_up(rupees: str, paise: int) -> None:
    assert to_paise(Decimal(rupees)) == paise


def test_an_absurd_amount_is_told() -> None:
    with pytest.raises(OverflowError):
        to_paise(Decimal("1e300"))


@pytest.mark.parametrize(
    ("paise", "shown"),
    [
        (12345600, "₹1,23,456.00"),
        (0, "₹0.00"),
        (5, "₹0.05"),
        (-150, "-₹1.50"),
        (None, "—"),
        (10**12, "₹10,00,00,00,000.00"),
    ],
)
def test_rupees_are_grouped_as_in_india(paise: int | None, shown: str) -> None:
    assert format_rupees(paise) == shown


@pytest.mark.parametrize(
    ("number", "words"),
    [("2.50", "2.5"), ("-0", "-0"), ("1E-6176", "1.000E-6176"), ("1e309", "1.000E+309"), ("100000", "100000")],
)
def test_a_quantity_beyond_any_is_told_in_few_letters(number: str, words: str) -> None:
    assert quantity_told(Decimal(number)) == words
