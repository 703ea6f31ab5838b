"""The deliveries of one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.customers.resolution import CustomerLinks
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deliveries.staff import staff_names
from services.errors import BadRequest
from services.operators.operator import Operator, mask_phone
from services.paging import Page, bad_token, below, list_kind, page_size, read_token, scalar_key, write_token
from services.records.orders import Item, Kind, Order, known_statuses, read_order, read_status

_CHUNK = 200


@dataclass(frozen=True)
class DayFilters:
    """One scheduled day in India, narrowed to a delivery person (id or name's beginning), an area, a status."""

    day: date
    delivery_boy: str | None = None
    area: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One order of the day."""

    order_id: str
    customer_name: str
    area: str
    phone: str
    delivery_person: str
    items: str
    """`2 × Milk 500 ml, 1 × Bread`."""
    status: str
    confirmed: bool
    kind: Kind
    delivered_at: datetime | None


async def list_day(
    database: Database, operator: Operator, filters: DayFilters, token: str | None = None, limit: int | None = None
) -> Page[DeliveryRow]:
    """The orders scheduled for a day, newest first.

    Raises BadRequest for a status that is none.
    """
    operator.require("viewer", "look at deliveries")
    if filters.status and read_status(filters.status) not in known_statuses():
        names = ", ".join(known_statuses())
        raise BadRequest("unknown-status", f"{filters.status!r} is no status; the statuses are {names}.")
    size, key = page_size(limit), read_token(list_kind("deliveries", filters), token)
    if key is not None and ("_id" not in key or not scalar_key(key["_id"])):
        raise bad_token()
    kept: list[tuple[object, DeliveryRow]] = []
    after = key["_id"] if key else None
    with told():
        while len(kept) <= size:
            documents = await _chunk(database, filters.day, after)
            rows = await _rows(database, operator, documents)
            kept += [
                (document["_id"], row)
                for document, row, person in zip(documents, *rows, strict=True)
                if _fits(row, person, filters)
            ]
            if len(documents) < _CHUNK:
                break
            after = documents[-1]["_id"]
    more = write_token(list_kind("deliveries", filters), {"_id": kept[size - 1][0]}) if len(kept) > size else None
    return Page(tuple(row for _, row in kept[:size]), more)


async def _chunk(database: Database, day: date, after: object) -> list[Document]:
    matching: Document = {"delivery_date": day.isoformat()}
    if after is not None:
        matching |= below(after)
    cursor = database["orders"].find(matching).sort([("delivery_date", -1), ("_id", -1)])
    return await cursor.limit(_CHUNK).max_time_ms(READ_LIMIT_MS).to_list()


async def _rows(
    database: Database, operator: Operator, documents: list[Document]
) -> tuple[list[DeliveryRow], list[str | None]]:
    orders = [read_order(document) for document in documents]
    links = await CustomerLinks.load(database, [order.owner for order in orders])
    customers = [links.customer(links.resolve(order.owner).customer_id) for order in orders]
    people = [
        order.delivery_boy_id or (customer.delivery_boy_id if customer else None)
        for order, customer in zip(orders, customers, strict=True)
    ]
    names = await staff_names(database, people)
    rows = [
        DeliveryRow(
            order_id=order.id or str(order.key),
            customer_name=customer.name if customer else "",
            area=customer.area if customer else "",
            phone=mask_phone(customer.phone, operator) if customer else "",
            delivery_person=names.get(person or "", ""),
            items=describe_items(order),
            status=order.status,
            confirmed=order.delivery_confirmed is True,
            kind=order.kind,
            delivered_at=order.delivered_at,
        )
        for order, customer, person in zip(orders, customers, people, strict=True)
    ]
    return rows, people


def describe_items(order: Order) -> str:
    """The items in one line."""
    return ", ".join(f"{_quantity(item)} × {item.name}" for item in order.items)


def _quantity(item: Item) -> str:
    return "?" if item.quantity is None else f"{item.quantity.normalize():f}"


def _fits(row: DeliveryRow, person: str | None, filters: DayFilters) -> bool:
    wanted = (filters.delivery_boy or "").strip().casefold()
    return (
        (not wanted or person == filters.delivery_boy or row.delivery_person.casefold().startswith(wanted))
        and (not filters.area or row.area.casefold().startswith(filters.area.strip().casefold()))
        and (not filters.status or row.status == read_status(filters.status))
    )
