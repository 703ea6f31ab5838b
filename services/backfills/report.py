"""The recovery report of a run: what was found without a bill, what was billed of it, what was left, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.backfills.backfill import Backfill
from services.backfills.packs import ROWS, numbered_bodies
from services.backfills.passed import Passed
from services.backfills.plan import BILLING_GROUPS, REVIEW_REASONS, Group, Tally
from services.backfills.registry import BACKFILLS
from services.backfills.remains import NOT_READ, removed, standing
from services.backfills.runs import (
    EXCEPTIONS,
    LEFT,
    Reversal,
    RunView,
    State,
    load_lanes,
    load_run,
    view,
)
from services.billing.share import Share
from services.database import READ_LIMIT_MS, Database, Document, told
from services.operators.operator import Operator, shown_to
from services.records.fields import identity, text

OWED: tuple[Group, ...] = ("change", "flagged-no-record", "needs-review")
"""The classes of a plan in which something is to be put right."""
NOT_OWED: Group = "not-delivered"
GONE = "gone"
"""The reason of records that the run did and somebody removed."""
_LIMIT_MS = 120_000
_CHUNK = 1_000
_REASONS = 50
"""So many different reasons of drifted or failed records are told apart."""
_SOUND = {
    "first": {"$type": "number"},
    "rows.group": {"$type": "string"},
    **{
        f"rows.{name}": {"$type": ["string", "null"], "$not": {"$type": "array"}}
        for name in ("customer_id", "month", "code")
    },
}
"""A row that was altered so that it says none of it is not counted, and the report does not add up."""
_OTHER = "Other reasons; `backfill show RUN --class {}` lists each record with its own."
_BACK, _KEPT = "taken-back", "kept"
_WAITING: Mapping[State, str] = {
    "planned": "Planned, and not committed yet.",
    "approved": "Approved, and not committed yet.",
    "running": "The run has not come to it yet.",
    "paused": "The run was paused before it came to it.",
    "interrupted": "The run was interrupted before it came to it.",
}
_NEVER = "The run ended before it came to it."


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found splits into what the run did, what it has still to do, and what it left."""

    found: Share = field(default_factory=Share)
    done: Share = field(default_factory=Share)
    waiting: Share = field(default_factory=Share)

    @property
    def left(self) -> Share:
        """What the run does not touch, or did not."""
        done, waiting = self.done, self.waiting
        return Share(self.found.records - done.records - waiting.records, self.found.paise - done.paise - waiting.paise)


@dataclass(frozen=True, slots=True)
class Reason:
    """Records that were left, and why."""

    code: str
    why: str
    share: Share
    owed: bool = True
    """False where nothing is left to put right: it is no part of what was found, or it stands."""


@dataclass(frozen=True, slots=True)
class MonthLine:
    """A billing month `YYYY-MM`; None for records without one."""

    month: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class AreaLine:
    """An area of the city, empty for customers without one, None for records whose customer is not known."""

    area: str | None
    customers: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """A customer; the id is None for records whose customer is not known. The name is as stored."""

    customer_id: str | None
    name: str
    area: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """All of it; months in order, areas and customers by what was found, most first; what is not known last."""

    run: RunView
    title: str
    money: bool
    """Whether the backfill is about money; of the others only records are told."""
    total: Figures
    reasons: tuple[Reason, ...]
    months: tuple[MonthLine, ...]
    areas: tuple[AreaLine, ...]
    customers: tuple[CustomerLine, ...]
    adds_up: bool
    """Whether the plan's rows add up to what the preview told and to what the run counted, to the paisa."""


async def report(database: Database, operator: Operator, run: str) -> RecoveryReport:
    """The report of a run in any state, summed up by the server from the plan's rows and the run's checkpoints.

    Raises NotFound for an unknown run.
    """
    operator.require("viewer", "look at runs")
    stored = await load_run(database, run)
    # Backwards: what was taken back had been done.
    back = Passed(await load_lanes(database, run, "rollback"))
    done = Passed(await load_lanes(database, run, "commit"))
    shown = await view(database, stored)
    sums = _Sums(shown.state, shown.reversal)
    backfill = BACKFILLS.get(shown.backfill)
    with told():
        await _add_rows(database, run, done, back, sums)
        await _add_exceptions(_Exceptions(database, run, backfill), done, back, sums)
        if backfill and backfill.amounts:
            async for body in removed(database, run, backfill, done, back):
                sums.lose(body)
        customers = await _customer_lines(database, sums.customers)
    classes = shown.plan.classes
    if NOT_OWED in classes and (idle := classes[NOT_OWED]).records:
        sums.because(NOT_OWED, "Not delivered, so nothing is owed.", Share(idle.records, idle.amount_paise))
    counted = done.counted.less(back.counted).less(sums.gone)
    made = RecoveryReport(
        run=shown,
        title=backfill.title if backfill else shown.backfill,
        money=set(classes) == set(BILLING_GROUPS),
        total=sums.total,
        reasons=_reasons(sums.reasons),
        months=tuple(
            MonthLine(month, sums.months[month]) for month in sorted(sums.months, key=lambda month: month or "~")
        ),
        areas=_area_lines(customers),
        customers=customers,
        adds_up=sums.total.found == _told_by(classes) and sums.total.done == counted,
    )
    return shown_to(operator, made)


