"""The shift of a subscription's delivery: an order itself does not say when on its day it is brought."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.clock import read_day
from services.database import Document, Find
from services.records.fields import mappings
from services.records.subscriptions import read_shift

_FIELDS = {"_id": 0, "id": 1, "shift": 1, "day_overrides": 1}


def of_subscriptions(ids: Iterable[str | None]) -> Find:
    """The question for what `read_shifts` needs of these subscriptions."""
    return Find("subscriptions_v2", {"id": {"$in": sorted({name for name in ids if name})}}, _FIELDS)


def read_shifts(subscriptions: Iterable[Document], day: date) -> dict[str, str]:
    """The shifts of subscriptions on a day, by id: that of the day's override, else the subscription's own."""
    shifts: dict[str, str] = {}
    for document in subscriptions:
        days = [each for each in mappings(document.get("day_overrides")) if read_day(each.get("date")) == day]
        named = [shift for each in days if (shift := read_shift(each.get("shift")))]
        shifts[str(document["id"])] = named[0] if named else read_shift(document.get("shift"))
    return shifts
