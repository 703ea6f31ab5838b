"""The records that the statements of some customers for a month are made of, read in few queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.billing.month import billing_month
from services.clock import month_days, read_day, read_month, read_timestamp
from services.customers.resolution import CustomerLinks, names_of
from services.database import READ_LIMIT_MS, Database, Document
from services.deployment.indexes import ORDERS_BY_TYPE
from services.orders.kinds import stored_kinds
from services.orders.references import asked_ids, by_order
from services.records.bills import Bill, read_bill
from services.records.deliveries import Report, read_report
from services.records.fields import identity
from services.records.orders import (
    DELIVERED_STATUSES,
    PLAINLY_SUBSCRIPTION,
    Order,
    Owner,
    read_kind,
    read_order,
    read_owner,
    read_status,
)
from services.records.payments import Payment, read_payment
from services.records.products import Product, read_product
from services.records.subscriptions import Subscription, read_subscription

_LIMIT_MS = 4 * READ_LIMIT_MS
"""For the orders of a chunk of customers: some thousands."""
_WALK_LIMIT_MS = 24 * READ_LIMIT_MS
"""For a walk through the one-time orders of all time: the server's own time, a second for half a million."""
_BATCH = 2_000
# Times that surely can be read, in forms that sort as text does, and months that surely are months.
_PLAIN_TIME = (
    r"\A20\d\d-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3}|\.\d{6})?"
    r"(Z|[+-]0[0-9]:[0-5]\d)?\z"
)
_PLAIN_MONTH = r"\A20\d\d-(0[1-9]|1[0-2])\z"
_ZONES = timedelta(days=2)
"""Further than this no zone moves a day."""
_ORDER = dict.fromkeys((
    "id", "user_id", "customer_id", "order_type", "subscription_id", "items", "total_amount", "total", "status",
    "delivery_date", "delivered_at", "billed", "billed_month", "partial_delivery_items",
), 1)  # fmt: skip
_BILL = {"order_id": 1, "id": 1, "amount": 1, "amount_paise": 1, "month": 1, "payment_status": 1}
_DELIVERY = {"order_id": 1, "status": 1, "items": 1, "confirmation_method": 1, "confirmed_at": 1}


class OrderRecords(NamedTuple):
    """A delivered one-time order of the month, with its deliveries and its billing records."""

    order: Order
    reports: Sequence[Report]
    bills: Sequence[Bill]


@dataclass(slots=True)
class CustomerRecords:
    """What one customer's statement is made of."""

    document: Document
    subscriptions: list[Subscription] = field(default_factory=list)
    orders: list[OrderRecords] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    """Records that may be this customer's, or another's."""


class _Dated(NamedTuple):
    """As much of an order as its billing month depends on."""

    billed_month: str | None
    delivered_at: datetime | None
    delivery_date: date | None


class Products(dict[str, Product]):
    """The products that were read already, by id: a month of many customers asks for each once."""

    def __init__(self, **known: Product) -> None:
        super().__init__(known)
        self.shared: set[str] = set()
        """The ids that more than one product has; the first read counts."""

    async def load(self, database: Database, ids: Iterable[str | None]) -> None:
        """Read those that are not known yet."""
        wanted = sorted({name for name in ids if name} - self.keys())
        if not wanted:
            return
        fields = {"_id": 0, "id": 1, "name": 1, "unit": 1, "price": 1, "default_price": 1}
        found = database["products"].find({"id": {"$in": wanted}}, fields).max_time_ms(READ_LIMIT_MS)
        for product in map(read_product, await found.to_list()):
            if product.id and self.setdefault(product.id, product) is not product:
                self.shared.add(product.id)


async def load_records(
    database: Database, customers: Sequence[Document], month: str, products: Products, *, orders_too: bool = True
) -> list[CustomerRecords]:
    """The records of these customers, in their order; `products` gets those that the subscriptions name.

    Without `orders_too` the orders are left out, for who has read those of all customers.

    A dozen queries, however many customers: each has an index and a time limit.
    """
    records = [CustomerRecords(document) for document in customers]
    by_id = {name: each for each in records if (name := identity(each.document.get("id")))}
    accounts = [(identity(each.get("id")), identity(each.get("user_id"))) for each in customers]
    names = await names_of(database, accounts)
    orders, subscriptions, payments = await asyncio.gather(
        _orders(database, names if orders_too else [], month),
        _subscriptions(database, names),
        _payments(database, names, month),
    )
    owners: list[Owner] = [read_owner(order) for order in orders]
    owners += [(name, None) for name in {each.customer_id for each in subscriptions}]
    owners += [(name, None) for name in {each.customer_id for each in payments}]
    links, _ = await asyncio.gather(
        CustomerLinks.load(database, owners, told="ids"),
        products.load(database, (each.product_id for each in subscriptions)),
    )

    def of(owner: Owner, what: str) -> CustomerRecords | None:
        resolution = links.resolve(owner)
        for candidate in set() if resolution.customer_id else set(resolution.candidates) & by_id.keys():
            by_id[candidate].unclear.append(what)
        return by_id.get(resolution.customer_id or "")

    for subscription in subscriptions:
        if mine := of((subscription.customer_id, None), f"subscription {subscription.id}"):
            mine.subscriptions.append(subscription)
    for payment in payments:
        if mine := of((payment.customer_id, None), f"payment {payment.id}"):
            mine.payments.append(payment)
    theirs = [(order, of(read_owner(order), f"order {order.get('id')}")) for order in orders]
    kept = [(order, mine) for order, mine in theirs if mine]
    for (_, mine), parsed in zip(kept, await _parsed(database, [order for order, _ in kept]), strict=True):
        mine.orders.append(parsed)
    return records


