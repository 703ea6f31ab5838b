"""How an order list is read: which index leads it, in which order, and what is left to look at order by order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from services.customers.search import NAME_ORDER, find_in_area, find_owners, looks_like_phone
from services.database import READ_LIMIT_MS, Database, Document
from services.deployment.indexes import ORDERS_BY_DAY, ORDERS_BY_STATUS, Hint
from services.orders.filters import OrderFilters, Sort
from services.paging import above, bad_token, below, scalar_key
from services.records.fields import identity

Keys: TypeAlias = tuple[tuple[str, int], ...]

_ORDER_ID = re.compile(r"ord_[0-9a-f-]*|(?=[0-9a-f-]*\d)[0-9a-f-]{3,36}|[0-9a-f]{8}-[0-9a-f-]*", re.IGNORECASE)
_SURELY = 6
"""From so many characters on, digits that are a phone's beginning are looked for among the ids as well."""
_FEW = 2_000
"""So many orders are put in order when they are found; of more, an index has to give the order."""
_MOST_PEOPLE = 100
_LAST = "\uffff"
_BY_ID: Keys = (("id", 1),)
_SORTED: dict[Sort, Keys] = {
    "newest": (("_id", -1),),
    "oldest": (("_id", 1),),
    "due-last": (("delivery_date", -1), ("_id", -1)),
    "due-first": (("delivery_date", 1), ("_id", 1)),
}


@dataclass(frozen=True)
class Selection:
    """Which orders, in which order: `sort` names the keys, the last of them unique."""

    leading: Document
    """What an index serves."""
    sort: Keys
    rest: tuple[Document, ...] = ()
    """What the server looks at order by order."""
    few: bool = False
    """Whether the leading condition leaves so few that they are put in order when they are found."""
    index: Hint | None = None
    """The index that was made for this list, where the planner has others to try."""
    note: str | None = None

    def after(self, key: Document | None) -> list[Document]:
        """The conditions of the list from behind a key onwards.

        Raises BadRequest for a key that is none of this list.
        """
        return [part for part in (self.leading, _after(self.sort, key)) if part]

    def key_of(self, document: Document) -> Document:
        """Where an order stands in this list."""
        return {name: document.get(name) for name, _ in self.sort}


async def select(database: Database, query: str, filters: OrderFilters) -> Selection:
    """The way to read the orders that a query and its filters ask for."""
    rest: list[Document] = filters.flags()
    if filters.delivery_boy:
        rest.append({"delivery_boy_id": {"$in": await _people(database, filters.delivery_boy)}})
    statuses, days = filters.statuses(), filters.days()
    in_status = {"status": {"$in": statuses}} if statuses is not None else {}
    in_days = {"delivery_date": days} if days else {}
    rest += [each for each in (in_status, in_days) if each]
    if not query:
        return await _all(database, filters, rest, in_status, in_days)
    leading, note, natural = await _named(database, query)
    sort = _SORTED[filters.sort] if filters.sort else natural
    if sort == _BY_ID:
        return Selection(leading, sort, tuple(rest))
    if natural != _BY_ID or await _are_few(database, leading):
        return Selection(_dated(leading, sort), sort, tuple(rest), few=True, note=note)
    # The beginning of very many ids, in another order than theirs: that order leads.
    return Selection(_dated({}, sort), sort, (leading, *rest), index=_by(sort))


