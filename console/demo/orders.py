"""Orders as the backend stores them: the newer shape, the one without the four added fields, the oldest."""

from dataclasses import dataclass
from random import Random

from console.demo.catalogue import ORDER_NOTES, Stock
from console.demo.moments import (
    HOUR,
    MINUTE,
    SECOND,
    Day,
    Doc,
    Identities,
    bson_date,
    india_text,
    pick,
    utc_text,
    zulu_text,
)
from console.demo.people import LINKED, POINTER, Person
from console.demo.places import AREAS

Line = tuple[Stock, float]
"""A product and the quantity ordered."""

DELIVERED = ("DELIVERED",) * 64 + ("delivered",) * 30 + ("Delivered",) * 6
PARTIAL = (
    ("PARTIALLY_DELIVERED",) * 4
    + ("partially_delivered",) * 2
    + ("partially-delivered", "Partially Delivered", "Partially-Delivered")
)
PENDING = ("pending",) * 12 + ("PENDING", "confirmed", "out_for_delivery")
FAILED = ("NOT_DELIVERED", "not_delivered", "not-delivered", "CANCELLED", "cancelled", "Cancelled")
ONE_TIME = ("one_time",) * 44 + ("one-time",) * 3 + ("ONE_TIME",) * 2 + (None,)
UNREADABLE_TIMES = ("morning", "delivered by Raju", "-", "6.30ish", "NA", "kal subah")


@dataclass(slots=True)
class Sale:
    """An order on its way through the generator, with what happened at the door."""

    order: Doc
    person: Person
    lines: list[Line]
    day: Day
    delivered: int | None = None
    """The moment of delivery; None when nothing was delivered."""
    short: list[float] | None = None
    """Delivered quantity of each line, when something was missing."""
    delivery: Doc | None = None
    """Its `delivery_statuses` document, if one was written."""

    @property
    def amount(self) -> float:
        """Rupees for what was delivered."""
        quantities = self.short or [quantity for _, quantity in self.lines]
        prices = [item["price"] for item in self.order["items"]]
        return float(round(sum(p * q for p, q in zip(prices, quantities, strict=True)), 2))


class OrderDesk:
    """Writes orders and delivers them; every draw comes from one generator."""

    def __init__(self, ids: Identities, rng: Random, stock: list[Stock]) -> None:
        self._ids = ids
        self._rng = rng
        self._stock = stock

    def basket(self, at_least: int = 1) -> list[Line]:
        """One to three different products and their quantities."""
        rng = self._rng
        wanted = max(at_least, pick(rng, (1, 1, 1, 2, 2, 3)))
        chosen: dict[str, Line] = {}
        while len(chosen) < wanted:
            stock = pick(rng, self._stock)
            chosen[stock.id] = (stock, pick(rng, stock.product.steps))
        return list(chosen.values())

    def one_time(self, person: Person, lines: list[Line], day: Day, created: int, plain: bool) -> Sale:
        """A one-time order; `plain` asks for the newest shape, for orders that show something else."""
        rng = self._rng
        old = not plain and day.age < 0.5 and rng.random() < 0.8
        oldest = old and day.age < 0.3 and rng.random() < 0.5
        order = self._head(person, day, created)
        kind = "one_time" if plain else pick(rng, ONE_TIME)
        if kind is not None:
            order["order_type"] = kind
        total = sum(stock.product.price * quantity for stock, quantity in lines)
        order["items"] = [_old_item(line) for line in lines] if oldest else [_item(line) for line in lines]
        order["total" if oldest else "total_amount"] = total if old else round(total, 2)
        if not old and (plain or rng.random() < 0.9):
            order |= {"billed": False, "delivery_confirmed": False, "billed_at": None, "billed_month": None}
        return Sale(order, person, lines, day)

    def subscription(self, person: Person, day: Day, created: int) -> Sale:
        """A day's order from a daily subscription; a few lost their `order_type`."""
        supply = person.supply
        assert supply is not None
        order = self._head(person, day, created)
        if self._rng.random() < 0.99:
            order["order_type"] = "subscription"
        order["subscription_id"] = supply.id
        item = _item((supply.stock, supply.quantity))
        item |= {"price": supply.price, "total": supply.price * supply.quantity}
        order["items"] = [item]
        order["total_amount"] = item["total"]
        return Sale(order, person, [(supply.stock, supply.quantity)], day)

    def deliver(self, sale: Sale, *, late: bool = False) -> None:
        """Marks an order as delivered between five and eight in the morning, in one of the stored forms."""
        rng, order = self._rng, sale.order
        moment = sale.day.start + 5 * HOUR + int(rng.random() ** 1.7 * 180 * MINUTE) + (24 * HOUR if late else 0)
        sale.delivered = moment
        order["status"] = pick(rng, PARTIAL if sale.short else DELIVERED)
        order["updated_at"] = utc_text(moment + 40 * SECOND)
        form = 0.0 if late else rng.random()
        if form < 0.55:
            order["delivered_at"] = utc_text(moment)
        elif form < 0.70:
            order["delivered_at"] = utc_text(moment, "+00:00")
        elif form < 0.80:
            order["delivered_at"] = india_text(moment)
        elif form < 0.88:
            order["delivered_at"] = zulu_text(moment)
        elif form < 0.93:
            order["delivered_at"] = bson_date(moment)
        elif form < 0.95:
            order["delivered_at"] = pick(rng, UNREADABLE_TIMES)
        if "delivery_confirmed" in order:
            order["delivery_confirmed"] = rng.random() < 0.9
        if sale.short:
            pairs = zip(sale.lines, sale.short, strict=True)
            order["partial_delivery_items"] = [line[0].product.name for line, given in pairs if given]
        if rng.random() < 0.04:
            order["cash_collected"] = sale.amount

    def _head(self, person: Person, day: Day, created: int) -> Doc:
        """The fields that every order has, before its items."""
        rng, area = self._rng, AREAS[person.area]
        text = self._ids.uuid()
        order: Doc = {"_id": self._ids.object_id(created), "id": text if day.age < 0.45 else f"ord_{text}"}
        by_user = person.link == POINTER or (person.link == LINKED and rng.random() < 0.93)
        if person.user_id is not None:
            order["user_id"] = person.user_id
        order["customer_id"] = person.user_id if by_user else person.customer_id
        written = utc_text(created, "+00:00" if day.age > 0.7 else "")
        return order | {
            "delivery_date": day.text,
            "address_id": person.address_id,
            "address": {
                "address_line1": person.street,
                "area": area.name,
                "city": "Bengaluru",
                "pincode": area.pincode,
            },
            "status": "pending",
            "delivery_boy_id": person.delivery_boy,
            "notes": pick(rng, ORDER_NOTES) if rng.random() < 0.12 else "",
            "created_at": written,
            "updated_at": written,
        }


def _item(line: Line) -> Doc:
    stock, quantity = line
    product = stock.product
    return {
        "product_id": stock.id,
        "product_name": product.name,
        "quantity": quantity,
        "unit": product.unit,
        "price": product.price,
        "total": product.price * quantity,
    }


def _old_item(line: Line) -> Doc:
    stock, quantity = line
    return {"product": stock.product.name, "quantity": quantity, "price": stock.product.price}
