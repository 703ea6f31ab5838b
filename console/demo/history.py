"""What earlier programs left behind: audit entries in two shapes, and reminders mostly never sent."""

from collections.abc import Iterator
from random import Random
from typing import Any

from console.demo.mixture import Dataset
from console.demo.moments import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Doc,
    Identities,
    Row,
    bson_date,
    india_day,
    midnight,
    pick,
    utc_text,
)
from console.demo.orders import Sale
from console.demo.people import Cast

OFFICE_CHANGES: tuple[tuple[str, str, Any, Any], ...] = (
    ("customers_v2", "status", "trial", "active"),
    ("subscriptions_v2", "default_qty", 1, 2),
    ("customers_v2", "previous_balance", 450.0, 0.0),
    ("customers_v2", "address", "Old house, [Main] Road", "12, 4th Cross, near temple 🛕"),
    ("subscriptions_v2", "status", "paused", "active"),
)

ENDINGS = ("queued",) * 6 + ("failed",) * 3 + ("sent", "delivered", "delivered")


class Journal:
    """The audit entries of two earlier writers, about every fourth delivered one-time order."""

    def __init__(self, ids: Identities, rng: Random, cast: Cast) -> None:
        self._ids = ids
        self._rng = rng
        self._cast = cast

    def entries(self, sale: Sale) -> Iterator[Row]:
        """None, or one entry in either shape."""
        draw = self._rng.random()
        if draw < 0.15:
            yield "audit_logs", self._first_shape(sale)
        elif draw < 0.27:
            yield "audit_logs", self._second_shape(sale)

    def _first_shape(self, sale: Sale) -> Doc:
        """Trap 17: the `before` of these was invented, whatever the order said."""
        moment = (sale.delivered or sale.day.start) + 2 * SECOND
        after = {"status": sale.order["status"], "delivered_at": utc_text(moment - 2 * SECOND)}
        before = {"status": "CONFIRMED", "delivered_at": None}
        return {
            "_id": self._ids.object_id(moment),
            "id": self._ids.uuid(),
            "table": "orders",
            "record_id": sale.order["id"],
            "action": "DELIVERED",
            "user_id": pick(self._rng, self._cast.office),
            "timestamp": utc_text(moment),
            "before": before,
            "after": after,
            "changes": {field: {"old": before[field], "new": after[field]} for field in after},
        }

    def _second_shape(self, sale: Sale) -> Doc:
        moment = (sale.delivered or sale.day.start) + 9 * MINUTE
        entry: Doc = {
            "_id": self._ids.object_id(moment),
            "resource_type": "order",
            "resource_id": sale.order["id"],
            "action": pick(self._rng, ("update_status", "UPDATE", "mark_delivered")),
            "user_id": sale.person.delivery_boy,
            "timestamp": bson_date(moment),
        }
        if self._rng.random() < 0.5:
            entry |= {"before": {"status": "pending"}, "after": {"status": sale.order["status"]}}
        return entry


def reminders(dataset: Dataset, ids: Identities, cast: Cast, rng: Random) -> Iterator[Row]:
    """Payment reminders of the last months; trap 16: a queued one was never sent."""
    for person in cast.people[::3]:
        back = int(rng.random() * 90)
        moment = midnight(dataset.until) - back * DAY - 8 * HOUR + int(rng.random() * 5 * HOUR)
        status = pick(rng, ENDINGS)
        amount = f"{pick(rng, (612, 744, 1296, 1440, 825)):,}.00"
        log: Doc = {
            "_id": ids.object_id(moment),
            "id": ids.uuid(),
            "phone": f"+91{person.phone}",
            "type": "payment_reminder",
            "message": f"Dear {person.name}, your milk and grocery bill is ₹{amount}. Please pay by UPI.",
            "status": status,
            "reference_id": person.customer_id,
            "context": {"customer_name": person.name, "amount": amount, "period": _month_before(moment)},
            "created_at": utc_text(moment),
            "sent_at": utc_text(moment + 4 * SECOND) if status in ("sent", "delivered") else None,
            "failed_at": utc_text(moment + 9 * SECOND) if status == "failed" else None,
            "error_message": "21211: invalid 'To' phone number" if status == "failed" else None,
            "retry_count": 3 if status == "failed" else 0,
            "max_retries": 3,
            "next_retry_at": None,
        }
        yield "notifications_log", log
        if status == "queued":
            yield "notifications_queue", _queue_row(ids, log, moment)


def office_changes(dataset: Dataset, ids: Identities, cast: Cast, rng: Random) -> Iterator[Row]:
    """Audit entries of the first writer about customers and subscriptions, oldest first."""
    chosen = cast.supplied[::12]
    for number, person in enumerate(chosen):
        moment = midnight(dataset.until) - 170 * DAY + 160 * DAY * number // len(chosen) + 11 * HOUR
        table, field, old, new = OFFICE_CHANGES[number % len(OFFICE_CHANGES)]
        entry: Doc = {
            "_id": ids.object_id(moment),
            "id": ids.uuid(),
            "table": table,
            "record_id": person.supply.id if table == "subscriptions_v2" and person.supply else person.customer_id,
            "action": "UPDATE",
            "user_id": pick(rng, cast.office),
            "timestamp": utc_text(moment, "+00:00" if number % 2 else ""),
            "before": {field: old},
            "after": {field: new},
            "changes": {field: {"old": old, "new": new}},
        }
        if number % 9 == 5:
            entry |= {"action": "CREATE", "before": None, "changes": {}}
        yield "audit_logs", entry


def _month_before(moment: int) -> str:
    """The `YYYY-MM` before the month of a moment."""
    return india_day(moment - int(india_day(moment)[8:]) * DAY)[:7]


def _queue_row(ids: Identities, log: Doc, moment: int) -> Doc:
    """What the backend's worker looks at, and never takes."""
    copied = (
        "phone",
        "type",
        "message",
        "retry_count",
        "max_retries",
        "created_at",
        "context",
        "reference_id",
    )
    return {
        "_id": ids.object_id(moment),
        "message_id": log["id"],
        **{field: log[field] for field in copied},
        "retry_at": utc_text(moment),
    }
