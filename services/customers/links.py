"""Where each id on an order leads: the users and customers behind it, and how they name each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.database import Database, Document, Find, find_together
from services.records.fields import reference, text
from services.records.orders import Owner

_CUSTOMER = {"id": 1, "user_id": 1, "name": 1}
_USER = {"_id": 0, "id": 1, "name": 1, "role": 1, "customer_v2_id": 1}
_MOST = 20


@dataclass(frozen=True, slots=True)
class Link:
    """One step from a field of a record to another record."""

    field: str
    """For example `orders.customer_id`."""
    value: str
    leads_to: str
    """A phrase: `the user Asha Rao`, or that nothing has this id."""
    sound: bool
    """Whether it leads anywhere."""


async def explain_links(database: Database, owner: Owner) -> tuple[Link, ...]:
    """Every link between an order and its customer, followed in both directions."""
    names = list(dict.fromkeys(name for name in owner if name))
    if not names:
        return (Link("orders.customer_id", "", "the order names nobody", False),)
    either: Document = {"$or": [{"id": {"$in": names}}, {"user_id": {"$in": names}}]}
    users, customers = await find_together(
        database,
        Find("users", {"id": {"$in": names}}, _USER, _MOST),
        Find("customers_v2", either, _CUSTOMER, _MOST),
    )
    pointed = {name for user in users if (name := reference(user.get("customer_v2_id")))}
    if pointed := pointed - set(names):
        known = [each["_id"] for each in customers]  # one can be a document, which has no hash
        more = await Find("customers_v2", {"id": {"$in": sorted(pointed)}}, _CUSTOMER, _MOST).ask(database)
        customers += [each for each in more if each["_id"] not in known]
    fields = dict.fromkeys(names, "")
    for field, name in zip(("orders.customer_id", "orders.user_id"), owner, strict=True):
        if name:
            fields[name] = f"{fields[name]}, {field.removeprefix('orders.')}" if fields[name] else field
    links = [link for name in names for link in _of(fields[name], name, users, customers)]
    for user in users:
        if (linked := reference(user.get("customer_v2_id"))) is not None:
            found = [customer for customer in customers if reference(customer.get("id")) == linked]
            words = ", ".join(_customer(each) for each in found) or "no customer has this id"
            links.append(Link("users.customer_v2_id", linked, words, bool(found)))
        else:
            links.append(Link("users.customer_v2_id", "", "the user names no customer", False))
    return tuple(links)


def _of(field: str, name: str, users: Sequence[Document], customers: Sequence[Document]) -> list[Link]:
    """Where one id leads: to customers of that id, users of that id, and customers who name that user."""
    found = [_customer(each) for each in customers if reference(each.get("id")) == name]
    found += [f"the user {text(user.get('name')) or 'without a name'} ({text(user.get('role')) or 'no role'})"
              for user in users if reference(user.get("id")) == name]  # fmt: skip
    links = [Link(field, name, words, True) for words in found]
    if not links:
        links.append(Link(field, name, "no customer and no user has this id", False))
    return links + [
        Link("customers_v2.user_id", name, _customer(each), True)
        for each in customers
        if reference(each.get("user_id")) == name
    ]


def _customer(customer: Document) -> str:
    return f"the customer {text(customer.get('name')) or 'without a name'} ({reference(customer.get('id')) or 'no id'})"
