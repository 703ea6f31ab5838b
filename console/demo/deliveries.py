"""The `delivery_statuses` documents: what the delivery people, shared links and the office reported."""

from collections.abc import Iterator
from random import Random

from console.demo.moments import HOUR, SECOND, Doc, Identities, Row, pick, utc_text
from console.demo.names import OFFICE_STAFF
from console.demo.orders import Sale
from console.demo.people import Cast

STATUSES = {
    "full": ("delivered",) * 18 + ("DELIVERED", "Delivered"),
    "short": ("partially_delivered",) * 8 + ("partially-delivered", "PARTIALLY_DELIVERED"),
    "none": ("not_delivered",) * 8 + ("NOT_DELIVERED", "not-delivered"),
}
METHODS = ("delivery_boy",) * 14 + ("shared_link",) * 4 + ("admin",) * 2
DEVICES = ("Android 13; Redmi 12", "Android 12; Realme C35", "Android 14; Samsung M14", "iPhone; iOS 17.4")


class DeliveryLog:
    """Writes the delivery report that goes with an order."""

    def __init__(self, ids: Identities, rng: Random, cast: Cast) -> None:
        self._ids = ids
        self._rng = rng
        self._cast = cast

    def report(self, sale: Sale) -> Doc:
        """The report on a sale: with quantities for most, always when something was missing."""
        rng, order = self._rng, sale.order
        moment = sale.delivered or sale.day.start + 8 * HOUR
        at_door, confirmed = utc_text(moment), utc_text(moment + 5 * SECOND)
        outcome = "none" if sale.delivered is None else "short" if sale.short else "full"
        doc: Doc = {
            "_id": self._ids.object_id(moment),
            "id": self._ids.uuid(),
            "order_id": order["id"],
            "customer_id": order["customer_id"],
            "delivery_date": order["delivery_date"],
            "delivery_boy_id": sale.person.delivery_boy,
            "status": pick(rng, STATUSES[outcome]),
            "notes": "Nobody at home" if outcome == "none" else "",
            "created_at": at_door,
            "updated_at": confirmed,
        }
        if sale.delivered is not None:
            doc["delivered_at"] = at_door
            doc |= self._confirmation(sale, confirmed)
            if sale.short or rng.random() < 0.7:
                doc["items"] = _quantities(sale)
        return doc

    def _confirmation(self, sale: Sale, confirmed: str) -> Doc:
        """Who confirmed, when and from where."""
        rng = self._rng
        method = pick(rng, METHODS)
        by_office = int(rng.random() * len(OFFICE_STAFF))
        by = self._cast.office[by_office] if method == "admin" else sale.person.delivery_boy
        name = OFFICE_STAFF[by_office] if method == "admin" else None
        return {
            "confirmed_by_user_id": None if method == "shared_link" else by,
            "confirmed_by_name": name,
            "confirmed_at": confirmed,
            "confirmation_method": method,
            "ip_address": f"10.20.{int(rng.random() * 250)}.{int(rng.random() * 250)}",
            "device_info": pick(rng, DEVICES),
        }


class LooseReports:
    """Takes the order from some reports of the daily milk: they come to nothing in the backend's look-ups."""

    def __init__(self, ids: Identities) -> None:
        self._ids = ids
        self._number = 0

    def rows(self, report: Doc) -> Iterator[Row]:
        """A report as it is stored: a few name no order, or one that is gone, and a few were sent twice."""
        self._number += 1
        if self._number % 700 == 350:
            again = report | {"_id": self._ids.object_id(_seconds(report)), "id": self._ids.uuid()}
            del again["order_id"]
            yield "delivery_statuses", again
        if self._number % 150 == 75:
            del report["order_id"]
        elif self._number % 400 == 110:
            report["order_id"] = f"ord_{self._ids.uuid()}"
        yield "delivery_statuses", report


def _seconds(report: Doc) -> int:
    return int(report["_id"].generation_time.timestamp()) * SECOND


def _quantities(sale: Sale) -> list[Doc]:
    """Ordered and delivered quantity of each item; the oldest orders know no product id."""
    given = sale.short or [quantity for _, quantity in sale.lines]
    items: list[Doc] = []
    for item, (stock, quantity), delivered in zip(sale.order["items"], sale.lines, given, strict=True):
        whole = delivered == quantity
        row: Doc = {"product_id": stock.id} if "product_id" in item else {}
        row |= {
            "product_name": stock.product.name,
            "ordered_qty": quantity,
            "delivered_qty": delivered,
            "status": "delivered" if whole else "partial" if delivered else "not_delivered",
            "price_per_unit": item["price"],
        }
        items.append(row)
    return items
