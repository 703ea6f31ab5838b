"""Finding customers by phone, name or id, and the ids under which their orders stand."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from services.customers.resolution import CustomerLinks
from services.database import READ_LIMIT_MS, WHOLE, Database, Document, Find, find_together, told
from services.errors import NotFound, Refused
from services.operators.operator import Operator, shown_to
from services.records.customers import Customer
from services.records.fields import identity
from services.text import visible
from services.typed import read_query, typed_text

MOST_CUSTOMERS = 30
_NAMED = 5
_LONGEST_QUERY, _LONGEST_WORD = 200, 40
_LEAST_OF_ID = 4
"""Fewer characters begin too many ids."""
_MOST_IDS = 90
"""The server merges at most 200 index ranges in order, and each id is two of them."""
MOST_OF_AREA = 200
"""Customers of an area whose orders are asked for by name; a larger area is looked for order by order."""
_PHONE = re.compile(r"[\d\s()+./\u2010-\u2015-]{4,24}")
MASKED_PHONES = "Phones are masked for viewers: only a whole number finds its customer."
NAME_ORDER = {"locale": "en", "strength": 1}
"""Names are compared without case and accents."""
_LAST = "\uffff"
_FIELDS = {"_id": 0, "id": 1, "user_id": 1}
_DEED = "look up customers"


@dataclass(frozen=True)
class Owners:
    """The customer and user ids that orders of some customers hold."""

    ids: tuple[str, ...]
    note: str | None


@dataclass(frozen=True)
class Customers:
    """Customers that were found, and what a reader of the list should know."""

    items: tuple[Customer, ...]
    note: str | None


async def find_owners(database: Database, operator: Operator, query: str) -> Owners | None:
    """Whom a query names: by phone where it looks like one, else by id, else by the beginning of a name.

    A masked phone is found by the whole number alone: by its beginning it could be guessed digit by digit.
    """
    number = _as_number(query)
    if _is_number(number) and not (operator.masked and begins_phone(query)):
        matching = _phone_conditions(number)
        customers, users = await find_together(
            database,
            _customers({"$or": [part for each in matching for part in each]}),
            _users({"$or": [{"phone": each[0]["phone"]} for each in matching]}),
        )
        if customers or users:
            return await _owners(database, customers, users)
    by_id = find_together(database, _customers({"$or": [{"id": query}, {"user_id": query}]}), _users({"id": query}))
    named: list[Document] = []
    if could_be_id(query):
        customers, users = await by_id
        named = [] if customers or users else await _by_name(database, query)
    else:
        (customers, users), named = await asyncio.gather(by_id, _by_name(database, query))
    if customers or users:
        return await _owners(database, customers, users)
    return await _owners(database, named, []) if named else None


def could_be_id(query: str) -> bool:
    """Whether a query is rather an id than a name."""
    return any(character.isdigit() for character in query)


async def _by_name(database: Database, begins: str) -> list[Document]:
    if not any(character.isprintable() and not character.isspace() for character in begins):
        return []  # the collation sees nothing there, and nothing is the beginning of every name
    name = {"name": {"$gte": begins, "$lt": begins + _LAST}}
    cursor = database["customers_v2"].find(name, _FIELDS).collation(NAME_ORDER).sort("name", 1)
    return await cursor.limit(MOST_CUSTOMERS + 1).max_time_ms(READ_LIMIT_MS).to_list()


async def find_customers(database: Database, operator: Operator, query: str) -> Customers:
    """Customers for whoever takes an order: by id or user id, phone, or the beginning of a name, in order of name.

    Without a query there are none. Phones and addresses are masked for a viewer. Raises BadRequest for a query too
    long to be one.
    """
    operator.require("viewer", _DEED)
    named = read_query(query)
    if not named:
        return Customers((), None)
    with told():
        owners = await find_owners(database, operator, named)
        links = await CustomerLinks.load(database, [(name, None) for name in owners.ids] if owners else [])
    fitting = {name: None for each in owners.ids for name in links.resolve((each, None)).candidates} if owners else {}
    found = shown_to(operator, [customer for name in fitting if (customer := links.customer(name))])
    by_name = sorted(found, key=lambda each: (each.name.casefold(), str(each.id)))
    masked_out = MASKED_PHONES if operator.masked and begins_phone(named) else None
    return Customers(tuple(by_name), (owners.note if owners else None) or masked_out)


async def find_customer(database: Database, operator: Operator, query: str) -> Customer:
    """The one customer whom a query names: by the customer's or the user's id, by phone, by a name's or id's beginning.

    Phone and address are masked for a viewer. Raises NotFound where there is none, Refused where several fit, telling
    them apart; BadRequest for more than a name.
    """
    operator.require("viewer", _DEED)
    named = typed_text(query, "customer", _LONGEST_QUERY)
    links = await CustomerLinks.load(database, [(named, None)])
    fitting = links.resolve((named, None)).candidates
    if not fitting and named and (ids := await _ids_named(database, operator, named)):
        links = await CustomerLinks.load(database, [(name, None) for name in ids])
        fitting = tuple(name for each in ids for name in links.resolve((each, None)).candidates)
    several = sorted(set(fitting))
    if len(several) > 1:
        count = f"{len(several)} customers" if len(several) < MOST_CUSTOMERS else f"{MOST_CUSTOMERS} customers or more"
        some = [_told_apart(links.customer(name), operator) for name in several[:_NAMED]]
        more = ["and others; type more of the name"] if len(several) > _NAMED else []
        raise Refused(
            "customer-ambiguous",
            "\n  ".join([f"{count} fit {named!r}. Give the phone or the id of one:", *some, *more]),
        )
    if fitting and links.shared(fitting[0]):
        message = f"Two customers have the id {fitting[0]}; give one of them another id first."
        raise Refused("customer-duplicate", message)
    customer = links.customer(fitting[0]) if fitting else None
    if customer is None:
        ways = "a customer id or its beginning, a user id, a phone, or the beginning of a name"
        raise NotFound("unknown-customer", f"No customer fits {named!r}. Give {ways}.")
    return shown_to(operator, customer)


async def _ids_named(database: Database, operator: Operator, named: str) -> tuple[str, ...]:
    """The ids of customers and users by phone or name; where nobody has these, of customers whose ids begin so."""
    if owners := await find_owners(database, operator, named):
        return owners.ids
    if len(named) < _LEAST_OF_ID:
        return ()
    begun = await _customers({"id": {"$gte": named, "$lt": named + _LAST}}).ask(database)
    return tuple(name for each in begun if (name := identity(each.get("id"))))


def _told_apart(customer: Customer | None, operator: Operator) -> str:
    """A customer by name, phone, area and id, each no longer than it helps."""
    if customer is None:
        return "one who was removed meanwhile"
    customer = shown_to(operator, customer)
    words = (customer.name.strip() or "no name", customer.phone or "no phone", customer.area.strip() or "no area")
    return f"{visible(', '.join(word[:_LONGEST_WORD] for word in words))} (id {customer.id})"


def phone_writings(digits: str) -> list[str]:
    """The writings in which real data holds a number, or its beginning: with prefixes, and broken after the fifth."""
    prefixes = ("", "0", "+91", "91", "+91 ", "+91-", "91 ", "91-", "0 ")
    broken = [digits] if len(digits) <= 5 else [digits, f"{digits[:5]} {digits[5:]}", f"{digits[:5]}-{digits[5:]}"]
    return [prefix + body for prefix in prefixes for body in broken]


def looks_like_phone(query: str) -> bool:
    """Whether a query is looked for among the phones first."""
    return _is_number(_as_number(query))


def begins_phone(query: str) -> bool:
    """Whether a query is the beginning of a phone, and no whole one."""
    number = _as_number(query)
    return _is_number(number) and not _writings(number)[1]


def _is_number(number: str) -> bool:
    return bool(_PHONE.fullmatch(number) and re.search("[1-9]", number))


def _as_number(query: str) -> str:
    """A pasted number with the digits of any script as 0 to 9, without what cannot be seen and `tel:` before it."""
    seen = "".join(character for character in query if unicodedata.category(character) != "Cf")
    plain = "".join(str(unicodedata.digit(each)) if each.isdigit() else each for each in seen)
    return re.sub(r"^\s*tel:", "", plain, flags=re.IGNORECASE).strip()


def _phone_conditions(number: str) -> list[list[Document]]:
    writings, whole = _writings(number)
    if whole:
        either: Document = {"$in": writings}
        return [[{"phone": either}, {"phone_number": either}]]
    begins: Iterable[Document] = ({"$gte": form, "$lt": form + _LAST} for form in writings)
    return [[{"phone": each}, {"phone_number": each}] for each in begins]


def _writings(number: str) -> tuple[list[str], bool]:
    """The writings of a number, and whether it is a whole one and not the beginning of one."""
    digits = re.sub(r"\D", "", number)
    bare, abroad = digits.lstrip("0"), number.lstrip("( ").startswith("+") or digits.startswith("00")
    national = bare[2:].lstrip("0") if bare.startswith("91") and (abroad or len(bare) == 12) else bare
    if len(national) > 10 or (abroad and not "91".startswith(bare[:2])):
        # Of another country: as it was typed, or in its plain forms.
        return [number, bare, f"+{bare}", f"00{bare}"], True
    return phone_writings(national), len(national) == 10


async def find_in_area(database: Database, area: str) -> list[str] | None:
    """The customer and user ids that orders of an area's customers hold; None where customers or users are too many.

    `area` is the beginning of its name in any case.
    """
    there = {"area": {"$gte": area, "$lt": area + _LAST}}
    found = database["customers_v2"].find(there, _FIELDS, batch_size=WHOLE)
    cursor = found.collation(NAME_ORDER).limit(MOST_OF_AREA + 1)
    customers = await cursor.max_time_ms(READ_LIMIT_MS).to_list()
    if len(customers) > MOST_OF_AREA:
        return None
    ids, cut = await _ids_of(database, customers, [])
    return None if cut else ids


def _customers(matching: Document) -> Find:
    return Find("customers_v2", matching, _FIELDS, MOST_CUSTOMERS + 1)


def _users(matching: Document) -> Find:
    return Find("users", matching, {"_id": 0, "id": 1, "customer_v2_id": 1}, MOST_OF_AREA)


async def _owners(database: Database, customers: list[Document], users: list[Document]) -> Owners | None:
    ids, cut = await _ids_of(database, customers[:MOST_CUSTOMERS], users[:MOST_CUSTOMERS])
    note = None
    if max(len(customers), len(users)) > MOST_CUSTOMERS:
        note = f"Only the first {MOST_CUSTOMERS} customers that fit are searched; type more."
    elif cut or len(ids) > _MOST_IDS:
        note = "These customers have more user accounts than are searched at once; type more."
    return Owners(tuple(ids[:_MOST_IDS]), note) if ids else None


async def _ids_of(database: Database, customers: list[Document], users: list[Document]) -> tuple[list[str], bool]:
    """The ids under which orders of these customers and users may stand, and whether there can be more."""
    own = [identity(customer.get("id")) for customer in customers]
    pointing = await _users({"customer_v2_id": {"$in": [name for name in own if name]}}).ask(database)
    names = [
        *own,
        *(identity(customer.get("user_id")) for customer in customers),
        *(identity(user.get(field)) for user in [*users, *pointing] for field in ("id", "customer_v2_id")),
    ]
    return list(dict.fromkeys(name for name in names if name)), len(pointing) == MOST_OF_AREA
