"""How an order list is read: which index leads it, in which order, and what is left to look at order by order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeAlias

from services.customers.search import (
    MASKED_PHONES,
    NAME_ORDER,
    begins_phone,
    could_be_id,
    find_in_area,
    find_owners,
    looks_like_phone,
)
from services.database import READ_LIMIT_MS, Database, Document
from services.deployment.indexes import ORDERS_BY_DAY, ORDERS_BY_PERSON, ORDERS_BY_TYPE, Hint
from services.operators.operator import Operator
from services.orders.filters import OrderFilters, Sort
from services.orders.kinds import stored_kinds
from services.paging import above, bad_token, below, scalar_key
from services.records.fields import identity
from services.records.orders import ORDER_ID, order_id_beginnings

Keys: TypeAlias = tuple[tuple[str, int], ...]

_SURELY = 6
"""From so many characters on, digits that are a phone's beginning are looked for among the ids as well."""
_FEW = 2_000
"""So many orders are put in order when they are found; of more, an index has to give the order."""
_SOME_DAYS = timedelta(days=7)
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
    bounded: bool = False
    """Whether the server may look through all of what leads: some days' orders."""
    index: Hint | None = None
    """The index that was made for this list, where the planner has others to try."""
    note: str | None = None
    owners: tuple[str, ...] = ()
    """The ids that these orders name, as far as that is known before they are read."""

    def after(self, key: Document | None) -> list[Document]:
        """The conditions of the list from behind a key onwards.

        Raises BadRequest for a key that is none of this list.
        """
        return [part for part in (self.leading, _after(self.sort, key)) if part]

    def key_of(self, document: Document) -> Document:
        """Where an order stands in this list."""
        return {name: document.get(name) for name, _ in self.sort}


class _Narrowed(NamedTuple):
    """The conditions of the filters; one that was not asked for is empty."""

    person: Document
    status: Document
    days: Document
    flags: list[Document]

    def rest(self, *leading: Document) -> tuple[Document, ...]:
        """All but those that lead."""
        asked = (*self.flags, self.person, self.status, self.days)
        return tuple(each for each in asked if each and not any(each is other for other in leading))


async def select(database: Database, operator: Operator, query: str, filters: OrderFilters) -> Selection:
    """The way to read the orders that a query and its filters ask for."""
    statuses, days = filters.statuses(), filters.days()
    people = await _people(database, filters.delivery_boy) if filters.delivery_boy else []
    narrowed = _Narrowed(
        {"delivery_boy_id": {"$in": people}} if people else {},
        {"status": {"$in": statuses}} if statuses is not None else {},
        {"delivery_date": days} if days else {},
        filters.flags(),
    )
    if not query:
        return await _all(database, filters, narrowed)
    leading, note, natural, owners = await _named(database, operator, query)
    sort, rest = _SORTED[filters.sort] if filters.sort else natural, narrowed.rest()
    if sort == _BY_ID:
        return Selection(leading, sort, rest, note=note, owners=owners)
    if natural != _BY_ID or await _are_few(database, leading):
        return Selection(_dated(leading, sort), sort, rest, few=True, note=note, owners=owners)
    # The beginning of very many ids, in another order than theirs: that order leads.
    return Selection(_dated({}, sort), sort, (leading, *rest), index=_by(sort), note=note)


async def _all(database: Database, filters: OrderFilters, narrowed: _Narrowed) -> Selection:
    """Every order that the filters leave."""
    person, status, days, _ = narrowed
    # What is owed may say no day, and a list by day would leave it out.
    by_day = days or (person and not filters.owed)
    sort = _SORTED[filters.sort or ("due-last" if by_day else "newest")]
    if filters.area and (ids := await find_in_area(database, filters.area)) is not None:
        owned: Document = {"$or": [{"customer_id": {"$in": ids}}, {"user_id": {"$in": ids}}]}
        return Selection(_dated(owned, sort), sort, narrowed.rest(), few=True)
    if "delivery_date" in dict(sort):
        leading, index = (person, list(ORDERS_BY_PERSON.keys)) if person else ({}, _by(sort))
        some = filters.start is not None and filters.end is not None and filters.end - filters.start < _SOME_DAYS
        leading = {**leading, **(days or _dated({}, sort))}
        return Selection(leading, sort, narrowed.rest(person, days), bounded=some, index=index)
    if days and await _are_few(database, days):
        return Selection(days, sort, narrowed.rest(days), few=True)
    statuses = filters.statuses()
    if statuses is not None and (kinds := await stored_kinds(database, statuses, one_time=filters.owed)) is not None:
        return Selection(kinds, sort, narrowed.rest(status), index=list(ORDERS_BY_TYPE.keys))
    return Selection({}, sort, narrowed.rest(), index=_by(sort))


class _Named(NamedTuple):
    leading: Document
    note: str | None
    natural: Keys
    owners: tuple[str, ...] = ()


async def _named(database: Database, operator: Operator, query: str) -> _Named:
    """What a query names: an order, the orders of some customers, or those whose ids begin with it."""
    # What looks like a phone is nobody's whole order id; the beginning of one is found below.
    if looks_like_phone(query):
        owners = await find_owners(database, operator, query)
    elif could_be_id(query):
        if await _exists(database, query):
            return _Named({"id": query}, None, _BY_ID)
        owners = await find_owners(database, operator, query)
    else:
        exists, owners = await asyncio.gather(_exists(database, query), find_owners(database, operator, query))
        if exists:
            return _Named({"id": query}, None, _BY_ID)
    begun, masked = _begin(query), MASKED_PHONES if operator.masked and begins_phone(query) else None
    if owners:
        ids = list(owners.ids)
        conditions: list[Document] = [{"customer_id": {"$in": ids}}, {"user_id": {"$in": ids}}]
        if ORDER_ID.fullmatch(query) and len(query) >= _SURELY:
            conditions += begun
        return _Named({"$or": conditions}, owners.note or masked, _SORTED["newest"], owners.ids)
    return _Named({"$or": begun}, masked, _BY_ID)


async def _exists(database: Database, order_id: str) -> bool:
    return await database["orders"].find_one({"id": order_id}, {"_id": 1}, max_time_ms=READ_LIMIT_MS) is not None


def _begin(query: str) -> list[Document]:
    """The ids that begin with a query."""
    return [{"id": {"$gte": form, "$lt": form + _LAST}} for form in order_id_beginnings(query)]


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
