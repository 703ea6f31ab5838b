"""What an export holds: facts, and tables whose columns say what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.money import format_rupees
from services.text import visible

Kind: TypeAlias = Literal["text", "count", "paise"]
Cell: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `name` for scripts, `title` for people. Money is in paise."""

    name: str
    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with a cell for each column; text is as stored, whatever it holds."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Export:
    """A title, facts as name and value, and tables."""

    title: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]


def cell_words(kind: Kind, cell: Cell) -> str:
    """A cell for people: rupees in Indian grouping, counts with digit grouping, text on one line without controls."""
    if cell is None:
        return ""
    if isinstance(cell, int):
        return format_rupees(cell) if kind == "paise" else f"{cell:,}"
    return visible(cell)
