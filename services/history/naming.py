"""A record named by the beginning of its id."""

from __future__ import annotations

import re

from bson import ObjectId

from services.audit.filters import SHORTEST, AuditFilters, spellings, table_of
from services.changes.changeset import AUDIT_LOGS
from services.changes.difference import lookup
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deployment.indexes import AUDIT_BY_RECORD, Index, hint
from services.errors import Refused
from services.operators.operator import Operator
from services.records.fields import identity
from services.records.orders import order_id_beginnings

_LISTED = 8
_LONGEST = 200
_LAST = "\uffff"
_KEYED: Document = {"_id": {"$type": "objectId"}}
"""Entries of another program, which have an id beside their key."""
_DIGITS = re.compile(r"[0-9a-fA-F]{4,23}")


async def full_id(database: Database, operator: Operator, table: str, typed: str) -> str:
    """The id of the one record of a table that has it, or whose id begins with it.

    Records that are gone are found by their audit entries. What names none comes back as it is: who reads it says so.
    Raises Refused with the candidates where several begin so.
    """
    operator.require("viewer", "look up records")
    name, collection = typed.strip(), table_of(table)
    if not name or len(name) > _LONGEST or ObjectId.is_valid(name):
        return typed
    if collection == AUDIT_LOGS:
        return await _entry(database, name)
    tables = spellings(AuditFilters(tables=(table,)))
    forms = order_id_beginnings(name) if collection == "orders" else list(dict.fromkeys((name, name.lower())))
    with told():
        stored = not collection.startswith("console_") and await hint(database, Index(collection, (("id", 1),)))
        noted = await hint(database, AUDIT_BY_RECORD)
        found: set[str] = set()
        for form in forms:
            if stored:
                found |= await _begun(database, collection, "id", {}, form)
            if noted:
                found |= await _begun(database, AUDIT_LOGS, "record_id", {"table": {"$in": tables}}, form)
    return the_one(f"ids in {collection}", name, found)


async def full_note(database: Database, index: Index, typed: str) -> str:
    """The value of an index's first field that entries have and that begins so: of a session, of a run.

    A beginning has at least `SHORTEST` characters. What names none comes back as it is. Raises Refused as `full_id`.
    """
    name, (field, _) = typed.strip(), index.keys[0]
    if not SHORTEST <= len(name) <= _LONGEST:
        return typed
    with told():
        if await hint(database, index) is None:
            return typed
        forms = dict.fromkeys((name, name.lower()))
        found = set().union(*[await _begun(database, AUDIT_LOGS, field, {}, form) for form in forms])
    return the_one(f"{field.rpartition('.')[2]}s", name, found)


async def _entry(database: Database, typed: str) -> str:
    """The id of the one audit entry that begins so: its key, which is text, or digits with an id of their own."""
    found: set[str] = set()
    with told():
        by_id = await hint(database, Index(AUDIT_LOGS, (("id", 1),), partial=_KEYED))
        for form in dict.fromkeys((typed, typed.lower())):
            found |= await _begun(database, AUDIT_LOGS, "_id", {}, form)
            if by_id:
                found |= await _begun(database, AUDIT_LOGS, "id", _KEYED, form)
        if _DIGITS.fullmatch(typed):
            keys = {"$gte": ObjectId(typed.ljust(24, "0")), "$lte": ObjectId(typed.ljust(24, "f"))}
            cursor = database[AUDIT_LOGS].find({"_id": keys}, {"id": 1}).sort("_id", 1).limit(_LISTED + 1)
            keyed = await cursor.max_time_ms(READ_LIMIT_MS).to_list()
            found |= {identity(each.get("id")) or str(each["_id"]) for each in keyed}
    return the_one(f"ids in {AUDIT_LOGS}", typed, found)


def the_one(among: str, name: str, found: set[str]) -> str:
    """The one among these ids that a beginning names; the beginning where none does. Raises Refused for several."""
    if name in found or not found:
        return name
    if len(found) > 1:
        known, more = sorted(found)[:_LISTED], " and more" if len(found) > _LISTED else ""
        message = f"Several {among} begin with {name!r}: {', '.join(known)}{more}. Type more of it."
        raise Refused("id-ambiguous", message)
    return found.pop()


async def _begun(database: Database, collection: str, field: str, among: Document, form: str) -> set[str]:
    """The first values of a field with that beginning; each is one step into the index, however often it occurs."""
    found: set[str] = set()
    bound: Document = {"$gte": form}
    while len(found) <= _LISTED:
        matching = {**among, field: {**bound, "$lt": form + _LAST}}
        cursor = database[collection].find(matching, {"_id": 0, field: 1}).sort(field, 1).limit(1)
        following = await cursor.max_time_ms(READ_LIMIT_MS).to_list()
        value = identity(lookup(following[0], field)) if following else None
        if value is None:
            break
        found.add(value)
        bound = {"$gt": value}
    return found
