"""Where an entry stands in the trail: its place in its stream, and in the sealed log."""

from __future__ import annotations

from dataclasses import dataclass

from services.audit.log import LEAVES
from services.audit.query import entry_keys, unknown_entry
from services.changes.changeset import AUDIT_LOGS
from services.database import READ_LIMIT_MS, Database, told
from services.operators.operator import Operator
from services.records.fields import mapping


@dataclass(frozen=True)
class Standing:
    """What is written about an entry's place; whether it is true, the check of the trail tells."""

    stream: str | None
    """None for an entry without a chain: of an older writer, or of another program."""
    seq: int | None
    sealed: bool
    """Whether the log has taken it in."""


async def standing(database: Database, operator: Operator, entry_id: str) -> Standing:
    """The place of the entry with that id. Raises NotFound."""
    operator.require("viewer", "read the audit trail")
    fields = {"chain.stream": 1, "chain.seq": 1}
    with told():
        for key in entry_keys(entry_id):
            document = await database[AUDIT_LOGS].find_one(key, fields, max_time_ms=READ_LIMIT_MS)
            if document is not None:
                leaf = {"entries": document["_id"]}
                tile = await database[LEAVES].find_one(leaf, {"_id": 1}, max_time_ms=READ_LIMIT_MS)
                chain = mapping(document.get("chain"))
                stream, seq = chain.get("stream"), chain.get("seq")
                return Standing(
                    stream if isinstance(stream, str) else None, seq if isinstance(seq, int) else None, tile is not None
                )
    raise unknown_entry(entry_id)
