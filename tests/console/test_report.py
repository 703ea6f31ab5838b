"""`backfill report`: for people with charts, and in files that read back to the paisa."""

import csv
import json
import os
import pwd
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from pymongo import MongoClient

from console.demo.mongod import EmbeddedMongod
from console.output import Answer, BarRow, Bars, show
from tests import shop as documents
from tests.console.commandline import Outcome, console

ME = pwd.getpwuid(os.getuid()).pw_name
FORMULA = "=cmd|' /C calc'!A0"
NAMES = {"c1": FORMULA, "c2": "Two\nlines | <b>`x`</b>", "c3": "\x1b[31mRed"}


class Shop:
    """A database with a run of three billed orders of three customers, and the command line on it."""

    def __init__(self, mongod: EmbeddedMongod) -> None:
        self.uri, self.name = mongod.uri, "report_shop"
        self.client: MongoClient[dict[str, Any]] = MongoClient(mongod.uri)
        self.client.drop_database(self.name)
        database = self.client[self.name]
        database.console_operators.insert_many(
            [{"_id": ME, "roles": ["ops"]}, {"_id": "ravi", "roles": ["viewer"]}, {"_id": "new", "roles": []}]
        )
        database.console_marker.insert_one({"_id": "environment", "kind": "test"})
        database.customers_v2.insert_many(
            [documents.customer(id=key, user_id=key, name=name, area=f"Area {key}") for key, name in NAMES.items()]
        )
        # ₹180.00, ₹99,999.05 and ₹0.10, and one with another amount than its items.
        prices = {"c1": 180.0, "c2": 99999.05, "c3": 0.1}
        orders = [self.order(key, price, price) for key, price in prices.items()]
        database.orders.insert_many([*orders, self.order("c1", 5.0, 6.0)])
        self.plan = self("backfill", "preview", "bill-one-time-orders", "--json").json
        self.run: str = self.plan["run"]

    @staticmethod
    def order(customer: str, price: float, total: float) -> dict[str, Any]:
        item = {"product_id": "milk", "product_name": "Milk", "quantity": 1, "price": price, "total": price}
        return documents.order(customer_id=customer, user_id=customer, items=[item], total_amount=total)

    def __call__(self, *arguments: str, **options: Any) -> Outcome:
        return console("--uri", self.uri, "--db", self.name, *arguments, **options)

    def report(self, *arguments: str) -> Outcome:
        return self("backfill", "report", self.run, *arguments)


@pytest.fixture(scope="module")
def shop(mongod: EmbeddedMongod) -> Iterator[Shop]:
    made = Shop(mongod)
    planned = made.report()
    assert "Would bill" in planned.out
    assert made("backfill", "commit", made.run, "--digest", made.plan["digest"], "--yes").status == 0
    yield made
    made.client.drop_database(made.name)
    made.client.close()


def test_for_people_it_has_charts_and_reasons_and_no_control_character(shop: Shop) -> None:
    printed = shop.report().out
    assert "Billed          3  ₹1,00,179.15" in printed
    assert "amount-mismatch" in printed
    assert "The amount and the sum of the items differ by more than one paisa." in printed
    assert "█" * 39 in next(line for line in printed.splitlines() if line.startswith("2026-10"))
    assert "Two⏎lines" in printed
    assert "\x1b" not in printed


def test_the_document_has_every_part_in_paise(shop: Shop) -> None:
    document = shop.report("--json").json
    assert (document["run"], document["state"], document["digest"]) == (shop.run, "done", shop.plan["digest"])
    assert document["verified"]
    assert document["adds_up"]
    assert document["billed"] == {"records": 3, "amount_paise": 10017915}
    assert document["left"] == {"records": 1, "amount_paise": 600}
    assert [(each["month"], each["billed"]["amount_paise"]) for each in document["by_month"]] == [("2026-10", 10017915)]
    assert {each["customer_id"]: each["name"] for each in document["by_customer"]} == NAMES
    assert {each["area"] for each in document["by_area"]} == {"Area c1", "Area c2", "Area c3"}


