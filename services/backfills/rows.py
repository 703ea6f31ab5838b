"""The rows of a plan, page by page, and what a run left alone; the parts of a plan are held to what was previewed."""

from __future__ import annotations

import hashlib
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import bson

from services.audit.chain import documents_in, key_of
from services.backfills.packs import PACK, ROWS, pin, pins_by_key, pins_key, without_key
from services.backfills.plan import GROUPS, PlanRow, plan_digest, row_view
from services.backfills.runs import EXCEPTIONS, LEFT, Run, load_run
from services.backfills.since import changed_since
from services.clock import parse_month
from services.database import READ_LIMIT_MS, TOLERANT, Database, Document, told
from services.errors import BadRequest
from services.operators.operator import Operator, shown_to
from services.paging import Page, bad_token, list_kind, page_size, read_token, write_token

LOOKING_SECONDS = 2.0
"""How long one page looks through a plan for the rows of a month, a code or a customer."""
_LOOKED_AT_ONCE = 100
"""Packs that such a page asks for at once."""


@dataclass(frozen=True)
class RowsPage(Page[PlanRow]):
    """A page of a plan's rows."""

    altered: str | None = None
    """What shows that the plan is not the one that was previewed, in a sentence."""


async def list_rows(
    database: Database,
    operator: Operator,
    run: str,
    group: str | None = None,
    token: str | None = None,
    limit: int | None = None,
    *,
    month: str | None = None,
    code: str | None = None,
    customer: str | None = None,
) -> RowsPage:
    """The rows of a plan in their stored order: those of one class, of a billing month, of a code, of a customer.

    The last three are looked for: what is found in `LOOKING_SECONDS` is a page, whose note says how far it looked and
    whose token goes on. Everything that was looked at is held to what was previewed. Raises NotFound for an unknown
    run, BadRequest for an unknown class, for no month, and where what a run left alone is to be narrowed.
    """
    operator.require("viewer", "look at plans")
    if group is not None and group not in (*GROUPS, *LEFT):
        names = ", ".join((*GROUPS, *LEFT))
        raise BadRequest("unknown-class", f"There is no class {group!r}; the classes are {names}.")
    asked = {"month": parse_month(month) if month else None, "code": code, "customer_id": customer}
    sought = {name: value for name, value in asked.items() if value}
    kind = list_kind("rows", run, group, sought)
    size, key = page_size(limit), read_token(kind, token)
    stored = await load_run(database, run)
    with told():
        if group in LEFT:
            if sought:
                words = f"What is {group} is listed whole: leave out the month, the code and the customer."
                raise BadRequest("not-narrowed", words)
            page = await _left_rows(database, run, group, kind, key, size)
        else:
            page = await _Look(stored, group, sought).page(database, kind, key, size)
    return shown_to(operator, page)


