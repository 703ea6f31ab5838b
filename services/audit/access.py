"""Sensitive readings: a reason is given, and the trail has it before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.audit.query import entry_keys
from services.changes.changeset import AUDIT_LOGS, Access, note_access
from services.clock import Clock
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, NotFound
from services.operators.operator import Operator
from services.records.masking import private_values
from services.typed import typed_reason

# Those with phones or addresses that have an index on `id`.
_TABLES = ("customers_v2", "users", "orders", "delivery_boys_v2", AUDIT_LOGS)


@dataclass(frozen=True)
class Revealed:
    """The phones and addresses of one record by dotted path, as stored."""

    table: str
    record_id: str
    values: dict[str, Any]


async def reveal(
    database: Database, operator: Operator, clock: Clock, table: str, record_id: str, reason: str
) -> Revealed:
    """The phones and addresses of one record, also for a viewer, after an entry READ with the reason has landed.

    Of `audit_logs` the record is an entry. Raises BadRequest without a reason and for a table that has none of
    them, NotFound for a record that is not there, and as `transact`.
    """
    operator.require("viewer", "see a phone or an address")
    why = typed_reason(reason)
    if table not in _TABLES:
        raise BadRequest("bad-table", f"Phones and addresses can be shown of {', '.join(_TABLES)}, not of {table!r}.")
    keys: list[Document] = entry_keys(record_id) if table == AUDIT_LOGS else [{"id": record_id}]
    values = None
    with told():
        for key in keys:
            document = await database[table].find_one(key, max_time_ms=READ_LIMIT_MS)
            if document is not None:
                values = private_values(document)
                break
    if values is None:
        raise NotFound("unknown-record", f"There is no record {record_id!r} in {table}.")
    noted = {"reason": why, "fields": sorted(values)}
    await note_access(database, operator, clock, Access(table, record_id, "READ", noted))
    return Revealed(table, record_id, values)
