"""A new one-time order, as the backend would store it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from bson import ObjectId

from services.changes.changeset import ChangeSet, Insert, transact
from services.changes.turns import take_turns
from services.clock import Clock, india_day, to_stored
from services.customers.resolution import CustomerLinks
from services.database import Database, Document
from services.errors import NotFound, Refused
from services.money import to_double
from services.operators.operator import Operator
from services.orders.addresses import check_address, new_address, require_address
from services.orders.editing import LONGEST_NOTE
from services.orders.items import Quantities, stored_items
from services.orders.resolving import ids_of, require_active_person
from services.orders.shown import require_as_shown
from services.records.customers import read_customer
from services.records.fields import identity
from services.records.orders import read_address, read_order
from services.typed import typed_text
from services.validation.address import AddressValidator
from services.validation.check import Check
from services.validation.delivery import DeliveryValidator
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator
from services.validation.result import Result, warned

_OF_THE_MOMENT = ("_id", "id", "created_at", "updated_at")


@dataclass(frozen=True)
class NewOrder:
    """What is ordered, for whom and when."""

    customer_id: str
    """The id of the customer, or of the customer's user."""
    items: Quantities
    delivery_date: date
    address: str = ""
    """Empty is the customer's own; without city and pincode it lies where the customer's own does."""
    notes: str = ""
    delivery_boy_id: str = ""
    """Empty is the customer's own."""
    beside: tuple[str, ...] = ()
    """The customer's open orders for the day that are known: it is meant beside these, and beside no other."""


@dataclass(frozen=True)
class Created:
    """The order, as it is stored or would be, and what the validators say of it."""

    order_id: str
    customer_id: str
    customer_name: str
    delivery_person: str
    address: str
    amount_paise: int
    document: Document
    checks: tuple[Check, ...]
    beside: tuple[str, ...]
    """The customer's other open one-time orders for the day."""

    @property
    def refusal(self) -> Check | None:
        """The first rule that keeps the order from being stored."""
        return next((each for each in self.checks if not each.result.ok), None)


async def preview_order(database: Database, operator: Operator, clock: Clock, new: NewOrder) -> Created:
    """The order as it would be stored, with every rule's answer; nothing is written.

    Raises what `create_order` would, but for a rule that refuses: that is among the checks.
    """
    return await _create(database, operator, clock, new, write=False)


async def create_order(
    database: Database, operator: Operator, clock: Clock, new: NewOrder, shown: Created | None = None
) -> Created:
    """Store a new one-time order, pending; `shown` is the preview that somebody agreed to.

    Raises BadRequest for values that are none, NotFound for an unknown customer, product or delivery person, Conflict
    where the order would be another than was shown, and Refused with the rule: the day is over, the customer has
    another open one-time order for it, and the like. Of two operators in the same instant the second is refused with
    the order of the first.
    """
    return await _create(database, operator, clock, new, shown, write=True)


async def _create(
    database: Database, operator: Operator, clock: Clock, new: NewOrder, shown: Created | None = None, *, write: bool
) -> Created:
    operator.require("support", "create orders")

    async def work(changes: ChangeSet) -> Created:
        customer, known_as = await _customer(changes, new.customer_id.strip())
        person = new.delivery_boy_id.strip() or identity(customer.get("delivery_boy_id"))
        items, paise = await stored_items(changes, new.items, {}, customer)
        address_id, address = await new_address(changes, customer, known_as, new.address)
        now = to_stored(changes.now)
        document: Document = {
            "_id": ObjectId(),
            "id": f"ord_{uuid.uuid4()}",
            "user_id": known_as[1] if len(known_as) > 1 else None,
            "customer_id": known_as[0],
            "order_type": "one_time",
            "subscription_id": None,
            "items": items,
            "total_amount": to_double(paise),
            "delivery_date": new.delivery_date.isoformat(),
            "address_id": address_id,
            "address": address,
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
        made = await _checked(changes, document, paise, customer, known_as, new)
        if write:
            _require(made)
            if shown is not None:
                require_as_shown(_lasting(shown.document), _lasting(document), {})
            await take_turns(changes, known_as[:1])
            changes.add(Insert("orders", document))
        return made

    return await transact(database, operator, clock, work, write=write)


def _lasting(document: Document) -> Document:
    """What does not differ by itself each time that the order is put together."""
    return {name: value for name, value in document.items() if name not in _OF_THE_MOMENT}


async def _customer(changes: ChangeSet, wanted: str) -> tuple[Document, list[str]]:
    """The customer of that id, or whose user has it; and the ids under which orders of theirs stand, own first."""
    links = await CustomerLinks.load(changes.database, [(wanted, None)], changes.session, "ids")
    resolution = links.resolve((wanted, None))
    if resolution.customer_id is None and resolution.candidates:
        raise Refused("customer-ambiguous", f"More than one customer fits {wanted[:60]!r}: {resolution.how}.")
    found = resolution.customer_id and await changes.database["customers_v2"].find_one(
        {"id": resolution.customer_id}, session=changes.session
    )
    if not found:
        raise NotFound("unknown-customer", f"There is no customer {wanted[:60]!r}; `customers find` shows their ids.")
    return found, await ids_of(changes, found)


async def _checked(
    changes: ChangeSet, document: Document, paise: int, customer: Document, known_as: list[str], new: NewOrder
) -> Created:
    """Ask every validator that applies to a new order."""
    lookups = Lookups(changes.database, changes.session)
    rules, order = OrderValidator(lookups, india_day(changes.now)), read_order(document)
    named = read_customer(customer)
    found = [
        ("order.customer-exists", await rules.customer_exists(*order.owner)),
        ("order.user-matches-customer", await rules.user_matches_customer(*order.owner)),
        ("order.items", await rules.items(document["items"])),
        ("order.total", await rules.total(document)),
        ("order.delivery-date", await rules.delivery_date(document["delivery_date"])),
        ("order.no-duplicate", await rules.no_duplicate(order, known_as, new.beside)),
        ("address.phone", _advice(await AddressValidator().phone(named.phone))),
        *await check_address(document["address"]),
    ]
    if document["address_id"]:
        found.append(("order.address", await rules.address(document["address_id"], known_as)))
    person = await lookups.first("delivery_boys_v2", order.delivery_boy_id)
    if person is not None:
        found.append(("delivery.person-active", await DeliveryValidator(lookups).person_active(order.delivery_boy_id)))
    return Created(
        order_id=document["id"],
        customer_id=known_as[0],
        customer_name=named.name,
        delivery_person=str(person.get("name") or "") if person else "",
        address=read_address(document["address"]),
        amount_paise=paise,
        document=document,
        checks=tuple(Check(name, result) for name, result in found),
        beside=await rules.open_beside(order, known_as),
    )


def _advice(result: Result) -> Result:
    """What is the customer's to mend, not the order's: no reason to refuse it."""
    return result if result.ok else warned(result.code or "", result.field, result.value, result.message)


def _require(made: Created) -> None:
    """Raise Refused with the first rule that refuses the order."""
    if (check := made.refusal) is None:
        return
    if check.validator.startswith("address."):
        require_address(check.result)
    check.result.require()
