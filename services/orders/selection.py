"""How an order list is read: which index leads it, in which order, and what is left to look at order by order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from bson.datetime_ms import DatetimeMS

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
from services.orders.kinds import Kinds, stored_kinds
from services.paging import above, bad_token, below, scalar_key
from services.records.days import ANY_DAY, NO_DAY, NO_LIST, of_no_day, ranges_beyond
from services.records.fields import identity
from services.records.orders import ORDER_ID, order_id_beginnings

Keys: TypeAlias = tuple[tuple[str, int], ...]

_FEW = 2_000
"""So many orders are put in order when they are found; of more, an index has to give the order."""
_SOME_DAYS = timedelta(days=7)
_MOST_PEOPLE = 100
_LAST = "\uffff"
_BY_ID: Keys = (("id", 1),)
_NO_DAY_NEXT: Document = {"no-day": True}
"""The key of a list by day behind all days."""
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
    days: tuple[Document, ...] = ()
    """Of a list by day the ranges of its days."""
    people: tuple[Document, ...] = ({},)
    """Of a list by day whose orders these are, one condition each: the index serves them before the days."""
    few: bool = False
    """Whether the leading condition leaves so few that they are put in order when they are found."""
    bounded: bool = False
    """Whether the server may look through all of what leads: some days' orders."""
    coarse: bool = False
    """Whether much of what the server finds may not fit: it cannot be asked for the statuses."""
    index: Hint | None = None
    """The index that was made for this list, where the planner has others to try."""
    note: str | None = None
    owners: tuple[str, ...] = ()
    """The ids that these orders name, as far as that is known before they are read."""

    def after(self, key: Document | None) -> list[Document]:
        """The conditions of the list from behind a key onwards.

        Raises BadRequest for a key that is none of this list.
        """
        if key is not None and not self._is_key(key):
            raise bad_token()
        if not self.days:
            return [part for part in (self.leading, _after(self.sort, key)) if part]
        days = NO_DAY if self._in_no_day(key) else self.days
        places = [{"delivery_date": each} for each in days] if key is None or key == _NO_DAY_NEXT else ranges_beyond(
            days, key["delivery_date"], key["_id"], falling=self.sort[0][1] < 0
        )  # fmt: skip
        if self.few:
            return [self.leading, {"$or": places}, NO_LIST]
        # Each branch is one range of the index, so that the server merges them in order.
        return [{"$or": [{**person, **place} for person in self.people for place in places]}, NO_LIST]

    def then(self, key: Document | None) -> Document | None:
        """Where this list goes on when nothing that stands with that key is left; None at its end.

        What says no day would begin a list that falls: it comes behind all that does, whichever way that is sorted.
        """
        return _NO_DAY_NEXT if self.days == ANY_DAY and not self._in_no_day(key) else None

    def _in_no_day(self, key: Document | None) -> bool:
        return key is not None and self.days == ANY_DAY and (key == _NO_DAY_NEXT or of_no_day(key["delivery_date"]))

    def key_behind(self, documents: Sequence[Document], key: Document | None) -> Document:
        """Where this list goes on behind these orders, of which there is one at least; `key` is where they began."""
        last = documents[-1]
        found = {name: last.get(name) for name, _ in self.sort}
        if self.sort == _BY_ID:  # an id that several have can stand on both sides of a page's end
            found["seen"] = [each["_id"] for each in documents if each.get("id") == last.get("id")]
            if key and key["id"] == last.get("id"):
                found["seen"] += key["seen"]
        return found

    def _is_key(self, key: Document) -> bool:
        if self.sort == _BY_ID:
            return set(key) == {"id", "seen"} and scalar_key(key["id"]) and isinstance(key["seen"], list)
        if key == _NO_DAY_NEXT:
            return self.days == ANY_DAY
        day = key.get("delivery_date", "")
        return set(key) == {name for name, _ in self.sort} and isinstance(day, (str, datetime, DatetimeMS))


_WHOLE = Selection({}, _SORTED["newest"])
"""Every order."""


class _Narrowed(NamedTuple):
    """The conditions of the filters; one that was not asked for is empty."""

    person: Document
    status: Document
    days: Document
    flags: list[Document]
    coarse: bool

    def rest(self, *leading: Document) -> tuple[Document, ...]:
        """All but those that lead."""
        asked = (*self.flags, self.person, self.status, self.days)
        return tuple(each for each in asked if each and not any(each is other for other in leading))


