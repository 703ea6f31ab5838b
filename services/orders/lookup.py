"""Finding orders by what a caller can say: an order id, a phone in any writing, the beginning of a name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from pymongo.errors import OperationFailure

from services.backfills.backfill import Surroundings
from services.backfills.plan import Options
from services.backfills.repairs.bill_one_time_orders import BillOneTimeOrders
from services.clock import india_day, read_day, utc_now
from services.customers.resolution import CustomerLinks
from services.database import NO_SUCH_INDEX, READ_LIMIT_MS, TOO_LARGE, Database, Document, Find, told
from services.money import to_paise
from services.operators.operator import Operator, shown_to
from services.orders.filters import OrderFilters
from services.orders.references import asked_ids
from services.orders.selection import Selection, select
from services.paging import Page, list_kind, page_size, read_token, write_token
from services.records.fields import flag, identity
from services.records.orders import Item, Kind, Order, read_kind, read_owner, read_status, read_total
from services.typed import read_query

_LISTED = {
    "id": 1, "user_id": 1, "customer_id": 1, "order_type": 1, "subscription_id": 1, "total_amount": 1, "total": 1,
    "status": 1, "delivery_date": 1, "billed": 1,
}  # fmt: skip
_LOOKED = 4_000
"""Orders that one page may look through on the server; behind them the next page goes on."""
_CHECKED = 500
"""The same where each order's surroundings are read as well, all at once."""
_OVERFULL = (*TOO_LARGE, 13548)
"""How the server says that an answer of one document would be too large, or what it is made of."""
_LEAST = 20
"""Orders that are read at least when a page is not full yet."""


