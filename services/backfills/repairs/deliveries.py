"""What stands around a delivery: the order that it names, the orders that it could be about, and who competes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, TypeAlias

from services.clock import read_day
from services.customers.resolution import CustomerLinks, Resolution
from services.database import Database, Document, Session
from services.orders.references import asked_ids, by_order, twins
from services.records.deliveries import read_delivery
from services.records.fields import identity
from services.records.orders import CANCELLED, NOT_DELIVERED, read_order, read_owner

BLANK = (None, "")
_OWNER = {"id": 1, "customer_id": 1, "user_id": 1}
_ORDER = _OWNER | {"delivery_date": 1, "status": 1, "items": 1}
_DELIVERY = {"order_id": 1, "customer_id": 1, "delivery_date": 1, "status": 1, "items": 1}

_Errand: TypeAlias = tuple[str | None, date | None]
"""A customer, and the day on which something was to be brought."""


@dataclass(frozen=True)
class Surveyed:
    """A delivery with its surroundings; candidates and what follows are there for an open one only."""

    document: Document
    resolution: Resolution
    open: bool
    """Whether it names no order that exists."""
    owner: str | None = None
    """The customer of the order that it names."""
    candidates: Sequence[Document] = ()
    """The orders of its customer and day."""
    rivals: Sequence[Document] = ()
    """The other open deliveries of its customer and day."""
    taken: frozenset[str] = frozenset()
    """The ids of those candidates that have a delivery."""
    shared: frozenset[str] = frozenset()
    """The ids of those candidates that another order has as well."""

    @cached_property
    def fitting(self) -> Sequence[Document]:
        """The candidates that it can be about."""
        return [order for order in self.candidates if fits(self.document, order)]

    @cached_property
    def competing(self) -> Sequence[Document]:
        """The other open deliveries that can be about one of those."""
        return [rival for rival in self.rivals if any(fits(rival, order) for order in self.fitting)]


def fits(delivery: Document, order: Document) -> bool:
    """Whether a delivery of the order's customer and day can be about it: the same products, and not cancelled."""
    reported, ordered = read_delivery(delivery), read_order(order)
    if ordered.status == CANCELLED and reported.status != NOT_DELIVERED:
        return False
    if not reported.items:
        return True
    keys = Counter(item.key for item in ordered.items) == Counter(item.key for item in reported.items)
    return keys or Counter(item.name for item in ordered.items) == Counter(item.name for item in reported.items)


async def survey(database: Database, documents: Sequence[Document], session: Session | None) -> list[Surveyed]:
    """The deliveries with their surroundings: up to four queries, and a dozen more where some are open."""
    orders = {order["id"]: order for order in await _named(database, documents, session)}
    owners = [_customer(document) for document in documents] + [read_owner(order) for order in orders.values()]
    links = await CustomerLinks.load(database, owners, session, "ids")
    found = []
    for document in documents:
        order = orders.get(identity(document.get("order_id")))
        owner = links.resolve(read_owner(order)).customer_id if order else None
        found.append(Surveyed(document, links.resolve(_customer(document)), order is None, owner))
    errands = {_errand(each) for each in found if each.open and all(_errand(each))}
    if not errands:
        return found
    around = await _Around.load(database, errands, session)
    return [around.complete(each) if _errand(each) in errands and each.open else each for each in found]


@dataclass
class _Around:
    """The orders and the open deliveries of some customers on some days."""

    orders: dict[_Errand, list[Document]] = field(default_factory=dict)
    deliveries: dict[_Errand, list[Document]] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()

    @classmethod
    async def load(cls, database: Database, errands: Iterable[_Errand], session: Session | None) -> _Around:
        around = cls()
        names = await _names(database, sorted({str(customer) for customer, _ in errands}), session)
        of_days: Document = {"delivery_date": {"$in": sorted({str(day) for _, day in errands})}}
        theirs: Document = {"$or": [{"customer_id": {"$in": names}}, {"user_id": {"$in": names}}]}
        orders = await _found(database, "orders", theirs | of_days, _ORDER, session)
        links = await CustomerLinks.load(database, [read_owner(order) for order in orders], session, "ids")
        for order in orders:
            errand = links.resolve(read_owner(order)).customer_id, read_day(order.get("delivery_date"))
            around.orders.setdefault(errand, []).append(order)
        ids = asked_ids([order.get("id") for order in orders])
        around.taken = frozenset(await by_order(database, "delivery_statuses", ids, session, {"order_id": 1}))
        around.shared = frozenset(await twins(database, ids, session))
        found = await _found(
            database, "delivery_statuses", {"customer_id": {"$in": names}} | of_days, _DELIVERY, session
        )
        existing = {order["id"] for order in await _named(database, found, session)}
        links = await CustomerLinks.load(database, map(_customer, found), session, "ids")
        for delivery in found:
            if identity(delivery.get("order_id")) not in existing:
                errand = links.resolve(_customer(delivery)).customer_id, read_day(delivery.get("delivery_date"))
                around.deliveries.setdefault(errand, []).append(delivery)
        return around

    def complete(self, source: Surveyed) -> Surveyed:
        errand, key = _errand(source), source.document["_id"]
        rivals = [rival for rival in self.deliveries.get(errand, ()) if rival["_id"] != key]
        return Surveyed(
            source.document, source.resolution, True, None, self.orders.get(errand, ()), rivals, self.taken, self.shared
        )


def _customer(delivery: Document) -> tuple[str | None, None]:
    """Whom a delivery names, as the owner of an order: its `customer_id` has the same two forms."""
    return identity(delivery.get("customer_id")), None


def _errand(source: Surveyed) -> _Errand:
    return source.resolution.customer_id, read_day(source.document.get("delivery_date"))


async def _named(database: Database, deliveries: Sequence[Document], session: Session | None) -> list[Document]:
    """The orders that deliveries name, each under the id as it reads."""
    ids = asked_ids([delivery.get("order_id") for delivery in deliveries])
    orders = await _found(database, "orders", {"id": {"$in": ids}}, _OWNER, session) if ids else []
    return [order | {"id": identity(order.get("id"))} for order in orders]


async def _names(database: Database, customers: list[str], session: Session | None) -> list[str]:
    """The ids under which orders and deliveries of these customers stand: their own, and those of their users."""
    linked = await _found(database, "customers_v2", {"id": {"$in": customers}}, {"user_id": 1}, session)
    pointing = await _found(database, "users", {"customer_v2_id": {"$in": customers}}, {"id": 1}, session)
    users = [each.get("user_id") for each in linked] + [each.get("id") for each in pointing]
    return sorted({*customers, *(name for user in users if (name := identity(user)))})


async def _found(
    database: Database, collection: str, matching: Document, fields: dict[str, Any], session: Session | None
) -> list[Document]:
    found = await database[collection].find(matching, fields, session=session).to_list()
    return sorted(found, key=lambda document: str(document["_id"]))
