"""Orders of a delivery person's route, and where the list shows them."""

from typing import Any

from textual.pilot import Pilot

from screens.widgets.table import RecordTable
from tests import shop
from tests.screens.conftest import painted


def due(name: str, **fields: Any) -> dict[str, Any]:
    unconfirmed = {"status": "pending", "delivered_at": None, "delivery_confirmed": False, "delivery_boy_id": "boy-z"}
    return shop.order(**{"id": name, "delivery_date": "2026-11-22", **unconfirmed, **fields})


def line_of(pilot: Pilot[None], order_id: str) -> str:
    """The painted row of an order; the newest is on top."""
    table = pilot.app.screen.query_one(RecordTable)
    number = [row.key for row in table._rows].index(order_id)
    return painted(pilot).splitlines()[table.region.y + 2 + number]
