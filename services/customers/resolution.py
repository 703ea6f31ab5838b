"""Which customer an order belongs to: `orders.customer_id` usually holds a user's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from services.database import WHOLE, Database, Document, Session
from services.records.customers import Customer, read_customer
from services.records.fields import reference
from services.records.orders import Owner

_LINK_FIELDS = {"_id": 0, "id": 1, "user_id": 1}
_CUSTOMER_FIELDS = {
    "_id": 0, "id": 1, "user_id": 1, "name": 1, "phone": 1, "phone_number": 1,
    "address": 1, "area": 1, "status": 1, "delivery_boy_id": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resolution:
    """The customer of an order, or why there is none: no candidate is an orphan, several are ambiguous."""

    customer_id: str | None
    how: str
    """A phrase for people, for example `the user's customer`."""
    candidates: tuple[str, ...]


NOBODY = Resolution(None, "no customer has this id, this user, or is named by the user", ())


class CustomerLinks:
    """The customers and users that some orders name, each found through an index."""

    def __init__(self) -> None:
        self._by_id: dict[str, list[Document]] = {}
        self._by_user: dict[str, list[str]] = {}
        self._linked: dict[str, list[str]] = {}

    @classmethod
    async def load(
        cls, database: Database, owners: Iterable[Owner], session: Session | None = None, *, links_only: bool = False
    ) -> CustomerLinks:
        """Read what is needed to resolve these owners: at most three queries, however many they are.

        `links_only` leaves out all but the ids, for who wants no names.
        """
        links, fields, asked = cls(), _LINK_FIELDS if links_only else _CUSTOMER_FIELDS, set(owners)
        listed = sorted({name for owner in asked for name in owner if name})
        either: Document = {"$or": [{"id": {"$in": listed}}, {"user_id": {"$in": listed}}]}
        for document in await _customers(database, either, fields, session):
            links._add(document)
        unknown = {name for owner in asked if links.resolve(owner) is NOBODY for name in owner if name}
        if unknown:
            users = database["users"].find(
                {"id": {"$in": sorted(unknown)}}, {"_id": 0, "id": 1, "customer_v2_id": 1}, session=session
            )
            async for user in users:
                if (linked := reference(user.get("customer_v2_id"))) and (name := reference(user.get("id"))):
                    links._linked.setdefault(name, []).append(linked)
            pointed = sorted({linked for each in links._linked.values() for linked in each}.difference(listed))
            if pointed:
                for name in pointed:
                    links._by_id.pop(name, None)  # one that was met by its user can have a twin
                for document in await _customers(database, {"id": {"$in": pointed}}, fields, session):
                    if customer := reference(document.get("id")):
                        links._by_id.setdefault(customer, []).append(document)
        return links

    def _add(self, document: Document) -> None:
        if customer := reference(document.get("id")):
            self._by_id.setdefault(customer, []).append(document)
            if user := reference(document.get("user_id")):
                self._by_user.setdefault(user, []).append(customer)

    def customer(self, customer_id: str | None) -> Customer | None:
        """The customer of that id among those that were read."""
        found = self._by_id.get(customer_id or "")
        return read_customer(found[0]) if found else None

    def shared(self, customer_id: str) -> bool:
        """Whether more than one customer has that id."""
        return len(self._by_id.get(customer_id, ())) > 1

    def resolve(self, owner: Owner) -> Resolution:
        """The order's customer by the rule of the field's three meanings, first that applies."""
        customer_id = owner[0] or ""
        if named := self._by_id.get(customer_id):
            return _resolution([customer_id] * len(named), "the order names the customer")
        users = list(dict.fromkeys(name for name in owner if name))
        own = sorted(customer for user in users for customer in self._by_user.get(user, ()))
        if own:
            return _resolution(own, "the customer of the order's user")
        pointed = {customer for user in users for customer in self._linked.get(user, ())}
        linked = sorted(customer for customer in pointed for _ in self._by_id.get(customer, ()))
        if linked:
            return _resolution(linked, "the customer that the user names")
        return NOBODY


_REMEMBERED = 200_000
_remembered: WeakKeyDictionary[Session, dict[Owner, Resolution]] = WeakKeyDictionary()
"""What was found in each snapshot that is still being read: in there nothing changes, and customers order often."""


async def resolve_all(
    database: Database, owners: Sequence[Owner], session: Session | None
) -> Mapping[Owner, Resolution]:
    """The customers of these owners; in a snapshot each owner is looked up once."""
    known: dict[Owner, Resolution] = {}
    if session is not None and session.options.snapshot:
        known = _remembered.setdefault(session, {})
        if len(known) > _REMEMBERED:
            known.clear()
    if fresh := {owner for owner in owners if owner not in known}:
        links = await CustomerLinks.load(database, fresh, session, links_only=True)
        known.update((owner, links.resolve(owner)) for owner in fresh)
    return known


def _resolution(candidates: list[str], how: str) -> Resolution:
    if len(candidates) == 1:
        return Resolution(candidates[0], how, (candidates[0],))
    return Resolution(None, f"{len(candidates)} customers fit ({how})", tuple(candidates))


async def _customers(
    database: Database, matching: Document, fields: Mapping[str, int], session: Session | None
) -> list[Document]:
    return await database["customers_v2"].find(matching, fields, session=session, batch_size=WHOLE).to_list()