async def select(database: Database, operator: Operator, query: str, filters: OrderFilters) -> Selection:
    """The way to read the orders that a query and its filters ask for."""
    statuses, ranges = filters.statuses(), filters.days()
    people = await _people(database, filters.delivery_boy) if filters.delivery_boy else []
    kinds, named = await asyncio.gather(
        stored_kinds(database) if statuses is not None else _unasked(),
        _named(database, operator, query) if query else _unasked(),
    )
    narrowed = _Narrowed(
        {"delivery_boy_id": {"$in": people}} if people else {},
        {"status": {"$in": kinds.spellings(statuses)}} if kinds and statuses is not None else {},
        {"$or": [{"delivery_date": each} for each in ranges], **NO_LIST} if ranges else {},
        filters.flags(),
        coarse=statuses is not None and kinds is None,
    )
    if named is None:
        return await _all(database, filters, narrowed, kinds)
    sort = _SORTED[filters.sort] if filters.sort else named.natural
    by_day = _days(sort, filters)
    rest = narrowed.rest(narrowed.days) if by_day else narrowed.rest()
    whole = replace(_WHOLE, sort=sort, days=by_day, coarse=narrowed.coarse, note=named.note)
    if sort == _BY_ID:
        return replace(whole, leading=named.leading, rest=rest, owners=named.owners)
    if named.natural != _BY_ID or await _are_few(database, named.leading):
        return replace(whole, leading=named.leading, rest=rest, few=True, owners=named.owners)
    # The beginning of very many ids, in another order than theirs: that order leads.
    return replace(whole, rest=(named.leading, *rest), index=_by(sort))


async def _unasked() -> None:
    """Nothing is asked."""


async def _all(database: Database, filters: OrderFilters, narrowed: _Narrowed, kinds: Kinds | None) -> Selection:
    """Every order that the filters leave."""
    person, status, days, _, coarse = narrowed
    # What is owed may say no day, and a list by day would leave it out.
    sort = _SORTED[filters.sort or ("due-last" if days or (person and not filters.owed) else "newest")]
    by_day = _days(sort, filters)
    rest = narrowed.rest(days) if by_day else narrowed.rest()
    whole = replace(_WHOLE, sort=sort, days=by_day, coarse=coarse)
    if filters.area and (ids := await find_in_area(database, filters.area)) is not None:
        owned: Document = {"$or": [{"customer_id": {"$in": ids}}, {"user_id": {"$in": ids}}]}
        return replace(whole, leading=owned, rest=rest, few=True)
    if by_day:
        some = filters.start is not None and filters.end is not None and filters.end - filters.start < _SOME_DAYS
        whole = replace(whole, rest=narrowed.rest(person, days), bounded=some, index=_by(sort))
        if not person:
            return whole
        people = tuple({"delivery_boy_id": each} for each in person["delivery_boy_id"]["$in"])
        return replace(whole, people=people, index=list(ORDERS_BY_PERSON.keys))
    if days and await _are_few(database, days):
        return replace(whole, leading=days, rest=narrowed.rest(days), few=True)
    statuses = filters.statuses()
    typed = kinds.condition(statuses, one_time=filters.owed) if kinds and statuses is not None else None
    if typed is not None:
        return replace(whole, leading=typed, rest=narrowed.rest(status), index=list(ORDERS_BY_TYPE.keys))
    return replace(whole, rest=rest, index=_by(sort))


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
        if ORDER_ID.fullmatch(query):
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


def _days(sort: Keys, filters: OrderFilters) -> tuple[Document, ...]:
    """The ranges of a list by day."""
    return tuple(filters.days() or ANY_DAY) if sort[0][0] == "delivery_date" else ()


def _after(sort: Keys, key: Document | None) -> Document:
    """The condition of standing after a key in that sort, by `_id` or by the order's id."""
    if key is None:
        return {}
    if sort == _BY_ID:
        return {"$or": [{"id": {"$gt": key["id"]}}, {"id": key["id"], "_id": {"$nin": key["seen"]}}]}
    return below(key["_id"]) if sort[-1][1] < 0 else above(key["_id"])
