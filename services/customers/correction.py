"""Correcting a customer's phone, and which user a customer belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.entries import FieldChange
from services.audit.logger import Purpose
from services.audit.traces import field_changes_of
from services.changes.changeset import ChangeSet, Update, transact
from services.changes.difference import assigned_differences
from services.changes.resting import require_as_seen, require_one, unchanged, unknown, values_of
from services.changes.series import entry_id, new_series
from services.changes.turns import take_turns
from services.clock import Clock
from services.customers.search import find_customer
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, Conflict, Refused
from services.operators.operator import Operator
from services.records.customers import Customer, read_customer
from services.records.fields import identity, national_number, text, word
from services.records.phones import read_phone
from services.typed import typed_reason

CORRECTION = "correction_id"
"""The customer's field that names its last correction, by the id of the audit entry about the customer."""
CUSTOMER_ENTRY = 0
"""The number of that entry among those of the correction; the users' follow."""
_PHONES = ("phone", "phone_number")
WATCHED = (*_PHONES, "user_id")
"""The fields of a customer that a correction rests on."""
_DEED = "correct customers"
_MOST_USERS = 5
"""Linked users whose own phones are told; there is one, unless the links are broken."""


@dataclass(frozen=True)
class Correction:
    """New values for a customer; None leaves a field as it is."""

    phone: str | None = None
    """An Indian mobile number in any writing; stored as its ten digits."""
    user_id: str | None = None
    """The user whose customer this is; empty ends the link. Both records are written."""


@dataclass(frozen=True)
class UserPhone:
    """The phone of a linked user's own: no correction of the customer writes it."""

    user_id: str
    phone: str
    differs: bool
    """From the customer's, as corrected."""

    @property
    def words(self) -> str:
        """What becomes of it, as a sentence."""
        if self.differs:
            return f"The user {self.user_id} keeps another phone of their own, {self.phone}; it is not changed here."
        return f"The user {self.user_id} has the customer's phone."


@dataclass(frozen=True)
class Corrected:
    """What a correction changes, or changed: fields of the customer, and of users as `users/ID.field`."""

    customer_id: str
    name: str
    changes: tuple[FieldChange, ...]
    user_phones: tuple[UserPhone, ...]
    """Of the users whom the corrected customer is linked to."""
    correction: str | None = None
    """The id of its audit entry, by which it is taken back; None where nothing was written."""


@dataclass(frozen=True)
class Correctable:
    """A customer as an operator saw it: a correction is of this state, and of no later one."""

    customer: Customer
    seen: dict[str, Any]


async def open_customer(database: Database, operator: Operator, customer_id: str) -> Correctable:
    """A customer to be corrected. Raises NotFound."""
    operator.require("support", _DEED)
    with told():
        found = await database["customers_v2"].find_one({"id": customer_id}, max_time_ms=READ_LIMIT_MS)
    if found is None:
        raise unknown("customers_v2", customer_id)
    return Correctable(read_customer(found), values_of(found, WATCHED))


async def name_customer(database: Database, operator: Operator, query: str) -> Correctable:
    """As `open_customer`, of the one whom a query names. Raises as `find_customer`."""
    operator.require("support", _DEED)
    with told():
        found = await find_customer(database, operator, query)
    return await open_customer(database, operator, found.id or "")


async def correct_customer(
    database: Database, operator: Operator, clock: Clock, customer_id: str, correction: Correction,
    seen: Mapping[str, Any], reason: str = "", *, shown: Corrected | None = None, write: bool = True,
) -> Corrected:  # fmt: skip
    """Correct a customer who is still as seen; with `write=False` only say what would change, for no reason yet.

    `shown` is the preview that somebody agreed to. Raises Conflict, naming what somebody else changed since, or where
    other records would change than were shown; BadRequest for a number that is no Indian mobile's, or no
    reason; NotFound for an unknown customer or user; Refused for a user who belongs to another customer.
    """
    operator.require("support", _DEED)
    why, series = typed_reason(reason) if write else None, new_series()

    async def work(changes: ChangeSet) -> Corrected:
        document = await require_one(changes, "customers_v2", customer_id)
        await require_as_seen(changes, "customers_v2", document, seen, WATCHED)
        values: dict[str, Any] = {}
        if correction.phone is not None:
            values |= _phone(document, correction.phone)
        others: list[Update] = []
        if correction.user_id is not None:
            user_id = correction.user_id.strip() or None
            if user_id or document.get("user_id") not in (None, ""):
                values["user_id"] = user_id
            others = await _links(changes, document, user_id)
        differing = told_changes([Update("customers_v2", document, values, {}), *others])
        if not differing:
            raise Refused("nothing-to-change", "The customer says so already; nothing was written.")
        if shown is not None and shown.changes != differing:
            raise Conflict(
                "changed-meanwhile",
                "What you were shown is no longer what would be written: the links of users to this customer were "
                "changed. Nothing was written, and what you typed is kept; look at it again.",
            )
        who, phones = text(document.get("name")), await _user_phones(changes, document | values, correction)
        if not write:
            return Corrected(customer_id, who, differing, phones)
        if correction.user_id is not None:
            await take_turns(changes, [identity(document.get("user_id")), identity(values.get("user_id"))])
        entry = entry_id(series, CUSTOMER_ENTRY)
        own = Update("customers_v2", document, values | {CORRECTION: entry}, unchanged(document, WATCHED))
        changes.add(own, *others, first=CUSTOMER_ENTRY)
        return Corrected(customer_id, who, differing, phones, entry)

    return await transact(database, operator, clock, work, purpose=Purpose(reason=why), series=series, write=write)


