"""The check of the checkpoints: their order, their signatures, and their copies outside the database."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.audit.log import CHECKPOINTS, KEYS, NO_CHECKPOINT, Checkpoint, read_checkpoint
from services.audit.problems import Problems
from services.audit.signing import key_name
from services.database import Database, Document, Session
from services.errors import BadRequest, Refused

_TAIL = 65_536
"""Bytes of a file of copies that are looked at first for its last line."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint, and whether a trusted key signed what it says."""

    checkpoint: Checkpoint
    signed: bool


def read_copies(path: Path) -> dict[int, str]:
    """The hashes of the checkpoints in a file of copies, by number.

    Raises BadRequest for a file that cannot be read or is none.
    """
    copies: dict[int, str] = {}
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = [line for line in file if line.strip()]
    except OSError as error:
        raise BadRequest("bad-copies", f"{path} cannot be read: {error.strerror or error}.") from None
    for line in lines:
        with contextlib.suppress(ValueError, AttributeError):  # what a crash left of a line
            copy = Checkpoint.model_validate(_by_alias(json.loads(line)))
            # The first one counts: what was sealed again after a loss does not hide the loss.
            copies.setdefault(copy.number, copy.hash)
    if lines and not copies:
        raise BadRequest("bad-copies", f"{path} is no file of checkpoints.")
    return copies


def last_copied(path: Path) -> int:
    """The number of the checkpoint in the last whole line of a file of copies; -1 where there is none.

    Raises Refused for a file that cannot be read.
    """
    try:
        with path.open("rb") as file:
            size, back = file.seek(0, 2), _TAIL
            while True:
                file.seek(max(0, size - back))
                for line in reversed(file.read().splitlines()):
                    with contextlib.suppress(ValueError, AttributeError):  # half a line, or none
                        if isinstance(number := json.loads(line).get("number"), int):
                            return number
                if back >= size:
                    return -1
                back *= 8
    except FileNotFoundError:
        return -1
    except OSError as error:
        raise Refused("no-copy", f"The copies in {path} cannot be read: {error.strerror or error}.") from None


def _by_alias(fields: Mapping[str, object]) -> dict[str, object]:
    return {("_id" if name == "number" else name): value for name, value in fields.items()}


async def checked_checkpoints(
    database: Database,
    session: Session | None,
    problems: Problems,
    trusted: Collection[str],
    copies: Mapping[int, str],
    after: Checkpoint | None,
    until: Checkpoint | None,
) -> AsyncIterator[Seen]:
    """The checkpoints behind `after`, up to `until`, that can be read; what is wrong with them goes to `problems`.

    `trusted` are public keys in hex; without any, those that the database names are taken.
    """
    keys = {key_name(public): public for public in trusted} or await _published(database, session, problems)
    before = after
    bounds: Document = {"_id": {"$not": {"$lte": after.number}}} if after else {}
    cursor = database[CHECKPOINTS].find(bounds, session=session).sort("_id", 1)
    async for document in cursor:
        if until and before and before.number >= until.number:
            return
        name = f"checkpoint {document['_id']}"
        here = read_checkpoint(document)
        if here is None:
            problems.add(name, "log-altered", "The checkpoint cannot be read.")
            continue
        signed = here.key in keys and here.is_signed_by(keys[here.key])
        if here.key not in keys:
            problems.add(name, "untrusted", f"It is signed with the key {here.key}, which is not a trusted one.")
        elif not signed:
            problems.add(name, "log-altered", "Its signature does not fit what it says.")
        expected = (before.number + 1, before.hash) if before else (0, NO_CHECKPOINT)
        if here.number != expected[0]:
            problems.add(name, "log-altered", f"Checkpoints before it are missing, from number {expected[0]} on.")
        elif here.previous != expected[1]:
            problems.add(name, "log-altered", "It does not follow the checkpoint before it.")
        if before and here.size < before.size:
            problems.add(name, "log-altered", "It is of a smaller log than the checkpoint before it.")
        if copies.get(here.number, here.hash) != here.hash:
            problems.add(name, "log-altered", "Its copy outside the database says something else.")
        before = here
        yield Seen(here, signed)


async def _published(database: Database, session: Session | None, problems: Problems) -> dict[str, str]:
    keys: dict[str, str] = {}
    async for key in database[KEYS].find({}, session=session, hint="_id_"):
        public = key.get("public")
        if isinstance(public, str) and key["_id"] == key_name(public):
            keys[key_name(public)] = public
        else:
            problems.add(f"key {key['_id']}", "log-altered", "The key is not the one of its name.")
    return keys
