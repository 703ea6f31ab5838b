"""Taking a confirmation back: what it wrote becomes what was there before, from the images in the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.audit.logger import Purpose
from services.audit.traces import entries_as_written, who_changed
from services.changes.changeset import ChangeSet, Delete, Update, transact
from services.changes.difference import differences, lookup, same
from services.changes.resting import require_one, unchanged
from services.changes.series import entry_id, series_of
from services.changes.turns import take_turns
from services.clock import Clock, india_day
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deliveries.confirmation import (
    CONFIRMATION,
    CONFIRMING,
    DELIVERY_ENTRY,
    LAST_CONFIRMATION,
    ORDER_ENTRY,
    SUBSCRIPTION_ENTRY,
    is_billed,
    load_deliveries,
)
from services.errors import Refused
from services.operators.operator import Operator
from services.orders.editing import LAST_EDIT
from services.orders.resolving import known_as
from services.records.fields import identity
from services.records.orders import OPEN_STATUSES, Order, read_order
from services.typed import typed_reason
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator

_UNDOING = "undone/"
_TOUCHED_BY_ALL = "updated_at"
"""Whoever changes a record sets this; by itself it contradicts nothing."""
_BOOKKEEPING = (LAST_EDIT, "undone", "undo_reason")
"""What an edit of the order, or its taking back, notes beside what it changes."""
_MOST_FIELDS = 6
_LAST = ("last_delivery_date", "last_delivery_at", "last_delivery_confirmed", LAST_CONFIRMATION)


@dataclass(frozen=True, slots=True)
class Undone:
    """A confirmation that was taken back, and the order's state now."""

    order_id: str
    was: str
    """The status that was confirmed."""
    status: str
    delivered_at: datetime | None
    reason: str
    kept: Mapping[str, str]
    """What else was changed of the order since the confirmation and stays, by field: by whom and when, in words."""
    beside: tuple[str, ...]
    """The customer's other orders for the day that are open, as this one is again."""


async def undo_confirmation(database: Database, operator: Operator, clock: Clock, order_id: str, reason: str) -> Undone:
    """Take the confirmation of an order back: order, delivery and subscription as they were before it.

    Where the customer has another open order for the day by now, that is told. A delivery that the confirmation made
    goes. A subscription with a later delivery keeps that one.

    Raises BadRequest without a reason, NotFound for an unknown order, and Refused where the order is billed, the
    console did not confirm it, or somebody changed since what the confirmation wrote; the sentence names what.
    """
    operator.require("support", "take confirmations back")
    database.require_writable()
    why = typed_reason(reason)
    with told():
        found = await database["orders"].find_one({"id": order_id}, {CONFIRMATION: 1}, max_time_ms=READ_LIMIT_MS)
    confirmation = identity(found.get(CONFIRMATION)) if found else None

    async def work(changes: ChangeSet) -> Undone:
        document = await require_one(changes, "orders", order_id)
        order = read_order(document)
        await _require_possible(changes, document, order, confirmation)
        undoing = _Undoing(changes, await _entries(changes, confirmation or ""))
        undoing.order(document)
        undoing.delivery(await load_deliveries(changes, order_id))
        await undoing.require_unchanged()
        await undoing.subscription()
        before = read_order(undoing.entries[ORDER_ENTRY]["before"])
        kept = await undoing.kept(document)
        beside = await _beside(changes, order) if before.status in OPEN_STATUSES else ()
        return Undone(order_id, order.status, before.status, before.delivered_at, why, kept, beside)

    series = series_of(f"{_UNDOING}{confirmation}")
    return await transact(database, operator, clock, work, purpose=Purpose(reason=why), series=series)


async def _beside(changes: ChangeSet, order: Order) -> tuple[str, ...]:
    """The customer's other open orders for the day; who makes one in this instant is told of this order."""
    owners = await known_as(changes, order.owner)
    await take_turns(changes, owners[:1])
    rules = OrderValidator(Lookups(changes.database, changes.session), india_day(changes.now))
    return await rules.open_beside(order, owners)


async def _require_possible(changes: ChangeSet, document: Document, order: Order, confirmation: str | None) -> None:
    if not order.delivery_confirmed:
        words = order.status.replace("_", " ").lower() or "without a status"
        raise Refused(
            "not-confirmed", f"The delivery is not confirmed, so there is nothing to take back; it is {words}."
        )
    if confirmation is None or identity(document.get(CONFIRMATION)) != confirmation:
        raise Refused(
            "not-confirmed-here",
            "The delivery was not confirmed with this console, so nobody knows what it was before; it is left alone.",
        )
    if await is_billed(changes, order.id or ""):
        raise Refused(
            "already-billed", "The order has a billing record; its run must be rolled back before its confirmation."
        )


async def _entries(changes: ChangeSet, confirmation: str) -> dict[int, Document]:
    """A confirmation's audit entries by number.

    Raises Refused where the two that each one has are not there.
    """
    entries = await _written(changes, f"{CONFIRMING}{confirmation}")
    if not {ORDER_ENTRY, DELIVERY_ENTRY} <= entries.keys():
        raise Refused(
            "no-images", "The audit entries of the confirmation are not all there, so what was before it is not known."
        )
    return entries


