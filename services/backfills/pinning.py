"""The pins of a plan: every row that a run works on is the row that the digest was made of, when it is read too."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

import bson

from services.audit.chain import documents_in
from services.backfills.plan import plan_digest
from services.backfills.runs import ROWS, Run, change_rows
from services.database import TOLERANT, WHOLE, Database, Document, told
from services.errors import Refused

_PIN = 8
"""Bytes of a row's pin: a million rows take 8 MB."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to change, with its number in the plan."""

    number: int
    body: Document


class Pins:
    """A pin for each row to change of a plan."""

    def __init__(self, run: str, pins: bytes) -> None:
        self._run = run
        self._pins = pins

    async def rows(self, database: Database, start: int, end: int) -> list[Row]:
        """The rows from number `start` up to `end`.

        Raises Refused where one is not what it was when the plan's digest was checked.
        """
        found = b"".join([batch async for batch in _stored(database, self._run, start, end)])
        if b"".join(map(_pin, documents_in(found))) != self._pins[start * _PIN : end * _PIN]:
            raise altered(self._run)
        bodies = bson.decode_all(found, TOLERANT)
        return [Row(start + place, row["body"]) for place, row in enumerate(bodies)]


async def pinned(database: Database, stored: Run) -> Pins:
    """The pins of a stored plan.

    Raises Refused where its rows to change are not those that its digest was made of.
    """
    digest, pins = hashlib.sha256(), bytearray()
    async for batch in _stored(database, stored.id, 0, stored.planned):
        digest.update(batch)
        pins += b"".join(map(_pin, documents_in(batch)))
    classes = {**stored.class_digests, "change": digest.hexdigest()}
    if plan_digest(stored.backfill, stored.options, stored.summary, classes) != stored.digest:
        raise altered(stored.id)
    return Pins(stored.id, bytes(pins))


def altered(run: str) -> Refused:
    """What is told where a stored row is not what was previewed."""
    return Refused(
        "plan-altered",
        f"The stored plan of {run} is not what was previewed: its rows were altered, and nothing of them is written. "
        "Preview again.",
    )


async def _stored(database: Database, run: str, start: int, end: int) -> AsyncIterator[bytes]:
    with told():
        async for batch in (
            database[ROWS].find_raw_batches(change_rows(run, start, end), {"_id": 0}, batch_size=WHOLE).sort("_id")
        ):
            yield cast(bytes, batch)


def _pin(document: bytes) -> bytes:
    return hashlib.blake2b(document, digest_size=_PIN).digest()
