"""A generated data set as the tests read it: by rules of their own, from what is stored alone."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from console.demo.dataset import Dataset, rows

Doc = dict[str, Any]
UNTIL = date(2026, 6, 30)
SMALL = Dataset(until=UNTIL, orders=600)
FULL = Dataset(until=UNTIL)
INDIA = timedelta(hours=5, minutes=30)


class Stored:
    """A generated data set by collection, with the look-ups that the tests need."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.all: dict[str, list[Doc]] = defaultdict(list)
        for collection, document in rows(dataset):
            self.all[collection].append(document)
        self.one_time = [o for o in self.all["orders"] if "subscription_id" not in o]
        self.delivery = {d["order_id"]: d for d in self.all["delivery_statuses"] if "order_id" in d}
        self.billed = Counter(record["order_id"] for record in self.all["billing_records"])
        self.customers: set[str] = {c["id"] for c in self.all["customers_v2"]}
        self.by_user: dict[str, list[str]] = defaultdict(list)
        for customer in self.all["customers_v2"]:
            if customer.get("user_id"):
                self.by_user[customer["user_id"]].append(customer["id"])
        self.pointers = {u["id"]: u["customer_v2_id"] for u in self.all["users"] if "customer_v2_id" in u}

    def customer_of(self, order: Doc) -> set[str]:
        """Rule of trap 1."""
        ids = [order.get("customer_id"), order.get("user_id")]
        if ids[0] in self.customers:
            return {str(ids[0])}
        found = {c for i in ids if i for c in self.by_user.get(i, [])}
        return found or self.customers & {self.pointers[i] for i in ids if i in self.pointers}


def spelled(value: object) -> str:
    return re.sub(r"[-\s]", "_", str(value)).lower()


def exact(value: object) -> Decimal | None:
    """The decimal that a double is written as; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return Decimal(repr(value))


def moment(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def month(order: Doc) -> str | None:
    if delivered := moment(order.get("delivered_at")):
        return (delivered.astimezone(UTC) + INDIA).strftime("%Y-%m")
    try:
        return date.fromisoformat(str(order.get("delivery_date"))).isoformat()[:7]
    except ValueError:
        return None


def quantities_known(order: Doc, delivery: Doc | None) -> bool:
    if not delivery or "items" not in delivery:
        return "partial" not in spelled(order["status"])
    reported = {i.get("product_id", i["product_name"]): i.get("delivered_qty") for i in delivery["items"]}
    given = [reported.get(i.get("product_id", i.get("product"))) for i in order["items"]]
    ordered = [i["quantity"] for i in order["items"]]
    known = all(g is not None and 0 <= g <= q for g, q in zip(given, ordered, strict=True))
    return known and any(given)


def problems(stored: Stored, order: Doc) -> Iterator[str]:
    amount = exact(order.get("total_amount", order.get("total")))
    items = sum((Decimal(repr(i["quantity"])) * Decimal(repr(i["price"])) for i in order["items"]), Decimal(0))
    if amount is None or not 0 < amount < 10_000_000:
        yield "amount-invalid"
    elif abs(amount - items) > Decimal("0.01"):
        yield "amount-mismatch"
    if not quantities_known(order, stored.delivery.get(order["id"])):
        yield "quantities-unknown"
    if month(order) is None:
        yield "no-delivery-month"
    if len(found := stored.customer_of(order)) != 1:
        yield "customer-ambiguous" if found else "customer-missing"


def kind(stored: Stored, order: Doc) -> str:
    if order["id"] in stored.billed:
        return "already-billed"
    if spelled(order["status"]) not in ("delivered", "partially_delivered"):
        return "not-delivered"
    if order.get("billed"):
        return "flagged-no-record"
    return "needs-review" if any(problems(stored, order)) else "change"