class _Look:
    """A look through the packs of a plan, or of one of its classes, from a place onwards."""

    def __init__(self, stored: Run, group: str | None, sought: Mapping[str, str]) -> None:
        self._stored = stored
        self._groups = [name for name in GROUPS if group in (None, name)]
        self._start, self._end = (f"{stored.id}/{group}/", f"{stored.id}/{group}0") if group else (
            f"{stored.id}/", f"{stored.id}/~"
        )  # fmt: skip
        self._sought = sought
        self._words = [value.encode(errors="replace") for value in sought.values()]
        self._looked_at = 0

    async def page(self, database: Database, kind: str, key: Document | None, size: int) -> RowsPage:
        """The rows behind a place, as far as they fit on a page or as the time goes."""
        after, at = (key.get("_id"), key.get("at")) if key else (self._start, -1)
        if not isinstance(after, str) or not isinstance(at, int) or not self._start <= after < self._end:
            raise bad_token()
        held = await self._held(database, after)
        found: list[PlanRow] = []
        place: Document | None = None
        note = None
        ends = time.monotonic() + LOOKING_SECONDS
        async for packs in self._packs(database, after, size):
            for pack_key, pack in packs:
                altered = not held.takes(pack_key, pack)
                for number, row in self._rows(pack_key, pack, altered=altered):
                    if pack_key == after and number <= at:
                        continue
                    if len(found) == size:
                        return RowsPage(tuple(found), write_token(kind, place or {}), None, held.told())
                    found.append(row)
                    place = {"_id": pack_key, "at": number}
            if self._sought and time.monotonic() > ends:
                note = f"Looked through {self._looked_at:,} rows in {LOOKING_SECONDS:.0f} s; the next page looks on."
                going_on = {"_id": f"{packs[-1][0]} ", "at": -1}  # behind that pack, before any other
                return RowsPage(tuple(found), write_token(kind, going_on), note, held.told())
        held.ends()
        return RowsPage(tuple(found), None, None, held.told())

    async def _packs(self, database: Database, after: str, size: int) -> AsyncIterator[list[tuple[str, bytes]]]:
        at_once = _LOOKED_AT_ONCE if self._sought else size // PACK + 2
        cursor = database[ROWS].find_raw_batches({"_id": {"$gte": after, "$lt": self._end}}, batch_size=at_once)
        async with cursor.sort("_id").max_time_ms(READ_LIMIT_MS):
            async for batch in cursor:
                # The driver's types tell of documents.
                yield [(str(key_of(pack)), pack) for pack in documents_in(cast(bytes, batch))]

    def _rows(self, key: str, pack: bytes, *, altered: bool) -> Iterator[tuple[int, PlanRow]]:
        """The rows of a pack that are sought, with their places in it."""
        if not all(word in pack for word in self._words):
            self._looked_at += PACK
            return
        rows = bson.decode(pack, TOLERANT).get("rows")
        for number, body in enumerate(rows if isinstance(rows, list) and rows else [None]):
            self._looked_at += 1
            if not isinstance(body, dict):
                body = {"record": key, "group": "", "message": "The stored row was altered and cannot be read."}
            if all(body.get(name) == value for name, value in self._sought.items()):
                yield number, row_view(body, altered=altered)

    async def _held(self, database: Database, after: str) -> _Held:
        stored = self._stored
        digest = plan_digest(stored.backfill, stored.options, stored.summary, stored.class_digests, stored.pin_digests)
        expected: dict[str, bytes] | None = {} if stored.pin_digests else None
        if expected is not None:
            names = {pins_key(stored.id, group): group for group in self._groups}
            found = database[ROWS].find({"_id": {"$in": list(names)}}).sort("_id").max_time_ms(READ_LIMIT_MS)
            async for each in found:
                pins, group = each.get("pins"), names[each["_id"]]
                if isinstance(pins, bytes) and hashlib.sha256(pins).hexdigest() == stored.pin_digests.get(group):
                    expected |= pins_by_key(stored.id, group, pins)
        held = _Held(stored.id, expected, after, whole=digest == stored.digest)
        held.counts(await database[ROWS].count_documents(
            {"_id": {"$gte": self._start, "$lt": self._end}}, hint="_id_", maxTimeMS=READ_LIMIT_MS
        ))  # fmt: skip
        return held


class _Held:
    """Packs, as they are read in order, beside those that the preview stored; None where that kept no pins."""

    def __init__(self, run: str, expected: Mapping[str, bytes] | None, after: str, *, whole: bool) -> None:
        self._run = run
        self._expected = expected
        self._keys = list(expected or ())
        self._next = bisect_left(self._keys, after)
        self._whole = whole
        self._altered = self._missing = False

    def takes(self, key: str, pack: bytes) -> bool:
        """Whether this pack is one that the preview stored, as it stored it."""
        if self._expected is None:
            return self._whole
        at = bisect_left(self._keys, key, self._next)
        self._missing |= at > self._next
        there = at < len(self._keys) and self._keys[at] == key
        self._next = at + there
        sound = there and pin(without_key(pack, key)) == self._expected[key]
        self._altered |= not sound
        return sound and self._whole

    def counts(self, packs: int) -> None:
        """So many packs are there, on this page and on others."""
        if self._expected is not None:
            self._altered |= packs > len(self._keys)
            self._missing |= packs < len(self._keys)

    def ends(self) -> None:
        """There are no more packs."""
        self._missing |= self._next < len(self._keys)

    def told(self) -> str | None:
        """What does not fit, in a sentence."""
        wrong = [
            *(["its figures were altered"] if not self._whole else []),
            *(["rows were altered or added"] if self._altered else []),
            *(["rows are missing"] if self._missing else []),
        ]
        if not wrong:
            return None
        return f"The stored plan of {self._run} is not what was previewed: {', '.join(wrong)}. Preview again."


async def _left_rows(
    database: Database, run: str, outcome: str, kind: str, key: Document | None, size: int
) -> RowsPage:
    after = key.get("_id") if key else f"{run}/"
    if not isinstance(after, str) or not after.startswith(f"{run}/"):
        raise bad_token()
    matching = {"_id": {"$gt": after, "$lt": f"{run}0"}, "outcome": outcome}
    cursor = database[EXCEPTIONS].find(matching).sort("_id").limit(size + 1)
    found = await cursor.max_time_ms(READ_LIMIT_MS).to_list()
    more = write_token(kind, {"_id": found[size - 1]["_id"]}) if len(found) > size else None
    changed = await changed_since(database, run, found[:size]) if outcome == "kept" else {}
    rows = [
        PlanRow(each["record"], outcome, None, each["reason"], None, None, None, changed=changed.get(each["number"]))
        for each in found[:size]
    ]
    return RowsPage(tuple(rows), more)
