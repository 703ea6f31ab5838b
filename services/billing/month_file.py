"""The month of all customers as tables, as a JSON document, and as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.billing.month_totals import BILLED, STATUSES, AreaMonth, CustomerMonth, MonthTotals
from services.billing.share import Share
from services.billing.statement_words import BILLED_WORDS
from services.customers.areas import area_name
from services.exports.files import Format, Written, write_export
from services.exports.tables import Cell, Column, Export, Table
from services.money import format_rupees

_SUMS = (
    Column("total", "Total ₹", "paise"), Column("previous_balance", "Previous balance ₹", "paise"),
    Column("paid", "Paid ₹", "paise"), Column("balance", "Balance ₹", "paise"),
)  # fmt: skip
_BY_STATUS = tuple(
    column
    for name in STATUSES
    for column in (
        Column(f"{name.lower()}_customers", name, "count"), Column(f"{name.lower()}_balance", f"{name} ₹", "paise"),
    )
)  # fmt: skip
_BY_BILLED = tuple(
    column
    for name in BILLED
    for column in (
        Column(f"{name}_orders", f"Orders {BILLED_WORDS[name]}", "count"),
        Column(f"{name}_amount", f"Orders {BILLED_WORDS[name]} ₹", "paise"),
    )
)
_AREA = (
    Column("area", "Area"), Column("customers", "Customers", "count"),
    Column("subscriptions", "Subscriptions ₹", "paise"), Column("one_time", "One-time orders ₹", "paise"),
    *_SUMS, Column("expected", "Still to come ₹", "paise"), *_BY_STATUS, *_BY_BILLED,
)  # fmt: skip
_CUSTOMER = (
    Column("customer_id", "Customer id"), Column("name", "Name"), Column("area", "Area"), *_SUMS,
    Column("status", "Status"), Column("missing_orders", "Orders not billed", "count"),
    Column("missing_amount", "Orders not billed ₹", "paise"),
)  # fmt: skip


def month_facts(totals: MonthTotals) -> list[tuple[str, str]]:
    """The head of a month."""
    total = totals.total
    return [
        ("Month", totals.month),
        ("Customers", f"{total.customers:,}, and {total.idle:,} with nothing delivered, paid or carried over"),
        ("Total", format_rupees(total.total_paise)),
        ("Previous balance", format_rupees(total.previous_balance_paise)),
        ("Paid", format_rupees(total.paid_paise)),
        ("Balance", format_rupees(total.balance_paise)),
        ("Still to come", format_rupees(total.expected_paise)),
        ("Not billed", f"{total.missing.records:,} one-time orders, {format_rupees(total.missing.paise)}"),
    ]


def month_tables(totals: MonthTotals, customers: Sequence[CustomerMonth]) -> Export:
    """The month for the writers: every area, then every customer who is not idle."""
    return Export(
        f"Month {totals.month}",
        month_facts(totals),
        [
            Table("area", "By area", _AREA, [_area_row(each) for each in totals.areas]),
            Table("customer", "By customer", _CUSTOMER, [_customer_row(each) for each in customers]),
        ],
    )


def month_document(totals: MonthTotals, customers: Sequence[CustomerMonth] | None = None) -> dict[str, Any]:
    """The month as one JSON document: amounts in paise, names as stored; with customers where they are given."""
    document: dict[str, Any] = {
        "month": totals.month,
        "today": totals.today.isoformat(),
        "areas": [{"area": each.area, **_sums(each)} for each in totals.areas],
        "total": _sums(totals.total),
    }
    return document if customers is None else document | {"customers": [customer_document(each) for each in customers]}


def customer_document(row: CustomerMonth) -> dict[str, Any]:
    """A customer's month for scripts."""
    return {
        "customer_id": row.customer_id,
        "name": row.name,
        "area": row.area,
        "total_paise": row.total_paise,
        "previous_balance_paise": row.previous_balance_paise,
        "paid_paise": row.paid_paise,
        "balance_paise": row.balance_paise,
        "status": row.status,
        "missing": _orders(row.missing),
    }


async def save_month(
    totals: MonthTotals, customers: Sequence[CustomerMonth], path: Path, format: Format, *, replace: bool = False
) -> Written:
    """Write the month to a file without holding up the console. Raises as `write_export`."""

    def save() -> Written:
        export, document = month_tables(totals, customers), month_document(totals, customers)
        return write_export(path, format, export, document, replace=replace)

    return await asyncio.to_thread(save)


def _sums(area: AreaMonth) -> dict[str, Any]:
    return {
        "customers": area.customers,
        "idle": area.idle,
        "statuses": {
            name: {"customers": share.records, "balance_paise": share.paise} for name, share in area.statuses.items()
        },
        "subscriptions_paise": area.subscriptions_paise,
        "one_time_paise": area.one_time_paise,
        "total_paise": area.total_paise,
        "expected_paise": area.expected_paise,
        "previous_balance_paise": area.previous_balance_paise,
        "paid_paise": area.paid_paise,
        "balance_paise": area.balance_paise,
        "one_time": {name: _orders(share) for name, share in area.orders.items()},
    }


def _orders(share: Share) -> dict[str, int]:
    return {"orders": share.records, "amount_paise": share.paise}


def _area_row(area: AreaMonth) -> list[Cell]:
    shares = [*(area.statuses[name] for name in STATUSES), *(area.orders[name] for name in BILLED)]
    return [
        area_name(area.area), area.customers, area.subscriptions_paise, area.one_time_paise, area.total_paise,
        area.previous_balance_paise, area.paid_paise, area.balance_paise, area.expected_paise,
        *(figure for share in shares for figure in (share.records, share.paise)),
    ]  # fmt: skip


def _customer_row(row: CustomerMonth) -> list[Cell]:
    return [
        row.customer_id, row.name, area_name(row.area), row.total_paise, row.previous_balance_paise, row.paid_paise,
        row.balance_paise, row.status, row.missing.records, row.missing.paise,
    ]  # fmt: skip
