"""The backfills that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.backfills.backfill import Backfill
from services.backfills.repairs.add_order_fields import AddOrderFields
from services.backfills.repairs.bill_one_time_orders import BillOneTimeOrders
from services.backfills.repairs.link_deliveries_orders import LinkDeliveriesOrders
from services.backfills.repairs.link_users_customers import LinkUsersCustomers
from services.backfills.repairs.repair_billed_flags import RepairBilledFlags
from services.errors import BadRequest

BACKFILLS: Mapping[str, Backfill[Any]] = {
    each.name: each
    for each in (
        BillOneTimeOrders(),
        RepairBilledFlags(),
        AddOrderFields(),
        LinkUsersCustomers(),
        LinkDeliveriesOrders(),
    )
}


def find_backfill(name: str) -> Backfill[Any]:
    """The backfill of that name.

    Raises BadRequest for a name that is none.
    """
    if name not in BACKFILLS:
        raise BadRequest("unknown-backfill", f"There is no backfill {name!r}; there are: {', '.join(BACKFILLS)}.")
    return BACKFILLS[name]
