"""What the screen of a record's history shows: rows of its list, and sections of its sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from rich.console import RenderableType
from rich.text import Text

from screens.tones import action_text, doubt_mark, text, wrapping
from screens.widgets.diff import field_diff
from screens.widgets.sheet import Section
from screens.widgets.table import Column, Row
from services.clock import format_moment

if TYPE_CHECKING:
    from services.audit.entries import FieldChange
    from services.history.reconstruction import RecordState
    from services.history.states import Change, Comparison, Step
    from services.history.touched import Touch
    from services.records.findings import Finding

Edge: TypeAlias = Literal["now", "before"]
Item: TypeAlias = "Step | Edge"

COLUMNS = (
    Column("", 2),
    Column("When (India)", 16),
    Column("Who", 8, grow=1),
    Column("Did", 12),
    Column("Changed", 10, grow=2, drop=1),
)
_MOST_FIELDS = 400
_EDGES = {"now": "now, as stored", "before": "before that"}


def key_of(item: Item) -> str:
    """The key of an item's row."""
    return item if isinstance(item, str) else f"{type(item.entry.key).__name__} {item.entry.key}"


def row(item: Item, *, marked: bool) -> Row:
    """An entry, or an end of the list."""
    mark = Text("●" if marked else " ", "info")
    if isinstance(item, str):
        return Row(key_of(item), (mark, text(_EDGES[item], "hint"), Text(), Text(), Text()))
    entry = item.entry
    doubt = doubt_mark(entry.doubt)
    tone = "bad" if doubt.style == "bad" else ""
    cells = (
        Text.assemble(mark, doubt),
        text(format_moment(entry.at), tone or "muted"),
        text(entry.user or "unknown", tone),
        action_text(entry.action),
        text(", ".join(item.fields), "muted"),
    )
    return Row(key_of(item), cells)


def change_sections(change: Change) -> list[Section]:
    """The record after an entry, with what that entry changed."""
    return [_head(change.state), _state(change.state, change.fields)]


def state_sections(state: RecordState) -> list[Section]:
    """The record at an end of the list."""
    return [_head(state), _state(state, ())]


def difference_sections(found: Comparison) -> list[Section]:
    """Two points and what differs."""
    from services.history.reconstruction import entries

    first, second = found.first, found.second
    facts = [("From", _moment(first)), ("", text(first.told, "muted")), ("To", _moment(second)),
             ("", text(second.told, "muted")), ("Between", text(entries(found.entries)))]  # fmt: skip
    findings = list(dict.fromkeys((*first.findings, *second.findings)))
    if first.exists or second.exists:
        shown = [change for change in found.fields if change.kind != "same"]
        same = [change for change in found.fields if change.kind == "same"]
        return [
            Section("", facts, _findings(findings)),
            Section("Difference", lines=_limited([*shown, *same], fold=True)),
        ]
    return [
        Section("", facts, _findings(findings)),
        Section("Difference", lines=[Text("There is no record.", "muted")]),
    ]


def who_sections(touches: Sequence[Touch]) -> list[Section]:
    """Everybody who touched the record."""
    sections = []
    for touch in touches:
        actions = ", ".join(f"{action or '?'} {count:,}" for action, count in touch.actions.items())
        facts = [("Entries", text(f"{touch.entries:,}")), ("Actions", text(actions)),
                 ("First", text(format_moment(touch.first))), ("Last", text(format_moment(touch.last)))]  # fmt: skip
        if touch.doubted:
            facts.append(("In doubt", text(f"{touch.doubted:,}", "bad")))
        sections.append(Section(text(touch.user or "unknown", limit=60).plain, facts))
    return sections or [Section("", lines=[Text("No entry is about it.", "muted")])]


def _head(state: RecordState) -> Section:
    facts = [("At", _moment(state))]
    if entry := state.entry:
        deed = Text.assemble(action_text(entry.action), "  by ", text(entry.user or "unknown"))
        facts += [("Last entry", deed), ("", text(entry.id, "muted"))]
    facts.append(("Told", text(state.told, "good" if state.exact else "warn")))
    odd = state.entry.findings if state.entry else ()
    return Section("", facts, _findings([*state.findings, *odd]))


def _moment(state: RecordState) -> Text:
    return text(f"{format_moment(state.at)} India time" if state.at else "before the first entry")


def _findings(findings: Sequence[Finding]) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for finding in findings:
        line = Text.assemble(("! ", "warn"), (f"{finding.code}  ", "strong"), text(finding.message, limit=600))
        lines.append(wrapping(line))
    return lines


def _state(state: RecordState, changed: Sequence[FieldChange]) -> Section:
    from services.history.states import fields_of

    if not state.exists:
        words = "It is not known whether there was a record." if state.exists is None else "There is no record."
        return Section("Record", lines=[Text(words, "muted"), *(field_diff(changed) if changed else [])])
    changes = {change.field: change for change in changed}
    fields = [
        replace(changes.pop(each.field), new=each.new) if each.field in changes else replace(each, kind="same")
        for each in fields_of(state)
    ]
    # What the entry changed comes first: a record may be longer than the screen.
    ordered = sorted([*changes.values(), *fields], key=lambda change: change.kind == "same")
    return Section("Record", lines=_limited(ordered, fold=False))


def _limited(fields: Sequence[FieldChange], *, fold: bool) -> list[RenderableType]:
    """The first fields, of very many, and how many more there are."""
    lines: list[RenderableType] = [*field_diff(fields[:_MOST_FIELDS], fold=fold)]
    if len(fields) > _MOST_FIELDS:
        lines.append(Text(f"and {len(fields) - _MOST_FIELDS:,} more fields: `audit as-of` shows all", "muted"))
    return lines
