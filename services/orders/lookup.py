"""Finding orders by what a caller can say: an order id, a phone in any writing, the beginning of a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.backfills.backfill import Surroundings
from services.backfills.bill_one_time_orders import BillOneTimeOrders
from services.backfills.plan import Options
from services.clock import india_day, utc_now
from services.customers.resolution import CustomerLinks
from services.database import READ_LIMIT_MS, Database, Document, told
from services.money import to_paise
from services.operators.operator import Operator
from services.orders.filters import OrderFilters, read_query
from services.orders.selection import Selection, select
from services.paging import Page, list_kind, page_size, read_token, write_token
from services.records.fields import identity
from services.records.orders import Item, Kind, Order, read_order

_LISTED = {
    "id": 1, "user_id": 1, "customer_id": 1, "order_type": 1, "subscription_id": 1, "total_amount": 1, "total": 1,
    "status": 1, "delivery_date": 1, "delivered_at": 1, "billed": 1,
}  # fmt: skip
_LOOKED = 4_000
"""Orders that one page may look through on the server; behind them the next page goes on."""
_CHECKED = 1_000
"""The same where each order's surroundings are read as well."""
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order in a list; the amount is None where the stored one is no number."""

    id: str
    customer_id: str | None
    customer_name: str
    area: str
    status: str
    delivery_date: date | None
    amount_paise: int | None
    billed: bool
    """The flag is set, or there is a billing record."""
    billing_record: bool
    kind: Kind
    review: str | None
    """Why a person must look at it before it is billed, as a code; told only where that is asked for."""


async def find_orders(
    database: Database,
    operator: Operator,
    query: str = "",
    filters: OrderFilters | None = None,
    token: str | None = None,
    limit: int | None = None,
    *,
    today: date | None = None,
) -> Page[OrderRow]:
    """Orders of an id or its beginning, a phone, a customer's or user's id, or a name's beginning; newest first.

    An empty query lists all orders. Where no index serves a filter, a page looks through a few thousand orders: it can
    hold fewer than were asked for, or none, and still have a next one. Raises BadRequest for a search too long to be
    one, an unknown status, or a range that ends before it starts.
    """
    operator.require("viewer", "look up orders")
    filters, query = filters or OrderFilters(), read_query(query)
    asked = list_kind("orders", query, filters)
    size, key = page_size(limit), read_token(asked, token)
    with told():
        selection = await select(database, query, filters)
        reader = _Reader(database, filters, selection, today or india_day(utc_now()))
        rows, last = await reader.page(key, size)
    return Page(tuple(rows), write_token(asked, last) if last else None, selection.note)


class _Reader:
    """Reads a list on from a key, a bounded number of orders at a time."""

    def __init__(self, database: Database, filters: OrderFilters, selection: Selection, today: date) -> None:
        self._database = database
        self._filters = filters
        self._selection = selection
        self._today = today
        self._checks = bool(filters.area) or filters.owed

    async def page(self, key: Document | None, size: int) -> tuple[list[OrderRow], Document | None]:
        """The next rows, and the key behind which there may be more."""
        kept: list[tuple[Document, OrderRow]] = []
        left = _CHECKED if self._checks else _LOOKED
        while True:
            take = min(_CHUNK, left) if self._checks else size + 1 - len(kept)
            documents, key, looked = await self._chunk(key, take, left)
            kept += await self._fitting(documents)
            if len(kept) > size:
                return [row for _, row in kept[:size]], self._selection.key_of(kept[size - 1][0])
            left -= looked
            if key is None or left <= 0:
                return [row for _, row in kept], key

    async def _chunk(self, key: Document | None, take: int, left: int) -> tuple[list[Document], Document | None, int]:
        """Some orders that fit, the key to go on from (None at the end), and how many were looked at."""
        selection, orders = self._selection, self._database["orders"]
        after, rest, sort = selection.after(key), list(selection.rest), dict(selection.sort)
        if selection.few or not rest:
            cursor = orders.find(_all_of([*after, *rest]), _LISTED).sort(list(selection.sort)).limit(take)
            found = (
                await (cursor.hint(selection.index) if selection.index else cursor).max_time_ms(READ_LIMIT_MS).to_list()
            )
            return found, selection.key_of(found[-1]) if len(found) == take else None, len(found)
        stages: list[Document] = [
            {"$match": _all_of(after)}, {"$sort": sort}, {"$limit": left}, {"$match": _all_of(rest)},
            {"$limit": take}, {"$project": _LISTED},
        ]  # fmt: skip
        hinted: dict[str, Any] = {"hint": dict(selection.index)} if selection.index else {}
        found = await (await orders.aggregate(stages, maxTimeMS=READ_LIMIT_MS, **hinted)).to_list()
        if len(found) == take:
            return found, selection.key_of(found[-1]), take
        last = orders.find(_all_of(after), dict.fromkeys(sort, 1)).sort(list(selection.sort)).skip(left - 1).limit(1)
        ended = await (last.hint(selection.index) if selection.index else last).max_time_ms(READ_LIMIT_MS).to_list()
        return found, selection.key_of(ended[0]) if ended else None, left

    async def _fitting(self, documents: list[Document]) -> list[tuple[Document, OrderRow]]:
        """The rows of those that fit what can only be told with an order's surroundings."""
        reviews = await self._reviews(documents)
        rows = await _rows(self._database, documents, reviews)
        area = (self._filters.area or "").casefold()
        return [
            (document, row)
            for document, row in zip(documents, rows, strict=True)
            if row.area.casefold().startswith(area)
            and not (self._filters.owed and (row.billed or row.kind != "one-time"))
            and not (self._filters.needs_review and row.review is None)
        ]

    async def _reviews(self, documents: Sequence[Document]) -> list[str | None]:
        """Why the billing fix would leave each of these to a person; None where it would not."""
        if not (self._filters.needs_review and documents):
            return [None] * len(documents)
        fix, surroundings = BillOneTimeOrders(), Surroundings(self._today)
        keys = [document["_id"] for document in documents]
        found = self._database["orders"].find({"_id": {"$in": keys}}, fix.fields).max_time_ms(READ_LIMIT_MS)
        whole = {_by_key(document["_id"]): document for document in await found.to_list()}
        there = [whole[name] for key in keys if (name := _by_key(key)) in whole]
        decided = {}
        for source in await fix.load(self._database, there, None):
            decision = fix.decide(source, Options(), surroundings)
            if decision.group == "needs-review":
                decided[_by_key(source.document["_id"])] = decision.code
        return [decided.get(_by_key(key)) for key in keys]


