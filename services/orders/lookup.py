"""Finding orders by what a caller can say: an order id, a phone in any writing, the beginning of a name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from pymongo.errors import OperationFailure

from services.backfills.backfill import Surroundings
from services.backfills.bill_one_time_orders import BillOneTimeOrders
from services.backfills.plan import Options
from services.clock import india_day, utc_now
from services.customers.resolution import CustomerLinks
from services.database import READ_LIMIT_MS, Database, Document, told
from services.money import to_paise
from services.operators.operator import Operator
from services.orders.filters import OrderFilters
from services.orders.selection import Selection, select
from services.paging import Page, list_kind, page_size, read_token, write_token
from services.records.fields import identity
from services.records.orders import Item, Kind, Order, read_order
from services.typed import read_query

_LISTED = {
    "id": 1, "user_id": 1, "customer_id": 1, "order_type": 1, "subscription_id": 1, "total_amount": 1, "total": 1,
    "status": 1, "delivery_date": 1, "delivered_at": 1, "billed": 1,
}  # fmt: skip
_LOOKED = 4_000
"""Orders that one page may look through on the server; behind them the next page goes on."""
_CHECKED = 1_000
"""The same where each order's surroundings are read as well."""
_CHUNK, _LEAST = 200, 20
"""Orders that are read at once to be checked."""
_NO_SUCH_INDEX = 2
"""How the server calls a hint at an index that is not there: a bad value."""


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
        day = today or india_day(utc_now())
        try:
            rows, last = await _Reader(database, filters, selection, day).page(key, size)
        except OperationFailure as error:
            if error.code != _NO_SUCH_INDEX or selection.index is None:
                raise
            # The index that this list is made for is missing: the list still comes, slower.
            rows, last = await _Reader(database, filters, replace(selection, index=None), day).page(key, size)
    return Page(tuple(rows), write_token(asked, last) if last else None, selection.note)


class _Reader:
    """Reads a list on from a key, a bounded number of orders at a time."""

    def __init__(self, database: Database, filters: OrderFilters, selection: Selection, today: date) -> None:
        self._database = database
        self._filters = filters
        self._selection = selection
        self._today = today
        self._checks = bool(filters.area) or filters.owed
        self._fields = BillOneTimeOrders.fields if filters.needs_review else _LISTED

    async def page(self, key: Document | None, size: int) -> tuple[list[OrderRow], Document | None]:
        """The next rows, and the key behind which there may be more."""
        kept: list[tuple[Document, OrderRow]] = []
        left = _CHECKED if self._checks else _LOOKED
        take = size + 1 + (size // 4 if self._checks else 0)  # a few of those checked fall out
        while True:
            documents, key, looked = await self._chunk(key, take, left)
            kept += await self._fitting(documents)
            if len(kept) > size:
                return [row for _, row in kept[:size]], self._selection.key_of(kept[size - 1][0])
            left -= looked
            missing = size + 1 - len(kept)
            take = max(1, min(_CHUNK, left, max(_LEAST, 2 * missing))) if self._checks else missing
            if key is None or left <= 0:
                return [row for _, row in kept], key

    async def _chunk(self, key: Document | None, take: int, left: int) -> tuple[list[Document], Document | None, int]:
        """Some orders that fit, the key to go on from (None at the end), and how many were looked at."""
        selection, orders = self._selection, self._database["orders"]
        after, rest, sort = selection.after(key), list(selection.rest), dict(selection.sort)
        if selection.few or not rest:
            cursor = orders.find(_all_of([*after, *rest]), self._fields).sort(list(selection.sort)).limit(take)
            found = (
                await (cursor.hint(selection.index) if selection.index else cursor).max_time_ms(READ_LIMIT_MS).to_list()
            )
            return found, selection.key_of(found[-1]) if len(found) == take else None, len(found)
        stages: list[Document] = [
            {"$match": _all_of(after)}, {"$sort": sort}, {"$limit": left}, {"$match": _all_of(rest)},
            {"$limit": take}, {"$project": self._fields},
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
        reviews: list[str | None] = [None] * len(documents)
        if self._filters.needs_review:
            decided = await self._reviews(documents)
            documents, reviews = [each for each, _ in decided], [code for _, code in decided]
        rows = await _rows(self._database, documents, reviews)
        area = (self._filters.area or "").casefold()
        return [
            (document, row)
            for document, row in zip(documents, rows, strict=True)
            if row.area.casefold().startswith(area)
            and not (self._filters.owed and (row.billed or row.kind != "one-time"))
        ]

    async def _reviews(self, documents: Sequence[Document]) -> list[tuple[Document, str | None]]:
        """Those of the one-time orders that the billing fix would leave to a person, and why."""
        fix, options, surroundings = BillOneTimeOrders(), Options(), Surroundings(self._today)
        found = []
        for source in await fix.load(self._database, documents, None):
            decision = fix.decide(source, options, surroundings)
            if fix.covers(source, options) and decision.group == "needs-review":
                found.append((source.document, decision.code))
        return found


def _all_of(conditions: list[Document]) -> Document:
    return {"$and": conditions} if conditions else {}


async def _rows(database: Database, documents: list[Document], reviews: Sequence[str | None]) -> list[OrderRow]:
    if not documents:
        return []
    orders = [read_order(document) for document in documents]
    ids = [order.id for order in orders if order.id]
    bills = database["billing_records"].find({"order_id": {"$in": ids}}, {"_id": 0, "order_id": 1})
    links, billed = await asyncio.gather(
        CustomerLinks.load(database, [order.owner for order in orders]), bills.max_time_ms(READ_LIMIT_MS).to_list()
    )
    recorded = {identity(bill["order_id"]) for bill in billed}
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
