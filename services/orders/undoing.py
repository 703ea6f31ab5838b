"""Taking an order's last change back, while nothing that came later rests on it."""

from __future__ import annotations

from typing import Any

from services.audit.entries import Entry
from services.audit.logger import Purpose
from services.audit.traces import entries_about, field_changes_of
from services.changes.changeset import ChangeSet, Update, transact
from services.changes.difference import assigned_differences, lookup, same
from services.clock import Clock, india_day, to_stored
from services.database import Database, Document
from services.errors import Refused
from services.operators.operator import Operator
from services.orders.editing import Edited, require_one, require_open
from services.records.fields import mapping
from services.records.orders import OPEN_STATUSES, read_order
from services.typed import typed_reason
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator

_EDITED = {
    "items", "total_amount", "total", "delivery_date", "address", "notes", "delivery_boy_id", "updated_at", "status",
    "cancelled_at", "cancelled_by", "cancel_reason", "undone", "undo_reason",
}  # fmt: skip
"""What an edit or a cancellation changes; an entry that changes anything else is of another deed."""


async def undo_edit(database: Database, operator: Operator, clock: Clock, order_id: str, reason: str) -> Edited:
    """Give an order back what its last edit or cancellation changed; the reason is kept on it.

    Raises Refused where the last entry about the order is none of these, where somebody changed the values since, or
    where the order has been billed.
    """
    operator.require("support", "take changes back")
    why = typed_reason(reason)

    async def work(changes: ChangeSet) -> Edited:
        document = await require_one(changes, order_id)
        entries = await entries_about(changes, "orders", order_id)
        entry = _undoable(entries)
        values = _before(entry, document)
        bill = await changes.database["billing_records"].find_one(
            {"order_id": order_id}, {"_id": 1}, session=changes.session
        )
        if document.get("billed") is True or bill is not None:
            raise Refused("already-billed", "The order has been billed since; its change stays.")
        if "status" in values:
            await _require_no_twin(changes, {**document, **values})
        elif values.keys() - {"notes"}:
            await require_open(changes, document, "changed back")
        told = field_changes_of(document, assigned_differences(document, values))
        values |= {"undone": entry.id, "undo_reason": why, "updated_at": to_stored(changes.now)}
        guard = {name: {"$eq": document.get(name)} for name in {path.partition(".")[0] for path in values}}
        changes.add(Update("orders", document, values, guard))
        return Edited(order_id, told)

    return await transact(database, operator, clock, work, purpose=Purpose(reason=reason))


async def _require_no_twin(changes: ChangeSet, reopened: Document) -> None:
    """Raise Refused where the customer has ordered anew for the day since."""
    order = read_order(reopened)
    rules = OrderValidator(Lookups(changes.database, changes.session), india_day(changes.now))
    if order.status in OPEN_STATUSES:
        (await rules.no_duplicate(order, order.owner)).require()


def _undoable(entries: list[Entry]) -> Entry:
    """The last entry about an order, where it is an edit of the console's own."""
    if not entries:
        raise Refused("nothing-to-undo", "Nobody changed the order here; there is nothing to take back.")
    entry = entries[0]
    fields = {str(name).partition(".")[0] for name in mapping(entry.changes)}
    if entry.action == "CREATE":
        raise Refused("nothing-to-undo", "The order was made here and not changed since; cancel it instead.")
    own = isinstance(entry.key, str) and isinstance(entry.before, dict) and isinstance(entry.after, dict)
    if not own or entry.action != "UPDATE" or not fields or not fields <= _EDITED:
        who = entry.user or "somebody"
        raise Refused("nothing-to-undo", f"The last that happened to the order is no edit but {entry.action} by {who}.")
    if "undone" in fields:
        raise Refused("nothing-to-undo", "The last change was taken back already.")
    return entry


def _before(entry: Entry, document: Document) -> dict[str, Any]:
    """The values from before the entry, by dotted path, of an order that still has those of after it."""
    paths = [str(path) for path in entry.changes if path != "updated_at"]
    for path in paths:
        if not same(lookup(document, path), lookup(entry.after, path)):
            raise Refused("changed-since", f"The order's {path.replace('_', ' ')} was changed since; the edit stays.")
    return {path: lookup(entry.before, path) for path in paths}
