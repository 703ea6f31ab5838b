"""Delivery staff: the documents are in `delivery_boys_v2`, whatever older code looks up."""

from __future__ import annotations

from collections.abc import Iterable

from services.database import Database, Session
from services.records.fields import text


async def staff_names(database: Database, ids: Iterable[str | None], session: Session | None = None) -> dict[str, str]:
    """The names of delivery people by id; an unknown id is left out."""
    wanted = sorted({name for name in ids if name})
    if not wanted:
        return {}
    cursor = database["delivery_boys_v2"].find({"id": {"$in": wanted}}, {"_id": 0, "id": 1, "name": 1}, session=session)
    return {str(person["id"]): text(person.get("name")) async for person in cursor}
