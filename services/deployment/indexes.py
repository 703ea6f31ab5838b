"""The indexes: which ones the queries need, which are there, and building what is missing. None is ever dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from pymongo.errors import OperationFailure, PyMongoError

from services.database import Database, Document, describe, told
from services.errors import Refused
from services.operators.operator import Operator

Progress: TypeAlias = Callable[[str, int, int], None]
State: TypeAlias = Literal["present", "missing", "blocked", "different"]
TO_BUILD: tuple[State, ...] = ("missing", "different")
"""The states of an index that `apply` builds."""

Hint: TypeAlias = list[tuple[str, int]]
Keys: TypeAlias = tuple[tuple[str, int], ...]

_SCAN_LIMIT_MS = 60_000
_PARTIAL = "partialFilterExpression"


@dataclass(frozen=True)
class Index:
    """An index as it should be."""

    collection: str
    keys: Keys
    unique: bool = False
    partial: Mapping[str, Any] | None = None
    collation: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """MongoDB's own name for these keys, so that the backend asking for the same index finds it there."""
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)

    @property
    def title(self) -> str:
        """The index for people: `orders(user_id, created_at desc) unique`."""
        fields = ", ".join(f"{field} desc" if direction < 0 else field for field, direction in self.keys)
        return f"{self.collection}({fields}){' unique' if self.unique else ''}"

    @property
    def options(self) -> Document:
        """The options for `create_index`."""
        options: Document = {"unique": True} if self.unique else {}
        if self.partial:
            options[_PARTIAL] = dict(self.partial)
        if self.collation:
            options["collation"] = dict(self.collation)
        return options


@dataclass(frozen=True)
class IndexState:
    """What there is of an index, and why it is not as it should be.

    `different`: the same keys with other options; `blocked`: cannot be built, for the reason told.
    """

    index: Index
    state: State
    reason: str = ""


def _index(collection: str, *fields: str, **options: Any) -> Index:
    return Index(
        collection, tuple((field.lstrip("-"), -1 if field.startswith("-") else 1) for field in fields), **options
    )


THIRTEEN: tuple[Index, ...] = (
    _index("orders", "customer_id", "status"),
    _index("orders", "user_id", "-created_at"),
    _index("orders", "status", "billed"),
    _index("orders", "delivery_date"),
    _index("billing_records", "customer_id", "month"),
    _index("delivery_statuses", "order_id"),
    _index("delivery_statuses", "delivery_boy_id", "date"),
    _index("subscriptions_v2", "customer_id", "status"),
    # Unique among those that have one: null, missing and empty are on many customers.
    _index("customers_v2", "user_id", unique=True, partial={"user_id": {"$gt": ""}}),
    _index("customers_v2", "delivery_boy_id", "status"),
    _index("products", "category"),
    _index("audit_logs", "-timestamp"),
    _index("audit_logs", "table", "record_id"),
)
"""The indexes that the earlier migration should have built."""

AUDIT_BY_TIME = _index("audit_logs", "-timestamp", "-_id")
# Each page of the audit trail is a few ranges of one index, in order: of a field that nobody asked for the index is
# asked first what there is (a handful of tables and actions). Measured in transactions of 1,000 entries, the server
# spends 17 µs an entry without any of these, 19 to 22 with those by time and by user alone, 24 with the one by table
# beside them and 30 with all. Separate ones by table, action and user cost 27 and serve no two filters together.
AUDIT_BY_TABLE = _index("audit_logs", "table", "action", "-timestamp", "-_id")
AUDIT_BY_USER = _index("audit_logs", "user_id", "table", "action", "-timestamp", "-_id")
AUDIT_BY_RUN = _index(
    "audit_logs", "meta.run", "table", "action", "-timestamp", "-_id", partial={"meta.run": {"$gt": ""}}
)
AUDIT_BY_SESSION = _index(
    "audit_logs", "meta.session", "table", "action", "-timestamp", "-_id", partial={"meta.session": {"$gt": ""}}
)
AUDIT_BY_RECORD = THIRTEEN[-1]
# Only the other writer's entries have these fields: the console's own commits never pay for them.
AUDIT_BY_RESOURCE = _index("audit_logs", "resource_id", partial={"resource_id": {"$exists": True}})
AUDIT_BY_KIND = _index(
    "audit_logs", "resource_type", "action", "-timestamp", "-_id", partial={"resource_type": {"$exists": True}}
)
AUDIT_BY_USER_AND_KIND = _index(
    "audit_logs", "user_id", "resource_type", "action", "-timestamp", "-_id",
    partial={"resource_type": {"$exists": True}},
)  # fmt: skip

