"""The deliveries of one day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.errors import OperationFailure

from services.clock import read_day
from services.customers.resolution import CustomerLinks
from services.database import NO_SUCH_INDEX, READ_LIMIT_MS, Database, Document, Find, told
from services.deliveries.seen import SEEN_FIELDS, Seen, seen_of
from services.deliveries.shifts import of_subscriptions, read_shifts
from services.deliveries.staff import load_staff
from services.deployment.indexes import ORDERS_BY_DAY
from services.errors import BadRequest
from services.money import quantity_told
from services.operators.operator import Operator, shown_to
from services.paging import Page, bad_token, list_kind, page_size, read_token, write_token
from services.records.days import NO_LIST, day_ranges, ranges_beyond
from services.records.fields import identity
from services.records.orders import (
    CANCELLED,
    FAILED_STATUSES,
    NOT_DELIVERED,
    Kind,
    Order,
    known_statuses,
    read_order,
    read_owner,
    read_status,
)
from services.records.subscriptions import SHIFTS

Place: TypeAlias = tuple[str | datetime, object]
"""Where an order stands among those of a day: its `delivery_date` as stored, and its `_id`."""
_CHUNK = 200
_ORDER = {
    "id": 1, "user_id": 1, "customer_id": 1, "order_type": 1, "subscription_id": 1, "items": 1, "status": 1,
    "delivery_date": 1, "delivered_at": 1, "delivery_boy_id": 1, "delivery_confirmed": 1,
    **dict.fromkeys(SEEN_FIELDS, 1),
}  # fmt: skip
_REPORT = {"order_id": 1, "status": 1, "items": 1, "confirmation_method": 1, "confirmed_at": 1}
NOBODY = "none"
"""What a filter calls the delivery person of orders that have none."""


@dataclass(frozen=True)
class DayFilters:
    """One scheduled day in India, narrowed to a delivery person (id, name's beginning or none), an area, a status,
    a shift; what is brought in both shifts is of each.
    """

    day: date
    delivery_boy: str | None = None
    area: str | None = None
    status: str | None = None
    shift: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One order of the day."""

    order_id: str
    customer_id: str | None
    """The one to whom the order resolves."""
    customer_name: str
    area: str
    """The customer's, else the one assigned to the delivery person."""
    phone: str
    delivery_boy_id: str | None
    """The order's, else the customer's delivery person."""
    delivery_person: str
    shift: str
    """The subscription's on that day, else the delivery person's; empty where neither says one."""
    items: str
    """`2 × Milk 500 ml, 1 × Bread`."""
    status: str
    reported: str
    """The status of the newest report in `delivery_statuses`; empty where there is none."""
    confirmed: bool
    kind: Kind
    delivered_at: datetime | None
    seen: Seen
    """What a confirmation of this row rests on; a viewer confirms nothing, and sees no more than the row."""

    @property
    def failed(self) -> bool:
        """Whether it is told as not delivered, and nobody has confirmed that."""
        return not self.confirmed and (self.status in FAILED_STATUSES or self.reported == NOT_DELIVERED)

    @property
    def due(self) -> bool:
        """Whether it waits to be confirmed as what it looks like."""
        return not (self.confirmed or self.failed or self.status == CANCELLED)


async def list_day(
    database: Database, operator: Operator, filters: DayFilters, token: str | None = None, limit: int | None = None
) -> Page[DeliveryRow]:
    """The orders scheduled for a day, newest first.

    Raises BadRequest for a status or a shift that is none.
    """
    operator.require("viewer", "look at deliveries")
    size, key = page_size(limit), read_token(list_kind("deliveries", filters), token)
    kept: list[tuple[Place, DeliveryRow]] = []
    whole = filters == DayFilters(filters.day)
    reading = read_day_rows(database, operator, filters, _place(key), size + 1 if whole else _CHUNK)
    async with aclosing(reading) as rows:
        async for found in rows:
            kept.append(found)
            if len(kept) > size:
                break
    more = None
    if len(kept) > size:
        said, last = kept[size - 1][0]
        more = write_token(list_kind("deliveries", filters), {"delivery_date": said, "_id": last})
    return Page(tuple(row for _, row in kept[:size]), more)


def _place(key: Document | None) -> Place | None:
    """The place that a token tells. Raises BadRequest."""
    if key is None:
        return None
    said = key.get("delivery_date")
    if not isinstance(said, (str, datetime)) or "_id" not in key:
        raise bad_token()
    return said, key["_id"]


async def read_day_rows(
    database: Database, operator: Operator, filters: DayFilters, after: Place | None = None, at_once: int = _CHUNK
) -> AsyncGenerator[tuple[Place, DeliveryRow], None]:
    """Each order of the day that fits, behind its place, newest first of those that say the day alike.

    They are read some `at_once`; `after` is the place to go on behind.
    """
    operator.require("viewer", "look at deliveries")
    _require_known(filters)
    while True:
        with told():
            found = await _chunk(database, filters.day, after, at_once)
            documents = [each for each in found if read_day(each["delivery_date"]) == filters.day]
            rows = await _rows(database, operator, documents, filters.day)
        for document, row in zip(documents, rows, strict=True):
            if _fits(row, filters):
                yield (document["delivery_date"], document["_id"]), row
        if len(found) < at_once:
            return
        after = found[-1]["delivery_date"], found[-1]["_id"]


def _require_known(filters: DayFilters) -> None:
    if filters.status and read_status(filters.status) not in known_statuses():
        names = ", ".join(known_statuses())
        raise BadRequest("unknown-status", f"{filters.status!r} is no status; the statuses are {names}.")
    if filters.shift and filters.shift.lower() not in SHIFTS:
        raise BadRequest("unknown-shift", f"{filters.shift!r} is no shift; the shifts are {', '.join(SHIFTS)}.")


async def _chunk(database: Database, day: date, after: Place | None, size: int) -> list[Document]:
    ranges = day_ranges(day, day)
    places = ranges_beyond(ranges, *after, falling=True) if after else [{"delivery_date": values} for values in ranges]

    def asked() -> AsyncCursor[Document]:
        cursor = database["orders"].find({"$or": places, **NO_LIST}, _ORDER).sort([("delivery_date", -1), ("_id", -1)])
        return cursor.limit(size).batch_size(size + 1).max_time_ms(READ_LIMIT_MS)

    try:
        return await asked().hint(list(ORDERS_BY_DAY.keys)).to_list()  # the planner sorts a quiet day, and keeps to it
    except OperationFailure as error:
        if error.code != NO_SUCH_INDEX:
            raise
        return await asked().to_list()


async def _rows(database: Database, operator: Operator, documents: list[Document], day: date) -> list[DeliveryRow]:
    links, ids = CustomerLinks(database), [name for each in documents if (name := identity(each.get("id")))]
    reading = asyncio.create_task(
        links.read(
            [read_owner(each) for each in documents],
            of_subscriptions(identity(each.get("subscription_id")) for each in documents),
            Find("delivery_statuses", {"order_id": {"$in": ids}}, _REPORT),
        )
    )
    await asyncio.sleep(0)  # they are asked, and the orders are parsed while the server answers
    orders = [read_order(document) for document in documents]
    subscriptions, reported = await reading
    shifts, reports = read_shifts(subscriptions, day), _by_order(reported)
    customers = [links.customer(links.resolve(order.owner).customer_id) for order in orders]
    people = [
        order.delivery_boy_id or (customer.delivery_boy_id if customer else None)
        for order, customer in zip(orders, customers, strict=True)
    ]
    staff = await load_staff(database, people)
    rows = []
    for document, order, customer, name in zip(documents, orders, customers, people, strict=True):
        seen = seen_of(document, order, reports.get(order.id or "", []))
        person = staff.get(name or "")
        shift = shifts.get(order.subscription_id or "", "")
        rows.append(
            DeliveryRow(
                order_id=order.id or str(order.key),
                customer_id=customer.id if customer else None,
                customer_name=customer.name if customer else "",
                area=(customer.area if customer else "") or (person.area if person else ""),
                phone=customer.phone if customer else "",
                delivery_boy_id=name,
                delivery_person=person.name if person else "",
                shift=shift or (person.shift if person else ""),
                items=describe_items(order),
                status=order.status,
                reported=seen.reported,
                confirmed=order.delivery_confirmed is True,
                kind=order.kind,
                delivered_at=order.delivered_at,
                seen=Seen({}, order, ()) if operator.masked else seen,
            )
        )
    return shown_to(operator, rows)


def _by_order(reports: Iterable[Document]) -> dict[str, list[Document]]:
    """The reports about each order."""
    found: dict[str, list[Document]] = {}
    for report in reports:
        found.setdefault(identity(report.get("order_id")) or "", []).append(report)
    return found


def describe_items(order: Order) -> str:
    """The items in one line."""
    return ", ".join(f"{quantity_told(item.quantity)} × {item.name}" for item in order.items)


def _fits(row: DeliveryRow, filters: DayFilters) -> bool:
    return (
        _brought_by(row, (filters.delivery_boy or "").strip())
        and (not filters.area or row.area.casefold().startswith(filters.area.strip().casefold()))
        and (not filters.status or row.status == read_status(filters.status))
        and (not filters.shift or row.shift in (filters.shift.lower(), "both"))
    )


def _brought_by(row: DeliveryRow, wanted: str) -> bool:
    if wanted.casefold() == NOBODY:
        return row.delivery_boy_id is None
    return not wanted or row.delivery_boy_id == wanted or row.delivery_person.casefold().startswith(wanted.casefold())
