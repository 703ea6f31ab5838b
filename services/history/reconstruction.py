"""A record's state at a point of its trail, and how far the trail can be trusted about it.

It comes from the nearest whole image before the point, carried forwards over the entries up to it, and from the nearest
whole image behind it, or the stored record, carried backwards. Where the two disagree, something changed the record
that no entry tells of: a finding, and the state is the one that the entries before the point left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from services.audit.entries import Entry
from services.changes.changeset import AUDIT_LOGS
from services.changes.difference import differences
from services.clock import format_moment, read_timestamp
from services.database import Document
from services.errors import NotFound, Refused
from services.history.trail import Mark, Trail
from services.history.walk import Claims, Walk, listed, naming, own_contradictions
from services.records.findings import Finding

_START = datetime.min.replace(tzinfo=UTC)
_MOST_DOUBTED = 20
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AfterEntry:
    """The point right after an entry, by its `_id`: entries of one instant each have their own."""

    key: Any


Point: TypeAlias = datetime | AfterEntry | Literal["before", "now"]
"""A time, the point after an entry, the one before all entries, or now."""


@dataclass(frozen=True)
class RecordState:
    """A record at a point of its life."""

    table: str
    record_id: str
    at: datetime | None
    """None before all entries."""
    exists: bool | None
    """None where the trail does not tell."""
    state: Document | None
    """Without its `_id`, as in the audit's images."""
    entry: Entry | None
    """The entry that left the record like this, without images; None before the first."""
    told: str
    """Where this comes from, as a sentence."""
    findings: tuple[Finding, ...] = ()
    """`gap`: it changed and no entry says so, or an entry does not say what. `contradiction`: what entries say cannot
    all be true. `altered`, `unchained`: what stands against an entry that this rests on. `unknown-before`: it is
    older than its first entry. `undated`: entries without a readable time are left out. `twins`: another stored record
    has its id."""
    exact: bool = True
    """False where it is only told as far as the trail tells."""


async def state_at(trail: Trail, now: datetime, table: str, record_id: str, point: Point) -> RecordState:
    """The record at that point.

    Raises NotFound where there is neither an entry nor a stored record.
    """
    marks, present = trail.dated, trail.present
    if not marks and not trail.undated and present.document is None:
        if table == AUDIT_LOGS:
            raise NotFound(
                "unknown-record",
                f"{table}/{record_id} is no record with a life: entries about it are readings or exports of the trail, "
                "which change nothing. `audit list --record` with it shows them.",
            )
        raise NotFound("unknown-record", f"No audit entry and no stored record is about {table}/{record_id}.")
    reached, at = position(trail, point)
    is_now = present.read and reached == len(marks) and at >= now
    earlier = next((n for n in range(reached - 1, -1, -1) if marks[n].whole_after), None)
    later = next((n for n in range(reached, len(marks)) if marks[n].whole_before), None)
    backward = await _backward(trail, reached, later)
    forward, claims = await _forward(trail, earlier, reached)
    walk, unnoted = _choose(forward, backward, marks, reached, later)
    if walk is backward and not forward.clean:
        backward.claim(claims, heed=not is_now)
        backward.findings += forward.findings if earlier is None else []
    walk = backward if is_now else walk
    exists = None if not walk.known and not reached else walk.state is not None
    rests_on = (
        marks[earlier or 0 : reached] if walk is forward else marks[earlier or 0 : None if later is None else later + 1]
    )
    doubted = _doubted(trail, marks[-1:] if is_now else rests_on)
    findings = [*doubted, *walk.findings, *map(_silent, walk.mute), *unnoted, *_about_all(trail)]
    if not walk.known:
        findings.append(
            Finding("gap", "No entry tells the whole record, and the stored one cannot be looked up by id.")
        )
    elif exists and not reached and not is_now:
        created = read_timestamp((walk.state or {}).get("created_at"))
        exists = not (isinstance(point, datetime) and created and point < created)
        findings.append(_unknown_before(marks, None if exists else created))
    return RecordState(
        table=table,
        record_id=record_id,
        at=None if point == "before" else now if point == "now" else at,
        exists=exists,
        state=walk.state if exists else None,
        entry=marks[reached - 1].head if reached else None,
        told=_told(marks, reached, exists, now=is_now, start=earlier if walk is not backward else None, later=later),
        findings=tuple(findings),
        exact=is_now or not findings,
    )


def position(trail: Trail, point: Point) -> tuple[int, datetime]:
    """How many entries lie at or before the point, and its time.

    Raises NotFound for an entry that is not of this trail, Refused for one without a time.
    """
    if point == "now":
        return len(trail.dated), _END
    if point == "before":
        return 0, _START
    if isinstance(point, AfterEntry):
        mark = trail.mark(point.key)
        if mark.at is None:
            raise Refused("undated", f"Entry {mark.head.id} has no readable time: it stands at no point of the record.")
        return trail.dated.index(mark) + 1, mark.at
    return bisect_right([mark.place[0] for mark in trail.dated], point), point


