"""The backfills that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.backfills.backfill import Backfill
from services.backfills.bill_one_time_orders import BillOneTimeOrders
from services.errors import BadRequest

BACKFILLS: Mapping[str, Backfill[Any]] = {each.name: each for each in (BillOneTimeOrders(),)}


def find_backfill(name: str) -> Backfill[Any]:
    """The backfill of that name.

    Raises BadRequest for a name that is none.
    """
    if name not in BACKFILLS:
        raise BadRequest("unknown-backfill", f"There is no backfill {name!r}; there are: {', '.join(BACKFILLS)}.")
    return BACKFILLS[name]
