"""Link deliveries to their orders: `delivery_statuses.order_id`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.backfills.backfill import Backfill, Surroundings
from services.backfills.landing import as_stored, has
from services.backfills.plan import REPAIR_GROUPS, Decision, Options, Tally
from services.backfills.repairs.deliveries import BLANK, Surveyed, survey
from services.changes.changeset import Change, Update
from services.clock import read_day
from services.database import Database, Document, Session
from services.orders.references import clean_id
from services.records.fields import identity
from services.records.orders import NOT_DELIVERED, read_order, read_status


class LinkDeliveriesOrders(Backfill[Surveyed]):
    """A delivery belongs to an order by naming it in `order_id`; one that names none, or one that is gone, is linked.

    - It goes to the one order of the same customer and day that it can be about: with the same products, where the
      delivery lists any, and not cancelled, where goods were delivered. Both customers are found through users and
      customers alike, so it does not matter which of the two ids either side holds.
    - No such order, or several: a person decides. So too where the order has a delivery already, where another open
      delivery fits it as well, and where the order and the delivery disagree on whether it was delivered.
    - A delivery that names an order is left as it is, even where its `customer_id` has the other form. Only if the
      two belong to different customers, a person has to look.
    """

    name = "link-deliveries-orders"
    title = "Link deliveries and orders"
    about = "Sets the order_id of each delivery without one where exactly one order of the customer and day fits."
    collection = "delivery_statuses"
    groups = REPAIR_GROUPS
    noun = "deliveries"
    takes = ("delivered_from", "delivered_to")

    def scope(self, options: Options) -> Document:
        """All deliveries: whether the order that one names exists, only the orders know."""
        return {}

    async def load(self, database: Database, documents: Sequence[Document], session: Session | None) -> list[Surveyed]:
        """The deliveries with the orders that they name or could be about: four queries, more for open ones."""
        return await survey(database, documents, session)

    def identify(self, source: Surveyed) -> tuple[str, Any]:
        """The `_id` in words: no index would find a delivery by its id, nor tell whether two have the same."""
        return str(source.document["_id"]), source.document["_id"]

    def covers(self, source: Surveyed, options: Options) -> bool:
        """Deliveries of the scheduled days asked for."""
        return options.covers(read_day(source.document.get("delivery_date")))

    def depends(self, source: Surveyed) -> Mapping[str, Any]:
        """What the delivery says, whose it is, and every order and delivery that competes."""
        names = ("order_id", "customer_id", "delivery_date", "status", "items")
        return {
            "delivery": [(name, source.document[name]) for name in names if name in source.document],
            "customer": source.resolution.candidates,
            "orders": source.candidates,
            # Not all that compete: what this run links meanwhile is no drift.
            "taken": [name for order in source.fitting if (name := identity(order.get("id"))) in source.taken],
            "competing": [rival["_id"] for rival in source.competing],
        }

    def decide(self, source: Surveyed, options: Options, surroundings: Surroundings) -> Decision:
        """First that applies, by the rules above."""
        customer = source.resolution.customer_id
        stored = source.document.get("order_id")
        if not source.open:
            if source.owner and customer and source.owner != customer:
                return _review("customer-differs", f"Its order belongs to the customer {source.owner}.", customer)
            return Decision("nothing-to-do")
        if stored not in BLANK and not isinstance(stored, str):
            return _review("link-unreadable", "order_id holds something that is no id.", customer)
        if customer is None:
            code = "customer-ambiguous" if source.resolution.candidates else "customer-missing"
            return _review(code, f"The delivery's customer is open: {source.resolution.how}.")
        day = read_day(source.document.get("delivery_date"))
        if day is None:
            return _review("no-delivery-day", "delivery_date cannot be read.", customer)
        if len(source.fitting) != 1:
            code = "order-ambiguous" if source.fitting else "order-missing"
            of_day = f"Of {len(source.candidates)} orders of the customer on {day}"
            return _review(code, f"{of_day}, {len(source.fitting)} can be meant.", customer)
        return _match(source, source.fitting[0], customer)

    def changes(
        self, source: Surveyed, values: Mapping[str, Any], run: str, now: datetime, surroundings: Surroundings
    ) -> Sequence[Change]:
        """The delivery's order."""
        guard = {"order_id": {"$eq": source.document.get("order_id")}}
        return (Update("delivery_statuses", source.document, values, guard),)

    async def landed(self, database: Database, run: str, bodies: Sequence[Document]) -> Tally:
        """The deliveries that name the order of their row, where there is exactly one of that id."""
        deliveries = await as_stored(database, "delivery_statuses", bodies, ("order_id",))
        named: Document = {"id": {"$in": [body["values"]["order_id"] for body in bodies]}}
        orders = Counter([str(order["id"]) async for order in database["orders"].find(named, {"_id": 0, "id": 1})])
        return Tally(records=sum(
            has(delivery, body["values"]) and orders[delivery["order_id"]] == 1
            for body, delivery in zip(bodies, deliveries, strict=True)
        ))  # fmt: skip


def _review(code: str, message: str, customer: str | None = None) -> Decision:
    return Decision("needs-review", code, message, customer)


def _match(source: Surveyed, document: Document, customer: str) -> Decision:
    """The decision on a delivery that only one order fits."""
    name = clean_id(document.get("id"))
    if name is None:
        return _review("id-missing", "The order that fits has no id that is clean text.", customer)
    if name in source.shared:
        return _review("id-duplicate", f"Two orders have the id {name}.", customer)
    if name in source.taken:
        return _review("order-taken", f"The order {name} has a delivery already.", customer)
    if source.competing:
        return _review("order-taken", f"Another delivery without an order fits {name} as well.", customer)
    if _contradicts(source.document, document):
        return _review(
            "delivery-contradicts", f"The order {name} says otherwise on whether it was delivered.", customer
        )
    return Decision("change", None, f"Order {name} is the only one that fits.", customer, values={"order_id": name})


def _contradicts(delivery: Document, document: Document) -> bool:
    order, failed = read_order(document), read_status(delivery.get("status")) == NOT_DELIVERED
    return order.delivered if failed else order.status == NOT_DELIVERED
