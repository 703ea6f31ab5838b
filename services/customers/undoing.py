"""Taking a customer's last correction back, while nothing later rests on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId

from services.audit.entries import FieldChange
from services.audit.logger import Purpose
from services.audit.traces import entries_as_written, in_words, who_changed
from services.changes.changeset import AUDIT_LOGS, ChangeSet, Update, transact
from services.changes.difference import lookup, same
from services.changes.resting import require_one, unchanged
from services.changes.series import entry_id
from services.changes.turns import take_turns
from services.clock import Clock, read_timestamp
from services.customers.correction import (
    CORRECTION,
    CUSTOMER_ENTRY,
    WATCHED,
    require_unclaimed,
    told_changes,
)
from services.customers.resolution import resolve_all
from services.database import Database, Document
from services.errors import Conflict, Refused
from services.operators.operator import Operator
from services.records.fields import flag, identity, mapping, text
from services.records.orders import read_owner
from services.typed import typed_reason

_ENTRY = re.compile(r"[0-9a-f-]{24}0{12}")
_LAST_NUMBER = 0xFFFF


@dataclass(frozen=True)
class Undone:
    """A correction that would be, or was, taken back: who made it, when and why, and what changes by that."""

    customer_id: str
    name: str
    correction: str
    """The id of its audit entry."""
    by: str
    at: datetime | None
    why: str
    changes: tuple[FieldChange, ...]


async def undo_correction(
    database: Database, operator: Operator, clock: Clock, customer_id: str, reason: str = "",
    *, correction: str | None = None, write: bool = True,
) -> Undone:  # fmt: skip
    """Give a customer and the users what the last correction replaced; what was corrected before it is the last then.

    `correction` is the one that is meant, by its audit entry; with `write=False` it is only told what would change, for
    no reason yet. Raises Conflict where another one is the last by now; Refused where none was made here, where what it
    wrote was changed since, or where orders were billed to the customer through its link; BadRequest without a reason.
    """
    operator.require("support", "take corrections back")
    why = typed_reason(reason) if write else None

    async def work(changes: ChangeSet) -> Undone:
        document = await require_one(changes, "customers_v2", customer_id)
        name = identity(document.get(CORRECTION))
        if correction is not None and name != correction:
            by = (await who_changed(changes, "customers_v2", customer_id, [CORRECTION], document))[CORRECTION]
            raise Conflict("changed-meanwhile", f"The last correction is another by now, {by}. Nothing was taken back.")
        entries = await _entries(changes, name, customer_id)
        updates = await _restored(changes, document, entries)
        entry = entries[0]
        await _require_unused(changes, customer_id, entries)
        if write:
            if "user_id" in updates[0].values:
                users = [identity(each) for each in (document.get("user_id"), updates[0].values["user_id"])]
                await take_turns(changes, users)
            changes.add(*updates)
        reason_then = text(mapping(entry.get("meta")).get("reason"))
        at = read_timestamp(entry.get("timestamp"))
        who, by = text(document.get("name")), text(entry.get("user_id"))
        return Undone(customer_id, who, entry["_id"], by, at, reason_then, told_changes(updates))

    return await transact(database, operator, clock, work, purpose=Purpose(reason=why), write=write)


async def _entries(changes: ChangeSet, correction: str | None, customer_id: str) -> list[Document]:
    """The audit entries of a correction, the customer's first.

    Raises Refused where they are not there, or not as they were written.
    """
    if correction is None:
        raise Refused("nothing-to-undo", "No correction of the customer was made here, or each was taken back already.")
    found: list[Document] = []
    if _ENTRY.fullmatch(correction):
        series = {"$gte": correction, "$lte": entry_id(correction[:-12], _LAST_NUMBER)}
        named = await changes.database[AUDIT_LOGS].find({"_id": series}, {"_id": 1}, session=changes.session).to_list()
        written = await entries_as_written(changes, [each["_id"] for each in named])
        found = [written[key] for key in sorted(written)]
    own = found[CUSTOMER_ENTRY] if found else {}
    if (own.get("_id"), own.get("table"), own.get("record_id")) != (correction, "customers_v2", customer_id):
        raise Refused(
            "no-images", "The audit entries of the correction are not there, so what was before is not known."
        )
    return found


async def _restored(changes: ChangeSet, document: Document, entries: Sequence[Document]) -> list[Update]:
    """The updates that give each record its values back. Raises Refused where somebody changed one since."""
    updates, since = [], []
    users = await _users(changes, [str(entry["record_id"]) for entry in entries[1:]])
    for entry in entries:
        record = document if entry is entries[0] else users.get(str(entry["record_id"]))
        table, name = str(entry["table"]), str(entry["record_id"])
        if record is None:
            since.append(f"the user {name} is gone")
            continue
        changed = _changed(record, entry, WATCHED if record is document else ())
        if changed:
            whose = "" if record is document else f"of the user {name}, "
            since.append(whose + in_words(await who_changed(changes, table, name, changed, record)))
        values = {path: lookup(entry["before"], path) for path in entry["changes"]}
        watched = (*WATCHED, CORRECTION) if record is document else tuple(values)
        updates.append(Update(table, record, values, unchanged(record, watched)))
    if since:
        raise Refused("changed-since", f"Since the correction something changed: {'; '.join(since)}. It stays.")
    if user := identity(updates[0].values.get("user_id")):
        named = await changes.database["users"].find({"id": user}, session=changes.session).to_list()
        await require_unclaimed(changes, user, named, identity(document.get("id")))
    return updates


def _changed(record: Document, entry: Mapping[str, Any], watched: Sequence[str]) -> list[str]:
    """The fields that are no longer as the entry left them."""
    names = dict.fromkeys([*watched, *entry["changes"]])
    return [name for name in names if not same(lookup(record, name), lookup(entry["after"], name))]


async def _users(changes: ChangeSet, names: Sequence[str]) -> dict[str, Document]:
    """The users that entries are about, by what these call them: the id, or the key of one that has none."""
    keys = [ObjectId(name) for name in names if ObjectId.is_valid(name)]
    matching: Document = {"$or": [{"id": {"$in": list(names)}}, {"_id": {"$in": keys}}]}
    found = await changes.database["users"].find(matching, session=changes.session).to_list()
    return {str(each["_id"] if each.get("id") is None else each["id"]): each for each in found}


async def _require_unused(changes: ChangeSet, customer_id: str, entries: Sequence[Document]) -> None:
    """Raise Refused where the correction made the link through which orders were billed to the customer since."""
    user = identity(entries[CUSTOMER_ENTRY]["after"].get("user_id"))
    if "user_id" not in entries[CUSTOMER_ENTRY]["changes"] or user not in {each["record_id"] for each in entries[1:]}:
        return
    made = read_timestamp(entries[CUSTOMER_ENTRY]["timestamp"])
    either: list[Document] = [{"customer_id": user}, {"user_id": user}]
    fields = {"id": 1, "customer_id": 1, "user_id": 1, "billed": 1, "billed_at": 1}
    found = await changes.database["orders"].find({"$or": either}, fields, session=changes.session).to_list()
    orders = {name: each for each in found if (name := identity(each.get("id"))) and read_owner(each)[0] != customer_id}
    bills = await changes.database["billing_records"].find(
        {"$or": [{"order_id": {"$in": list(orders)}}, {"customer_id": user}]},
        {"id": 1, "order_id": 1, "customer_id": 1, "created_at": 1}, session=changes.session,
    ).to_list()  # fmt: skip
    theirs = [each for each in bills if identity(each.get("customer_id")) in (customer_id, user)]
    since = [each for each in theirs if _later(each.get("created_at"), made)]
    if billed := {identity(each.get("order_id")) or identity(each.get("id")) for each in since}:
        words = f"Billed to the customer through this link since: {_named(billed)}. That must be rolled back first."
        raise Refused("billed-since", words)
    # The backend's monthly page flags orders and makes no bill.
    recorded = {identity(each.get("order_id")) for each in bills}
    flagged = {
        name: read_owner(each) for name, each in orders.items()
        if name not in recorded and flag(each.get("billed")) and _later(each.get("billed_at"), made)
    }  # fmt: skip
    whose = await resolve_all(changes.database, list(flagged.values()), changes.session)
    if resting := {name for name, owner in flagged.items() if whose[owner].customer_id == customer_id}:
        raise Refused(
            "billed-since",
            "Flagged billed through this link without a bill, since then or nobody knows when: "
            f"{_named(resting)}. That must be taken away first.",
        )


def _named(orders: Collection[object]) -> str:
    """One of the orders, and how many there are beside it."""
    return str(min(map(str, orders))) + (f" and {len(orders) - 1} more" if len(orders) > 1 else "")


def _later(stored: object, made: datetime | None) -> bool:
    at = read_timestamp(stored)
    return at is None or made is None or at >= made
