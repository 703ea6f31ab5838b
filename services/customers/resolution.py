"""Which customer an order belongs to: `orders.customer_id` usually holds a user's id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from services.database import READ_LIMIT_MS, Database, Document, Find, Session, find_together
from services.records.customers import Customer, read_customer
from services.records.fields import reference, text
from services.records.orders import Owner

Told: TypeAlias = Literal["ids", "listed", "all"]
"""What is read of a customer: the ids alone, the name and the area of a list, or all that a person is shown."""
_IDS = {"id": 1, "user_id": 1}
_LISTED = {**_IDS, "name": 1, "area": 1}
_FIELDS: Mapping[Told, Mapping[str, int]] = {
    "ids": _IDS,
    "listed": _LISTED,
    "all": {**_LISTED, "phone": 1, "phone_number": 1, "address": 1, "status": 1, "delivery_boy_id": 1},
}
_MANY = 200
"""Names of which one question is quicker than two, and of which also those are followed who need not be."""


class Resolution(NamedTuple):
    """The customer of an order, or why there is none: no candidate is an orphan, several are ambiguous."""

    customer_id: str | None
    how: str
    """A phrase for people, for example `the user's customer`."""
    candidates: tuple[str, ...]


NOBODY = Resolution(None, "no customer has this id, this user, or is named by the user", ())


class CustomerLinks:
    """The customers and users that some orders name, each found through an index."""

    def __init__(self, database: Database, session: Session | None = None, told: Told = "all") -> None:
        self._database = database
        self._session = session
        self._fields = _FIELDS[told]
        self._asked: set[str] = set()
        """The names by which customers were asked for."""
        self._followed: set[str] = set()
        """The names by which users were."""
        self._pointed: set[str] = set()
        """The customers that were asked for because users name them."""
        self._by_id: dict[str, list[Document]] = {}
        self._by_user: dict[str, list[str]] = {}
        self._linked: dict[str, list[str]] = {}
        self._resolved: dict[Owner, Resolution] = {}
        """The owners who were found without following a user: what is read later changes nothing of these."""

    @classmethod
    async def load(
        cls, database: Database, owners: Iterable[Owner], session: Session | None = None, told: Told = "all"
    ) -> CustomerLinks:
        """What is needed to resolve these owners."""
        links = cls(database, session, told)
        await links.read(owners)
        return links

    async def read(self, owners: Iterable[Owner], *beside: Find) -> list[list[Document]]:
        """Read what is needed to resolve these owners as well: at most four queries, however many they are.

        Returns what each question asked `beside` finds; of few names all of it is one command.
        """
        wanted = set(owners)
        names = sorted({name for owner in wanted for name in owner if name} - self._asked)
        found = await (self._read(names, beside) if names else self._ask(*beside))
        # Each user of such an owner is followed: two of them can name different customers.
        unknown = {name for owner in wanted if self._found(owner) is None for name in owner if name}
        if fresh := unknown - self._followed:
            (users,) = await self._ask(self._users(sorted(fresh)))
            self._link(users)
        pointed = {customer for name in unknown for customer in self._linked.get(name, ())}
        if pointed := pointed - self._asked - self._pointed:
            self._pointed |= pointed
            (customers,) = await self._ask(self._customers({"id": {"$in": sorted(pointed)}}))
            self._add(customers)
        return found

    async def _read(self, names: Sequence[str], beside: Sequence[Find]) -> list[list[Document]]:
        """Read the customers that have these names."""
        self._asked.update(names)
        self._resolved.clear()
        either: list[Document] = [{"user_id": {"$in": names}}, {"id": {"$in": names}}]
        asked = [self._customers(each) for each in (either if len(names) > _MANY else [{"$or": either}])]
        if self._session is None and len(names) <= _MANY:
            customers, users, *found = await find_together(self._database, *asked, self._users(names), *beside)
            self._add(customers)
            self._link(users)
            return found
        answers = await self._ask(*asked, *beside)
        for customers in answers[: len(asked)]:
            self._add(customers)
        return answers[len(asked) :]

    def _customers(self, matching: Document) -> Find:
        return Find("customers_v2", matching, self._fields)

    def _users(self, names: Sequence[str]) -> Find:
        self._followed.update(names)
        return Find("users", {"id": {"$in": names}}, {"_id": 0, "id": 1, "customer_v2_id": 1})

    async def _ask(self, *finds: Find) -> list[list[Document]]:
        if self._session is None:
            return list(await asyncio.gather(*(each.ask(self._database) for each in finds)))
        # A transaction answers one question after the other.
        return [await each.ask(self._database, self._session) for each in finds]

    def _link(self, users: Iterable[Document]) -> None:
        for user in users:
            if (linked := reference(user.get("customer_v2_id"))) and (name := reference(user.get("id"))):
                self._linked.setdefault(name, []).append(linked)

    def _add(self, customers: Iterable[Document]) -> None:
        for document in customers:
            if not (customer := reference(document.get("id"))):
                continue
            known = self._by_id.setdefault(customer, [])
            if known and any(each["_id"] == document["_id"] for each in known):
                continue
            known.append(document)
            if user := reference(document.get("user_id")):
                self._by_user.setdefault(user, []).append(customer)

    def customer(self, customer_id: str | None) -> Customer | None:
        """The customer of that id among those that were read."""
        found = self._by_id.get(customer_id or "")
        return read_customer(found[0]) if found else None

    def listed(self, customer_id: str | None) -> tuple[str, str]:
        """The name and the area of the customer of that id; empty where none was read."""
        found = self._by_id.get(customer_id or "")
        return (text(found[0].get("name")), text(found[0].get("area"))) if found else ("", "")

    def shared(self, customer_id: str) -> bool:
        """Whether more than one customer has that id."""
        return len(self._by_id.get(customer_id, ())) > 1

    def resolve(self, owner: Owner) -> Resolution:
        """The order's customer by the rule of the field's three meanings, first that applies."""
        if (found := self._found(owner)) is not None:
            return found
        pointed = {customer for name in owner if name for customer in self._linked.get(name, ())}
        linked = sorted(customer for customer in pointed for _ in self._by_id.get(customer, ()))
        return _resolution(linked, "the customer that the user names") if linked else NOBODY

    def _found(self, owner: Owner) -> Resolution | None:
        """The order's customer where no user has to be followed."""
        if (known := self._resolved.get(owner)) is not None:
            return known
        customer_id, user_id = owner
        if named := self._by_id.get(customer_id or ""):
            found = _resolution([customer_id or ""] * len(named), "the order names the customer")
        else:
            users = [name for name in ((customer_id,) if customer_id == user_id else owner) if name]
            own = [customer for user in users for customer in self._by_user.get(user, ())]
            if not own:
                return None
            found = _resolution(sorted(own), "the customer of the order's user")
        self._resolved[owner] = found
        return found


