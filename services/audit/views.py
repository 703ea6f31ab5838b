"""Saved views: the filters that an operator comes back to, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.audit.filters import AuditFilters, read_filters
from services.clock import Clock, to_stored
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator

VIEWS = "console_views"
_MOST = 100
_LONGEST_NAME = 60
_PURPOSE = "keep views of the audit trail"


@dataclass(frozen=True)
class View:
    """A name for what is asked. `words` are as typed, so that `today` stays today; `read_filters` takes them."""

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


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1)
    words: dict[str, Any]


async def list_views(database: Database, operator: Operator) -> tuple[View, ...]:
    """The operator's own views by name; what is broken is left out."""
    operator.require("viewer", _PURPOSE)
    with told():
        cursor = database[VIEWS].find(_own(operator)).sort("_id").limit(_MOST).max_time_ms(READ_LIMIT_MS)
        return tuple(view for document in await cursor.to_list() if (view := _read(document)))


async def load_view(database: Database, operator: Operator, name: str) -> View:
    """The view of that name. Raises NotFound."""
    operator.require("viewer", _PURPOSE)
    with told():
        document = await database[VIEWS].find_one({"_id": _key(operator, name)}, max_time_ms=READ_LIMIT_MS)
    view = _read(document) if document else None
    if view is None:
        raise NotFound("unknown-view", f"You have no view {name!r}; `audit views list` shows yours.")
    return view


async def save_view(database: Database, operator: Operator, clock: Clock, name: str, words: Mapping[str, Any]) -> View:
    """Keep what was asked under a name, in the place of a view that has it.

    Raises BadRequest for a name that is none and for words that ask for nothing, Refused above 100 views.
    """
    operator.require("viewer", _PURPOSE)
    database.require_writable()
    view = View(name.strip(), {key: word for key, word in words.items() if word})
    if not view.name.isprintable() or not 0 < len(view.name) <= _LONGEST_NAME:
        raise BadRequest("bad-name", f"The name of a view is 1 to {_LONGEST_NAME} printable characters.")
    if not view.words:
        raise BadRequest("no-filters", "A view keeps filters; give some.")
    view.filters()
    stored = {"account": operator.account, "name": view.name, "words": dict(view.words), "saved_at": to_stored(clock())}
    key = _key(operator, view.name)
    with told():
        others = (
            await database[VIEWS].find(_own(operator), {"_id": 1}).limit(_MOST).max_time_ms(READ_LIMIT_MS).to_list()
        )
        if len(others) == _MOST and {"_id": key} not in others:
            raise Refused("too-many-views", f"You have {_MOST} views; delete one first.")
        await database[VIEWS].replace_one({"_id": key}, stored, upsert=True)
    return view


async def delete_view(database: Database, operator: Operator, name: str) -> None:
    """Forget a view. Raises NotFound."""
    operator.require("viewer", _PURPOSE)
    database.require_writable()
    with told():
        gone = await database[VIEWS].delete_one({"_id": _key(operator, name)})
    if gone.deleted_count == 0:
        raise NotFound("unknown-view", f"You have no view {name!r}; `audit views list` shows yours.")


def _key(operator: Operator, name: str) -> str:
    # A line break stands in no account and in no name, so that views of one account are one range of keys.
    return f"{operator.account}\n{name.strip()}"


def _own(operator: Operator) -> Document:
    return {"_id": {"$gte": f"{operator.account}\n", "$lt": f"{operator.account}\x0b"}}


def _read(document: Document) -> View | None:
    try:
        stored = _Stored.model_validate(document)
    except ValidationError:
        return None
    return View(stored.name, stored.words)
