"""Customers, their accounts and addresses, and the delivery staff of the demo."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from console.demo.catalogue import MILK, PRODUCTS, Stock
from console.demo.hostile import HOSTILE_NAMES, UNREACHABLE_PHONES, write_phone
from console.demo.mixture import Dataset
from console.demo.moments import DAY, HOUR, Doc, Identities, Row, chance, midnight, pick, utc_text
from console.demo.names import DELIVERY_STAFF, GIVEN_AND_FAMILY, OFFICE_STAFF, SCRIPT_NAMES
from console.demo.places import AREAS, BUILDINGS, CROSSES, LANDMARKS
from console.demo.subscriptions import Supply, is_daily, subscription

LINKED = "linked"
"""`customers_v2.user_id` names the account."""
POINTER = "pointer"
"""Only `users.customer_v2_id` leads from the account to the customer."""
BARE = "bare"
"""Nothing links the customer to an account; there may be one with the same phone."""

ACCOUNTLESS = "accountless"
"""Bare, and without an account."""

LINKS = (LINKED,) * 78 + (POINTER,) * 8 + (BARE,) * 14


@dataclass(slots=True)
class Person:
    """A customer as the other generators need it."""

    user_id: str | None
    customer_id: str
    address_id: str
    link: str
    name: str
    phone: str
    street: str
    area: int
    delivery_boy: str
    joined: int
    supply: Supply | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody in the data set, and what the shop sells."""

    people: list[Person]
    """Customers whom an order names without doubt."""
    twins: list[tuple[Person, Person]]
    """People who signed up twice: an order that names both accounts is ambiguous."""
    strays: list[str]
    """Accounts without a customer."""
    supplied: list[Person]
    """The people with a daily subscription."""
    staff: list[str]
    office: list[str]
    stock: list[Stock]