class _Sums:
    """The sums while they grow: as many as there are months and customers, however many rows."""

    def __init__(self, state: State, reversal: Reversal | None) -> None:
        self.total = Figures()
        self.months: dict[str | None, Figures] = {}
        self.customers: dict[str | None, Figures] = {}
        self.reasons: dict[tuple[str, str], Share] = {}
        self.gone = Share()
        """What was done and is not there any more."""
        self._waiting = None if reversal else _WAITING.get(state)
        self._taken_back = f"Done, and taken back by {reversal.by}: {reversal.reason}" if reversal else ""

    def add(self, of: Document, share: Share) -> None:
        """Count records of a customer, a month and a part: `done`, `taken-back`, or a class of the plan."""
        places, part = self._places(of), of["part"]
        waiting = part == "change" and self._waiting
        for place in places:
            place.found.add(share)
            if part == "done" or waiting:
                (place.done if part == "done" else place.waiting).add(share)
        if part == "taken-back":
            self.because(_BACK, self._taken_back, share)
        elif part == "change":
            self.because("waiting" if waiting else "not-reached", self._waiting or _NEVER, share)
        elif part != "done":
            code = of.get("code") or part
            self.because(code, REVIEW_REASONS.get(code, ""), share)

    def leave(self, body: Document, outcome: str, reason: str, *, taken_back: bool) -> None:
        """Say of a record that it drifted or failed: it was counted as done, or even as taken back."""
        share = Share(1, body.get("amount_paise") or 0)
        if taken_back:
            self.because(_BACK, self._taken_back, share.negative())
        else:
            self._done(body, share.negative())
        known = sum(1 for code, _ in self.reasons if code == outcome)
        if known >= _REASONS and (outcome, _sentence(reason)) not in self.reasons:
            reason = _OTHER.format(outcome)
        self.because(outcome, _sentence(reason), share)

    def keep(self, body: Document, reason: str, *, stands: bool) -> None:
        """Say of a record that the rollback kept it: it was counted as taken back, and what was done to it stands.

        Unless somebody else had removed it: then there is nothing that is done.
        """
        share = Share(1, body.get("amount_paise") or 0)
        self.because(_BACK, self._taken_back, share.negative())
        if stands:
            self._done(body, share)
            self.because(_KEPT, f"Not taken back: {reason.rstrip('.')}.", share)
        else:
            self._lost(share)

    def lose(self, body: Document) -> None:
        """Say of a record that was counted as done that somebody has removed it since."""
        share = Share(1, body.get("amount_paise") or 0)
        self._done(body, share.negative())
        self._lost(share)

    def _lost(self, share: Share) -> None:
        self.gone.add(share)
        self.because(GONE, "Done, and removed by somebody since.", share)

    def because(self, code: str, why: str, share: Share) -> None:
        """Count records under a reason."""
        self.reasons.setdefault((code, why), Share()).add(share)

    def _done(self, of: Document, share: Share) -> None:
        for place in self._places(of):
            place.done.add(share)

    def _places(self, of: Document) -> tuple[Figures, Figures, Figures]:
        month, customer = (text(of.get(name)) or None for name in ("month", "customer_id"))
        return (
            self.total, self.months.setdefault(month, Figures()), self.customers.setdefault(customer, Figures())
        )  # fmt: skip


async def _add_rows(database: Database, run: str, done: Passed, back: Passed, sums: _Sums) -> None:
    passed = {"$cond": [back.condition("$number"), "taken-back", "done"]}
    changing, reviewed = ({"$eq": ["$rows.group", group]} for group in ("change", "needs-review"))
    key = {
        "customer_id": "$rows.customer_id",
        "month": "$rows.month",
        "part": {"$cond": [{"$and": [changing, done.condition("$number")]}, passed, "$rows.group"]},
        "code": {"$cond": [reviewed, "$rows.code", None]},
    }
    classes = [{"_id": {"$gt": f"{run}/{name}/", "$lt": f"{run}/{name}0"}} for name in OWED]
    pipeline: list[Document] = [
        {"$match": {"$or": classes}},
        {"$unwind": {"path": "$rows", "includeArrayIndex": "at"}},
        {"$match": _SOUND},
        {"$set": {"number": {"$add": ["$first", "$at"]}}},
        {"$group": {"_id": key, "records": {"$sum": 1}, "paise": {"$sum": "$rows.amount_paise"}}},
    ]
    async for found in await database[ROWS].aggregate(pipeline, allowDiskUse=True, maxTimeMS=_LIMIT_MS):
        sums.add(found["_id"], Share(found["records"], found["paise"]))


