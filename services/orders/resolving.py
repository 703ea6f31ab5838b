"""Who an order that is being changed is for, and who brings it, read in its transaction."""

from __future__ import annotations

from services.changes.changeset import ChangeSet
from services.customers.resolution import CustomerLinks
from services.customers.search import NAME_ORDER
from services.database import Document
from services.errors import NotFound, Refused
from services.records.fields import identity, text, word
from services.records.orders import Owner

_MOST_USERS = 20


async def order_customer(changes: ChangeSet, owner: Owner) -> Document | None:
    """The customer of an order as stored; None where none or several fit."""
    links = await CustomerLinks.load(changes.database, [owner], changes.session, "ids")
    resolution = links.resolve(owner)
    if resolution.customer_id is None:
        return None
    return await changes.database["customers_v2"].find_one({"id": resolution.customer_id}, session=changes.session)


async def known_as(changes: ChangeSet, owner: Owner) -> list[str]:
    """The ids under which orders of an order's customer stand, the customer's own first; of an orphan its own two."""
    customer = await order_customer(changes, owner)
    return await ids_of(changes, customer) if customer else [name for name in owner if name]


async def ids_of(changes: ChangeSet, customer: Document) -> list[str]:
    """The ids under which orders of a customer stand: the customer's own, then those of the users linked to it."""
    own = identity(customer.get("id"))
    pointing = changes.database["users"].find({"customer_v2_id": own}, {"id": 1}, session=changes.session)
    users = [customer.get("user_id"), *(user.get("id") for user in await pointing.limit(_MOST_USERS).to_list())]
    return [name for name in dict.fromkeys([own, *map(identity, users)]) if name]


async def require_active_person(changes: ChangeSet, person: str) -> str:
    """The id of a delivery person who works, by id or by a name's beginning that only one has.

    Raises NotFound for nobody, Refused for several, and for one who does not work.
    """
    wanted = person.strip()
    staff = changes.database["delivery_boys_v2"]
    found = await staff.find({"id": wanted}, session=changes.session).limit(2).to_list()
    if not found and wanted:
        named = {"name": {"$gte": wanted, "$lt": wanted + "\uffff"}}
        found = await staff.find(named, session=changes.session).collation(NAME_ORDER).limit(2).to_list()
    name = identity(found[0].get("id")) if found else None
    if name is None:
        raise NotFound("unknown-delivery-person", f"There is no delivery person {wanted[:60]!r} on the staff.")
    if len(found) > 1:
        raise Refused(
            "person-ambiguous", f"More than one delivery person is called {wanted[:60]!r}; type more, or the id."
        )
    if found[0].get("is_active") is False or word(found[0].get("status")) not in ("", "ACTIVE"):
        raise Refused("person-inactive", f"{text(found[0].get('name')) or wanted} does not deliver at present.")
    return name
