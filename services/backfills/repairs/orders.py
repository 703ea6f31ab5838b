"""What the repairs of orders of every kind have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from services.backfills.backfill import Backfill
from services.backfills.plan import REPAIR_GROUPS, Options
from services.billing.month import delivery_day
from services.database import Document
from services.records.orders import Order, read_order


@dataclass(frozen=True)
class BilledOrder:
    """An order with the billing records that name it."""

    document: Document
    bills: Sequence[Document]
    twin: bool
    """Whether another order has the same id."""

    @cached_property
    def order(self) -> Order:
        """The order, parsed."""
        return read_order(self.document)


S = TypeVar("S", bound=BilledOrder)


class OrderRepair(Backfill[S]):
    """A repair that looks at every order, or at those of some days."""

    collection = "orders"
    groups = REPAIR_GROUPS
    takes = ("delivered_from", "delivered_to")

    def scope(self, options: Options) -> Document:
        """All orders, so that those with nothing to do are counted too."""
        return {}

    def identify(self, source: S) -> tuple[str, Any]:
        """The order's id, or its `_id` in words where it has none."""
        return source.order.id or str(source.document["_id"]), source.document["_id"]

    def covers(self, source: S, options: Options) -> bool:
        """Orders delivered (or due) on the days asked for."""
        return options.covers(delivery_day(source.order))
