"""`billing`: the statement and the month for people, for scripts, and in files without formulas."""

import csv
import stat
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests import shop as documents
from tests.console.conftest import Shop
from tests.services.billing.test_statement import milk, payment, product

FORMULA = "=cmd|' /C calc'!A0"
STATEMENT = ("billing", "statement", "9876543210", "--month", "2026-10")


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    database = shop.database
    database.customers_v2.insert_one(documents.customer(name=FORMULA, area="Jayanagar", previous_balance=-10.0))
    database.products.insert_one(product(name="\x1b[31m=Milk"))
    database.subscriptions_v2.insert_one(milk())
    database.orders.insert_one(documents.order(id="o1"))
    database.payment_transactions.insert_one(payment(notes="+91"))
    return shop


def test_a_statement_prints_for_people_and_for_scripts(stocked: Shop) -> None:
    printed = stocked(*STATEMENT)
    assert printed.status == 0
    for words in ("₹1,110.00", "Partial", "not billed", FORMULA, "␛[31m=Milk"):
        assert words in printed.out
    assert "\x1b" not in printed.out
    document = stocked(*STATEMENT, "--json").json
    figures = ("total_paise", "previous_balance_paise", "paid_paise", "balance_paise", "status")
    assert [document[name] for name in figures] == [111000, -1000, 10000, 100000, "Partial"]
    assert (document["customer_id"], document["month"], document["lines"][0]["description"]) == (
        documents.CUSTOMER, "2026-10", "\x1b[31m=Milk 500 ml",
    )  # fmt: skip


def test_a_statements_files_hold_no_formula_and_add_up(stocked: Shop, tmp_path: Path) -> None:
    for ending in ("csv", "xlsx"):
        file = tmp_path / f"s.{ending}"
        written = stocked(*STATEMENT, "--to", str(file), "--json").json
        assert (written["file"], written["bytes"]) == (str(file), file.stat().st_size)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with (tmp_path / "s.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sum(int(row["amount_paise"]) for row in rows if row["section"] == "line") == 111000
    assert sum(int(row["quantity"]) for row in rows if row["section"] == "day") == 31
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    cells = [cell for sheet in load_workbook(tmp_path / "s.xlsx") for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert FORMULA in {cell.value for cell in cells}


def test_a_month_prints_its_areas_its_customers_and_files(stocked: Shop, tmp_path: Path) -> None:
    printed = stocked("billing", "month", "2026-10").out
    assert "Jayanagar" in printed
    assert "1 one-time orders, ₹180.00" in printed
    document = stocked("billing", "month", "2026-10", "--area", "jayanagar", "--only", "partial", "--json").json
    assert document["total"]["balance_paise"] == document["areas"][0]["balance_paise"] == 100000
    assert document["total"]["one_time"]["missing"] == {"orders": 1, "amount_paise": 18000}
    assert [(each["name"], each["balance_paise"], each["status"]) for each in document["customers"]] == [
        (FORMULA, 100000, "Partial")
    ]
    assert document["next"] is None
    file = tmp_path / "m.csv"
    assert stocked("billing", "month", "2026-10", "--to", str(file)).status == 0
    with file.open(newline="", encoding="utf-8") as stream:
        rows = {row["section"]: row for row in csv.DictReader(stream)}
    assert rows["area"]["balance_paise"] == rows["customer"]["balance_paise"] == "100000"
    assert rows["customer"]["name"] == f"'{FORMULA}"


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("statement", "nobody", "--month", "2026-10"), 1, "unknown-customer"),
        (("month", "2026-10", "--only", "paid", "--to", "m.csv"), 2, "whole-file"),
        (("month", "2026-10", "--limit", "201"), 2, "bad-limit"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(
    stocked: Shop, arguments: tuple[str, ...], status: int, code: str
) -> None:
    refused = stocked("billing", *arguments, "--json")
    assert (refused.status, refused.json["error"]["code"]) == (status, code)