_CHAINED = {"chain.seq": {"$exists": True}}
# One writer per stream: nobody can write a second entry into a place of the chain.
AUDIT_BY_CHAIN = _index("audit_logs", "chain.stream", "chain.seq", unique=True, partial=_CHAINED)
LEAVES_BY_ENTRY = _index("console_audit_leaves", "entries")
OPEN_STREAMS = _index("console_audit_streams", "opened_at", partial={"ended": False})

ORDERS_BY_BILLED = THIRTEEN[2]
ORDERS_BY_DAY = _index("orders", "delivery_date", "_id")
# Whatever an update changes, in a transaction the server asks its catalogue about each index of the collection, one
# by one: an index of `orders` more costs the billing fix some 13 us an order. Lists by status go by this one too.
ORDERS_BY_PERSON = _index("orders", "delivery_boy_id", "delivery_date", "_id")
ORDERS_BY_TYPE = _index("orders", "order_type", "status", "-_id")

OWN: tuple[Index, ...] = (
    _index("orders", "id", unique=True),
    ORDERS_BY_DAY,
    ORDERS_BY_PERSON,
    ORDERS_BY_TYPE,
    _index("customers_v2", "id"),
    # The unique one of the thirteen cannot be built where two customers share a user; look-ups have this one.
    _index("customers_v2", "user_id", "-_id"),
    # The customers of an area in pages, and which areas there are.
    _index("customers_v2", "area", "_id"),
    _index("customers_v2", "phone"),
    _index("customers_v2", "phone_number"),
    _index("customers_v2", "name", collation={"locale": "en", "strength": 1}),
    _index("customers_v2", "area", collation={"locale": "en", "strength": 1}),
    _index("users", "id"),
    _index("users", "phone"),
    _index("users", "customer_v2_id"),
    _index("subscriptions_v2", "id"),
    # Another version of the backend wrote the customer under this name.
    _index("subscriptions_v2", "customerId", partial={"customerId": {"$exists": True}}),
    _index("delivery_boys_v2", "id"),
    _index("delivery_boys_v2", "name", collation={"locale": "en", "strength": 1}),
    _index("products", "id"),
    _index("products", "name", collation={"locale": "en", "strength": 1}),
    _index("addresses", "id"),
    _index("addresses", "user_id"),
    _index("billing_records", "order_id"),
    # A record's history looks the stored record up by its id.
    _index("billing_records", "id"),
    _index("delivery_statuses", "id"),
    _index("payment_transactions", "id"),
    _index("delivery_statuses", "customer_id", "delivery_date"),
    # The console's own entries have their id as `_id`.
    _index("audit_logs", "id", partial={"_id": {"$type": "objectId"}}),
    AUDIT_BY_TIME,
    AUDIT_BY_TABLE,
    AUDIT_BY_USER,
    AUDIT_BY_RUN,
    AUDIT_BY_SESSION,
    AUDIT_BY_RESOURCE,
    AUDIT_BY_CHAIN,
    LEAVES_BY_ENTRY,
    OPEN_STREAMS,
    AUDIT_BY_KIND,
    AUDIT_BY_USER_AND_KIND,
    # Every commit pays for what is on the outbox: one index serves all that reads it.
    _index("console_outbox", "run", "state", "customer_id"),
    _index("console_sends", "state", partial={"state": "asked"}),
    _index("notifications_queue", "source", "retry_at", partial={"source": {"$exists": True}}),
    _index("notification_templates", "type"),
    _index("payment_transactions", "customer_id", "month"),
    # What happened to an order, beside its own records: the newest, however many there are.
    _index("delivery_actions", "order_id", "-_id"),
    _index("notifications_log", "reference_id", "-created_at"),
)
"""The indexes that the console's own queries need beside those."""

INDEXES: tuple[Index, ...] = THIRTEEN + OWN


async def missing(database: Database) -> tuple[str, ...]:
    """The indexes whose lack makes the console slower, as titles; one look at each collection's list of indexes.

    One that is only wanted to forbid duplicates, or whose queries a longer index serves, is not among them.
    """
    existing = await _existing(database)
    return tuple(
        index.title
        for index in INDEXES
        if _compare(index, existing[index.collection]).state == "missing"
        and not any(_serves(index, found) for found in existing[index.collection])
    )


async def plan(database: Database) -> tuple[IndexState, ...]:
    """Each index with what there is of it; a missing unique index is checked for values that would block it."""
    existing = await _existing(database)
    states = []
    for index in INDEXES:
        state = _compare(index, existing[index.collection])
        states.append(await _checked(database, state) if state.state in TO_BUILD and index.unique else state)
    return tuple(states)