class Town:
    """Draws the cast of a data set, yielding its documents on the way."""

    def __init__(self, dataset: Dataset, ids: Identities) -> None:
        self._dataset = dataset
        self._ids = ids
        self._rng = chance(dataset.seed, "people")
        self._second = Identities(chance(dataset.seed, "second accounts"))
        self._links = dict.fromkeys((LINKED, POINTER, BARE, ACCOUNTLESS), 0)
        self._today = midnight(dataset.until)
        self._opened = self._today - 900 * DAY
        stock = [Stock(ids.uuid(), product) for product in PRODUCTS]
        staff = [ids.uuid() for _ in DELIVERY_STAFF]
        office = [ids.uuid() for _ in OFFICE_STAFF]
        self.cast = Cast([], [], [], [], staff, office, stock)

    def rows(self) -> Iterator[Row]:
        """The documents of customers, accounts, addresses and staff; fills `cast`."""
        yield from self._staff()
        twins = max(1, self._dataset.reviews["customer-ambiguous"] // 4)
        singles = self._dataset.customers - 2 * twins
        for number in range(singles):
            person = self._person(number)
            self.cast.people.append(person)
            yield from self._documents(person, number)
        for number in range(singles, self._dataset.customers, 2):
            yield from self._pair(number)
        for number in range(max(2, self._dataset.reviews["customer-missing"] // 5)):
            yield self._stray(number)

    def _joined(self, number: int) -> int:
        """Customers joined one after the other, all before the first order of the data set."""
        span = 700 * DAY
        return self._opened + span * number // (self._dataset.customers + 1)

    def _person(self, number: int) -> Person:
        rng, ids = self._rng, self._ids
        link = pick(rng, LINKS) if number > 2 else (LINKED, POINTER, BARE)[number]
        area = int(rng.random() * len(AREAS))
        street = f"{int(rng.random() * 400) + 1}, {pick(rng, BUILDINGS)}, {pick(rng, CROSSES)}"
        return Person(
            user_id=ids.uuid() if link != BARE or rng.random() < 0.5 else None,
            customer_id=ids.uuid(),
            address_id=ids.uuid(),
            link=link,
            name=self._name(number),
            phone=_mobile(rng),
            street=street,
            area=area,
            delivery_boy=self.cast.staff[area % (len(self.cast.staff) - 2)],
            joined=self._joined(number),
        )

    def _name(self, number: int) -> str:
        rng = self._rng
        if number % 250 == 77 or (number < 96 and number % 9 == 4):
            return HOSTILE_NAMES[number // 9 % len(HOSTILE_NAMES)]
        if number % 25 == 3:
            return pick(rng, SCRIPT_NAMES)
        given, family = pick(rng, GIVEN_AND_FAMILY)
        return f"{pick(rng, given)} {pick(rng, family)}"

    def _documents(self, person: Person, number: int) -> Iterator[Row]:
        prices: dict[str, float] = {}
        if self._rng.random() < 0.7:
            yield from self._subscriptions(person, prices)
        user = self._user(person, number) if person.user_id is not None else None
        customer = self._customer(person, number, prices)
        if user is not None:
            yield "users", user
        yield "customers_v2", customer
        yield "addresses", self._address(person)
        yield from self._tangle(person, user, customer)

    def _tangle(self, person: Person, user: Doc | None, customer: Doc) -> Iterator[Row]:
        """Spoils a few links between accounts and customers: no order leads over any of these."""
        link = person.link if user is not None else ACCOUNTLESS
        self._links[link] += 1
        number = self._links[link]
        if user is None:
            if number % 20 == 2:
                customer["user_id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, person.customer_id))
        elif link == BARE and number % 9 == 4:
            user["name"] = user["name"].split()[0] if user["name"].split() else "Customer"
        elif (link == BARE and number % 12 == 2) or (link == LINKED and number % 170 == 40):
            moment = person.joined + 90 * DAY
            again = {"_id": self._second.object_id(moment), "id": self._second.uuid(), "created_at": utc_text(moment)}
            pointed = {"customer_v2_id": person.customer_id} if link == LINKED else {}
            yield "users", user | again | {"email": f"second.{user['email']}"} | pointed

    def _subscriptions(self, person: Person, prices: dict[str, float]) -> Iterator[Row]:
        """One subscription, for some two; a daily one can be delivered by subscription orders."""
        rng = self._rng
        for extra in range(1 if rng.random() < 0.8 else 2):
            stock = self.cast.stock[int(rng.random() * len(MILK))]
            if not extra and rng.random() < 0.1:
                prices[stock.id] = stock.product.price - 1.5
            price = prices.get(stock.id, stock.product.price)
            supply = Supply(self._ids.uuid(), stock, pick(rng, (1, 1, 1, 2, 2, 3)), price)
            doc = subscription(self._ids, rng, person.customer_id, supply, person.joined, self._today)
            if not extra and is_daily(doc):
                person.supply = supply
                self.cast.supplied.append(person)
            yield "subscriptions_v2", doc

    def _user(self, person: Person, number: int) -> Doc:
        pointed = person.link == POINTER or (person.link == LINKED and self._rng.random() < 0.45)
        handle = "".join(c for c in person.name.lower() if c.isascii() and c.isalpha()) or "customer"
        user: Doc = {
            "_id": self._ids.object_id(person.joined),
            "id": person.user_id,
            "email": f"{handle[:24]}{number}@example.in",
            "phone": write_phone(person.phone, number),
            "name": person.name,
            "role": "customer",
            "is_active": self._rng.random() < 0.97,
            "created_at": utc_text(person.joined),
        }
        if pointed:
            user["customer_v2_id"] = person.customer_id
        return user

    def _customer(self, person: Person, number: int, prices: dict[str, float]) -> Doc:
        rng, area = self._rng, AREAS[person.area]
        customer: Doc = {"_id": self._ids.object_id(person.joined), "id": person.customer_id}
        if person.link == LINKED:
            customer["user_id"] = person.user_id
        elif number % 2:
            customer["user_id"] = None
        phone = write_phone(person.phone, number + 1)
        if number % 40 == 11:
            phone = pick(rng, UNREACHABLE_PHONES)
        return customer | {
            "name": person.name,
            "phone_number" if number % 6 == 2 else "phone": phone,
            "address": f"{person.street}, {area.name}, Bengaluru {area.pincode}",
            "area": area.name,
            "location": {"lat": _near(rng, area.latitude), "lng": _near(rng, area.longitude)},
            "status": pick(rng, ("active",) * 17 + ("trial", "paused", "stopped")),
            "delivery_boy_id": person.delivery_boy,
            "marketing_boy_id": None,
            "previous_balance": pick(rng, (0.0, 0.0, 0.0, float(int(rng.random() * 900)), -50.0)),
            "custom_product_prices": prices,
        }

    def _address(self, person: Person) -> Doc:
        rng, area = self._rng, AREAS[person.area]
        return {
            "_id": self._ids.object_id(person.joined),
            "id": person.address_id,
            "user_id": person.user_id or person.customer_id,
            "label": pick(rng, ("Home", "Home", "Home", "Office", "Amma's house")),
            "address_line1": person.street,
            "address_line2": area.name,
            "landmark": pick(rng, LANDMARKS),
            "city": "Bengaluru",
            "state": "Karnataka",
            "pincode": area.pincode,
            "latitude": _near(rng, area.latitude),
            "longitude": _near(rng, area.longitude),
            "is_default": True,
        }

    def _pair(self, number: int) -> Iterator[Row]:
        """Two customers with an account each: one person who signed up twice."""
        one, two = self._person(number), self._person(number + 1)
        two.name = one.name
        self.cast.twins.append((one, two))
        for offset, person in enumerate((one, two)):
            person.user_id, person.link = self._ids.uuid(), LINKED
            user = self._user(person, number + offset)
            user.pop("customer_v2_id", None)
            yield "users", user
            yield "customers_v2", self._customer(person, number + offset, {})
            yield "addresses", self._address(person)

    def _stray(self, number: int) -> Row:
        """An account without a customer; every second one names a customer that was deleted."""
        joined = self._joined(number)
        user_id = self._ids.uuid()
        self.cast.strays.append(user_id)
        phone = write_phone(_mobile(self._rng), number)
        user = self._account(user_id, f"Closed account {number}", phone, "customer", joined)
        if number % 2:
            user["customer_v2_id"] = self._ids.uuid()
        return "users", user

    def _account(self, user_id: str, name: str, phone: str, role: str, created: int) -> Doc:
        return {
            "_id": self._ids.object_id(created),
            "id": user_id,
            "email": f"{role}.{user_id[:8]}@example.in",
            "phone": phone,
            "name": name,
            "role": role,
            "is_active": True,
            "created_at": utc_text(created),
        }

    def _staff(self) -> Iterator[Row]:
        rng = self._rng
        for user_id, name in zip(self.cast.office, OFFICE_STAFF, strict=True):
            yield "users", self._account(user_id, name, _mobile(rng), "admin", self._opened - 9 * DAY)
        for number, (boy_id, name) in enumerate(zip(self.cast.staff, DELIVERY_STAFF, strict=True)):
            hired = self._opened - 8 * DAY + number * HOUR
            phone = write_phone(_mobile(rng), number)
            boy: Doc = {
                "_id": self._ids.object_id(hired),
                "id": boy_id,
                "name": name,
                "phone": phone,
                "area_assigned": AREAS[number % len(AREAS)].name,
                "shift": "evening" if number % 12 == 7 else "morning",
            }
            active = number < len(DELIVERY_STAFF) - 2
            if number % 3 == 1:
                boy["status"] = "active" if active else "inactive"
            else:
                boy["is_active"] = active
            yield "delivery_boys_v2", boy
            yield "users", self._account(self._ids.uuid(), name, phone, "delivery_boy", hired)


def _mobile(rng: Random) -> str:
    return f"{pick(rng, ('98', '99', '97', '96', '95', '94', '90', '88', '89'))}{int(rng.random() * 1e8):08d}"


def _near(rng: Random, degrees: float) -> float:
    return round(degrees + (rng.random() - 0.5) * 0.02, 6)