async def _forward(trail: Trail, start: int | None, reached: int) -> tuple[Walk, Claims]:
    """From the image after entry `start`, or from nothing, over the entries that follow, up to the point."""
    walk, claims = Walk({}, known=False), Claims()
    marks = trail.dated[start or 0 : reached]
    whole = start is not None
    async for entry in trail.entries(marks):
        if whole:
            walk = Walk.begin(entry.after)
            walk.findings += own_contradictions(entry, whole=marks[0].whole_before)
            whole = False
        else:
            walk.forwards(entry)
            claims.add(entry)
            walk.findings += own_contradictions(entry, whole=False)
    return walk, claims


async def _backward(trail: Trail, reached: int, later: int | None) -> Walk:
    """From the image before entry `later`, or from the stored record, back over the entries behind the point."""
    if later is not None:
        walk = Walk.begin((await trail.entry(trail.dated[later])).before)
    elif trail.present.read:
        document = trail.present.document
        walk = Walk.begin(document)
        if walk.state:
            walk.state.pop("_id", None)
    else:
        walk = Walk({}, known=False)
    async for entry in trail.entries(reversed(trail.dated[reached:later])):
        walk.backwards(entry)
        walk.findings += own_contradictions(entry, whole=False)
    return walk


def _choose(
    forward: Walk, backward: Walk, marks: Sequence[Mark], reached: int, later: int | None
) -> tuple[Walk, list[Finding]]:
    """The walk that tells the state, and what changed between the two though no entry says so."""
    if not forward.clean and (backward.clean or not forward.known):
        return backward, []
    if not backward.clean:
        return forward, []
    unnoted = _unnoted(forward, backward, marks, reached, later)
    return backward if forward.loose and not backward.loose and not unnoted else forward, unnoted


def _unnoted(forward: Walk, backward: Walk, marks: Sequence[Mark], reached: int, later: int | None) -> list[Finding]:
    until = f"before entry {marks[later].head.id}" if later is not None else "before now"
    span = f"after entry {marks[reached - 1].head.id} and {until}, and no entry says how."
    if forward.state is None or backward.state is None:
        if forward.state is backward.state:
            return []
        return [Finding("gap", f"The record {'came to be' if forward.state is None else 'ended'} {span}")]
    loose = forward.loose or backward.loose
    fields = [
        name for name, pair in differences(forward.state, backward.state).items()
        if not loose or pair != {"old": None, "new": None}
    ]  # fmt: skip
    return [Finding("gap", f"{listed(fields)} changed {span}")] if fields else []


def _doubted(trail: Trail, marks: Sequence[Mark]) -> list[Finding]:
    """What stands against these entries."""
    named = [(mark.head.id, trail.doubts[mark.head.id]) for mark in marks if mark.head.id in trail.doubts]
    found = [Finding(doubt.code, f"Entry {name}: {doubt.message}") for name, doubt in named[:_MOST_DOUBTED]]
    if len(named) > _MOST_DOUBTED:
        found.append(Finding(named[-1][1].code, f"As much stands against {entries(len(named) - _MOST_DOUBTED)} more."))
    return found


def _silent(entry: Entry) -> Finding:
    return Finding("gap", f"{naming(entry)} does not say all of what it changed.")


def _unknown_before(marks: Sequence[Mark], created: datetime | None) -> Finding:
    if created:
        words = (
            f"No entry tells how it began; by its own created_at that was later, {format_moment(created)} India time."
        )
        return Finding("unknown-before", words)
    first = (
        f"The first entry is of {format_moment(marks[0].at)} India time" if marks else "No entry is about this record"
    )
    return Finding("unknown-before", f"{first}: what happened to the record before that, nothing tells.")


def _about_all(trail: Trail) -> list[Finding]:
    found = []
    if trail.undated:
        names = [mark.head.id for mark in trail.undated]
        found.append(Finding("undated", f"Entries without a readable time are left out: {listed(names)}."))
    if trail.present.twins:
        found.append(Finding("twins", "More than one stored record has this id; one of them is looked at."))
    return found


def _told(
    marks: Sequence[Mark], reached: int, exists: bool | None, *, now: bool, start: int | None, later: int | None
) -> str:
    if exists is None:
        return "Nothing tells whether it was there."
    if not exists:
        if reached:
            return (
                f"It was gone. {_deed(marks[reached - 1])}" if not now else f"It is gone. {_deed(marks[reached - 1])}"
            )
        if now or not marks:
            return "There is none."
        return "It was not there yet." + (f" {_deed(marks[0])}" if marks[0].head.action == "CREATE" else "")
    if now:
        return "As it is stored now."
    if start is not None:
        over = reached - 1 - start
        if not over:
            return "As its last entry left it."
        return f"As entry {marks[start].head.id} left it, with what {entries(over)} after that say."
    source = f"what entry {marks[later].head.id} says was before it" if later is not None else "the stored record"
    back = (later if later is not None else len(marks)) - reached
    return f"From {source}, taken back over {entries(back)}." if back else f"From {source}."


def entries(count: int) -> str:
    """A number of entries in a sentence."""
    return "1 entry" if count == 1 else f"{count:,} entries"


def _deed(mark: Mark) -> str:
    head = mark.head
    return f"Entry {head.id}: {head.action or 'no action'} by {head.user or 'unknown'} on {format_moment(mark.at)}."
