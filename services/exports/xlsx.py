"""Exports as a workbook: a sheet for each table, money as numbers in rupees, text never as a formula."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from services.exports.spreadsheet import is_formula
from services.exports.tables import Cell, Column, Export, Kind, Table
from services.text import visible

if TYPE_CHECKING:
    from openpyxl import Workbook

# Indian grouping: the last three digits, then pairs. A format has room for two conditions, hence one for each sign.
RUPEES = '[>=10000000]"₹"##\\,##\\,##\\,##0.00;[>=100000]"₹"##\\,##\\,##0.00;"₹"##,##0.00'
RUPEES_BELOW_ZERO = '[<=-10000000]-"₹"##\\,##\\,##\\,##0.00;[<=-100000]-"₹"##\\,##\\,##0.00;-"₹"##,##0.00'
COUNT = "[>=10000000]##\\,##\\,##\\,##0;[>=100000]##\\,##\\,##0;##,##0"
_LONGEST = 32_767
_WIDTHS: dict[Kind, int] = {"text": 28, "count": 12, "paise": 18}
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")


def write_xlsx(export: Export, stream: BinaryIO) -> None:
    """Write the facts on a first sheet, then a sheet for each table, row by row in constant memory."""
    from openpyxl import Workbook  # heavy, and needed by few

    book = Workbook(write_only=True)
    if export.facts or not export.tables:
        _write_facts(book, export)
    for table in export.tables:
        _write_table(book, table)
    book.save(stream)


def _write_facts(book: Workbook, export: Export) -> None:
    sheet = book.create_sheet("About")
    sheet.column_dimensions["A"].width = _WIDTHS["text"]
    sheet.column_dimensions["B"].width = 90
    sheet.append([_bold(sheet, export.title)])
    for name, value in export.facts:
        sheet.append([_text(sheet, name), _text(sheet, value)])


def _write_table(book: Workbook, table: Table) -> None:
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(_NOT_IN_TITLES.sub(" ", visible(table.title))[:31])
    sheet.freeze_panes = "A2"
    for number, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS[column.kind]
    sheet.append([_bold(sheet, column.title) for column in table.columns])
    for row in table.rows:
        sheet.append([_cell(sheet, column, cell) for column, cell in zip(table.columns, row, strict=True)])


def _cell(sheet: Any, column: Column, cell: Cell) -> Any:
    if cell is None:
        return None
    if isinstance(cell, str):
        return _text(sheet, cell)
    from openpyxl.cell import WriteOnlyCell

    money = column.kind == "paise"
    number: Any = WriteOnlyCell(sheet)
    number.value = Decimal(cell).scaleb(-2) if money else cell  # exact, where a double would be the nearest
    number.number_format = (RUPEES_BELOW_ZERO if cell < 0 else RUPEES) if money else COUNT
    return number


def _text(sheet: Any, value: str) -> Any:
    """Text as text: a cell of the type string, marked so that a program leaves it so when somebody edits it."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, visible(value)[:_LONGEST])
    cell.data_type = "s"
    if is_formula(value):
        cell.quotePrefix = True
    return cell


def _bold(sheet: Any, value: str) -> Any:
    from openpyxl.styles import Font

    cell = _text(sheet, value)
    cell.font = Font(bold=True)
    return cell
