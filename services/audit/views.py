"""Saved views: the filters that an operator comes back to, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.audit.filters import AuditFilters, read_filters
from services.clock import Clock
from services.database import Database
from services.errors import BadRequest
from services.operators.operator import Operator
from services.saved import Shelf

SHELF = Shelf("view", "views")
_PURPOSE = "keep views of the audit trail"


@dataclass(frozen=True)
class View:
    """A name for what is asked. `words` are as typed; `read_filters` takes them."""

    name: str
    words: Mapping[str, Any]

    def filters(self) -> AuditFilters:
        """What the view asks for now.

        Raises BadRequest where its words make no filters.
        """
        try:
            return read_filters(**self.words)
        except (TypeError, AttributeError) as error:  # stored by another version
            raise BadRequest("bad-view", f"The view {self.name!r} cannot be read any more; delete it.") from error


async def list_views(database: Database, operator: Operator) -> tuple[View, ...]:
    """The operator's own views by name; what is broken is left out."""
    operator.require("viewer", _PURPOSE)
    return tuple(View(name, words) for name, words in await SHELF.every(database, operator))


async def load_view(database: Database, operator: Operator, name: str) -> View:
    """The view of that name. Raises NotFound."""
    operator.require("viewer", _PURPOSE)
    return View(name.strip(), await SHELF.words(database, operator, name))


async def save_view(database: Database, operator: Operator, clock: Clock, name: str, words: Mapping[str, Any]) -> View:
    """Keep what was asked under a name, in the place of a view that has it.

    Raises BadRequest for a name that is none and for words that ask for nothing, Refused above 100 views.
    """
    operator.require("viewer", _PURPOSE)
    view = View(name.strip(), {key: word for key, word in words.items() if word})
    if not view.words:
        raise BadRequest("no-filters", "A view keeps filters; give some.")
    view.filters()
    await SHELF.put(database, operator, clock, name, view.words)
    return view


async def delete_view(database: Database, operator: Operator, name: str) -> None:
    """Forget a view. Raises NotFound."""
    operator.require("viewer", _PURPOSE)
    await SHELF.remove(database, operator, name)
