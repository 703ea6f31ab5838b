"""Which types and statuses stored orders have, each in its own spelling: what the index by type is asked with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from pymongo.errors import OperationFailure

from services.database import NO_SUCH_INDEX, READ_LIMIT_MS, Database, Document
from services.deployment.indexes import ORDERS_BY_BILLED, ORDERS_BY_TYPE, Index
from services.records.orders import PLAINLY_SUBSCRIPTION, read_status

_MERGED = 200
"""So many ranges of an index the server merges in order."""


async def stored_kinds(database: Database, statuses: Iterable[str], *, one_time: bool = True) -> Document | None:
    """The condition of the orders of these statuses, all or those that may be one-time, for the index by type.

    None where the spellings are too many or no plain values, or where an index that tells them is missing.
    """
    try:
        types, spellings = await asyncio.gather(
            _values(database, "order_type", ORDERS_BY_TYPE), _values(database, "status", ORDERS_BY_BILLED)
        )
    except OperationFailure as error:
        if error.code != NO_SUCH_INDEX:
            raise
        return None
    if max(len(types), len(spellings)) > _MERGED:  # cut: what was meant may be behind
        return None
    wanted = {read_status(each) for each in statuses}
    meant = [each for each in spellings if read_status(each) in wanted] or sorted(wanted)
    if one_time:
        types = [each for each in types if each not in PLAINLY_SUBSCRIPTION]
    plain = all(each is None or isinstance(each, (str, bool, int, float)) for each in types)
    if not plain or (len(types) + 1) * len(meant) > _MERGED:  # a missing type has two places in an index
        return None
    return {"order_type": {"$in": types}, "status": {"$in": meant}}


async def _values(database: Database, field: str, index: Index) -> list[object]:
    """The values of a field, of very many the first ones; the server skips in the index from one to the next."""
    stages: list[Document] = [{"$group": {"_id": f"${field}"}}, {"$limit": _MERGED + 1}]
    found = await database["orders"].aggregate(stages, hint=dict(index.keys), maxTimeMS=READ_LIMIT_MS)
    return [each["_id"] for each in await found.to_list()]
