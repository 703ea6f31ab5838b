"""Delivery staff: the documents are in `delivery_boys_v2`, whatever older code looks up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.customers.search import NAME_ORDER
from services.database import READ_LIMIT_MS, WHOLE, Database, Document, Session, told
from services.operators.operator import Operator, shown_to
from services.records.fields import flag, identity, text, word
from services.records.subscriptions import read_shift
from services.typed import read_query

_MOST = 1_000
_FIELDS = {"_id": 0, "id": 1, "name": 1, "area_assigned": 1, "shift": 1, "is_active": 1, "status": 1}


@dataclass(frozen=True, slots=True)
class DeliveryPerson:
    """One of the delivery staff; area and shift are empty where they are not on record."""

    name: str
    area: str
    shift: str
    active: bool


async def load_staff(
    database: Database, ids: Iterable[str | None], session: Session | None = None
) -> dict[str, DeliveryPerson]:
    """The delivery people by id; an unknown id is left out."""
    wanted = sorted({name for name in ids if name})
    if not wanted:
        return {}
    cursor = database["delivery_boys_v2"].find({"id": {"$in": wanted}}, _FIELDS, session=session, batch_size=WHOLE)
    return {str(person["id"]): _read(person) for person in await cursor.max_time_ms(READ_LIMIT_MS).to_list()}


async def find_staff(database: Database, operator: Operator, query: str = "") -> dict[str, DeliveryPerson]:
    """The delivery people who work, by id and in order of name; a query is words of names, or an id's beginning."""
    operator.require("viewer", "look up delivery staff")
    begins = read_query(query).casefold()
    words = begins.split()
    cursor = database["delivery_boys_v2"].find({}, _FIELDS).collation(NAME_ORDER).sort("name", 1).limit(_MOST)
    with told():
        found = await cursor.max_time_ms(READ_LIMIT_MS).to_list()
    people = {name: _read(person) for person in found if (name := identity(person.get("id")))}
    shown = {name: shown_to(operator, person) for name, person in people.items() if person.active}
    return {
        name: person
        for name, person in shown.items()
        if name.casefold().startswith(begins) or all(each in person.name.casefold() for each in words)
    }


def _read(person: Document) -> DeliveryPerson:
    return DeliveryPerson(
        text(person.get("name")),
        text(person.get("area_assigned")),
        read_shift(person.get("shift")),
        # Some documents say it as a flag, some as a status; one that says neither works.
        flag(person.get("is_active")) is not False and word(person.get("status")) in ("", "ACTIVE"),
    )


async def staff_names(database: Database, ids: Iterable[str | None], session: Session | None = None) -> dict[str, str]:
    """The names of delivery people by id; an unknown id is left out."""
    return {name: person.name for name, person in (await load_staff(database, ids, session)).items()}