@pytest.mark.parametrize("ending", ["md", "csv", "xlsx", "json"])
def test_a_file_is_written_once_for_its_owner_alone(shop: Shop, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"r.{ending}"
    written = shop.report("--to", str(file), "--json").json
    assert written == {"run": shop.run, "file": str(file), "format": ending, "bytes": file.stat().st_size}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = shop.report("--to", str(file), "--json")
    assert (again.status, again.json["error"]["code"]) == (1, "file-exists")
    assert shop.report("--to", str(file), "--force").status == 0
    assert list(tmp_path.iterdir()) == [file]


def test_the_json_file_is_the_document(shop: Shop, tmp_path: Path) -> None:
    assert shop.report("--to", str(tmp_path / "r.json")).status == 0
    assert json.loads((tmp_path / "r.json").read_bytes()) == shop.report("--json").json


def test_the_csv_adds_up_and_holds_no_formula(shop: Shop, tmp_path: Path) -> None:
    assert shop.report("--to", str(tmp_path / "r"), "--format", "csv").status == 0
    with (tmp_path / "r").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for section in ("month", "area", "customer"):
        part = [row for row in rows if row["section"] == section]
        assert sum(int(row["billed_amount_paise"]) for row in part) == 10017915
        assert sum(Decimal(row["billed_amount_rupees"]) for row in part) == Decimal("100179.15")
    names = {row["customer_id"]: row["name"] for row in rows if row["section"] == "customer"}
    assert names == {"c1": f"'{FORMULA}", "c2": "Two⏎lines | <b>`x`</b>", "c3": "␛[31mRed"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert {row["fact"]: row["value"] for row in rows if row["section"] == "about"}["Digest"] == shop.plan["digest"]


def test_the_workbook_adds_up_and_holds_no_formula(shop: Shop, tmp_path: Path) -> None:
    assert shop.report("--to", str(tmp_path / "r.xlsx")).status == 0
    book = load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == [
        "About", "In short", "What was examined", "Not billed, and why", "By month", "By area", "By customer",
    ]  # fmt: skip
    for name in ("By month", "By area", "By customer"):
        head, *rows = book[name].iter_rows()
        place = [cell.value for cell in head].index("Billed ₹")
        amounts = [row[place] for row in rows]
        assert sum(round(Decimal(repr(cell.value)) * 100) for cell in amounts) == 10017915
        assert all("##\\,##" in cell.number_format for cell in amounts)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert FORMULA in {cell.value for cell in cells}


def test_the_markdown_has_a_line_for_each_customer_whatever_the_name(shop: Shop, tmp_path: Path) -> None:
    assert shop.report("--to", str(tmp_path / "r.md")).status == 0
    lines = (tmp_path / "r.md").read_text(encoding="utf-8").splitlines()
    customers = lines[lines.index("## By customer") + 4 :]
    assert customers == [
        "| c2 | Two⏎lines \\| &lt;b&gt;\\`x\\`&lt;/b&gt; | Area c2 | 1 | ₹99,999.05 | 1 | ₹99,999.05 | 0 | ₹0.00 |",
        "| c1 | =cmd\\|' /C calc'\\!A0 | Area c1 | 2 | ₹186.00 | 1 | ₹180.00 | 1 | ₹6.00 |",
        "| c3 | ␛\\[31mRed | Area c3 | 1 | ₹0.10 | 1 | ₹0.10 | 0 | ₹0.00 |",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("--to", "/nowhere/r.csv"), 2, "no-folder"),
        (("--to", "/proc/r.csv"), 1, "not-written"),
        (("--to", "/tmp"), 2, "unknown-format"),
        (("--to", "/tmp", "--format", "csv"), 2, "is-a-folder"),
        (("--to", "r.pdf"), 2, "unknown-format"),
        (("--format", "csv"), 2, "no-file"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_a_sentence(
    shop: Shop, arguments: tuple[str, ...], status: int, code: str
) -> None:
    refused = shop.report(*arguments, "--json")
    assert (refused.status, refused.json["error"]["code"]) == (status, code)


def test_a_viewer_may_look_who_has_no_role_may_not(shop: Shop) -> None:
    assert shop("--operator", "ravi", "backfill", "report", shop.run).status == 0
    assert shop("--operator", "new", "backfill", "report", shop.run).status == 4
    assert shop("backfill", "report", "run-none", "--json").json["error"]["code"] == "unknown-run"


def test_a_bar_shows_what_is_done_and_what_is_left_however_small(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [BarRow("all", 400, 400, ()), BarRow("half", 200, 400, ()), BarRow("one", 1, 400, ()),
            BarRow("all but one", 399, 400, ()), BarRow("none", 0, 0, ())]  # fmt: skip
    show(Answer({}, [Bars(("Part",), rows)]), as_json=False)
    bars = {line[:11].strip(): line[11:].strip() for line in capsys.readouterr().out.splitlines()[1:]}
    assert bars["all"] == "█" * 40
    assert bars["half"] == "█" * 20 + "░" * 20
    assert bars["one"] == "█" + "░" * 39
    assert bars["all but one"] == "█" * 39 + "░"
    assert bars["none"] == ""
