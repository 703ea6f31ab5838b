"""Exports as Markdown: tables for people, in which text from the database is only ever text."""

from __future__ import annotations

import re
from typing import TextIO

from services.exports.tables import Export, Table, cell_words
from services.text import visible

_SPECIAL = re.compile(r"[\\`*_{}\[\]|~#@$^!]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_BARE_LINK = re.compile(r"(?i)(://|\bwww\.)")


def write_markdown(export: Export, stream: TextIO) -> None:
    """Write a heading, the facts as a list, and a GitHub table for each table; rupees in Indian grouping."""
    stream.write(f"# {escaped(export.title)}\n")
    if export.facts:
        stream.write("\n")
    for name, value in export.facts:
        stream.write(f"- **{escaped(name)}:** {escaped(value)}\n")
    for table in export.tables:
        _write_table(table, stream)


def escaped(value: str) -> str:
    """Text on one line that Markdown shows as it is: no table border, code, link, emphasis or HTML."""
    words = _SPECIAL.sub(lambda found: f"\\{found.group()}", visible(value)).translate(_ENTITIES)
    return _BARE_LINK.sub(lambda found: f"{found.group()[:-1]}\\{found.group()[-1]}", words)


def _write_table(table: Table, stream: TextIO) -> None:
    stream.write(f"\n## {escaped(table.title)}\n\n")
    rows = list(table.rows)
    if not rows:
        stream.write("None.\n")
        return
    stream.write(f"| {' | '.join(escaped(column.title) for column in table.columns)} |\n")
    stream.write(f"|{'|'.join(' --- ' if column.kind == 'text' else ' ---: ' for column in table.columns)}|\n")
    for row in rows:
        cells = (
            escaped(cell) if isinstance(cell, str) else cell_words(column.kind, cell)
            for column, cell in zip(table.columns, row, strict=True)
        )  # fmt: skip
        stream.write(f"| {' | '.join(cells)} |\n")
