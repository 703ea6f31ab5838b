"""The writers: what they write reads back as it was, and nothing of it is a formula, a table border or HTML."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from console.demo.hostile import HOSTILE_NAMES
from services.exports.csv import rupees, write_csv
from services.exports.markdown import escaped, write_markdown
from services.exports.spreadsheet import is_formula, neutral
from services.exports.tables import Column, Export, Table
from services.exports.xlsx import write_xlsx
from services.text import visible

COLUMNS = (Column("name", "Name"), Column("orders", "Orders", "count"), Column("due", "Due", "paise"))
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "=cmd|' /C calc'!A0")


def bills(*rows: tuple[Any, ...]) -> Table:
    return Table("bill", "Bills", COLUMNS, rows)


def as_csv(export: Export) -> list[dict[str, str]]:
    stream = io.StringIO(newline="")
    write_csv(export, stream)
    stream.seek(0)
    return list(csv.DictReader(stream))


def as_markdown(export: Export) -> str:
    stream = io.StringIO()
    write_markdown(export, stream)
    return stream.getvalue()


def as_workbook(export: Export) -> Any:
    stream = io.BytesIO()
    write_xlsx(export, stream)
    return load_workbook(stream)


class TestCsv:
    def test_one_table_is_one_rectangle_with_rupees_and_paise(self) -> None:
        rows = as_csv(Export("", (), [bills(("Asha", 1200, 12345605), ("", None, None))]))
        assert rows == [
            {"name": "Asha", "orders": "1200", "due_rupees": "123456.05", "due_paise": "12345605"},
            {"name": "", "orders": "", "due_rupees": "", "due_paise": ""},
        ]

    def test_several_parts_share_a_rectangle_and_are_told_apart(self) -> None:
        others = Table("month", "Months", (Column("month", "Month"), COLUMNS[2]), [("2026-10", 5)])
        rows = as_csv(Export("Report", [("Run", "run-1")], [bills(("Asha", 1, 100)), others]))
        assert [row["section"] for row in rows] == ["about", "bill", "month"]
        assert (rows[0]["fact"], rows[0]["value"]) == ("Run", "run-1")
        assert (rows[2]["month"], rows[2]["due_paise"], rows[2]["name"]) == ("2026-10", "5", "")

    @pytest.mark.parametrize("text", FORMULAS)
    def test_no_text_can_be_taken_for_a_formula(self, text: str) -> None:
        (row,) = as_csv(Export("", (), [bills((text, 1, 1))]))
        assert row["name"] == "'" + visible(text)

    @given(st.text())
    def test_whatever_a_name_holds_its_cell_begins_with_no_formula_and_holds_no_control(self, name: str) -> None:
        cell = neutral(name)
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
        assert visible(cell) == cell

    @pytest.mark.parametrize(
        ("text", "cell"),
        [
            ("tea;=1+1", "tea;'=1+1"),
            ("a; \uff1d1", "a; '\uff1d1"),
            ("=1;@x", "'=1;'@x"),
            ("a;b", "a;b"),
            ("a -1", "a -1"),
        ],
    )
    def test_nor_where_a_program_parts_cells_at_semicolons(self, text: str, cell: str) -> None:
        (row,) = as_csv(Export("", (), [bills((text, 1, 1))]))
        assert row["name"] == cell

    @given(st.integers(-(10**16), 10**16))
    def test_rupees_are_exact(self, paise: int) -> None:
        assert Decimal(rupees(paise)) * 100 == paise
        assert len(rupees(paise).split(".")[1]) == 2


class TestMarkdown:
    def test_a_table_has_rupees_in_indian_grouping(self) -> None:
        written = as_markdown(Export("Report", [("Run", "run-1")], [bills(("Asha", 1200, 12345605))]))
        assert written == (
            "# Report\n\n- **Run:** run-1\n\n## Bills\n\n"
            "| Name | Orders | Due |\n| --- | ---: | ---: |\n| Asha | 1,200 | ₹1,23,456.05 |\n"
        )

    def test_an_empty_table_says_so(self) -> None:
        assert as_markdown(Export("R", (), [bills()])).endswith("## Bills\n\nNone.\n")

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("a|b", "a\\|b"),
            ("`code`", "\\`code\\`"),
            ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
            ("[x](http://a)", "\\[x\\](http:/\\/a)"),
            ("two\nlines", "two⏎lines"),
            ("a\\|b", "a\\\\\\|b"),
            ("\x1b[31m", "␛\\[31m"),
            ("www.a.in", "www\\.a.in"),
        ],
    )
    def test_text_is_only_text(self, name: str, shown: str) -> None:
        assert escaped(name) == shown

    @given(st.text())
    def test_a_row_is_one_line_with_its_three_cells(self, name: str) -> None:
        line = as_markdown(Export("R", (), [bills((name, 1, 1))])).splitlines()[-1]
        borders = [n for n, c in enumerate(line) if c == "|" and (len(line[:n]) - len(line[:n].rstrip("\\"))) % 2 == 0]
        assert len(borders) == 4
        assert "<" not in line


class TestWorkbook:
    def test_money_is_a_number_in_rupees_with_indian_grouping(self) -> None:
        book = as_workbook(Export("R", [("Run", "run-1")], [bills(("Asha", 1200, 12345605), ("", None, -100))]))
        assert book.sheetnames == ["About", "Bills"]
        assert [cell.value for cell in book["About"][2]] == ["Run", "run-1"]
        sheet = book["Bills"]
        assert [cell.value for cell in sheet[1]] == ["Name", "Orders", "Due"]
        due = sheet["C2"]
        assert (due.data_type, due.value) == ("n", 123456.05)
        assert due.number_format.startswith('[>=10000000]"₹"##\\,##\\,##\\,##0.00;')
        assert sheet["C3"].value == -1
        assert sheet["C3"].number_format.startswith("[<=-10000000]-")

    @pytest.mark.parametrize("text", FORMULAS + HOSTILE_NAMES)
    def test_text_is_a_string_and_never_a_formula(self, text: str) -> None:
        cell = as_workbook(Export("R", (), [bills((text, 1, 1))]))["Bills"]["A2"]
        assert cell.data_type in ("s", "inlineStr")
        assert cell.value == visible(text)
        assert bool(cell.quotePrefix) == is_formula(text)

    @given(st.integers(-(10**15), 10**15))
    def test_amounts_read_back_to_the_paisa(self, paise: int) -> None:
        value = as_workbook(Export("R", (), [bills(("", 1, paise))]))["Bills"]["C2"].value
        assert round(Decimal(repr(value)) * 100) == paise
