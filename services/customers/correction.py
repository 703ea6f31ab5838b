"""Correcting a customer's phone, and which user a customer belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.audit.entries import FieldChange
from services.audit.traces import field_changes_of, who_changed
from services.changes.changeset import ChangeSet, Update, transact
from services.changes.difference import assigned_differences, same
from services.clock import Clock
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, Conflict, NotFound, Refused
from services.operators.operator import Operator
from services.records.customers import Customer, read_customer
from services.records.fields import identity, word
from services.records.phones import read_phone

_WATCHED = ("phone", "phone_number", "user_id")


@dataclass(frozen=True)
class Correction:
    """New values for a customer; None leaves a field as it is."""

    phone: str | None = None
    """An Indian mobile number in any writing; stored as its ten digits."""
    user_id: str | None = None
    """The user whose customer this is; empty ends the link. Both records are written."""


@dataclass(frozen=True)
class Corrected:
    """What a correction changes, or changed: fields of the customer, and of users as `users/ID.field`."""

    customer_id: str
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True)
class Correctable:
    """A customer as an operator saw it: a correction is of this state, and of no later one."""

    customer: Customer
    seen: dict[str, Any]


async def open_customer(database: Database, operator: Operator, customer_id: str) -> Correctable:
    """A customer to be corrected. Raises NotFound."""
    operator.require("support", "correct customers")
    with told():
        found = await database["customers_v2"].find_one({"id": customer_id}, max_time_ms=READ_LIMIT_MS)
    if found is None:
        raise _unknown(customer_id)
    return Correctable(read_customer(found), _seen(found))


async def correct_customer(
    database: Database, operator: Operator, clock: Clock, customer_id: str, correction: Correction,
    seen: dict[str, Any], *, write: bool = True,
) -> Corrected:  # fmt: skip
    """Correct a customer who is still as seen; with `write=False` only say what would change.

    Raises Conflict, naming what somebody else changed since; BadRequest for a number that is no Indian mobile's;
    NotFound for an unknown customer or user; Refused for a user who belongs to another customer.
    """
    operator.require("support", "correct customers")

    async def work(changes: ChangeSet) -> Corrected:
        document = await _customer(changes, customer_id)
        await _require_as_seen(changes, document, customer_id, seen)
        values: dict[str, Any] = {}
        if correction.phone is not None:
            values |= _phone(document, correction.phone)
        others: list[Update] = []
        if correction.user_id is not None:
            values["user_id"] = correction.user_id.strip() or None
            others = await _links(changes, document, values["user_id"])
        updates = [Update("customers_v2", document, values, _guard(document, _WATCHED)), *others]
        differing = [(each, assigned_differences(each.before, each.values)) for each in updates]
        if not any(fields for _, fields in differing):
            raise Refused("nothing-to-change", "The customer says so already; nothing was written.")
        if write:
            changes.add(*updates)
        return Corrected(customer_id, tuple(told for each, fields in differing for told in _told(each, fields)))

    return await transact(database, operator, clock, work)


def _told(update: Update, differing: dict[str, dict[str, Any]]) -> list[FieldChange]:
    """The changes of one record; those of a user say whose they are."""
    whose = "" if update.collection == "customers_v2" else f"{update.collection}/{update.before.get('id')}."
    return [FieldChange(whose + each.field, each.old, each.new, each.kind)
            for each in field_changes_of(update.before, differing)]  # fmt: skip


def _unknown(customer_id: str) -> NotFound:
    return NotFound("unknown-customer", f"There is no customer {customer_id[:60]!r}; `orders show` names an order's.")


def _seen(document: Document) -> dict[str, Any]:
    return {name: document.get(name) for name in _WATCHED}


def _guard(document: Document, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$eq": document.get(name)} for name in names}


async def _customer(changes: ChangeSet, customer_id: str) -> Document:
    cursor = changes.database["customers_v2"].find({"id": customer_id}, session=changes.session)
    found = await cursor.limit(2).to_list()
    if not found:
        raise _unknown(customer_id)
    if len(found) > 1:
        raise Refused(
            "id-duplicate", f"Two customers have the id {customer_id!r}; a person must tell them apart first."
        )
    return found[0]


async def _require_as_seen(changes: ChangeSet, document: Document, customer_id: str, seen: dict[str, Any]) -> None:
    changed = [name for name, value in _seen(document).items() if not same(seen.get(name), value)]
    if changed:
        by = await who_changed(changes, "customers_v2", customer_id, changed)
        raise Conflict(
            "changed-meanwhile", f"The customer was changed since you looked: {by}. Nothing was written; look again."
        )


def _phone(document: Document, typed: str) -> dict[str, Any]:
    """The number under the name that the customer has it under."""
    phone = read_phone(typed)
    if phone is None or not phone.indian or not phone.mobile:
        raise BadRequest("bad-phone", f"{typed[:40]!r} is no Indian mobile number; write its ten digits.")
    old_name = document.get("phone") is None and document.get("phone_number") is not None
    return {"phone_number" if old_name else "phone": phone.e164.removeprefix("+91")}


async def _links(changes: ChangeSet, document: Document, user_id: str | None) -> list[Update]:
    """The other side of the link: the user gets the customer, and who had it before loses it."""
    customer = identity(document.get("id"))
    users, updates = changes.database["users"], []
    if user_id is not None:
        user = await users.find_one({"id": user_id}, session=changes.session)
        if user is None:
            raise NotFound("unknown-user", f"There is no user {user_id[:60]!r}.")
        if word(user.get("role")) not in ("", "CUSTOMER"):
            raise Refused("user-not-customer", f"The user {user_id!r} is no customer's account.")
        other = await changes.database["customers_v2"].find_one(
            {"user_id": user_id, "id": {"$ne": customer}}, {"id": 1}, session=changes.session
        )
        taken = identity(user.get("customer_v2_id"))
        if other is not None or taken not in (None, customer):
            whose = other.get("id") if other else taken
            raise Refused("user-claimed", f"The user belongs to the customer {whose} already; end that link first.")
        updates.append(Update("users", user, {"customer_v2_id": customer}, _guard(user, ("customer_v2_id",))))
    async for before in users.find({"customer_v2_id": customer}, session=changes.session):
        if before.get("id") != user_id:
            updates.append(Update("users", before, {"customer_v2_id": None}, _guard(before, ("customer_v2_id",))))
    return updates
