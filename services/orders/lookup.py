"""Finding orders by what a caller can say: an order id, a phone in any writing, the beginning of a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.customers.resolution import CustomerLinks
from services.customers.search import find_owners
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deployment.indexes import ORDERS_BY_DAY, ORDERS_BY_STATUS, Index, hint
from services.errors import BadRequest
from services.money import to_paise
from services.operators.operator import Operator
from services.paging import Page, bad_token, below, list_kind, page_size, read_token, scalar_key, write_token
from services.records.fields import identity
from services.records.orders import Item, Kind, Order, known_statuses, read_order, read_status, status_spellings

LONGEST_QUERY = 200
_ORDER_ID = re.compile(r"ord_[0-9a-f-]*|(?=[0-9a-f-]*\d)[0-9a-f-]{3,36}|[0-9a-f]{8}-[0-9a-f-]*", re.IGNORECASE)
_LAST = "\uffff"
_LISTED = {
    "id": 1, "user_id": 1, "customer_id": 1, "order_type": 1, "subscription_id": 1, "total_amount": 1, "total": 1,
    "status": 1, "delivery_date": 1, "delivered_at": 1, "billed": 1,
}  # fmt: skip


@dataclass(frozen=True)
class OrderFilters:
    """What an order list is narrowed to; days are the scheduled ones, both included."""

    status: str | None = None
    start: date | None = None
    end: date | None = None
    unbilled: bool = False
    """One-time orders that were delivered and have neither the billed flag nor a billing record."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order in a list; the amount is None where the stored one is no number."""

    id: str
    customer_id: str | None
    customer_name: str
    status: str
    delivery_date: date | None
    amount_paise: int | None
    billed: bool
    """The flag is set, or there is a billing record."""
    billing_record: bool
    kind: Kind


@dataclass(frozen=True)
class _Selection:
    """Which orders, in which order: `sort` names the keys, the last of them unique."""

    matching: Document
    sort: tuple[tuple[str, int], ...]
    note: str | None = None
    index: Index | None = None
    """The index that was made for this list, where the planner has others to try."""


_NEWEST = (("_id", -1),)
_BY_DAY = (("delivery_date", -1), ("_id", -1))
_BY_ID = (("id", 1),)


async def find_orders(
    database: Database,
    operator: Operator,
    query: str = "",
    filters: OrderFilters | None = None,
    token: str | None = None,
    limit: int | None = None,
) -> Page[OrderRow]:
    """Orders of an id or its beginning, a phone, a customer's or user's id, or a name's beginning; newest first.

    An empty query lists all orders. Raises BadRequest for an unknown status or a range that ends before it starts.
    """
    operator.require("viewer", "look up orders")
    filters = filters or OrderFilters()
    narrowed = _narrowed(filters)
    asked = list_kind("orders", query, filters)
    size, key = page_size(limit), read_token(asked, token)
    with told():
        selection = await _select(database, query.strip()[:LONGEST_QUERY], filters)
        conditions = [part for part in (selection.matching, narrowed, _after(selection.sort, key)) if part]
        cursor = database["orders"].find({"$and": conditions} if conditions else {}, _LISTED)
        if selection.index and (index := await hint(database, selection.index)):
            cursor = cursor.hint(index)
        found = await cursor.sort(list(selection.sort)).limit(size + 1).max_time_ms(READ_LIMIT_MS).to_list()
        rows = await _rows(database, found[:size])
    if filters.unbilled:
        rows = [row for row in rows if not row.billed and row.kind == "one-time"]
    more = None
    if len(found) > size:
        more = write_token(asked, {name: found[size - 1].get(name) for name, _ in selection.sort})
    return Page(tuple(rows), more, selection.note)