async def apply(database: Database, operator: Operator, progress: Progress | None = None) -> tuple[IndexState, ...]:
    """Build what is missing, one index at a time, and return every index with what there is of it now.

    An index that cannot be built is returned as blocked with its reason; the others are built all the same.
    """
    operator.require("ops", "build indexes")
    database.require_writable()
    states = list(await plan(database))
    wanted = [number for number, state in enumerate(states) if state.state in TO_BUILD]
    for done, number in enumerate(wanted):
        if progress:
            progress(states[number].index.title, done, len(wanted))
        states[number] = await _build(database, states[number].index)
    if progress and wanted:
        progress("indexes", len(wanted), len(wanted))
    return tuple(states)


async def _build(database: Database, index: Index) -> IndexState:
    collection = database[index.collection]
    try:
        taken = await collection.index_information()
        name = f"{index.name}_console" if index.name in taken else index.name
        await collection.create_index(list(index.keys), name=name, **index.options)
    except OperationFailure as error:
        return IndexState(index, "blocked", describe(error).message)
    except PyMongoError as error:
        raise describe(error) from error
    return IndexState(index, "present", "built")


async def _existing(database: Database) -> dict[str, list[Document]]:
    collections = sorted({index.collection for index in INDEXES})
    with told():
        found = await asyncio.gather(*(database[name].index_information() for name in collections))
    return {
        name: [{"name": key, **options} for key, options in indexes.items()]
        for name, indexes in zip(collections, found, strict=True)
    }


def _compare(index: Index, existing: list[Document]) -> IndexState:
    alike = [found for found in existing if _fields(found) == index.keys and _same_collation(index, found)]
    whole = [found for found in alike if _PARTIAL not in found and not found.get("sparse")]
    candidates = whole + [found for found in alike if index.partial and found.get(_PARTIAL) == index.partial]
    if any(found.get("unique") or not index.unique for found in candidates):
        return IndexState(index, "present")
    if candidates:
        return IndexState(index, "different", f"{candidates[0]['name']} is not unique; a unique one goes beside it.")
    return IndexState(index, "missing")


def _serves(index: Index, found: Document) -> bool:
    """Whether a query for the index is as well off with one that begins with its keys."""
    whole = _PARTIAL not in found and not found.get("sparse")
    return whole and _fields(found)[: len(index.keys)] == index.keys and _same_collation(index, found)


def _fields(found: Document) -> Keys:
    return tuple((field, int(way) if isinstance(way, float) else way) for field, way in found["key"])


def _same_collation(index: Index, found: Document) -> bool:
    wanted, there = index.collation or {}, found.get("collation") or {}
    return all(wanted.get(part) == there.get(part) for part in ("locale", "strength"))


async def _checked(database: Database, state: IndexState) -> IndexState:
    """The state of a missing unique index: blocked where a value occurs more than once."""
    index = state.index
    fields = [field for field, _ in index.keys]
    pipeline: list[Document] = [
        {"$match": dict(index.partial or {})},
        # Called by number: the name of a part may hold no dot.
        {"$group": {"_id": {str(part): f"${field}" for part, field in enumerate(fields)}, "times": {"$sum": 1}}},
        {"$match": {"times": {"$gt": 1}}},
        {"$group": {"_id": None, "values": {"$sum": 1}, "example": {"$first": "$_id"}}},
    ]
    try:
        with told():
            cursor = await database[index.collection].aggregate(pipeline, maxTimeMS=_SCAN_LIMIT_MS, allowDiskUse=True)
            found = await cursor.to_list()
    except Refused:
        return replace(state, reason="Whether duplicate values would block it was not checked: that took too long.")
    if not found:
        return state
    example = ", ".join(str(found[0]["example"].get(str(part), "(none)")) for part in range(len(fields)))
    count = found[0]["values"]
    values = "1 value occurs" if count == 1 else f"{count} values occur"
    return IndexState(
        index, "blocked", f"{values} on more than one record, for example {example}. Give each record its own first."
    )


async def hint(database: Database, index: Index) -> Hint | None:
    """The index as a hint for a query that is made for it; None where it is missing: then the query is slower."""
    return (await hints(database, index))[0]


async def hints(database: Database, *indexes: Index) -> list[Hint | None]:
    """As `hint`, for several indexes of one collection."""
    with told():
        found = (await database[indexes[0].collection].index_information()).values()
    there = [
        (tuple((field, way) for field, way in each["key"]), each.get(_PARTIAL))
        for each in found if not each.get("sparse")
    ]  # fmt: skip
    return [list(index.keys) if (index.keys, index.partial) in there else None for index in indexes]
