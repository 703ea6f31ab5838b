"""Link users and customers both ways: `users.customer_v2_id` and `customers_v2.user_id`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.backfills.backfill import Backfill, Surroundings
from services.backfills.landing import as_stored, has
from services.backfills.plan import REPAIR_GROUPS, Decision, Options, Tally
from services.backfills.repairs.accounts import Accounts, Claim
from services.changes.changeset import Change, Update
from services.database import Database, Document, Session
from services.orders.references import clean_id
from services.records.fields import identity, text

_BLANK: Document = {"$in": [None, ""]}
"""Missing, null or empty: what a link may be while it is filled."""


class LinkUsersCustomers(Backfill[Claim]):
    """Decides customer by customer; a link that is there is never overwritten.

    - The customer names a user, or one user names the customer: the missing half is filled, unless the halves
      contradict each other, the user does not exist or is no customer's account, or another customer names it too.
    - Neither names the other: a phone number links them where it is an Indian mobile, exactly one user and one
      customer have it, in any writing, both without any link, and the two go by the same name. Numbers are handed on
      and families share them: anything less needs a person.
    - A customer without any account is as it should be: many order by phone.
    """

    name = "link-users-customers"
    title = "Link users and customers"
    about = "Fills users.customer_v2_id and customers_v2.user_id where the other side or a phone number tells."
    collection = "customers_v2"
    groups = REPAIR_GROUPS
    noun = "customers"

    def scope(self, options: Options) -> Document:
        """All customers, those with both links too."""
        return {}

    async def load(self, database: Database, documents: Sequence[Document], session: Session | None) -> list[Claim]:
        """The customers with the accounts that could be theirs: up to five queries."""
        accounts = await Accounts.load(database, documents, session)
        return [accounts.claim(document) for document in documents]

    def identify(self, source: Claim) -> tuple[str, Any]:
        """The customer's id, or its `_id` in words where it has none."""
        key = source.customer["_id"]
        return identity(source.customer.get("id")) or str(key), key

    def covers(self, source: Claim, options: Options) -> bool:
        """Every customer."""
        return True

    def depends(self, source: Claim) -> Mapping[str, Any]:
        """The links on both sides, who else claims them, and what is compared where there is none."""
        lonely = not (source.named or source.pointing)
        fields = ("id", "user_id", "phone", "phone_number", "name") if lonely else ("id", "user_id")
        return {
            "customer": _picked(source.customer, fields),
            "users": [
                _picked(user, ("_id", "id", "customer_v2_id", "role", "phone", "name")) if lonely
                else _picked(user, ("_id", "id", "customer_v2_id", "role"))
                for users in (source.named, source.pointing, source.alike) for user in users
            ],
            "claims": source.rivals,
            "sharing": source.sharing,
            "twin": source.twin,
        }  # fmt: skip

    def decide(self, source: Claim, options: Options, surroundings: Surroundings) -> Decision:
        """First that applies, by the rules above."""
        customer = source.customer
        name, stored = clean_id(customer.get("id")), customer.get("user_id")
        if name is None:
            return _review("id-missing", "The customer has no id that is clean text.")
        if source.twin:
            return _review("id-duplicate", "Another customer has the same id.")
        if stored not in (None, "") and stored != identity(stored):
            return _review("link-unreadable", "user_id holds something that is no id.")
        if stored and not source.named:
            return _review("link-broken", "user_id names a user that does not exist.")
        users = {user["_id"]: user for user in (*source.named, *source.pointing)}
        if len(users) > 1:
            contradicts = stored and len(source.named) == 1
            return _review("link-contradicts", "The customer names one user, another names the customer.") \
                if contradicts else _review("user-ambiguous", f"{len(users)} users fit the customer.")  # fmt: skip
        if not users:
            return _by_phone(source, name)
        (user,) = users.values()
        return _linked(source, name, user)

    def changes(
        self, source: Claim, values: Mapping[str, Any], run: str, now: datetime, surroundings: Surroundings
    ) -> Sequence[Change]:
        """The halves of the link that are missing."""
        users = (*source.named, *source.pointing, *source.alike)
        user = next(user for user in users if user["_id"] == values["user_key"])
        halves = {"users": (user, "customer_v2_id"), "customers_v2": (source.customer, "user_id")}
        return [
            Update(half, before, {link: values[link]}, {link: _BLANK})
            for half, (before, link) in halves.items() if half in values["fills"]
        ]  # fmt: skip

    def touches(self, body: Document) -> Sequence[tuple[str, Any]]:
        """The user, the customer, or both."""
        values = body["values"]
        return [(half, values["user_key"] if half == "users" else body["key"]) for half in values["fills"]]

    def turns(self, body: Document) -> Sequence[str]:
        """The user: nobody else's, so far as the row's transaction sees."""
        return (body["values"]["user_id"],)

    async def landed(self, database: Database, run: str, bodies: Sequence[Document]) -> Tally:
        """The customers that name the user of their row, and whom that user, the only one of the id, names back."""
        customers = await as_stored(database, "customers_v2", bodies, ("id", "user_id"))
        named: Document = {"id": {"$in": [body["values"]["user_id"] for body in bodies]}}
        users: dict[str, list[Document]] = {}
        async for user in database["users"].find(named, {"_id": 0, "id": 1, "customer_v2_id": 1}):
            users.setdefault(str(user["id"]), []).append(user)
        return Tally(records=sum(
            _paired(customer, users.get(body["values"]["user_id"], []), body["values"])
            for body, customer in zip(bodies, customers, strict=True)
        ))  # fmt: skip


