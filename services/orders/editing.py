"""Changing an order: what would change, doing just that, and cancelling it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from services.audit.entries import FieldChange
from services.audit.logger import Purpose
from services.audit.traces import field_changes_of, who_gave
from services.changes.changeset import ChangeSet, Update, applied, transact
from services.changes.difference import assigned_differences
from services.changes.resting import require_as_seen, require_one, unchanged, values_of
from services.changes.series import series_of
from services.changes.turns import take_turns
from services.clock import Clock, india_day, to_stored
from services.customers.resolution import CustomerLinks
from services.database import Database, Document, told
from services.deliveries.staff import staff_names
from services.errors import Refused
from services.money import to_double
from services.operators.operator import Operator
from services.orders.addresses import address_line, changed_address, check_address, require_address
from services.orders.items import Quantities, stored_items
from services.orders.reading import require_order
from services.orders.resolving import known_as, order_customer, require_active_person
from services.orders.shown import require_as_shown
from services.records.fields import identity, text
from services.records.orders import OPEN_STATUSES, Order, read_order, read_total
from services.typed import typed_reason, typed_text
from services.validation.check import Check
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator
from services.validation.result import Result

WATCHED = (
    "items", "total_amount", "total", "delivery_date", "address", "notes", "status", "delivery_boy_id", "delivered_at",
    "billed", "delivery_confirmed", "customer_id", "user_id",
)  # fmt: skip
"""The fields of an order that what is done to it rests on."""
_GUARDING = ("status", "billed", "delivery_confirmed", "delivery_date")
LONGEST_NOTE = 2_000
LAST_EDIT = "last_edit_id"
"""The order's field that names its last edit: by that the edit's audit entry is found again."""
EDITING = "edit/"
"""Before an edit's id, the name of the series of its audit entry."""
EDIT_ENTRY = 0
"""The number of the entry in that series."""


@dataclass(frozen=True)
class OrderEdit:
    """New values for an order; None leaves a field as it is."""

    address: str | None = None
    """Of an address in parts its first line, and city and pincode where it ends with them."""
    notes: str | None = None
    items: Quantities | None = None
    """All items that the order is to have."""
    delivery_date: date | None = None
    delivery_boy_id: str | None = None
    """An id, or the beginning of a name that only one delivery person has."""
    beside: tuple[str, ...] = ()
    """The customer's open orders for the new day that are known: the order is meant beside these."""


@dataclass(frozen=True)
class Editable:
    """An order as an operator saw it: an edit is of this state, and of no later one."""

    order: Order
    customer_id: str
    """Of the customer whom the order resolves to; empty where that is open."""
    delivery_person: str
    """The name; empty where nobody of that id is on the staff."""
    address_line: str
    seen: Mapping[str, Any]
    """The stored values that an edit rests on."""


@dataclass(frozen=True)
class Cancellable:
    """An order that can be cancelled, as an operator saw it."""

    order: Order
    customer_name: str
    seen: Mapping[str, Any]
    """The stored values that its cancelling rests on."""


