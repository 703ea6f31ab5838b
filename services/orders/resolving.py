"""Who an order that is being changed is for, and who brings it, read in its transaction."""

from __future__ import annotations

from services.changes.changeset import ChangeSet
from services.customers.resolution import CustomerLinks
from services.database import Document
from services.errors import NotFound, Refused
from services.records.fields import text, word
from services.records.orders import Owner


async def order_customer(changes: ChangeSet, owner: Owner) -> Document | None:
    """The customer of an order as stored; None where none or several fit."""
    links = await CustomerLinks.load(changes.database, [owner], changes.session, links_only=True)
    resolution = links.resolve(owner)
    if resolution.customer_id is None:
        return None
    return await changes.database["customers_v2"].find_one({"id": resolution.customer_id}, session=changes.session)


async def require_active_person(changes: ChangeSet, person_id: str) -> str:
    """The id of a delivery person who works. Raises NotFound for nobody, Refused for one who does not work."""
    wanted = person_id.strip()
    person = await changes.database["delivery_boys_v2"].find_one({"id": wanted}, session=changes.session)
    if person is None:
        raise NotFound("unknown-delivery-person", f"There is no delivery person {wanted[:60]!r} on the staff.")
    if person.get("is_active") is False or word(person.get("status")) not in ("", "ACTIVE"):
        raise Refused("person-inactive", f"{text(person.get('name')) or wanted} does not deliver at present.")
    return wanted