class OrderRow(NamedTuple):
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

    An empty query lists all orders. Where no index serves a filter, a page looks through a few thousand orders, or some
    hundred where each is checked: it can hold fewer than were asked for, or none, and still have a next one. Raises
    BadRequest for a search too long to be one, an unknown status, or a range that ends before it starts.
    """
    operator.require("viewer", "look up orders")
    filters, query = filters or OrderFilters(), read_query(query)
    asked = list_kind("orders", query, filters)
    size, key = page_size(limit), read_token(asked, token)
    with told():
        selection = await select(database, operator, query, filters)
        day = today or india_day(utc_now())
        try:
            rows, last = await _Reader(database, filters, selection, day).page(key, size)
        except OperationFailure as error:
            if error.code != NO_SUCH_INDEX or selection.index is None:
                raise
            # The index that this list is made for is missing: the list still comes, slower.
            rows, last = await _Reader(database, filters, replace(selection, index=None), day).page(key, size)
    return Page(shown_to(operator, tuple(rows)), write_token(asked, last) if last else None, selection.note)


class _Reader:
    """Reads a list on from a key, a bounded number of orders at a time."""

    def __init__(self, database: Database, filters: OrderFilters, selection: Selection, today: date) -> None:
        self._database = database
        self._filters = filters
        self._selection = selection
        self._today = today
        self._rare = filters.needs_review or selection.coarse or (bool(filters.area) and not selection.few)
        """Whether few of the orders that are read will fit."""
        self._links = CustomerLinks(database, told="listed")
        self._fields = BillOneTimeOrders.fields if filters.needs_review else _LISTED

    async def page(self, key: Document | None, size: int) -> tuple[list[OrderRow], Document | None]:
        """The next rows, and the key behind which there may be more."""
        kept: list[tuple[Document, OrderRow]] = []
        begun = key
        left = _CHECKED if self._rare else _LOOKED
        # Of what is owed some has a bill already, though not the flag.
        take = _CHECKED if self._rare else size + 1 + (size // 10 if self._filters.owed else 0)
        # Whom these orders name is read beside them, as far as it is known already.
        (documents, key, looked), _ = await asyncio.gather(
            self._stretch(key, take, min(left, 2 * take)),
            self._links.read((name, None) for name in self._selection.owners),
        )
        while True:
            kept += await self._fitting(documents)
            if len(kept) > size:
                shown, rows = zip(*kept[:size], strict=True)
                return list(rows), self._selection.key_behind(shown, begun)
            left -= looked
            if key is None or left <= 0:
                return [row for _, row in kept], key
            rare = len(documents) < take
            take = max(_LEAST, size + 1 - len(kept))
            documents, key, looked = await self._stretch(key, take, left if rare else min(left, 2 * take))

    async def _stretch(self, key: Document | None, take: int, look: int) -> tuple[list[Document], Document | None, int]:
        """As `_chunk`; what the list has behind all days follows on its days."""
        documents, end, looked = await self._chunk(key, take, look)
        return documents, end or self._selection.then(key), looked

    async def _chunk(self, key: Document | None, take: int, look: int) -> tuple[list[Document], Document | None, int]:
        """Some orders that fit, the key to go on from (None at the end), and how many were looked at.

        The server looks at all that it may before it answers: where many fit, let it look at few.
        """
        selection, orders = self._selection, self._database["orders"]
        after, rest, sort = selection.after(key), list(selection.rest), dict(selection.sort)
        if selection.few or selection.bounded or not rest:
            cursor = orders.find(_all_of([*after, *rest]), self._fields).sort(list(selection.sort)).limit(take)
            # One more than the limit: the server knows that it has given everything.
            cursor = cursor.batch_size(take + 1).max_time_ms(READ_LIMIT_MS)
            found = await (cursor.hint(selection.index) if selection.index else cursor).to_list()
            return found, selection.key_behind(found, key) if len(found) == take else None, len(found)
        # One reading of that stretch tells both what fits and where it ends, whatever is written meanwhile.
        fitting: list[Document] = [{"$match": _all_of(rest)}, {"$limit": take}, {"$project": self._fields}]
        ends: list[Document] = [{"$skip": look - 1}, {"$project": dict.fromkeys(sort, 1)}]
        stages: list[Document] = [
            {"$match": _all_of(after)}, {"$sort": sort}, {"$limit": look}, {"$facet": {"found": fitting, "end": ends}}
        ]  # fmt: skip
        hinted: dict[str, Any] = {"hint": dict(selection.index)} if selection.index else {}
        try:
            (read,) = await (await orders.aggregate(stages, maxTimeMS=READ_LIMIT_MS, **hinted)).to_list()
        except OperationFailure as error:
            if error.code not in _OVERFULL or look == 1:
                raise
            # Orders of megabytes: the answer is one document, and can hold few of them.
            return await self._chunk(key, max(1, take // 8), max(1, look // 8))
        found, end = read["found"], read["end"]
        if len(found) == take:
            return found, selection.key_behind(found, key), take
        return found, selection.key_behind([*found, *end], key) if end else None, look

    async def _fitting(self, documents: list[Document]) -> list[tuple[Document, OrderRow]]:
        """The rows of those that fit what can only be told with an order's surroundings."""
        documents = [each for each in documents if self._filters.fit(each)]
        if not documents:
            return []
        reviews: dict[int, str | None] = {}
        if self._filters.needs_review:
            decided = await self._reviews(documents)
            documents, reviews = [each for each, _ in decided], {id(each): code for each, code in decided}
        area = (self._filters.area or "").casefold()
        owners = [read_owner(each) for each in documents]
        if area:  # few stay
            await self._links.read(owners)
            documents = [each for each in documents if self._customer(each)[2].casefold().startswith(area)]
            owners = []
        found = await self._links.read(owners, *self._bills(documents))
        recorded = {identity(bill["order_id"]) for bills in found for bill in bills}
        rows = [(each, self._row(each, recorded, reviews.get(id(each)))) for each in documents]
        return [
            (document, row) for document, row in rows
            if not (self._filters.owed and (row.billed or row.kind != "one-time"))
        ]  # fmt: skip

    def _bills(self, documents: Sequence[Document]) -> list[Find]:
        """The question which of these have a billing record; none where it is known."""
        ids = asked_ids([each.get("id") for each in documents])
        if not ids or self._filters.needs_review:  # what has one, the billing fix leaves to nobody
            return []
        return [Find("billing_records", {"order_id": {"$in": ids}}, {"_id": 0, "order_id": 1})]

    def _customer(self, document: Document) -> tuple[str | None, str, str]:
        """The id, the name and the area of an order's customer."""
        customer_id = self._links.resolve(read_owner(document)).customer_id
        return customer_id, *self._links.listed(customer_id)

    def _row(self, document: Document, recorded: set[str | None], review: str | None) -> OrderRow:
        order_id = identity(document.get("id"))
        customer_id, name, area = self._customer(document)
        return OrderRow(
            id=order_id or str(document.get("_id")),
            customer_id=customer_id,
            customer_name=name,
            area=area,
            status=read_status(document.get("status")),
            delivery_date=read_day(document.get("delivery_date")),
            amount_paise=_paise(read_total(document)),
            billed=order_id in recorded or flag(document.get("billed")) is True,
            billing_record=order_id in recorded,
            kind=read_kind(document),
            review=review,
        )

    async def _reviews(self, documents: Sequence[Document]) -> list[tuple[Document, str | None]]:
        """Those of the one-time orders that the billing fix would leave to a person, and why."""
        fix, options, surroundings = BillOneTimeOrders(), Options(), Surroundings(self._today)
        found = []
        for source in await fix.load(self._database, documents, None):
            if not fix.covers(source, options):
                continue
            decision = fix.decide(source, options, surroundings)
            if decision.group == "needs-review":
                found.append((source.document, decision.code))
        return found


def _all_of(conditions: list[Document]) -> Document:
    return {"$and": conditions} if conditions else {}


def stated_paise(order: Order) -> int | None:
    """The amount that the order states, None where it is no amount of money."""
    return _paise(order.total)


def price_paise(item: Item) -> int | None:
    """The price of one unit, None where it is no amount of money."""
    return _paise(item.price)


def _paise(rupees: Decimal | None) -> int | None:
    return to_paise(rupees) if rupees is not None and abs(rupees) < 10**12 else None