async def _add_exceptions(exceptions: _Exceptions, done: Passed, back: Passed, sums: _Sums) -> None:
    """What was passed and left alone; of those rows only, for the run may go on meanwhile."""
    async for chunk in exceptions.chunks():
        kept = {each["number"]: body for each, body in chunk if each["outcome"] == _KEPT and each["number"] in back}
        there = await standing(exceptions.database, exceptions.run, exceptions.backfill, kept)
        for each, body in chunk:
            number, reason = each["number"], str(each["reason"])
            if number not in done:
                continue
            if each["outcome"] != _KEPT:
                sums.leave(body, each["outcome"], reason, taken_back=number in back)
            elif number in kept:
                sums.keep(body, reason, stands=number in there)


@dataclass(frozen=True, slots=True)
class _Exceptions:
    """What a run left alone, as the database has it."""

    database: Database
    run: str
    backfill: Backfill[Any] | None

    async def chunks(self) -> AsyncIterator[list[tuple[Document, Document]]]:
        """Exceptions with their rows' bodies; those whose rows were lost are left out."""
        fields = dict.fromkeys(NOT_READ, 0)
        after = f"{self.run}/"
        while True:
            matching = {"_id": {"$gt": after, "$lt": f"{self.run}0"}}
            left = self.database[EXCEPTIONS].find(matching).sort("_id").limit(_CHUNK)
            if not (chunk := await left.max_time_ms(READ_LIMIT_MS).to_list()):
                return
            after = chunk[-1]["_id"]
            numbers = [each["number"] for each in chunk]
            found = numbered_bodies(self.database, self.run, numbers, fields, limit_ms=READ_LIMIT_MS)
            bodies = {number: body async for number, body in found}
            yield [(each, bodies[each["number"]]) for each in chunk if each["number"] in bodies]


def _told_by(classes: Mapping[Group, Tally]) -> Share:
    """What the preview found, by its classes."""
    tallies = [classes[name] for name in OWED if name in classes]
    return Share(sum(tally.records for tally in tallies), sum(tally.amount_paise for tally in tallies))


async def _customer_lines(database: Database, customers: Mapping[str | None, Figures]) -> tuple[CustomerLine, ...]:
    """Each with name and area as they are now; an index serves them, a thousand at a time."""
    ids = [name for name in customers if name is not None]
    lines = [CustomerLine(None, "", None, customers[None])] if None in customers else []
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        fields = {"_id": 0, "id": 1, "name": 1, "area": 1}
        found = await database["customers_v2"].find({"id": {"$in": chunk}}, fields).to_list()
        known = {identity(document["id"]): document for document in reversed(found)}
        for name in chunk:
            document = known.get(name, {})
            area = text(document.get("area")).strip()
            called = text(document.get("name")).strip()
            lines.append(CustomerLine(name, called, area, customers[name]))
    return tuple(sorted(lines, key=lambda line: _most_first(line.customer_id, line.figures)))


def _area_lines(customers: Iterable[CustomerLine]) -> tuple[AreaLine, ...]:
    sums: dict[str | None, Figures] = {}
    members: Counter[str | None] = Counter()
    for line in customers:
        figures, mine = sums.setdefault(line.area, Figures()), line.figures
        members[line.area] += line.customer_id is not None
        for place, share in ((figures.found, mine.found), (figures.done, mine.done), (figures.waiting, mine.waiting)):
            place.add(share)
    lines = [AreaLine(area, members[area], figures) for area, figures in sums.items()]
    return tuple(sorted(lines, key=lambda line: _most_first(line.area, line.figures)))


def _reasons(found: Mapping[tuple[str, str], Share]) -> tuple[Reason, ...]:
    """What the run did not come to, then what it left alone, then the classes that it does not touch."""
    reasons = [
        Reason(code, why, share, owed=code not in (NOT_OWED, _KEPT))
        for (code, why), share in found.items() if share.records
    ]  # fmt: skip
    ranks = {
        code: rank for rank, code in enumerate((_BACK, GONE, "waiting", "not-reached", *LEFT, "flagged-no-record"))
    }
    last = len(ranks)

    def place(reason: Reason) -> tuple[bool, int, int, str, str]:
        return not reason.owed, ranks.get(reason.code, last), -reason.share.records, reason.code, reason.why

    return tuple(sorted(reasons, key=place))


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."


def _most_first(name: str | None, figures: Figures) -> tuple[bool, int, int, str]:
    return name is None, -figures.found.paise, -figures.found.records, name or ""
