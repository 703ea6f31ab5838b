"""Which types and statuses stored orders have, each in its own spelling: what the indexes by them are asked with."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from pymongo.errors import ExecutionTimeout, OperationFailure

from services.database import NO_SUCH_INDEX, Database, Document
from services.deployment.indexes import ORDERS_BY_BILLED, ORDERS_BY_TYPE, Index
from services.records.orders import PLAINLY_SUBSCRIPTION, read_status

_MERGED = 200
"""So many ranges of an index the server merges in order."""
_LIMIT_MS = 500
"""An order with a list in such a field makes the server read all orders for the values."""


@dataclass(frozen=True)
class Kinds:
    """The stored values."""

    types: tuple[object, ...]
    statuses: tuple[object, ...]

    def spellings(self, statuses: Collection[str]) -> list[object]:
        """The stored spellings of these statuses; of those that no order has, the known one."""
        return [each for each in self.statuses if read_status(each) in statuses] or [*sorted(statuses)]

    def condition(self, statuses: Collection[str], *, one_time: bool = True) -> Document | None:
        """The condition of the orders of these statuses, all or those that may be one-time, for the index by type.

        None where the values are too many or no plain ones.
        """
        meant = self.spellings(statuses)
        types = [each for each in self.types if not (one_time and each in PLAINLY_SUBSCRIPTION)]
        plain = all(each is None or isinstance(each, (str, bool, int, float)) for each in types)
        if not plain or (len(types) + 1) * len(meant) > _MERGED:  # a missing type has two places in an index
            return None
        return {"order_type": {"$in": types}, "status": {"$in": meant}}


async def stored_kinds(database: Database) -> Kinds | None:
    """The types and statuses that there are; None where they are too many, or cannot be told from indexes."""
    try:
        types, statuses = await asyncio.gather(
            _values(database, "order_type", ORDERS_BY_TYPE), _values(database, "status", ORDERS_BY_BILLED)
        )
    except ExecutionTimeout:
        return None
    except OperationFailure as error:
        if error.code != NO_SUCH_INDEX:
            raise
        return None
    if max(len(types), len(statuses)) > _MERGED:  # cut: what was meant may be behind
        return None
    return Kinds(types, statuses)


async def _values(database: Database, field: str, index: Index) -> tuple[object, ...]:
    """The values of a field, of very many the first ones; the server skips in the index from one to the next."""
    stages: list[Document] = [{"$group": {"_id": f"${field}"}}, {"$limit": _MERGED + 1}]
    found = await database["orders"].aggregate(stages, hint=dict(index.keys), maxTimeMS=_LIMIT_MS)
    return tuple(each["_id"] for each in await found.to_list())
