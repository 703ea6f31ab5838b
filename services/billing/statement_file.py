"""A statement as tables, as a JSON document, and as a file."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.billing.carried import Carried
from services.billing.statement import Line, Statement
from services.billing.statement_words import RULES, state_words, statement_facts
from services.clock import to_stored
from services.exports.files import Format, Written, write_export
from services.exports.tables import Cell, Column, Export, Table
from services.money import quantity_told
from services.orders.lookup import price_paise
from services.records.orders import Item
from services.subscriptions.quantity import DayQuantity

_LINES = (
    Column("kind", "Kind"), Column("id", "Id"), Column("description", "What"), Column("day", "Day"),
    Column("quantity", "Quantity", "count"), Column("unit_price", "Price ₹", "paise"),
    Column("amount", "Amount ₹", "paise"), Column("state", "Billed"),
)  # fmt: skip
_DAYS = (
    Column("subscription_id", "Subscription"), Column("description", "What"), Column("day", "Day"),
    Column("quantity", "Quantity", "count"), Column("rule", "Why"),
)  # fmt: skip
_PAYMENTS = (
    Column("id", "Id"), Column("day", "Day"), Column("amount", "Amount ₹", "paise"), Column("method", "Method"),
    Column("notes", "Notes"),
)  # fmt: skip
_FINDINGS = (Column("code", "Code"), Column("message", "What to look at"))


def statement_tables(statement: Statement) -> Export:
    """The statement for the writers: its lines, the quantity of every day behind them, payments and findings."""
    lines = [
        [line.kind, line.id, line.description, _day(line.day), _count(line.quantity), line.unit_price_paise,
         line.amount_paise, state_words(line)]
        for line in statement.lines
    ]  # fmt: skip
    days = [
        [line.id, line.description, _day(each.day), _count(each.quantity), RULES[each.rule]]
        for line in statement.lines
        for each in line.days
    ]
    payments = [
        [each.id, _day(each.day), each.amount_paise, each.method, each.notes] for each in statement.payments
    ]  # fmt: skip
    findings = [[each.code, each.message] for each in statement.findings]
    return Export(
        f"Statement {statement.month}",
        statement_facts(statement),
        [
            Table("line", "Lines", _LINES, lines),
            Table("day", "Quantities by day", _DAYS, days),
            Table("payment", "Payments", _PAYMENTS, payments),
            Table("finding", "To look at", _FINDINGS, findings),
        ],
    )


def statement_document(statement: Statement) -> dict[str, Any]:
    """The statement as one JSON document: amounts in paise, names as stored."""
    return {
        "customer_id": statement.customer_id,
        "customer_name": statement.customer_name,
        "area": statement.area,
        "month": statement.month,
        "counted_to": statement.counted_to.isoformat(),
        "lines": [_line(line) for line in statement.lines],
        "payments": [
            {"id": each.id, "day": _day(each.day), "amount_paise": each.amount_paise, "method": each.method,
             "notes": each.notes}
            for each in statement.payments
        ],
        "total_paise": statement.total_paise,
        "expected_paise": statement.expected_paise,
        "paid_paise": statement.paid_paise,
        "previous_balance_paise": statement.previous_balance_paise,
        "carried": _carried(statement.carried),
        "balance_paise": statement.balance_paise,
        "status": statement.status,
        "findings": [{"code": each.code, "message": each.message} for each in statement.findings],
    }  # fmt: skip


async def save_statement(statement: Statement, path: Path, format: Format, *, replace: bool = False) -> Written:
    """Write the statement to a file without holding up the console. Raises as `write_export`."""
    export, document = statement_tables(statement), statement_document(statement)
    return await asyncio.to_thread(write_export, path, format, export, document, replace=replace)


def _carried(carried: Carried | None) -> dict[str, Any] | None:
    if carried is None:
        return None
    bills = [
        {"month": each.month, "bills": each.bills, "amount_paise": each.paise, "partly_paid": each.partly}
        for each in carried.bills
    ]
    at = to_stored(carried.at) if carried.at else None
    change = {"at": at, "by": carried.by, "was_paise": carried.was_paise} if carried.changed else None
    return {"last_change": change, "trail_searched": carried.changed is not None, "unpaid_bills": bills}


def _line(line: Line) -> dict[str, Any]:
    shared = {
        "kind": line.kind,
        "id": line.id,
        "description": line.description,
        "quantity": _number(line.quantity),
        "unit_price_paise": line.unit_price_paise,
        "amount_paise": line.amount_paise,
    }
    if line.kind == "subscription":
        return shared | {"expected_paise": line.expected_paise, "days": [_quantity(each) for each in line.days]}
    return shared | {
        "day": _day(line.day),
        "billed": line.billed,
        "payment_status": line.payment_status,
        "items": [_item(item) for item in line.items],
    }


def _quantity(each: DayQuantity) -> dict[str, Any]:
    return {"day": each.day.isoformat(), "quantity": _number(each.quantity), "rule": each.rule}


def _item(item: Item) -> dict[str, Any]:
    quantity = None if item.quantity is None else _number(item.quantity)
    return {
        "product_id": item.product_id, "name": item.name, "quantity": quantity, "price_paise": price_paise(item),
    }  # fmt: skip


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == int(quantity) else float(quantity)


def _count(quantity: Decimal) -> Cell:
    return int(quantity) if quantity == int(quantity) else quantity_told(quantity)


def _day(day: object) -> str | None:
    return None if day is None else str(day)
