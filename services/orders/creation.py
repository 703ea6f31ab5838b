"""A new one-time order, as the backend would store it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from bson import ObjectId

from services.changes.changeset import ChangeSet, Insert, transact
from services.clock import Clock, india_day, to_stored
from services.customers.resolution import CustomerLinks
from services.database import Database, Document
from services.errors import BadRequest, NotFound, Refused
from services.money import to_double
from services.operators.operator import Operator
from services.orders.editing import LONGEST_ADDRESS, LONGEST_NOTE, require_day
from services.orders.items import Quantities, stored_items
from services.orders.resolving import require_active_person
from services.records.fields import identity, mapping
from services.records.orders import read_order
from services.typed import typed_text
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator


@dataclass(frozen=True)
class NewOrder:
    """What is ordered, for whom and when."""

    customer_id: str
    """The id of the customer, or of the customer's user."""
    items: Quantities
    delivery_date: date
    address: str = ""
    """Empty is the customer's own."""
    notes: str = ""
    delivery_boy_id: str = ""
    """Empty is the customer's own."""
    again: bool = False
    """Whether it is meant, though the customer has an open one-time order for the day."""


@dataclass(frozen=True)
class Created:
    """The order, as it is stored or would be."""

    order_id: str
    customer_id: str
    customer_name: str
    amount_paise: int
    document: Document


async def preview_order(database: Database, operator: Operator, clock: Clock, new: NewOrder) -> Created:
    """The order as it would be stored; nothing is written. Raises what `create_order` would."""
    return await _create(database, operator, clock, new, write=False)


async def create_order(database: Database, operator: Operator, clock: Clock, new: NewOrder) -> Created:
    """Store a new one-time order, pending.

    Raises NotFound for an unknown customer, product or delivery person, and Refused with the rule: the day is over, or
    the customer has an open one-time order for it already.
    """
    return await _create(database, operator, clock, new, write=True)


async def _create(database: Database, operator: Operator, clock: Clock, new: NewOrder, *, write: bool) -> Created:
    operator.require("support", "create orders")

    async def work(changes: ChangeSet) -> Created:
        customer = await _customer(changes, new.customer_id.strip())
        name, user = str(customer["id"]), identity(customer.get("user_id"))
        day = require_day(changes, new.delivery_date)
        items, paise = await stored_items(changes, new.items, {}, customer)
        person = new.delivery_boy_id.strip() or identity(customer.get("delivery_boy_id"))
        now = to_stored(changes.now)
        document: Document = {
            "_id": ObjectId(),
            "id": f"ord_{uuid.uuid4()}",
            "user_id": user,
            "customer_id": name,
            "order_type": "one_time",
            "subscription_id": None,
            "items": items,
            "total_amount": to_double(paise),
            "delivery_date": day,
            "address": _address(new, customer),
            "status": "PENDING",
            "delivery_boy_id": await require_active_person(changes, person) if person else None,
            "notes": typed_text(new.notes, "notes", LONGEST_NOTE),
            "created_at": now,
            "updated_at": now,
            "billed": False,
            "delivery_confirmed": False,
            "billed_at": None,
            "billed_month": None,
        }
        await _require_valid(changes, document, again=new.again)
        if write:
            changes.add(Insert("orders", document))
        return Created(document["id"], name, str(customer.get("name") or ""), paise, document)

    return await transact(database, operator, clock, work)


async def _customer(changes: ChangeSet, wanted: str) -> Document:
    """The customer of that id, or whose user has it."""
    links = await CustomerLinks.load(changes.database, [(wanted, None)], changes.session, links_only=True)
    resolution = links.resolve((wanted, None))
    if resolution.customer_id is None and resolution.candidates:
        raise Refused("customer-ambiguous", f"More than one customer fits {wanted[:60]!r}: {resolution.how}.")
    found = resolution.customer_id and await changes.database["customers_v2"].find_one(
        {"id": resolution.customer_id}, session=changes.session
    )
    if not found:
        raise NotFound("unknown-customer", f"There is no customer {wanted[:60]!r}; `orders find` shows customers' ids.")
    return dict(found)


async def _require_valid(changes: ChangeSet, document: Document, *, again: bool) -> None:
    """Ask the validators that a new order has to pass. Raises Refused with the first that refuses it."""
    rules = OrderValidator(Lookups(changes.database, changes.session), india_day(changes.now))
    owner = document["customer_id"], document["user_id"]
    (await rules.delivery_date(document["delivery_date"])).require()
    (await rules.customer_exists(*owner)).require()
    (await rules.items(document["items"])).require()
    (await rules.total(document)).require()
    if not again:
        (await rules.no_duplicate(read_order(document), owner)).require()


def _address(new: NewOrder, customer: Document) -> Document:
    """As the backend stores an order's: in parts, at least its first line."""
    typed = typed_text(new.address, "address", LONGEST_ADDRESS)
    stored = customer.get("address")
    if not typed and isinstance(stored, dict) and stored:
        return dict(mapping(stored))
    line = typed or (stored if isinstance(stored, str) else "")
    if not line.strip():
        raise BadRequest("no-address", "The customer has no address; give one.")
    area = customer.get("area")
    return {"address_line1": line, **({"area": area} if isinstance(area, str) and area else {})}
