"""Taking an order's last edit back: what it changed becomes what it was, from the image in the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.audit.entries import changed_fields, read_entry
from services.audit.logger import Purpose
from services.audit.traces import entries_about, entries_as_written, field_changes_of, in_words, who_changed
from services.changes.changeset import ChangeSet, Update, applied, transact
from services.changes.difference import assigned_differences, lookup, same
from services.changes.resting import require_as_seen, require_one, unchanged, values_of
from services.changes.series import entry_id, series_of
from services.changes.turns import take_turns
from services.clock import Clock, format_moment, india_day, to_stored
from services.database import Database, Document
from services.deliveries.staff import staff_names
from services.errors import Conflict, Refused
from services.operators.operator import Operator
from services.orders.editing import EDIT_ENTRY, EDITING, LAST_EDIT, WATCHED, Edited, require_open
from services.orders.resolving import known_as
from services.records.fields import identity, mapping
from services.records.orders import read_order
from services.typed import typed_reason
from services.validation.check import Check
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator

_BOOKKEEPING = {"updated_at", LAST_EDIT}
"""What every edit writes beside what it is about."""
_OPENING = {"status", "delivery_date"}
"""What opens an order for a day when it changes back."""
_MOST_FIELDS = 6


@dataclass(frozen=True)
class Undone(Edited):
    """An edit that would be, or was, taken back."""

    edit: str = ""
    """Its name, by which the order calls its last edit."""
    beside: tuple[str, ...] = ()
    """The customer's other open one-time orders for the day, where the order would be open for it again."""
    seen: Mapping[str, Any] = field(default_factory=dict)
    """The order as it was before: one that opens again is the one that was looked at."""

    @property
    def refusal(self) -> Check | None:
        """The rule that keeps the edit from being taken back."""
        return next((each for each in self.checks if not each.result.ok), None)


async def preview_undo(
    database: Database, operator: Operator, clock: Clock, order_id: str, *, beside: Collection[str] = ()
) -> Undone:
    """What `undo_edit` would give back; nothing is written.

    Raises what it would, but for another order of the day: that is among the checks.
    """
    return await _undo(database, operator, clock, order_id, None, beside, None, "")


async def undo_edit(
    database: Database, operator: Operator, clock: Clock, order_id: str, reason: str,
    *, edit: str | None = None, beside: Collection[str] = (), seen: Mapping[str, Any] | None = None,
) -> Undone:  # fmt: skip
    """Give an order back what its last edit or cancellation changed; the reason is kept on it.

    The order names its last edit, and thereby the audit entry with the image from before it; afterwards it names the
    one before that. `edit` is the one that is meant; `beside` are the customer's open orders for the day that are
    known, and the order is meant beside these; `seen` is the order that was looked at. Raises BadRequest without a
    reason, NotFound, Conflict where another edit is the last by now, or another order than was seen would be open
    again, and Refused where nothing was edited here, where the entry is not as it was written, where somebody changed
    the values since, where the order is closed or billed by now, or the day has another order.
    """
    return await _undo(database, operator, clock, order_id, edit, beside, seen, typed_reason(reason))


async def _undo(
    database: Database, operator: Operator, clock: Clock, order_id: str, edit: str | None, beside: Collection[str],
    seen: Mapping[str, Any] | None, reason: str,
) -> Undone:  # fmt: skip
    """Take the edit back for a reason; without one only tell what that changes."""
    operator.require("support", "take changes back")

    async def work(changes: ChangeSet) -> Undone:
        document = await require_one(changes, "orders", order_id)
        if edit is not None:
            await _require_last(changes, document, edit, order_id)
        entry = await _entry(changes, document, order_id)
        values = await _before(changes, entry, document, order_id)
        if seen is not None and _OPENING & values.keys():
            await require_as_seen(changes, "orders", document, seen, WATCHED)
        restored = applied(document, values)
        if values.keys() - {"notes", *_BOOKKEEPING}:
            await require_open(changes, restored, "changed back")
        known, checks = await _beside(changes, values, restored, beside)
        differing = assigned_differences(document, {k: v for k, v in values.items() if k not in _BOOKKEEPING})
        if reason:
            for check in checks:
                check.result.require()
            if _OPENING & values.keys():
                await take_turns(changes, (await known_as(changes, read_order(document).owner))[:1])
            values |= {"undone": entry["_id"], "undo_reason": reason, "updated_at": to_stored(changes.now)}
            guard = unchanged(document, {path.partition(".")[0] for path in values})
            changes.add(Update("orders", document, values, guard))
        people = differing.get("delivery_boy_id", {}).values()
        names = await staff_names(changes.database, map(identity, people), changes.session)
        told, name = field_changes_of(document, differing), identity(document.get(LAST_EDIT)) or ""
        return Undone(order_id, told, names, checks, edit=name, beside=known, seen=values_of(document, WATCHED))

    return await transact(database, operator, clock, work, purpose=Purpose(reason=reason or None), write=bool(reason))