async def _written(changes: ChangeSet, name: str) -> dict[int, Document]:
    """The audit entries of the series of that name, by number. Raises Refused for one that was altered."""
    numbers = (ORDER_ENTRY, DELIVERY_ENTRY, SUBSCRIPTION_ENTRY)
    keys = {entry_id(series_of(name), number): number for number in numbers}
    return {keys[key]: entry for key, entry in (await entries_as_written(changes, keys)).items()}


class _Undoing:
    """The changes that take one confirmation back, and what stands against them."""

    def __init__(self, changes: ChangeSet, entries: Mapping[int, Document]) -> None:
        self.entries = entries
        self._changes = changes
        self._since: list[tuple[str, Document | None, list[str]]] = []
        """Collection, record as it is now, and the fields of it that somebody changed since."""

    def order(self, document: Document) -> None:
        """The order gets the values back that the confirmation replaced."""
        self._restore(ORDER_ENTRY, "orders", document)

    def delivery(self, documents: Sequence[Document]) -> None:
        """The delivery goes if the confirmation made it, else it gets its values back."""
        entry = self.entries[DELIVERY_ENTRY]
        names = [each for each in documents if entry["record_id"] in (each.get("id"), str(each["_id"]))]
        if not names:
            self._since.append(("delivery_statuses", None, []))
        elif entry["before"] is not None:
            self._restore(DELIVERY_ENTRY, "delivery_statuses", names[0])
        else:
            after = {"_id": names[0]["_id"], **entry["after"]}
            self._note("delivery_statuses", names[0], differences(after, names[0]))
            self._changes.add(Delete("delivery_statuses", names[0]), first=DELIVERY_ENTRY)

    async def require_unchanged(self) -> None:
        """Raise Refused, with what, by whom and when, where somebody changed since what the confirmation wrote."""
        told = []
        for collection, record, fields in self._since:
            if record is None:
                told.append(f"{collection} (it is gone)")
            else:
                by = await self._who(collection, record, fields)
                told += [f"{collection}.{name} {who}" for name, who in by.items()]
        if told:
            raise Refused(
                "changed-since",
                f"Since the confirmation this was changed: {'; '.join(told)}. Nothing was taken back.",
            )

    async def kept(self, document: Document) -> dict[str, str]:
        """What of the order was changed since the confirmation, and is no part of it."""
        entry = self.entries[ORDER_ENTRY]
        other = differences(entry["after"], {name: value for name, value in document.items() if name != "_id"})
        fields = {path.partition(".")[0] for path in other} - {_TOUCHED_BY_ALL, *_BOOKKEEPING, *entry["changes"]}
        return await self._who("orders", document, sorted(fields))

    async def _who(self, collection: str, record: Document, fields: Iterable[str]) -> dict[str, str]:
        name = identity(record.get("id")) or str(record["_id"])
        return await who_changed(self._changes, collection, name, list(fields)[:_MOST_FIELDS], record)

    async def subscription(self) -> None:
        """The subscription's last delivery is the one before, unless a later one has taken its place."""
        entry = self.entries.get(SUBSCRIPTION_ENTRY)
        if entry is None:
            return
        subscription = await self._changes.database["subscriptions_v2"].find_one(
            {"id": entry["record_id"]}, session=self._changes.session
        )
        if subscription is None or not _alike(subscription, entry["after"]):
            return
        before = await self._still_true(entry["before"])
        values = {name: lookup(before, name) for name in _LAST}
        update = Update("subscriptions_v2", subscription, values, unchanged(subscription, _LAST))
        self._changes.add(update, first=SUBSCRIPTION_ENTRY)

    async def _still_true(self, before: Document) -> Document:
        """The last delivery before; where its own confirmation was taken back meanwhile, the one before that."""
        while earlier := identity(before.get(LAST_CONFIRMATION)):
            wrote = (await _written(self._changes, f"{CONFIRMING}{earlier}")).get(SUBSCRIPTION_ENTRY)
            undone = await _written(self._changes, f"{_UNDOING}{earlier}")
            if wrote is None or not undone or not _alike(before, wrote["after"]):
                break
            before = wrote["before"]
        return before

    def _restore(self, number: int, collection: str, current: Document) -> None:
        entry = self.entries[number]
        kept = {path: value for path, value in current.items() if path in entry["changes"]}
        ours = {path: lookup(entry["after"], path) for path in entry["changes"]}
        changed = [path for path, value in ours.items() if not same(kept.get(path), value)]
        self._note(collection, current, changed)
        values = {path: lookup(entry["before"], path) for path in ours if path not in changed}
        guard = {path: {"$eq": kept[path]} for path in values if path in kept}
        self._changes.add(Update(collection, current, values, guard), first=number)

    def _note(self, collection: str, record: Document, fields: Iterable[str]) -> None:
        if changed := [name for name in fields if name != _TOUCHED_BY_ALL]:
            self._since.append((collection, record, changed))


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(same(one.get(name), other.get(name)) for name in _LAST)