def _paired(customer: Document, users: Sequence[Document], values: Mapping[str, Any]) -> bool:
    """Whether the customer and the one user of the id name each other as a row says."""
    name, user_id = values["customer_v2_id"], values["user_id"]
    forth = has(customer, {"id": name, "user_id": user_id})
    return forth and len(users) == 1 and has(users[0], {"customer_v2_id": name})


def _picked(document: Document, fields: Sequence[str]) -> list[tuple[str, Any]]:
    return [(name, document[name]) for name in fields if name in document]


def _review(code: str, message: str) -> Decision:
    return Decision("needs-review", code, message)


def _linked(source: Claim, name: str, user: Document) -> Decision:
    """The decision on a customer with the one user that could be theirs."""
    user_id, back = clean_id(user.get("id")), user.get("customer_v2_id")
    if user_id is None:
        return _review("id-missing", "The user has no id that is clean text.")
    if back not in (None, "", name):
        return _review("link-contradicts", "The customer's user names another customer.")
    if source.rivals:
        return _review("user-claimed", f"{len(source.rivals)} other customers name the same user.")
    if text(user.get("role")).strip().lower() != "customer":
        return _review("user-not-customer", "The account is not a customer's.")
    fills = [half for half, link in (("users", back), ("customers_v2", source.customer.get("user_id"))) if not link]
    if not fills:
        return Decision("nothing-to-do")
    values = {"fills": fills, "user_key": user["_id"], "user_id": user_id, "customer_v2_id": name}
    missing = {"users": "Fills the user's customer_v2_id.", "customers_v2": "Fills the customer's user_id."}
    message = missing[fills[0]] if len(fills) == 1 else "Links both: the same phone number and name."
    return Decision("change", None, message, name, values=values)


def _by_phone(source: Claim, name: str) -> Decision:
    """The decision on a customer whom no link leads to."""
    if not source.alike:
        return Decision("nothing-to-do", None, "No account fits.")
    if len(source.alike) > 1 or source.sharing or source.taken:
        return _review("phone-shared", "The phone number alone does not tell whose it is.")
    user = source.alike[0]
    names = [" ".join(text(document.get("name")).split()).casefold() for document in (source.customer, user)]
    if not names[0] or names[0] != names[1]:
        return _review("phone-name-differs", "A user has the same phone number and another name.")
    return _linked(source, name, user)