async def _require_last(changes: ChangeSet, document: Document, edit: str, order_id: str) -> None:
    """Raise Conflict where another edit is the order's last by now."""
    if identity(document.get(LAST_EDIT)) != edit:
        by = (await who_changed(changes, "orders", order_id, [LAST_EDIT], document))[LAST_EDIT]
        words = f"The order's last change is another by now, {by}. Nothing was taken back; look at what it is now."
        raise Conflict("changed-meanwhile", words)


async def _entry(changes: ChangeSet, document: Document, order_id: str) -> Document:
    """The audit entry of the order's last edit. Raises Refused where there is none."""
    name = identity(document.get(LAST_EDIT))
    key = entry_id(series_of(f"{EDITING}{name}"), EDIT_ENTRY) if name else ""
    entry = (await entries_as_written(changes, [key])).get(key) if key else None
    if entry is not None and (entry.get("table"), entry.get("record_id")) == ("orders", order_id):
        return entry
    if name:
        raise Refused("no-image", "The audit entry of the last edit is not there, so what was before is not known.")
    if document.get("undone"):
        raise Refused("nothing-to-undo", "Every edit of this order that was made here is taken back already.")
    found = await entries_about(changes, "orders", order_id)
    done = "No edit of this order is left to take back"
    if not found:
        raise Refused("nothing-to-undo", f"{done}; no change of it is on record.")
    changed = dict.fromkeys(path.partition(".")[0] for path in changed_fields(found[0]))
    fields = ", ".join(name for name in changed if name not in _BOOKKEEPING)
    what = f"{found[0].action or 'a change'}{f' of {fields[:200]}' if fields else ''}"
    by = f"by {found[0].user or 'somebody'}, {format_moment(found[0].at)}"
    raise Refused("nothing-to-undo", f"{done}; what happened to it last is {what}, {by}.")


async def _before(changes: ChangeSet, entry: Document, document: Document, order_id: str) -> dict[str, Any]:
    """The values from before the edit, by dotted path. Raises Refused where they are no longer those of after it."""
    paths = [str(path) for path in mapping(entry.get("changes")) if path != "updated_at"]
    since = [path for path in paths if not same(lookup(document, path), lookup(entry["after"], path))]
    if since:
        made = read_entry(entry)
        by = in_words(await who_changed(changes, "orders", order_id, since[:_MOST_FIELDS], document))
        raise Refused(
            "changed-since",
            f"Since the edit by {made.user}, {format_moment(made.at)}, this was changed: {by}. The edit stays.",
        )
    return {path: lookup(entry["before"], path) for path in paths}


async def _beside(
    changes: ChangeSet, values: Mapping[str, Any], restored: Document, known: Collection[str]
) -> tuple[tuple[str, ...], tuple[Check, ...]]:
    """The customer's other open orders of a day for which this one would be open again, and what the rule says."""
    order = read_order(restored)
    if not _OPENING & values.keys() or order.kind != "one-time":
        return (), ()
    rules = OrderValidator(Lookups(changes.database, changes.session), india_day(changes.now))
    owners = await known_as(changes, order.owner)
    check = Check("order.no-duplicate", await rules.no_duplicate(order, owners, known))
    return await rules.open_beside(order, owners), (check,)