def _by_key(key: object) -> str:
    """An `_id` of whatever type as what a dictionary can hold."""
    return f"{type(key).__name__}:{key}"


def _all_of(conditions: list[Document]) -> Document:
    return {"$and": conditions} if conditions else {}


async def _rows(database: Database, documents: list[Document], reviews: Sequence[str | None]) -> list[OrderRow]:
    if not documents:
        return []
    orders = [read_order(document) for document in documents]
    links = await CustomerLinks.load(database, [order.owner for order in orders])
    ids = [order.id for order in orders if order.id]
    bills = database["billing_records"].find({"order_id": {"$in": ids}}, {"_id": 0, "order_id": 1})
    recorded = {identity(bill["order_id"]) async for bill in bills.max_time_ms(READ_LIMIT_MS)}
    return [_row(order, links, order.id in recorded, why) for order, why in zip(orders, reviews, strict=True)]


def _row(order: Order, links: CustomerLinks, recorded: bool, review: str | None) -> OrderRow:
    resolution = links.resolve(order.owner)
    customer = links.customer(resolution.customer_id)
    return OrderRow(
        id=order.id or str(order.key),
        customer_id=resolution.customer_id,
        customer_name=customer.name if customer else "",
        area=customer.area if customer else "",
        status=order.status,
        delivery_date=order.delivery_date,
        amount_paise=stated_paise(order),
        billed=recorded or order.billed is True,
        billing_record=recorded,
        kind=order.kind,
        review=review,
    )


def stated_paise(order: Order) -> int | None:
    """The amount that the order states, None where it is no amount of money."""
    return _paise(order.total)


def price_paise(item: Item) -> int | None:
    """The price of one unit, None where it is no amount of money."""
    return _paise(item.price)


def _paise(rupees: Decimal | None) -> int | None:
    return to_paise(rupees) if rupees is not None and abs(rupees) < 10**12 else None