def told_changes(updates: Sequence[Update]) -> tuple[FieldChange, ...]:
    """What these updates change, for people: a customer's fields by their names, a user's as `users/ID.field`."""
    told = []
    for update in updates:
        whose = "" if update.collection == "customers_v2" else f"{update.collection}/{update.before.get('id')}."
        values = {name: value for name, value in update.values.items() if name != CORRECTION}
        for each in field_changes_of(update.before, assigned_differences(update.before, values)):
            told.append(FieldChange(whose + each.field, each.old, each.new, each.kind))
    return tuple(told)


def _phone(document: Document, typed: str) -> dict[str, Any]:
    """The number under every name that the customer has one under: by any of them callers are looked up."""
    phone = read_phone(typed)
    if phone is None or not phone.indian or not phone.mobile:
        raise BadRequest("bad-phone", f"{typed[:40]!r} is no Indian mobile number; write its ten digits.")
    names = [name for name in _PHONES if identity(document.get(name)) is not None]
    return dict.fromkeys(names or ["phone"], phone.e164.removeprefix("+91"))


async def _user_phones(changes: ChangeSet, corrected: Document, correction: Correction) -> tuple[UserPhone, ...]:
    """Of each user whom the customer is linked to, from either side, once it is corrected."""
    user = identity(corrected.get("user_id"))
    linked: list[Document] = [{"id": user}] if user else []
    if correction.user_id is None:  # else all others lose the customer by it
        linked.append({"customer_v2_id": identity(corrected.get("id"))})
    if not linked:
        return ()
    found = changes.database["users"].find({"$or": linked}, {"id": 1, "phone": 1}, session=changes.session)
    own = {_number(corrected.get(name)) for name in _PHONES}
    phones = []
    for each in await found.limit(_MOST_USERS).to_list():
        if number := _number(each.get("phone")):
            name, phone = identity(each.get("id")) or str(each["_id"]), text(each["phone"]).strip()
            phones.append(UserPhone(name, phone[:40], number not in own))
    return tuple(phones)


def _number(stored: object) -> str:
    return national_number(stored) or text(stored).strip()


async def _links(changes: ChangeSet, document: Document, user_id: str | None) -> list[Update]:
    """The other side of the link: the user gets the customer, and who had it before loses it."""
    customer = identity(document.get("id"))
    users, updates = changes.database["users"], []
    if user_id is not None:
        user = await _free_user(changes, user_id, customer)
        updates.append(Update("users", user, {"customer_v2_id": customer}, unchanged(user, ("customer_v2_id",))))
    async for before in users.find({"customer_v2_id": customer}, session=changes.session):
        if before.get("id") != user_id:
            updates.append(Update("users", before, {"customer_v2_id": None}, unchanged(before, ("customer_v2_id",))))
    return updates


async def _free_user(changes: ChangeSet, user_id: str, customer: str | None) -> Document:
    """The one customer's account of that id which is no other customer's; a link to a customer who is gone is none."""
    user = await require_one(changes, "users", user_id)
    if word(user.get("role")) not in ("", "CUSTOMER"):
        raise Refused("user-not-customer", f"The user {user_id!r} is no customer's account.")
    await require_unclaimed(changes, user_id, [user], customer)
    return user


async def require_unclaimed(changes: ChangeSet, user_id: str, users: Sequence[Document], customer: str | None) -> None:
    """Raise Refused where another customer names the user, or is named by one of the users of that id."""
    named = [name for user in users if (name := identity(user.get("customer_v2_id")))]
    matching = {"$or": [{"user_id": user_id}, {"id": {"$in": named}}], "id": {"$ne": customer}}
    other = await changes.database["customers_v2"].find_one(matching, {"id": 1}, session=changes.session)
    if other is not None:
        raise Refused(
            "user-claimed", f"The user belongs to the customer {other.get('id')} already; end that link first."
        )
