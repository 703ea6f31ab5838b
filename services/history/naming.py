"""A record named by the beginning of its id."""

from __future__ import annotations

from bson import ObjectId

from services.audit.filters import AuditFilters, spellings, table_of
from services.changes.changeset import AUDIT_LOGS
from services.database import READ_LIMIT_MS, Database, Document, told
from services.deployment.indexes import AUDIT_BY_RECORD, Index, hint
from services.errors import Refused
from services.operators.operator import Operator
from services.records.fields import identity
from services.records.orders import order_id_beginnings

_LISTED = 8
_LONGEST = 200
_LAST = "\uffff"


async def full_id(database: Database, operator: Operator, table: str, typed: str) -> str:
    """The id of the one record of a table that has it, or whose id begins with it.

    Records that are gone are found by their audit entries. What names none comes back as it is: who reads it says so.
    Raises Refused with the candidates where several begin so.
    """
    operator.require("viewer", "look up records")
    name, collection = typed.strip(), table_of(table)
    if not name or len(name) > _LONGEST or ObjectId.is_valid(name):
        return typed
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
    if name in found or not found:
        return name
    if len(found) > 1:
        known, more = sorted(found)[:_LISTED], " and more" if len(found) > _LISTED else ""
        message = f"Several ids in {collection} begin with {name!r}: {', '.join(known)}{more}. Type more of it."
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
        value = identity(following[0].get(field)) if following else None
        if value is None:
            break
        found.add(value)
        bound = {"$gt": value}
    return found
