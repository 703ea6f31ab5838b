"""What is written is what was shown: prices, addresses and people are read anew, and may be others by then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.changes.difference import ABSENT, same
from services.errors import Conflict
from services.money import format_rupees, to_paise
from services.records.orders import read_total

_TOTALS = ("total_amount", "total")


def require_as_shown(shown: Mapping[str, Any], now: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """Raise Conflict where an order would get other values, by dotted path, than somebody was shown.

    `present` is the order as stored: its total stands where none is given.
    """
    names = [name for name in {**shown, **now} if not same(shown.get(name, ABSENT), now.get(name, ABSENT))]
    if not names:
        return
    old, new = (_total({**present, **values}) for values in (shown, now))
    total = f"it came to {old} and comes to {new} now" if old != new else f"it comes to {new} as before"
    fields = ", ".join(dict.fromkeys(name.partition(".")[0].replace("_", " ") for name in names))
    raise Conflict(
        "changed-meanwhile",
        f"What you were shown is no longer what would be written: {total}; {fields} would differ. Nothing was written, "
        "and what you typed is kept; look at it again.",
    )


def _total(values: Mapping[str, Any]) -> str:
    rupees = read_total(values)
    return format_rupees(to_paise(rupees)) if rupees is not None else "no amount"
