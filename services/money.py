"""Rupees and paise, and quantities in words.

All arithmetic is in integer paise or Decimal; a double exists only at the database's border.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING

from bson import Decimal128

if TYPE_CHECKING:
    from babel import Locale

_PAISA = Decimal("0.01")
_COUNTED = Decimal("1e15")
_DIGITS = 20


def exact(value: object) -> Decimal | None:
    """A stored number as the Decimal that its shortest notation says; None for anything else, NaN too."""
    if type(value) is float:
        return _shortest(value) if value else Decimal(repr(value))  # the cache cannot tell 0.0 from -0.0
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, Decimal128):
        number = value.to_decimal()
    elif isinstance(value, Decimal):
        number = value
    else:
        return None
    return number if number.is_finite() else None


@lru_cache(maxsize=8192)  # prices and quantities recur
def _shortest(value: float) -> Decimal | None:
    return Decimal(repr(value)) if math.isfinite(value) else None


@lru_cache(maxsize=8192)  # equal numbers come to the same paise, however they are written
def to_paise(rupees: Decimal) -> int:
    """Rupees to whole paise, half a paisa upwards.

    Raises OverflowError for numbers beyond any currency.
    """
    try:
        return int(rupees.quantize(_PAISA, ROUND_HALF_UP).scaleb(2))
    except InvalidOperation as error:
        raise OverflowError(f"{rupees:E} rupees is no amount of money") from error


def to_double(paise: int) -> float:
    """The rupees that the backend reads: the double nearest to the exact amount."""
    return paise / 100


def format_rupees(paise: int | None) -> str:
    """₹1,23,456.00 in Indian grouping; an em dash where there is no amount."""
    if paise is None:
        return "—"
    from babel.numbers import format_currency  # heavy, and not needed before the first paint

    return format_currency(Decimal(paise) / 100, "INR", locale=_english_of_india())


@lru_cache(maxsize=1)  # to read its name takes as long as to format an amount
def _english_of_india() -> Locale:
    from babel import Locale

    return Locale.parse("en_IN")


def rupees_told(rupees: Decimal) -> str:
    """As `format_rupees`; parts of a paisa are told exactly, and what is beyond any currency as a power of ten."""
    if abs(rupees) >= _COUNTED:
        return f"₹{rupees:.3E}"
    paise = rupees * 100
    return format_rupees(int(paise)) if paise == int(paise) else f"₹{rupees:,}"


def quantity_told(number: Decimal | None) -> str:
    """A quantity without needless zeros, as a power of ten beyond any quantity; a question mark for no number."""
    if number is None:
        return "?"
    return f"{number.normalize():f}" if abs(number.adjusted()) < _DIGITS else f"{number:.3E}"
