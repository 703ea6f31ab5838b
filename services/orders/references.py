"""What stands beside the orders of a chunk: the records that name them, and the orders that share an id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.database import WHOLE, Database, Document, Session
from services.records.fields import identity

BILL_FIELDS = {"order_id": 1, "customer_id": 1, "month": 1, "created_at": 1}


_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""What bytes that are no UTF-8 read as: no query for such a text finds the record again."""


def clean_id(stored: Any) -> str | None:
    """An id to which a reference can be written: text that reads as it is stored. None for any other."""
    return stored if type(stored) is str and identity(stored) == stored and _UNREADABLE not in stored else None


def asked_ids(stored: Sequence[Any]) -> list[Any]:
    """The ids to ask for: as they read, and as they are stored where that differs; a reference may hold either."""
    ids: list[Any] = []
    for raw in stored:
        if name := identity(raw):
            ids.append(name)
            if raw != name:
                ids.append(raw)
    return ids


async def by_order(
    database: Database, collection: str, ids: Sequence[Any], session: Session | None, fields: Mapping[str, int]
) -> dict[str, list[Document]]:
    """The records of a collection that name these orders, by order id, in the order of their `_id`."""
    found: dict[str, list[Document]] = {}
    cursor = database[collection].find({"order_id": {"$in": list(ids)}}, fields, session=session, batch_size=WHOLE)
    for document in await cursor.to_list():
        for name in _named(document["order_id"]):
            found.setdefault(name, []).append(document)
    for documents in found.values():
        if len(documents) > 1:
            documents.sort(key=lambda document: str(document["_id"]))
    return found


async def twins(database: Database, ids: Sequence[Any], session: Session | None) -> set[str]:
    """The ids that more than one order has: none where the unique index stands, found through any index."""
    if not ids or await _ids_are_unique(database):
        return set()
    seen: set[str] = set()
    shared: set[str] = set()
    cursor = database["orders"].find({"id": {"$in": list(ids)}}, {"_id": 0, "id": 1}, session=session)
    async for document in cursor:
        for name in _named(document["id"]):
            (shared if name in seen else seen).add(name)
    return shared


async def _ids_are_unique(database: Database) -> bool:
    indexes = await database["orders"].index_information()
    return any(
        index["key"] == [("id", 1)] and index.get("unique") and "partialFilterExpression" not in index
        for index in indexes.values()
    )


def _named(value: Any) -> list[str]:
    """The ids in a reference: a broken one can be a list of them."""
    if type(value) is str:
        return [value.strip()] if value.strip() else []
    return [name for each in (value if isinstance(value, list) else [value]) if (name := identity(each))]
