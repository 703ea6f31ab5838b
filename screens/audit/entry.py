"""What an audit entry says, as rows and sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from screens.tones import action_text, count, doubt_line, doubt_mark, text, wrapping
from screens.widgets.diff import field_diff
from screens.widgets.sheet import Section
from screens.widgets.table import Row
from services.clock import format_moment

if TYPE_CHECKING:
    from services.audit.entries import Entry, FieldChange
    from services.audit.standing import Standing

_TOLD = ("reason", "run", "session", "request", "source", "on_behalf_of")
_UNTOLD = {"version"}
JUMPS = (
    ("record", "this record"),
    ("user", "this operator"),
    ("run", "this run"),
    ("request", "this request"),
    ("session", "this login session"),
)


def row(entry: Entry) -> Row:
    """One entry in the list."""
    mark = doubt_mark(entry.doubt)
    tone = "bad" if mark.style == "bad" else ""
    cells = (
        Text.assemble(mark if mark.plain else " ", " ", text(format_moment(entry.at), tone or "muted")),
        text(entry.who or "unknown", tone),
        action_text(entry.action),
        text(entry.what, tone),
    )
    return Row(str(entry.key), cells)


def about(entry: Entry) -> str:
    """The record as `read_filters` takes it."""
    return f"{entry.table}/{entry.record_id}"


def jumps(entry: Entry) -> dict[str, str]:
    """What else can be asked for from an entry, by the name of the filter."""
    noted = {name: entry.meta.get(name) for name in ("run", "request", "session")}
    found = {"record": about(entry) if entry.table and entry.record_id else None, "user": entry.user, **noted}
    return {name: str(value) for name, _ in JUMPS if (value := found[name])}


def sections(entry: Entry, standing: Standing | None, *, whole: bool) -> list[Section]:
    """What it is about, its fields, its circumstances and its place; `whole` unfolds and shortens nothing."""
    from services.audit.entries import field_changes

    facts = [
        ("Record", text(about(entry), "strong")),
        ("Action", action_text(entry.action)),
        *([("Name", text(entry.record_name))] if entry.record_name else []),
        ("By", text(entry.who or "unknown")),
        ("At", text(f"{format_moment(entry.at)} India time")),
    ]
    odd = [wrapping(Text.assemble(("! ", "warn"), text(finding.message))) for finding in entry.findings]
    if standing and standing.altered:
        odd.insert(0, wrapping(text(f"✗ ALTERED: {standing.altered}. Believe nothing of it.", "bad")))
    elif entry.doubt and (standing is None or entry.doubt.code == "unchained"):
        odd.insert(0, doubt_line(entry.doubt))
    changes = field_changes(entry)
    return [
        Section("", facts, odd),
        Section(_title(changes), lines=field_diff(changes, fold=not whole, whole=whole)),
        Section("Circumstances", [*_circumstances(entry), ("Entry", text(entry.id, "muted"))]),
        Section("Place in the trail", _place(standing)),
    ]


def _title(changes: Sequence[FieldChange]) -> str:
    kinds = {change.kind for change in changes}
    if kinds == {"added"}:
        return f"Fields: {count(len(changes))}, all new"
    if kinds == {"removed"}:
        return f"Fields: {count(len(changes))}, all gone"
    differing = sum(change.kind != "same" for change in changes)
    return f"Fields: {count(differing)} of {count(len(changes))} differ" if changes else "Fields"


def _circumstances(entry: Entry) -> list[tuple[str, Text]]:
    names = [*_TOLD, *(name for name in entry.meta if name not in (*_TOLD, *_UNTOLD))]
    return [
        (name.replace("_", " ").capitalize()[:13], text(entry.meta[name], limit=600))
        for name in names
        if entry.meta.get(name) is not None
    ]


def _place(standing: Standing | None) -> list[tuple[str, Text]]:
    if standing is None:
        return [("Chain", text("…", "muted"))]
    chain = f"number {standing.seq} in {standing.stream}" if standing.stream else "none: of another program"
    sealed = text("in the signed log", "good") if standing.sealed else text("not yet", "warn")
    if standing.altered:
        sealed = text(f"ALTERED: {standing.altered}", "bad")
    return [("Chain", text(chain, "" if standing.stream else "muted")), ("Sealed", sealed)]
