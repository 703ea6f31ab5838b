"""Changing an order: what would change, doing just that, cancelling it, and taking the last change back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.audit.entries import FieldChange
from services.audit.logger import Purpose
from services.audit.traces import field_changes_of, who_changed
from services.changes.changeset import ChangeSet, Update, transact
from services.changes.difference import assigned_differences, same
from services.clock import Clock, india_day, to_stored
from services.database import Database, Document, told
from services.errors import BadRequest, Conflict, NotFound, Refused
from services.money import to_double
from services.operators.operator import Operator
from services.orders.items import Quantities, stored_items
from services.orders.reading import require_order
from services.orders.resolving import order_customer, require_active_person
from services.records.fields import mapping, text
from services.records.orders import OPEN_STATUSES, Order, read_order
from services.typed import typed_reason, typed_text
from services.validation.days import not_past
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator

_WATCHED = (
    "items", "total_amount", "total", "delivery_date", "address", "notes", "status", "delivery_boy_id", "delivered_at",
    "billed", "delivery_confirmed", "customer_id", "user_id",
)  # fmt: skip
LONGEST_NOTE, LONGEST_ADDRESS = 2_000, 500


@dataclass(frozen=True)
class OrderEdit:
    """New values for an order; None leaves a field as it is."""

    address: str | None = None
    """Of an address in parts, its first line."""
    notes: str | None = None
    items: Quantities | None = None
    """All items that the order is to have."""
    delivery_date: date | None = None
    delivery_boy_id: str | None = None
    """An id, or the beginning of a name that only one delivery person has."""


@dataclass(frozen=True)
class Editable:
    """An order as an operator saw it: an edit is of this state, and of no later one."""

    order: Order
    address_line: str
    seen: Mapping[str, Any]
    """The stored values that an edit rests on."""


@dataclass(frozen=True)
class Edited:
    """What an edit changes, or changed, field by field."""

    order_id: str
    changes: tuple[FieldChange, ...]


async def open_order(database: Database, operator: Operator, order_id: str) -> Editable:
    """An order to be changed. Raises NotFound."""
    operator.require("support", "change orders")
    with told():
        document = (await require_order(database, order_id))[0]
    return Editable(read_order(document), address_line(document), _seen(document))


async def preview_update(
    database: Database, operator: Operator, clock: Clock, order_id: str, edit: OrderEdit, seen: Mapping[str, Any]
) -> Edited:
    """What the edit would change; nothing is written. Raises what `update_order` would."""
    return await _update(database, operator, clock, order_id, edit, seen, write=False)


async def update_order(
    database: Database, operator: Operator, clock: Clock, order_id: str, edit: OrderEdit, seen: Mapping[str, Any]
) -> Edited:
    """Change an order that is still as it was seen.

    Raises Conflict, naming what somebody else changed since; NotFound; Refused for an order that is closed, with the
    rule; BadRequest for a value that is none.
    """
    return await _update(database, operator, clock, order_id, edit, seen, write=True)


async def _update(
    database: Database, operator: Operator, clock: Clock, order_id: str, edit: OrderEdit, seen: Mapping[str, Any],
    *, write: bool,
) -> Edited:  # fmt: skip
    operator.require("support", "change orders")

    async def work(changes: ChangeSet) -> Edited:
        document = await require_one(changes, order_id)
        await _require_as_seen(changes, document, seen)
        values = await _values(changes, document, edit)
        differing = assigned_differences(document, values)
        if not differing:
            raise Refused("nothing-to-change", "The order says so already; nothing was written.")
        if write:
            values["updated_at"] = to_stored(changes.now)
            changes.add(Update("orders", document, values, _guard(document)))
        return Edited(order_id, field_changes_of(document, differing))

    return await transact(database, operator, clock, work)


async def cancel_order(
    database: Database, operator: Operator, clock: Clock, order_id: str, reason: str,
    seen: Mapping[str, Any] | None = None,
) -> Edited:  # fmt: skip
    """Cancel an order that is open and not billed; the reason is kept on it.

    Raises as `update_order`; without `seen` the order is taken as it is now.
    """
    operator.require("support", "cancel orders")
    why = typed_reason(reason)

    async def work(changes: ChangeSet) -> Edited:
        document = await require_one(changes, order_id)
        if seen is not None:
            await _require_as_seen(changes, document, seen)
        await require_open(changes, document, "cancelled")
        now = to_stored(changes.now)
        values = {"status": "CANCELLED", "cancelled_at": now, "cancelled_by": operator.account, "cancel_reason": why}
        changes.add(Update("orders", document, {**values, "updated_at": now}, _guard(document)))
        return Edited(order_id, field_changes_of(document, assigned_differences(document, values)))

    return await transact(database, operator, clock, work, purpose=Purpose(reason=reason))


async def require_one(changes: ChangeSet, order_id: str) -> Document:
    """The one order of that id, in the transaction. Raises NotFound, and Refused where two share it."""
    found = await changes.database["orders"].find({"id": order_id}, session=changes.session).limit(2).to_list()
    if not found:
        raise NotFound("unknown-order", f"There is no order {order_id[:60]!r}; it may have been deleted meanwhile.")
    if len(found) > 1:
        raise Refused("id-duplicate", f"Two orders have the id {order_id!r}; a person must tell them apart first.")
    return found[0]


def address_line(document: Document) -> str:
    """The part of a stored address that an edit changes: the text, or the first line of one in parts."""
    address = document.get("address")
    return address if isinstance(address, str) else text(mapping(address).get("address_line1"))


def _seen(document: Document) -> dict[str, Any]:
    return {name: document.get(name) for name in _WATCHED}


def _guard(document: Document) -> dict[str, Any]:
    return {name: {"$eq": document.get(name)} for name in ("status", "billed", "delivery_confirmed", "delivery_date")}


async def _require_as_seen(changes: ChangeSet, document: Document, seen: Mapping[str, Any]) -> None:
    changed = [name for name, value in _seen(document).items() if not same(seen.get(name), value)]
    if changed:
        by = await who_changed(changes, "orders", document, changed)
        raise Conflict(
            "changed-meanwhile",
            f"The order was changed since you opened it: {by}. Nothing was written, and what you typed is "
            "kept; look at it as it is now.",
        )


async def require_open(changes: ChangeSet, document: Document, deed: str) -> None:
    """Raise Refused for an order that was delivered, cancelled or billed; `deed` says what cannot be done with it."""
    order = read_order(document)
    if order.status not in OPEN_STATUSES:
        words = order.status.replace("_", " ").lower() or "of no status"
        raise Refused("order-closed", f"The order is {words}; only an order that is still open can be {deed}.")
    if order.delivery_confirmed:
        raise Refused("order-closed", f"The order's delivery is confirmed; it can no longer be {deed}.")
    bill = await changes.database["billing_records"].find_one(
        {"order_id": order.id}, {"_id": 1}, session=changes.session
    )
    if order.billed or bill is not None:
        raise Refused("already-billed", f"The order is billed; it can no longer be {deed}.")


async def _values(changes: ChangeSet, document: Document, edit: OrderEdit) -> dict[str, Any]:
    """The new values by dotted path, validated. Notes can always be changed; all else while the order is open."""
    values: dict[str, Any] = {}
    if edit.notes is not None:
        values["notes"] = typed_text(edit.notes, "notes", LONGEST_NOTE)
    if edit.address is not None:
        line = typed_text(edit.address, "address", LONGEST_ADDRESS)
        if not line:
            raise BadRequest("no-address", "An address cannot be empty.")
        stored = document.get("address")
        in_parts = isinstance(stored, dict) and stored
        values["address.address_line1" if in_parts else "address"] = (
            line if in_parts or stored else {"address_line1": line}
        )
    if edit.delivery_date is not None:
        values["delivery_date"] = require_day(changes, edit.delivery_date)
    if edit.delivery_boy_id is not None:
        values["delivery_boy_id"] = await require_active_person(changes, edit.delivery_boy_id)
    if edit.items is not None:
        customer = await order_customer(changes, read_order(document).owner)
        items, paise = await stored_items(changes, edit.items, document, customer)
        old_name = document.get("total_amount") is None and document.get("total") is not None
        values |= {"items": items, "total" if old_name else "total_amount": to_double(paise)}
        rules = OrderValidator(Lookups(changes.database, changes.session), india_day(changes.now))
        (await rules.items(items)).require()
        (await rules.total({**document, **values})).require()
    if assigned_differences(document, values).keys() - {"notes"}:
        await require_open(changes, document, "changed")
    return values


def require_day(changes: ChangeSet, day: date) -> str:
    """A delivery day as it is stored. Raises Refused for one that is over in India."""
    not_past("delivery_date", day.isoformat(), india_day(changes.now)).require()
    return day.isoformat()