@dataclass(frozen=True)
class Edited:
    """What an edit changes, or changed, field by field."""

    order_id: str
    changes: tuple[FieldChange, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    """Of the delivery people that the changes name, by id."""
    checks: tuple[Check, ...] = ()
    """What the validators say of the order as it would be."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The new values by dotted path; None where a field goes."""
        return {each.field: each.new for each in self.changes}


async def open_order(database: Database, operator: Operator, order_id: str) -> Editable:
    """An order to be changed. Raises NotFound."""
    operator.require("support", "change orders")
    with told():
        document = (await require_order(database, order_id))[0]
        order = read_order(document)
        names = await staff_names(database, [order.delivery_boy_id])
        links = await CustomerLinks.load(database, [order.owner], told="ids")
    customer, person = links.resolve(order.owner).customer_id or "", names.get(order.delivery_boy_id or "", "")
    return Editable(order, customer, person, address_line(document), values_of(document, WATCHED))


async def open_beside(
    database: Database, operator: Operator, clock: Clock, order_id: str, day: date
) -> tuple[str, ...]:
    """The customer's other open orders of its kind for a day to which an order would be moved."""
    operator.require("support", "change orders")

    async def work(changes: ChangeSet) -> tuple[str, ...]:
        order = replace(read_order(await require_one(changes, "orders", order_id)), delivery_date=day)
        rules = OrderValidator(Lookups(changes.database, changes.session), india_day(changes.now))
        return await rules.open_beside(order, await known_as(changes, order.owner))

    return await transact(database, operator, clock, work, write=False)


async def preview_update(
    database: Database, operator: Operator, clock: Clock, order_id: str, edit: OrderEdit, seen: Mapping[str, Any]
) -> Edited:
    """What the edit would change; nothing is written. Raises what `update_order` would."""
    return await _update(database, operator, clock, order_id, edit, seen, write=False)


async def update_order(
    database: Database, operator: Operator, clock: Clock, order_id: str, edit: OrderEdit, seen: Mapping[str, Any],
    shown: Edited | None = None,
) -> Edited:  # fmt: skip
    """Change an order that is still as it was seen; `shown` is the preview that somebody agreed to.

    Raises Conflict, naming what somebody else changed since, or where the change would be another than was shown;
    NotFound; Refused for an order that is closed, with the rule; BadRequest for a value that is none.
    """
    return await _update(database, operator, clock, order_id, edit, seen, shown, write=True)


async def _update(
    database: Database, operator: Operator, clock: Clock, order_id: str, edit: OrderEdit, seen: Mapping[str, Any],
    shown: Edited | None = None, *, write: bool,
) -> Edited:  # fmt: skip
    operator.require("support", "change orders")

    name = str(uuid.uuid4())

    async def work(changes: ChangeSet) -> Edited:
        document = await require_one(changes, "orders", order_id)
        await require_as_seen(changes, "orders", document, seen, WATCHED)
        values = await _values(changes, document, edit)
        differing = assigned_differences(document, values)
        if not differing:
            raise Refused("nothing-to-change", "The order says so already; nothing was written.")
        checks = await _checked(changes, document, applied(document, values), edit, differing)
        edited = await _edited(changes, document, differing, checks)
        if write:
            if shown is not None:
                require_as_shown(shown.values, edited.values, document)
            if "delivery_date" in differing:
                await take_turns(changes, (await known_as(changes, read_order(document).owner))[:1])
            _write(changes, document, values, name)
        return edited

    return await transact(database, operator, clock, work, series=series_of(f"{EDITING}{name}"), write=write)


def _write(changes: ChangeSet, document: Document, values: Mapping[str, Any], name: str) -> None:
    """Write the values of the edit of that name, under which its audit entry is found again."""
    written = {**values, LAST_EDIT: name, "updated_at": to_stored(changes.now)}
    changes.add(Update("orders", document, written, unchanged(document, _GUARDING)), first=EDIT_ENTRY)


async def _edited(
    changes: ChangeSet, document: Document, differing: Mapping[str, Mapping[str, Any]], checks: tuple[Check, ...] = ()
) -> Edited:
    """What an edit changes, for people, with the names of the delivery people that it is about."""
    people = differing.get("delivery_boy_id", {}).values()
    names = await staff_names(changes.database, [identity(person) for person in people], changes.session)
    return Edited(text(document.get("id")), field_changes_of(document, differing), names, checks)


async def preview_cancel(database: Database, operator: Operator, clock: Clock, order_id: str) -> Cancellable:
    """The order that would be cancelled, as it is now. Raises what `cancel_order` would, but for its reason."""
    operator.require("support", "cancel orders")

    async def work(changes: ChangeSet) -> Cancellable:
        document = await require_one(changes, "orders", order_id)
        await require_open(changes, document, "cancelled")
        order = read_order(document)
        customer = await order_customer(changes, order.owner) or {}
        return Cancellable(order, text(customer.get("name")), values_of(document, WATCHED))

    return await transact(database, operator, clock, work, write=False)


async def cancel_order(
    database: Database, operator: Operator, clock: Clock, order_id: str, reason: str,
    seen: Mapping[str, Any] | None = None,
) -> Edited:  # fmt: skip
    """Cancel an order that is open and not billed; the reason is kept on it.

    Raises as `update_order`; without `seen` the order is taken as it is now.
    """
    operator.require("support", "cancel orders")
    why, name = typed_reason(reason), str(uuid.uuid4())

    async def work(changes: ChangeSet) -> Edited:
        document = await require_one(changes, "orders", order_id)
        if seen is not None:
            await require_as_seen(changes, "orders", document, seen, WATCHED)
        await require_open(changes, document, "cancelled")
        now = to_stored(changes.now)
        values = {"status": "CANCELLED", "cancelled_at": now, "cancelled_by": operator.account, "cancel_reason": why}
        _write(changes, document, values, name)
        return await _edited(changes, document, assigned_differences(document, values))

    series = series_of(f"{EDITING}{name}")
    return await transact(database, operator, clock, work, purpose=Purpose(reason=why), series=series)


async def require_open(changes: ChangeSet, document: Document, deed: str) -> None:
    """Raise Refused for an order that was delivered, cancelled or billed, with who did that and when.

    `deed` says what cannot be done with it.
    """
    order = read_order(document)

    async def by(path: str) -> str:
        return await who_gave(changes, "orders", str(document["id"]), path, document)

    if order.status not in OPEN_STATUSES:
        words = (order.status.replace("_", " ").lower() or "of no status") + await by("status")
        raise Refused("order-closed", f"The order is {words}; only an order that is still open can be {deed}.")
    if order.delivery_confirmed:
        words = f"confirmed{await by('delivery_confirmed')}"
        raise Refused("order-closed", f"The order's delivery is {words}; it can no longer be {deed}.")
    bill = await changes.database["billing_records"].find_one(
        {"order_id": order.id}, {"_id": 1}, session=changes.session
    )
    if order.billed or bill is not None:
        words = f"billed{await by('billed') if order.billed else ''}"
        raise Refused("already-billed", f"The order is {words}; it can no longer be {deed}.")


async def _values(changes: ChangeSet, document: Document, edit: OrderEdit) -> dict[str, Any]:
    """The new values by dotted path. Notes can always be changed; all else while the order is open."""
    values: dict[str, Any] = {}
    if edit.notes is not None:
        values["notes"] = typed_text(edit.notes, "notes", LONGEST_NOTE)
    if edit.address is not None:
        values |= changed_address(document, edit.address)
    if edit.delivery_date is not None:
        values["delivery_date"] = edit.delivery_date.isoformat()
    if edit.delivery_boy_id is not None:
        values["delivery_boy_id"] = await require_active_person(changes, edit.delivery_boy_id)
    if edit.items is not None:
        values |= await _items(changes, document, edit.items)
    if assigned_differences(document, values).keys() - {"notes"}:
        await require_open(changes, document, "changed")
    return values


async def _items(changes: ChangeSet, document: Document, wanted: Quantities) -> dict[str, Any]:
    """The items, and what they come to where the order does not say so to the paisa."""
    customer = await order_customer(changes, read_order(document).owner)
    items, paise = await stored_items(changes, wanted, document, customer)
    stated = read_total(document)
    if stated is not None and abs(stated * 100 - paise) < 1:
        return {"items": items}
    old_name = document.get("total_amount") is None and document.get("total") is not None
    return {"items": items, "total" if old_name else "total_amount": to_double(paise)}


async def _checked(
    changes: ChangeSet, document: Document, after: Document, edit: OrderEdit, differing: Collection[str]
) -> tuple[Check, ...]:
    """What the validators say of the order as it would be, of those that the change is about. Raises Refused."""
    rules = OrderValidator(Lookups(changes.database, changes.session), india_day(changes.now))
    changed, order = {path.partition(".")[0] for path in differing}, read_order(after)
    found: list[tuple[str, Result]] = []
    if changed & {"items", "total_amount", "total"}:
        found.append(("order.items", await rules.items(after.get("items"))))
        found.append(("order.total", await rules.total(after)))
    if "delivery_date" in changed:
        found.append(("order.delivery-date", await rules.delivery_date(after.get("delivery_date"))))
        if order.kind == "one-time":
            owners = await known_as(changes, order.owner)
            found.append(("order.no-duplicate", await rules.no_duplicate(order, owners, edit.beside)))
    for _, result in found:
        result.require()
    if "address" in changed:
        found += await check_address(after.get("address"))
        for _, result in found:
            require_address(result)
    return tuple(Check(name, result) for name, result in found)