def _narrowed(filters: OrderFilters) -> Document:
    conditions: list[Document] = []
    if filters.status:
        status = read_status(filters.status)
        if status not in known_statuses():
            names = ", ".join(known_statuses())
            raise BadRequest("unknown-status", f"{filters.status!r} is no status; the statuses are {names}.")
        conditions.append({"status": {"$in": status_spellings(status)}})
    elif filters.unbilled:
        delivered = status_spellings("DELIVERED") + status_spellings("PARTIALLY_DELIVERED")
        conditions.append({"status": {"$in": delivered}})
    if filters.unbilled:
        one_time = {"$nin": ["subscription", "SUBSCRIPTION", "Subscription"]}
        conditions.append({"billed": {"$ne": True}, "order_type": one_time})
    if filters.start and filters.end and filters.start > filters.end:
        raise BadRequest("bad-range", "The first day is after the last.")
    days: Document = {}
    if filters.start:
        days["$gte"] = filters.start.isoformat()
    if filters.end:
        days["$lte"] = filters.end.isoformat()
    if days:
        conditions.append({"delivery_date": days})
    return {"$and": conditions} if conditions else {}


async def _select(database: Database, query: str, filters: OrderFilters) -> _Selection:
    if not query:
        if filters.start or filters.end:
            return _Selection({}, _BY_DAY, index=ORDERS_BY_DAY)
        return _Selection({}, _NEWEST, index=ORDERS_BY_STATUS if filters.status or filters.unbilled else None)
    orders = database["orders"]
    if await orders.find_one({"id": query}, {"_id": 1}):
        return _Selection({"id": query}, _BY_ID)
    if owners := await find_owners(database, query):
        names = list(owners.ids)
        return _Selection({"$or": [{"customer_id": {"$in": names}}, {"user_id": {"$in": names}}]}, _NEWEST, owners.note)
    if _ORDER_ID.fullmatch(query):
        return _Selection({"id": {"$gte": query.lower(), "$lt": query.lower() + _LAST}}, _BY_ID)
    return _Selection({"id": query}, _BY_ID)


def _after(sort: tuple[tuple[str, int], ...], key: Document | None) -> Document:
    """The condition of standing after a key in that sort."""
    if key is None:
        return {}
    if set(key) != {name for name, _ in sort} or not all(map(scalar_key, key.values())):
        raise bad_token()
    if sort == _NEWEST:
        return below(key["_id"])
    if sort == _BY_ID:
        return {"id": {"$gt": key["id"]}}
    day = key["delivery_date"]
    return {"delivery_date": {"$lte": day}, "$or": [{"delivery_date": {"$lt": day}}, below(key["_id"])]}


async def _rows(database: Database, documents: list[Document]) -> list[OrderRow]:
    orders = [read_order(document) for document in documents]
    links = await CustomerLinks.load(database, [order.owner for order in orders])
    ids = [order.id for order in orders if order.id]
    bills = database["billing_records"].find({"order_id": {"$in": ids}}, {"_id": 0, "order_id": 1})
    recorded = {identity(bill["order_id"]) async for bill in bills}
    return [_row(order, links, order.id in recorded) for order in orders]


def _row(order: Order, links: CustomerLinks, recorded: bool) -> OrderRow:
    resolution = links.resolve(order.owner)
    customer = links.customer(resolution.customer_id)
    return OrderRow(
        id=order.id or str(order.key),
        customer_id=resolution.customer_id,
        customer_name=customer.name if customer else "",
        status=order.status,
        delivery_date=order.delivery_date,
        amount_paise=stated_paise(order),
        billed=recorded or order.billed is True,
        billing_record=recorded,
        kind=order.kind,
    )


def stated_paise(order: Order) -> int | None:
    """The amount that the order states, None where it is no amount of money."""
    return _paise(order.total)


def price_paise(item: Item) -> int | None:
    """The price of one unit, None where it is no amount of money."""
    return _paise(item.price)


def _paise(rupees: Decimal | None) -> int | None:
    return to_paise(rupees) if rupees is not None and abs(rupees) < 10**12 else None
