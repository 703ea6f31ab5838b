"""The names of the people and things that entries of other writers tell by their ids alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.audit.entries import Entry
from services.audit.filters import table_of
from services.database import READ_LIMIT_MS, Database, told
from services.records.fields import identity, text

_NAMED = ("users", "delivery_boys_v2", "customers_v2", "products")
"""Collections whose records have a name, each with an index of its ids."""
_PEOPLE = ("users", "delivery_boys_v2")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{4,40}", re.IGNORECASE)
"""An operator's account is a name already."""


async def with_names(database: Database, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries with the names of those who wrote them and of what they are about, where these can be looked up."""
    people = {entry.user for entry in entries if _ID.fullmatch(entry.user)}
    about = {name: {each.record_id for each in entries if table_of(each.table) == name} for name in _NAMED}
    with told():
        found = await asyncio.gather(
            *(_names(database, name, about[name] | (people if name in _PEOPLE else set())) for name in _NAMED)
        )
    names = dict(zip(_NAMED, found, strict=True))
    writers = {name: said for table in _PEOPLE for name, said in names[table].items()}
    return tuple(
        replace(
            entry,
            user_name=writers.get(entry.user, ""),
            record_name=names.get(table_of(entry.table), {}).get(entry.record_id, ""),
        )
        for entry in entries
    )


async def names_of_people(database: Database, ids: Iterable[str]) -> dict[str, str]:
    """The names of those who write entries by their ids, where these can be looked up."""
    wanted = list(ids)
    with told():
        found = await asyncio.gather(*(_names(database, name, wanted) for name in _PEOPLE))
    return {name: said for names in found for name, said in names.items() if said}


async def _names(database: Database, collection: str, ids: Iterable[str]) -> dict[str, str]:
    wanted = sorted(name for name in ids if _ID.fullmatch(name))
    if not wanted:
        return {}
    found = database[collection].find({"id": {"$in": wanted}}, {"_id": 0, "id": 1, "name": 1})
    documents = await found.limit(2 * len(wanted)).max_time_ms(READ_LIMIT_MS).to_list()
    return {name: text(each.get("name")) for each in documents if (name := identity(each.get("id")))}
