"""Stored values for people: rupees and India times where a field holds them, everything else as it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.clock import INDIA, read_timestamp
from services.money import exact, format_rupees

if TYPE_CHECKING:
    from services.audit.entries import FieldChange

_MONEY = {
    "amount", "balance", "cash_collected", "default_price", "paid", "previous_balance", "price", "price_per_unit",
    "total", "total_amount", "unit_price",
}  # fmt: skip
_PRICES = "custom_product_prices"
_MOST_PAISE = 10**15
_MOST_ELEMENTS = 100
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def told(field: str, value: Any) -> str:
    """A field's value for people, by the field's dotted path."""
    return _rupees(field, value) or _moment(value) or written(value)


def written(value: object) -> str:
    """A value as it is stored, in the notation of JSON without its quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    return str(value)


def opened(change: FieldChange) -> Iterator[FieldChange]:
    """Lists of records element by element: only what differs in them."""
    from services.audit.entries import Entry, FieldChange, field_changes

    lists = [value for value in (change.old, change.new) if isinstance(value, list)]
    if not lists or not all(isinstance(element, Mapping) for value in lists for element in value):
        yield change
        return
    old, new = (dict(enumerate(value)) if isinstance(value, list) else {} for value in (change.old, change.new))
    places = list({**old, **new})
    for place in places[:_MOST_ELEMENTS]:
        states = Entry(None, "", "", "", "", "", None, old.get(place), new.get(place), None, {})
        for inner in field_changes(states):
            if inner.kind != "same":
                yield FieldChange(f"{change.field}.{place}.{inner.field}", inner.old, inner.new, inner.kind)
    if not places or len(places) > _MOST_ELEMENTS:
        yield change


def in_one_notation(change: FieldChange) -> tuple[str, str]:
    """Old and new in one notation, in which they differ."""
    stored = written(change.old), written(change.new)
    shown = told(change.field, change.old), told(change.field, change.new)
    values = zip((change.old, change.new), shown, stored, strict=True)
    readable = all(value is None or words != raw for value, words, raw in values)
    return shown if readable and shown[0] != shown[1] else stored


def _rupees(field: str, value: Any) -> str | None:
    """Only whole paise: what is no amount of money is shown as it is stored."""
    parent, _, name = field.rpartition(".")
    in_paise = name.endswith("_paise")
    if not in_paise and name not in _MONEY and parent.rpartition(".")[2] != _PRICES:
        return None
    number = exact(value)
    if number is None or abs(number) > _MOST_PAISE:
        return None
    paise = number if in_paise else number * 100
    return format_rupees(int(paise)) if paise == int(paise) else None


def _moment(value: Any) -> str | None:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _TIME.match(value)):
        return None
    moment = read_timestamp(value)
    return f"{moment.astimezone(INDIA):%Y-%m-%d %H:%M:%S} India" if moment else None
