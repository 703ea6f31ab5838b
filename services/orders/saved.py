"""Searches that an operator keeps under a name, in the words that were typed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from services.clock import Clock, to_stored
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator
from services.orders.filters import Search, read_query

SAVED = "console_saved_searches"
MOST_SAVED = 50
LONGEST_NAME = 40
_FIELDS = {field.name: type(field.default) for field in dataclasses.fields(Search)}


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search under its name."""

    name: str
    search: Search


async def list_saved(database: Database, operator: Operator) -> tuple[SavedSearch, ...]:
    """The operator's own searches, by name."""
    operator.require("viewer", "look up orders")
    with told():
        cursor = database[SAVED].find(_own(operator)).sort("_id", 1).limit(MOST_SAVED)
        found = await cursor.max_time_ms(READ_LIMIT_MS).to_list()
    return tuple(SavedSearch(str(each.get("name", "")), _search(each.get("search"))) for each in found)


async def get_saved(database: Database, operator: Operator, name: str) -> Search:
    """The operator's search of that name.

    Raises NotFound.
    """
    operator.require("viewer", "look up orders")
    with told():
        found = await database[SAVED].find_one({"_id": _key(operator, name)}, max_time_ms=READ_LIMIT_MS)
    if found is None:
        raise NotFound(
            "unknown-search", f"You have no saved search {name[:LONGEST_NAME]!r}; `orders saved` lists them."
        )
    return _search(found.get("search"))


async def save_search(database: Database, operator: Operator, clock: Clock, name: str, search: Search) -> SavedSearch:
    """Keep a search under a name; one of that name is replaced.

    Raises BadRequest for a search that is none, or a name that is none, and Refused for one too many.
    """
    operator.require("viewer", "look up orders")
    database.require_writable()
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest("bad-name", f"Name the search in 1 to {LONGEST_NAME} characters that can be seen.")
    read_query(search.query)
    filters = search.filters()
    filters.statuses(), filters.days()
    with told():
        others = {**_own(operator), "name": {"$ne": name}}
        if await database[SAVED].count_documents(others, limit=MOST_SAVED, maxTimeMS=READ_LIMIT_MS) >= MOST_SAVED:
            raise Refused("too-many-searches", f"You keep {MOST_SAVED} searches already; forget one first.")
        kept = {"account": operator.account, "name": name, "search": dataclasses.asdict(search),
                "saved_at": to_stored(clock())}  # fmt: skip
        await database[SAVED].update_one({"_id": _key(operator, name)}, {"$set": kept}, upsert=True)
    return SavedSearch(name, search)


async def forget_search(database: Database, operator: Operator, name: str) -> None:
    """Keep it no longer.

    Raises NotFound.
    """
    operator.require("viewer", "look up orders")
    database.require_writable()
    with told():
        gone = await database[SAVED].delete_one({"_id": _key(operator, name)})
    if not gone.deleted_count:
        raise NotFound("unknown-search", f"You have no saved search {name[:LONGEST_NAME]!r}.")


def _key(operator: Operator, name: str) -> str:
    return f"{operator.account}/{name.strip()}"


def _own(operator: Operator) -> Document:
    # The character behind "/" is "0"; the account itself has the last word.
    return {"_id": {"$gte": f"{operator.account}/", "$lt": f"{operator.account}0"}, "account": operator.account}


def _search(stored: Any) -> Search:
    """A stored search; what is not of its type is left out."""
    found = stored if isinstance(stored, dict) else {}
    return Search(**{name: found[name] for name, kind in _FIELDS.items() if type(found.get(name)) is kind})
