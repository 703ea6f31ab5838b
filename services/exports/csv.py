"""Exports as CSV: one rectangle for scripts and spreadsheets, money as plain rupees and as exact paise."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from services.exports.spreadsheet import neutral
from services.exports.tables import Cell, Column, Export, Table

SECTION = "section"
_FACTS = ("fact", "value")


def write_csv(export: Export, stream: TextIO) -> None:
    """Write an export to a stream that was opened with newline="".

    One table is written as it is. Facts and several tables share a rectangle: the column `section` names the part
    that a row belongs to, and the columns of the other parts are empty. Text that a spreadsheet would take for a
    formula has an apostrophe before it.
    """
    alone = len(export.tables) == 1 and not export.facts
    names = [] if alone else [SECTION, *(_FACTS if export.facts else ())]
    names += dict.fromkeys(name for table in export.tables for column in table.columns for name in _names(column))
    writer = csv.DictWriter(stream, names, restval="")
    writer.writeheader()
    for fact, value in export.facts:
        writer.writerow({SECTION: "about", "fact": neutral(fact), "value": neutral(value)})
    for table in export.tables:
        writer.writerows(_rows(table, {} if alone else {SECTION: table.name}))


def rupees(paise: int) -> str:
    """Plain rupees with two decimals, exact: `-1234.50`."""
    whole, part = divmod(abs(paise), 100)
    return f"{'-' if paise < 0 else ''}{whole}.{part:02d}"


def _names(column: Column) -> tuple[str, ...]:
    return (f"{column.name}_rupees", f"{column.name}_paise") if column.kind == "paise" else (column.name,)


def _rows(table: Table, section: dict[str, str]) -> Iterator[dict[str, str]]:
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        yield {**section, **{name: words for column, cell in cells for name, words in _cells(column, cell)}}


def _cells(column: Column, cell: Cell) -> Iterator[tuple[str, str]]:
    if column.kind == "paise" and isinstance(cell, int):
        return zip(_names(column), (rupees(cell), str(cell)), strict=True)
    words = "" if cell is None else neutral(cell) if isinstance(cell, str) else str(cell)
    return ((name, words) for name in _names(column))
