"""The difference between two states of a record, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from screens.tones import text

if TYPE_CHECKING:
    from services.audit.entries import FieldChange

_LONGEST = 600


def field_diff(changes: Sequence[FieldChange], *, fold: bool = True) -> list[Table | Text]:
    """`+` added, `-` removed, `~` changed as old → new; what stayed the same is folded into one line, or shown."""
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(width=1)
    grid.add_column(max_width=24, overflow="fold")
    grid.add_column(ratio=1, overflow="fold")
    for change in changes:
        if change.kind == "added":
            grid.add_row(Text("+", "good"), text(change.field), _value(change.new, "good"))
        elif change.kind == "removed":
            grid.add_row(Text("-", "bad"), text(change.field), _value(change.old, "bad"))
        elif change.kind == "changed":
            both = Text.assemble(_value(change.old, "bad"), (" → ", "muted"), _value(change.new, "good"))
            grid.add_row(Text("~", "warn"), text(change.field), both)
        elif not fold:
            grid.add_row("", text(change.field, "muted"), _value(change.new, ""))
    none = "No field differs." if changes else "The entry does not say which fields changed."
    parts: list[Table | Text] = [grid] if grid.row_count else [Text(none, style="muted")]
    same = [change.field for change in changes if change.kind == "same"]
    return [*parts, _folded(same)] if same and fold else parts


def _folded(names: Sequence[str]) -> Text:
    return _wrapping(text(f"= {len(names)} unchanged: {', '.join(names)}", "muted", limit=_LONGEST))


def _value(value: object, tone: str) -> Text:
    return _wrapping(text(_written(value) or '""', tone, limit=_LONGEST))


def _wrapping(line: Text) -> Text:
    line.no_wrap = False
    return line


def _written(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_written(inner) for inner in value) + "]"
    return str(value)
