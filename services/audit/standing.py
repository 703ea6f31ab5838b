"""Where an entry stands in the trail: its place in its stream, and in the sealed log; and whether it was altered."""

from __future__ import annotations

from dataclasses import dataclass

import bson

from services.audit.chain import read_link
from services.audit.doubts import altered
from services.audit.log import LEAVES, leaves_of
from services.audit.query import entry_keys, no_entry
from services.audit.reader import RAW
from services.changes.changeset import AUDIT_LOGS
from services.database import READ_LIMIT_MS, TOLERANT, Database, told
from services.operators.operator import Operator
from services.records.fields import mapping


@dataclass(frozen=True)
class Standing:
    """What is written about an entry's place, held to its own hashes; the check of the trail holds it to the rest."""

    stream: str | None
    """None for an entry without a chain: of an older writer, or of another program."""
    seq: int | None
    sealed: bool
    """Whether the log has taken it in."""
    altered: str = ""
    """What shows that it is not as it was written; empty where nothing does."""


async def standing(database: Database, operator: Operator, entry_id: str) -> Standing:
    """The place of the entry with that id. Raises NotFound."""
    operator.require("viewer", "read the audit trail")
    entries = database[AUDIT_LOGS].with_options(codec_options=RAW)
    with told():
        for key in entry_keys(entry_id):
            stored = await entries.find_one(key, max_time_ms=READ_LIMIT_MS)
            if stored is not None:
                document = bson.decode(stored.raw, codec_options=TOLERANT)
                leaf, parts = {"entries": document["_id"]}, {"entries": 1, "hashes": 1}
                tile = await database[LEAVES].find_one(leaf, parts, max_time_ms=READ_LIMIT_MS)
                sealed = [content for name, content in leaves_of(tile or {}) if name == document["_id"]]
                chain = mapping(document.get("chain"))
                stream, seq = chain.get("stream"), chain.get("seq")
                return Standing(
                    stream if isinstance(stream, str) else None, seq if isinstance(seq, int) else None,
                    tile is not None, altered(read_link(stored.raw), stored.raw, sealed),
                )  # fmt: skip
        raise await no_entry(database, entry_id)
