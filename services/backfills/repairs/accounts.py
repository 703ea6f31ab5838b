"""The accounts that could be a customer's: named by it, naming it, or of the same phone number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.customers.search import phone_writings
from services.database import Database, Document, Session
from services.records.fields import first_filled, identity
from services.reminders.recipients import mobile_number


@dataclass(frozen=True)
class Claim:
    """A customer, with the users that could be theirs and the others that stand in between."""

    customer: Document
    twin: bool
    """Whether another customer has the same id."""
    named: Sequence[Document]
    """The users of the id that the customer names."""
    pointing: Sequence[Document]
    """The users that name the customer."""
    rivals: Sequence[Any]
    """The other customers, by `_id`, that name one of these users."""
    alike: Sequence[Document] = ()
    """Where there is no link: the users of the customer's mobile number."""
    sharing: Sequence[Any] = ()
    """Where there is no link: the other customers, by `_id`, of the customer's mobile number."""

    @property
    def taken(self) -> bool:
        """Whether a user of the same number has a customer already."""
        return bool(self.rivals) or any(user.get("customer_v2_id") not in (None, "") for user in self.alike)


class Accounts:
    """The users and customers around some customers, each found through an index."""

    def __init__(self) -> None:
        self._users: dict[str, list[Document]] = {}
        self._pointing: dict[str, list[Document]] = {}
        self._customers: dict[str, list[Any]] = {}
        self._naming: dict[str, list[Any]] = {}
        self._users_by_number: dict[str, list[Document]] = {}
        self._customers_by_number: dict[str, list[Any]] = {}

    @classmethod
    async def load(cls, database: Database, customers: Sequence[Document], session: Session | None) -> Accounts:
        """Read what is needed for these customers: up to five queries, however many they are."""
        accounts = cls()
        ids, named = _ids(customers, "id"), _ids(customers, "user_id")
        users = await _found(
            database, "users", {"$or": [{"id": {"$in": named}}, {"customer_v2_id": {"$in": ids}}]}, session
        )
        for user in users:
            _add(accounts._users, identity(user.get("id")), user)
            _add(accounts._pointing, identity(user.get("customer_v2_id")), user)
        numbers = sorted({number for each in customers if accounts._lonely(each) and (number := mobile(each))})
        alike: list[Document] = []
        if numbers:
            writings = [writing for number in numbers for writing in phone_writings(number)]
            alike = await _found(database, "users", {"phone": {"$in": writings}}, session)
            for user in alike:
                _add(accounts._users_by_number, mobile(user), user)
            either: Document = {"$or": [{"phone": {"$in": writings}}, {"phone_number": {"$in": writings}}]}
            for customer in await _found(database, "customers_v2", either, session):
                _add(accounts._customers_by_number, mobile(customer), customer["_id"])
        accounts_of = sorted({*named, *_ids(users, "id"), *_ids(alike, "id")})
        others: Document = {"$or": [{"id": {"$in": ids}}, {"user_id": {"$in": accounts_of}}]}
        for customer in await _found(database, "customers_v2", others, session):
            _add(accounts._customers, identity(customer.get("id")), customer["_id"])
            _add(accounts._naming, identity(customer.get("user_id")), customer["_id"])
        return accounts

    def claim(self, customer: Document) -> Claim:
        """The customer with the users around it."""
        key, name = customer["_id"], identity(customer.get("id")) or ""
        named = self._users.get(identity(customer.get("user_id")) or "", [])
        pointing, number = self._pointing.get(name, []), mobile(customer)
        alike: list[Document] = []
        sharing: list[Any] = []
        if self._lonely(customer) and number:
            alike = self._users_by_number.get(number, [])
            sharing = [other for other in self._customers_by_number.get(number, []) if other != key]
        users = [identity(user.get("id")) or "" for user in (*named, *pointing, *alike)]
        rivals = {str(other): other for user in users for other in self._naming.get(user, []) if other != key}
        return Claim(
            customer, len(self._customers.get(name, [])) > 1, named, pointing,
            [other for _, other in sorted(rivals.items())], alike, sharing,
        )  # fmt: skip

    def _lonely(self, customer: Document) -> bool:
        """Whether no link leads to or from the customer."""
        name = identity(customer.get("id"))
        return customer.get("user_id") in (None, "") and (name or "") not in self._pointing


def mobile(document: Document) -> str | None:
    """The ten digits of a user's or a customer's Indian mobile number; None for a landline or no number."""
    number = mobile_number(first_filled(document, "phone", "phone_number"))
    return number.removeprefix("+91") if number else None


def _ids(documents: Iterable[Document], field: str) -> list[str]:
    return sorted({name for document in documents if (name := identity(document.get(field)))})


def _add(index: dict[str, list[Any]], name: str | None, value: Any) -> None:
    if name:
        index.setdefault(name, []).append(value)


async def _found(database: Database, collection: str, matching: Document, session: Session | None) -> list[Document]:
    """The whole documents, in the order of their `_id`: a change of one is written down with all of it."""
    found = await database[collection].find(matching, session=session).to_list()
    return sorted(found, key=lambda document: str(document["_id"]))
