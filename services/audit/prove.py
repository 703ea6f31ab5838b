"""Proofs: that one entry stands in the sealed log, to be checked by anybody without the database."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bson import ObjectId
from pydantic import BaseModel, ConfigDict, ValidationError

from services.audit.chain import content_hash, key_of, read_hash, read_link
from services.audit.log import KEYS, Checkpoint, find_leaf, inclusion_path, last_checkpoint
from services.audit.signing import key_name
from services.audit.tree import root_by_path
from services.changes.changeset import AUDIT_LOGS
from services.database import READ_LIMIT_MS, Database, told
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator


class Proof(BaseModel):
    """An entry as it is stored, its leaf's way to the root, and the signed checkpoint with that root."""

    model_config = ConfigDict(extra="forbid", strict=True)

    entry: str
    """The stored BSON, in base64."""
    index: int
    size: int
    path: list[str]
    """The siblings' hashes from the leaf up, in hex."""
    checkpoint: Checkpoint
    public_key: str


@dataclass(frozen=True)
class Proven:
    """What a proof shows: which entry stood in the log when the checkpoint was signed, and by which key."""

    entry: str
    index: int
    checkpoint: int
    at: str
    public_key: str
    pinned: bool
    """Whether the key is one that the reader trusts, and not only the one that the proof names."""


async def prove(database: Database, operator: Operator, entry: str) -> Proof:
    """The proof that the entry with this id is in the log, under the newest checkpoint.

    Raises NotFound for an unknown entry, Refused for one that is not sealed yet or that a proof cannot be made of.
    """
    operator.require("auditor", "prove an audit entry")
    with told():
        checkpoint = await last_checkpoint(database)
        raw = await _stored(database, entry)
        index = await find_leaf(database, key_of(raw))
        if checkpoint is None or index is None or index >= checkpoint.size:
            raise Refused("not-sealed", f"The entry {entry} is not sealed yet; `audit seal` takes it into the log.")
        path = await inclusion_path(database, index, checkpoint.size)
        key = await database[KEYS].find_one({"_id": checkpoint.key}) or {}
    proof = Proof(
        entry=base64.b64encode(raw).decode(), index=index, size=checkpoint.size,
        path=[node.hex() for node in path], checkpoint=checkpoint, public_key=str(key.get("public")),
    )  # fmt: skip
    check(proof)  # nothing is handed out that does not hold
    return proof


def check(proof: Proof, trusted: Collection[str] = ()) -> Proven:
    """Check a proof, by itself; `trusted` are public keys in hex of which one must have signed.

    Raises Refused with what does not hold.
    """
    try:
        raw = base64.b64decode(proof.entry, validate=True)
        path = [bytes.fromhex(node) for node in proof.path]
        key, link = str(key_of(raw)), read_link(raw)
        if (base64.b64encode(raw).decode(), [node.hex() for node in path]) != (proof.entry, proof.path):
            raise ValueError("it is not in the form that a proof has")
    except Exception as error:  # whatever a reader of foreign bytes raises
        raise Refused("not-proven", f"The proof cannot be read: {error}.") from None
    if link and not link.intact:
        raise Refused("not-proven", f"The entry {key} was altered: its content does not fit its own hash.")
    content = read_hash(link.hash) if link else content_hash(raw)
    root = root_by_path(content, proof.index, proof.size, path)
    here = proof.checkpoint
    if root is None or root.hex() != here.root or proof.size != here.size:
        raise Refused("not-proven", f"The entry {key} does not lead to the root of the checkpoint: it was altered.")
    if not here.is_signed_by(proof.public_key):
        raise Refused("not-proven", "The checkpoint's signature does not fit the key.")
    if trusted and proof.public_key not in trusted:
        raise Refused("not-trusted", f"The checkpoint is signed by {key_name(proof.public_key)}, not by a trusted key.")
    return Proven(key, proof.index, here.number, here.at, proof.public_key, bool(trusted))


def read_proof_file(path: Path) -> Proof:
    """The proof in a file. Raises BadRequest for a file that cannot be read or holds none."""
    try:
        return read_proof(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise BadRequest("no-file", f"{path} cannot be read: {error.strerror or error}.") from error


def read_proof(text: str) -> Proof:
    """A proof from its JSON. Raises BadRequest for text that is none."""
    try:
        return Proof.model_validate_json(text)
    except ValidationError:
        raise BadRequest("bad-proof", "This is no proof of an audit entry.") from None


async def _stored(database: Database, entry: str) -> bytes:
    """The stored entry of an id that people see."""
    keys: list[Any] = [entry, ObjectId(entry)] if ObjectId.is_valid(entry) else [entry]
    for matching in ({"_id": {"$in": keys}}, {"id": entry, "_id": {"$type": "objectId"}}):
        async for batch in database[AUDIT_LOGS].find_raw_batches(matching, limit=1, max_time_ms=READ_LIMIT_MS):
            return cast(bytes, batch)  # one document is the whole batch
    raise NotFound("unknown-entry", f"No audit entry has the id {entry}.")