async def month_orders(database: Database, month: str) -> AsyncIterator[tuple[str | None, OrderRecords]] | None:
    """Every delivered one-time order of a month, each with its customer's id: one walk through an index.

    None where that index is missing, or the stored types are too many for it.
    """
    kinds = await stored_kinds(database)
    condition = kinds.condition(DELIVERED_STATUSES) if kinds else None
    return None if condition is None else _walk(database, condition, month)


async def _walk(database: Database, kinds: Document, month: str) -> AsyncIterator[tuple[str | None, OrderRecords]]:
    found = database["orders"].find({**kinds, **_likely(month)}, _ORDER).hint(list(ORDERS_BY_TYPE.keys))
    found = found.batch_size(_BATCH).max_time_ms(_WALK_LIMIT_MS)
    reading = asyncio.create_task(found.to_list(_BATCH))
    try:
        while batch := await reading:
            # The server looks for the next ones meanwhile.
            reading = asyncio.create_task(found.to_list(_BATCH))
            orders = [order for order in batch if _counts(order, month)]
            links, parsed = await asyncio.gather(
                CustomerLinks.load(database, [read_owner(order) for order in orders], told="ids"),
                _parsed(database, orders),
            )
            for records in parsed:
                yield links.resolve(records.order.owner).customer_id, records
    finally:
        reading.cancel()
        await found.close()


def _likely(month: str) -> Document:
    """The orders that `_counts` may count for the month: all but those that plainly say another one."""
    days = month_days(month)
    around = [{"$lt": (days[0] - _ZONES).isoformat()}, {"$gte": (days[-1] + _ZONES).isoformat()}]
    # A list of times is no time, though each of them compares.
    another: list[Document] = [
        {"delivered_at": {"$regex": _PLAIN_TIME, **there}, "delivered_at.0": {"$exists": False}} for there in around
    ]
    said = {"$regex": _PLAIN_MONTH}
    return {"$or": [
        {"billed_month": month}, {"billed_month.0": {"$exists": True}},
        {"billed_month": {"$not": said}, "$nor": another},
    ]}  # fmt: skip


async def _orders(database: Database, names: list[str], month: str) -> list[Document]:
    """The delivered one-time orders of the month, as stored: each time and spelling is read as it comes."""
    if not names:
        return []
    matching: Document = {
        "$or": [{"customer_id": {"$in": names}}, {"user_id": {"$in": names}}],
        "order_type": {"$nin": list(PLAINLY_SUBSCRIPTION)},
        "$and": [_likely(month)],
    }
    found = database["orders"].find(matching, _ORDER, batch_size=5_000).max_time_ms(_LIMIT_MS)
    return [order async for order in found if _counts(order, month)]


def _counts(order: Document, month: str) -> bool:
    if read_status(order.get("status")) not in DELIVERED_STATUSES or read_kind(order) != "one-time":
        return False
    billed = read_month(order.get("billed_month"))
    dated = _Dated(billed, None, None) if billed else _Dated(
        None, read_timestamp(order.get("delivered_at")), read_day(order.get("delivery_date"))
    )  # fmt: skip
    return billing_month(dated) == month


async def _subscriptions(database: Database, names: list[str]) -> list[Subscription]:
    either: Document = {"$or": [{"customer_id": {"$in": names}}, {"customerId": {"$in": names}}]}
    found = await database["subscriptions_v2"].find(either, batch_size=5_000).max_time_ms(READ_LIMIT_MS).to_list()
    return [read_subscription(document) for document in found]


async def _payments(database: Database, names: list[str], month: str) -> list[Payment]:
    """Those for the month; one that names no month counts for the month in which it came."""
    said: list[Document] = [
        {"month": month},
        {"month.0": {"$exists": True}},
        {"month": {"$not": {"$regex": _PLAIN_MONTH}}},
    ]
    matching = {"customer_id": {"$in": names}, "$or": said}
    found = database["payment_transactions"].find(matching, batch_size=5_000).max_time_ms(READ_LIMIT_MS)
    payments = [read_payment(document) async for document in found]
    return [payment for payment in payments if payment.month == month]


async def _parsed(database: Database, orders: Sequence[Document]) -> list[OrderRecords]:
    """These orders, with the deliveries and the billing records that name them."""
    if not orders:
        return []
    ids = asked_ids([document.get("id") for document in orders])
    delivered, billed = await asyncio.gather(
        by_order(database, "delivery_statuses", ids, None, _DELIVERY),
        by_order(database, "billing_records", ids, None, _BILL),
    )
    return [
        OrderRecords(
            order,
            [read_report(each) for each in delivered.get(order.id or "", ())],
            [read_bill(each) for each in billed.get(order.id or "", ())],
        )
        for order in map(read_order, orders)
    ]
