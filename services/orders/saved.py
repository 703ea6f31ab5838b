"""Searches that an operator keeps under a name, in the words that were typed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.clock import Clock
from services.database import Database
from services.operators.operator import Operator
from services.orders.filters import Search
from services.saved import Shelf
from services.typed import read_query

SEARCHES = Shelf("search", "searches", most=50, longest_name=40)
_FIELDS = {field.name: type(field.default) for field in dataclasses.fields(Search)}


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search under its name."""

    name: str
    search: Search


async def list_saved(database: Database, operator: Operator) -> tuple[SavedSearch, ...]:
    """The operator's own searches, by name."""
    operator.require("viewer", "look up orders")
    return tuple(SavedSearch(name, _search(words)) for name, words in await SEARCHES.every(database, operator))


async def get_saved(database: Database, operator: Operator, name: str) -> Search:
    """The operator's search of that name.

    Raises NotFound.
    """
    operator.require("viewer", "look up orders")
    return _search(await SEARCHES.words(database, operator, name))


async def save_search(database: Database, operator: Operator, clock: Clock, name: str, search: Search) -> SavedSearch:
    """Keep a search under a name; one of that name is replaced.

    Raises BadRequest for a search that is none, or a name that is none, and Refused for one too many.
    """
    operator.require("viewer", "look up orders")
    read_query(search.query)
    filters = search.filters()
    filters.statuses(), filters.days()
    return SavedSearch(await SEARCHES.put(database, operator, clock, name, dataclasses.asdict(search)), search)


async def forget_search(database: Database, operator: Operator, name: str) -> None:
    """Keep it no longer.

    Raises NotFound.
    """
    operator.require("viewer", "look up orders")
    await SEARCHES.remove(database, operator, name)


def _search(words: Mapping[str, Any]) -> Search:
    """A stored search; what is not of its type is left out."""
    return Search(**{name: words[name] for name, kind in _FIELDS.items() if type(words.get(name)) is kind})
