"""The entries of the audit trail: ten kinds of change by name, and what every entry says of its circumstances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from services.clock import to_stored
from services.database import Document
from services.operators.operator import Operator

Action: TypeAlias = Literal["CREATE", "UPDATE", "DELETE", "DELIVERED", "BILLED", "READ", "EXPORT"]
"""Those of domain.md, and two for what was shown or taken out without a change."""

READINGS: tuple[Action, ...] = ("READ", "EXPORT")
"""The record was shown, and is what it was."""

META_VERSION = 1


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why something is written: told by the operator, or by what they set going."""

    reason: str | None = None
    run: str | None = None
    on_behalf_of: str | None = None
    """Whose decision it was, where the operator only carries it out."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an entry records: the record's id, its states without `_id`, and the fields that differ."""

    record_id: Any
    before: Document | None
    after: Document | None
    changes: Mapping[str, Any]


class AuditLogger:
    """Makes the entries of one request (one transaction) of an operator.

    Each method returns the document for `audit_logs`: the nine stored fields of domain.md and `meta`; the change set
    chains it and writes it with the change that it is about.
    """

    def __init__(self, operator: Operator, at: datetime, request: str, purpose: Purpose) -> None:
        self._account = operator.account
        self._timestamp = to_stored(at)
        meta = {
            "version": META_VERSION,
            "session": operator.trail.session,
            "request": request,
            "source": operator.source or "local",
            "run": purpose.run,
            "reason": purpose.reason,
            "on_behalf_of": purpose.on_behalf_of,
        }
        self._meta = {name: value for name, value in meta.items() if value is not None}
        self._by_table: dict[str, Callable[[str, Action, Facts], Document]] = {
            "orders": self._order,
            "delivery_statuses": self.delivery_status_changed,
            "billing_records": self._billing_record,
            "customers_v2": self.customer_changed,
            "subscriptions_v2": self.subscription_changed,
            "payment_transactions": self.payment_changed,
        }

    def entry(self, entry: str, table: str, action: Action, facts: Facts) -> Document:
        """The entry of a change in any collection, by the method that it belongs to."""
        method = self._by_table.get(table)
        return method(entry, action, facts) if method else self._entry(entry, table, action, facts)

    def order_created(self, entry: str, facts: Facts) -> Document:
        """An order is new."""
        return self._entry(entry, "orders", "CREATE", facts)

    def order_updated(self, entry: str, facts: Facts, action: Action = "UPDATE") -> Document:
        """An order was corrected, cancelled or taken back."""
        return self._entry(entry, "orders", action, facts)

    def order_delivered(self, entry: str, facts: Facts) -> Document:
        """An order's delivery was confirmed."""
        return self._entry(entry, "orders", "DELIVERED", facts)

    def order_billed(self, entry: str, facts: Facts) -> Document:
        """An order was billed; its billing record has an entry of its own."""
        return self._entry(entry, "orders", "BILLED", facts)

    def delivery_status_changed(self, entry: str, action: Action, facts: Facts) -> Document:
        """What is known of a delivery was made, changed or taken back."""
        return self._entry(entry, "delivery_statuses", action, facts)

    def billing_record_created(self, entry: str, facts: Facts) -> Document:
        """A billing record is new."""
        return self._entry(entry, "billing_records", "CREATE", facts)

    def billing_record_updated(self, entry: str, facts: Facts, action: Action = "UPDATE") -> Document:
        """A billing record was changed or taken back."""
        return self._entry(entry, "billing_records", action, facts)

    def customer_changed(self, entry: str, action: Action, facts: Facts) -> Document:
        """A customer was made, corrected or linked."""
        return self._entry(entry, "customers_v2", action, facts)

    def subscription_changed(self, entry: str, action: Action, facts: Facts) -> Document:
        """A subscription was changed."""
        return self._entry(entry, "subscriptions_v2", action, facts)

    def payment_changed(self, entry: str, action: Action, facts: Facts) -> Document:
        """A payment was recorded or corrected."""
        return self._entry(entry, "payment_transactions", action, facts)

    def _order(self, entry: str, action: Action, facts: Facts) -> Document:
        if action == "BILLED":
            return self.order_billed(entry, facts)
        if action == "CREATE":
            return self.order_created(entry, facts)
        return self.order_delivered(entry, facts) if action == "DELIVERED" else self.order_updated(entry, facts, action)

    def _billing_record(self, entry: str, action: Action, facts: Facts) -> Document:
        if action == "CREATE":
            return self.billing_record_created(entry, facts)
        return self.billing_record_updated(entry, facts, action)

    def _entry(self, entry: str, table: str, action: Action, facts: Facts) -> Document:
        return {
            "_id": entry,
            "id": entry,
            "table": table,
            "record_id": facts.record_id,
            "action": action,
            "user_id": self._account,
            "timestamp": self._timestamp,
            "before": facts.before,
            "after": facts.after,
            "changes": facts.changes,
            "meta": self._meta,
        }
