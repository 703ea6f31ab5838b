"""The pins of a plan: every row that a run works on is the row that the digest was made of, when it is read too."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import cast

import bson
from bson.raw_bson import RawBSONDocument

from services.audit.chain import documents_in
from services.backfills.packs import ROWS, change_packs, pack_start, pin, unpacked
from services.backfills.plan import plan_digest
from services.backfills.runs import Run
from services.database import TOLERANT, WHOLE, Database, Document, told
from services.errors import Refused


@dataclass(frozen=True, slots=True)
class Row:
    """A row to change, with its number in the plan."""

    number: int
    body: Document


class Pins:
    """A pin for each pack of the rows to change of a plan."""

    def __init__(self, run: str, firsts: Sequence[int], pins: Sequence[bytes]) -> None:
        self._run = run
        self._firsts = firsts
        self._pins = pins

    async def rows(self, database: Database, start: int, end: int) -> list[Row]:
        """The rows from number `start` up to `end`.

        Raises Refused where one is not what it was when the plan's digest was checked.
        """
        found = b"".join([batch async for batch in _stored(database, self._run, start, end)])
        asked = slice(bisect_left(self._firsts, pack_start(start)), bisect_left(self._firsts, end))
        if [pin(pack) for pack in documents_in(found)] != self._pins[asked]:
            raise altered(self._run)
        packs = bson.decode_all(found, TOLERANT)
        return [Row(number, body) for number, body in unpacked(packs) if start <= number < end]


async def pinned(database: Database, stored: Run) -> Pins:
    """The pins of a stored plan.

    Raises Refused where its rows to change are not those that its digest was made of.
    """
    digest = hashlib.sha256()
    firsts: list[int] = []
    pins: list[bytes] = []
    async for batch in _stored(database, stored.id, 0, stored.planned):
        digest.update(batch)
        for pack in documents_in(batch):
            firsts.append(RawBSONDocument(pack).get("first", 0))
            pins.append(pin(pack))
    classes = {**stored.class_digests, "change": digest.hexdigest()}
    if plan_digest(stored.backfill, stored.options, stored.summary, classes, stored.pin_digests) != stored.digest:
        raise altered(stored.id)
    return Pins(stored.id, firsts, pins)


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
            database[ROWS].find_raw_batches(change_packs(run, start, end), {"_id": 0}, batch_size=WHOLE).sort("_id")
        ):
            yield cast(bytes, batch)