async def names_of(database: Database, customers: Iterable[tuple[str | None, str | None]]) -> list[str]:
    """The ids under which records of these customers, each an id and its user's id, can stand: theirs and their users'.

    Whose a record under one of them is, `CustomerLinks` says.
    """
    listed = list(customers)
    own = {customer for customer, _ in listed if customer}
    users = {user for _, user in listed if user}
    pointing = database["users"].find({"customer_v2_id": {"$in": sorted(own)}}, {"_id": 0, "id": 1})
    async for user in pointing.max_time_ms(READ_LIMIT_MS):
        if name := reference(user.get("id")):
            users.add(name)
    return sorted(own | users)


async def ids_of(
    database: Database, customer_id: str, user_id: str | None, links: CustomerLinks | None = None
) -> list[str]:
    """The ids under which a record is this customer's and nobody else's; `links` are those that are known already."""
    names = await names_of(database, [(customer_id, user_id)])
    links = links or CustomerLinks(database, told="ids")
    await links.read((name, None) for name in names)
    return [name for name in names if links.resolve((name, None)).customer_id == customer_id]


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
        links = await CustomerLinks.load(database, fresh, session, "ids")
        known.update((owner, links.resolve(owner)) for owner in fresh)
    return known


def _resolution(candidates: list[str], how: str) -> Resolution:
    if len(candidates) == 1:
        return Resolution(candidates[0], how, (candidates[0],))
    return Resolution(None, f"{len(candidates)} customers fit ({how})", tuple(candidates))
