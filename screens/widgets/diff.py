"""The difference between two states of a record, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.table import Table
from rich.text import Text

from screens.tones import text, wrapping
from screens.widgets.values import in_one_notation, opened, told, written

if TYPE_CHECKING:
    from services.audit.entries import FieldChange

Parts: TypeAlias = "list[Table | Text]"

_CUT = 240
"""Characters of a value that are shown before it is opened."""
_LONGEST = 20_000
_ON_ONE_LINE = 48
_AROUND = 30
"""Characters of what two long texts have in common that are shown beside what differs."""
_MARKS = {"added": ("+", "good"), "removed": ("-", "bad"), "changed": ("~", "warn"), "same": (" ", "muted")}


def field_diff(changes: Sequence[FieldChange], *, fold: bool = True, whole: bool = False) -> Parts:
    """`+` added, `-` removed, `~` changed, those first; what stayed the same is folded into one line, or shown.

    Rupees and India times stand for the stored numbers and times. `whole` neither cuts long values nor hides what is
    stored.
    """
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(width=1)
    grid.add_column(max_width=24, overflow="fold")
    grid.add_column(ratio=1, overflow="fold")
    apart = [list(opened(change)) for change in changes if change.kind != "same"]
    # Plain values before whole lists of records, which are long.
    differing = [each for parts in sorted(apart, key=lambda parts: len(parts) > 1) for each in parts]
    same = [change for change in changes if change.kind == "same"]
    _add(grid, differing, whole=whole)
    if not fold:
        _add(grid, same, whole=whole)
    none = "No field differs." if changes else "The entry does not say which fields changed."
    parts: Parts = [grid] if grid.row_count else [Text(none, style="muted")]
    return [*parts, _folded([change.field for change in same])] if same and fold else parts


def _add(grid: Table, changes: Sequence[FieldChange], *, whole: bool) -> None:
    """A row for each field; neighbours inside of the same field stand under its name."""
    parents = [change.field.rpartition(".")[0] for change in changes]
    above = ""
    for number, (change, parent) in enumerate(zip(changes, parents, strict=True)):
        shared = bool(parent) and parent in (*parents[max(0, number - 1) : number], *parents[number + 1 : number + 2])
        if shared and parent != above:
            grid.add_row(Text(), text(parent, "info"), Text())
        above = parent if shared else ""
        mark, tone = _MARKS[change.kind]
        name = change.field.rpartition(".")[2] if shared else change.field
        label = text(f"{'  ' if shared else ''}{name}", "muted" if change.kind == "same" else "")
        grid.add_row(Text(mark, tone), label, _values(change, whole=whole))


def _values(change: FieldChange, *, whole: bool) -> Text:
    if change.kind in ("added", "same"):
        return _value(change.field, change.new, "good" if change.kind == "added" else "", whole=whole)
    if change.kind == "removed":
        return _value(change.field, change.old, "bad", whole=whole)
    old, new = in_one_notation(change)
    if len(old) + len(new) <= _ON_ONE_LINE:
        line = Text.assemble(text(old, "bad"), (" → ", "muted"), text(new, "good"))
    else:
        line = _apart(old, new, whole=whole)
    if whole and (old, new) != (written(change.old), written(change.new)):
        stored = f"  stored: {written(change.old)} → {written(change.new)}"
        line.append_text(text(stored, "muted", limit=_LONGEST))
    return wrapping(line)


def _apart(old: str, new: str, *, whole: bool) -> Text:
    """Two long texts, one above the other; what they have in common is quiet, and shortened unless `whole`."""
    most = min(len(old), len(new))
    start = next((place for place in range(most) if old[place] != new[place]), most)
    rest = most - start
    end = next((place for place in range(rest) if old[-1 - place] != new[-1 - place]), rest)
    lines = []
    for mark, words, tone in (("- ", old, "bad"), ("+ ", new, "good")):
        before, middle, after = words[:start], words[start : len(words) - end], words[len(words) - end :]
        if not whole:
            before = f"…{before[-_AROUND:]}" if len(before) > _AROUND else before
            after = f"{after[:_AROUND]}…" if len(after) > _AROUND else after
        inner = _cut(middle, tone, whole=whole)
        lines.append(Text.assemble((mark, tone), _quiet(before), inner, _quiet(after)))
    return Text("\n").join(lines)


def _quiet(words: str) -> Text:
    return text(words, "muted", limit=_LONGEST)


def _value(field: str, value: Any, tone: str, *, whole: bool) -> Text:
    words = told(field, value)
    line = _cut(words or '""', tone, whole=whole)
    if whole and words != written(value):
        line = Text.assemble(line, text(f"  stored: {written(value)}", "muted", limit=_LONGEST))
    return wrapping(line)


def _cut(words: str, tone: str, *, whole: bool) -> Text:
    limit = _LONGEST if whole else _CUT
    shown = text(words[:limit], tone, limit=None)
    more = len(words) - limit
    return Text.assemble(shown, (f"… {more:,} more characters", "muted")) if more > 0 else shown


def _folded(names: Sequence[str]) -> Text:
    return wrapping(text(f"= {len(names)} unchanged: {', '.join(names)}", "muted", limit=_CUT))
