"""The shift of a subscription's delivery: an order itself does not say when on its day it is brought."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.clock import read_day
from services.database import Database, Find
from services.records.fields import mappings
from services.records.subscriptions import read_shift

_FIELDS = {"_id": 0, "id": 1, "shift": 1, "day_overrides": 1}


async def load_shifts(database: Database, subscriptions: Iterable[str | None], day: date) -> dict[str, str]:
    """The shifts of subscriptions on a day, by id: that of the day's override, else the subscription's own."""
    wanted = sorted({name for name in subscriptions if name})
    if not wanted:
        return {}
    shifts: dict[str, str] = {}
    for document in await Find("subscriptions_v2", {"id": {"$in": wanted}}, _FIELDS).ask(database):
        days = [each for each in mappings(document.get("day_overrides")) if read_day(each.get("date")) == day]
        named = [shift for each in days if (shift := read_shift(each.get("shift")))]
        shifts[str(document["id"])] = named[0] if named else read_shift(document.get("shift"))
    return shifts