async def _all(
    database: Database, filters: OrderFilters, rest: list[Document], in_status: Document, in_days: Document
) -> Selection:
    """Every order that the filters leave."""
    sort = _SORTED[filters.sort or ("due-last" if in_days else "newest")]

    def others(leading: Document) -> tuple[Document, ...]:
        return tuple(each for each in rest if each is not leading)

    if filters.area and (ids := await find_in_area(database, filters.area)) is not None:
        owned: Document = {"$or": [{"customer_id": {"$in": ids}}, {"user_id": {"$in": ids}}]}
        return Selection(_dated(owned, sort), sort, tuple(rest), few=True)
    if filters.owed:
        unflagged = {**in_status, "billed": {"$ne": True}}
        if await _are_few(database, unflagged):
            return Selection(_dated(unflagged, sort), sort, tuple(rest), few=True)
    if "delivery_date" in dict(sort):
        return Selection(in_days or _dated({}, sort), sort, others(in_days), index=_by(sort))
    if in_days and await _are_few(database, in_days):
        return Selection(in_days, sort, others(in_days), few=True)
    if in_status:
        return Selection(in_status, sort, others(in_status), index=list(ORDERS_BY_STATUS.keys))
    return Selection({}, sort, tuple(rest), index=_by(sort))


async def _named(database: Database, query: str) -> tuple[Document, str | None, Keys]:
    """What a query names: an order, the orders of some customers, or those whose ids begin with it."""
    # What looks like a phone is nobody's whole order id; the beginning of one is found below.
    if not looks_like_phone(query) and await database["orders"].find_one(
        {"id": query}, {"_id": 1}, max_time_ms=READ_LIMIT_MS
    ):
        return {"id": query}, None, _BY_ID
    begun = _begin(query)
    if owners := await find_owners(database, query):
        ids = list(owners.ids)
        conditions: list[Document] = [{"customer_id": {"$in": ids}}, {"user_id": {"$in": ids}}]
        if _ORDER_ID.fullmatch(query) and len(query) >= _SURELY:
            conditions += begun
        return {"$or": conditions}, owners.note, _SORTED["newest"]
    return {"$or": begun}, None, _BY_ID


def _begin(query: str) -> list[Document]:
    """The ids that begin with a query, in the two forms of ids: with and without the mark of the newer orders."""
    forms = [query, query.lower()]
    if _ORDER_ID.fullmatch(query) and not query.lower().startswith("ord_"):
        forms.append(f"ord_{query.lower()}")
    return [{"id": {"$gte": form, "$lt": form + _LAST}} for form in dict.fromkeys(forms)]


async def _people(database: Database, person: str) -> list[str]:
    """The ids of delivery people: the one given, and those whose names begin so."""
    named = {"name": {"$gte": person, "$lt": person + _LAST}}
    cursor = database["delivery_boys_v2"].find(named, {"_id": 0, "id": 1}).collation(NAME_ORDER)
    found = await cursor.limit(_MOST_PEOPLE).max_time_ms(READ_LIMIT_MS).to_list()
    return [person, *(name for each in found if (name := identity(each.get("id"))))]


async def _are_few(database: Database, matching: Document) -> bool:
    found = await database["orders"].count_documents(matching, limit=_FEW + 1, maxTimeMS=READ_LIMIT_MS)
    return found <= _FEW


def _by(sort: Keys) -> Hint:
    """The index that gives that order."""
    return [("_id", 1)] if sort[0][0] == "_id" else list(ORDERS_BY_DAY.keys)


def _dated(matching: Document, sort: Keys) -> Document:
    """A list by day holds the orders that say one, in whatever words."""
    if sort[0][0] != "delivery_date":
        return matching
    said: Document = {"delivery_date": {"$gte": ""}}
    return {"$and": [matching, said]} if matching else said


def _after(sort: Keys, key: Document | None) -> Document:
    """The condition of standing after a key in that sort."""
    if key is None:
        return {}
    if set(key) != {name for name, _ in sort} or not all(map(scalar_key, key.values())):
        raise bad_token()
    if sort == _BY_ID:
        return {"id": {"$gt": key["id"]}}
    beyond = below(key["_id"]) if sort[-1][1] < 0 else above(key["_id"])
    if len(sort) == 1:
        return beyond
    day, way = key["delivery_date"], "lt" if sort[0][1] < 0 else "gt"
    return {"delivery_date": {f"${way}e": day}, "$or": [{"delivery_date": {f"${way}": day}}, beyond]}
