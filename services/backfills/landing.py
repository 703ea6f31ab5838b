"""What the database holds of a plan's rows, read anew to be compared with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson import ObjectId

from services.changes.difference import assigned_differences
from services.database import WHOLE, Database, Document


async def as_stored(
    database: Database, collection: str, bodies: Sequence[Document], fields: Sequence[str]
) -> list[Document]:
    """Some fields of the rows' records in the order of the rows; an empty document for one that is gone."""
    keys = {"_id": {"$in": [body["key"] for body in bodies]}}
    found = await database[collection].find(keys, dict.fromkeys(fields, 1), batch_size=WHOLE).to_list()
    by_key = {hashable(document["_id"]): document for document in found}
    return [by_key.get(hashable(body["key"]), {}) for body in bodies]


def has(document: Document, values: Mapping[str, Any]) -> bool:
    """Whether a record's fields hold these values, in these types."""
    return not assigned_differences(document, values)


def hashable(key: Any) -> Any:
    """An `_id` as a key of a dict: it can be a document, and 1 is no True."""
    return key if type(key) in (ObjectId, str) else bson.encode({"_id": key})
