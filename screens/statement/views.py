"""A statement as rows of tables, and the calendar of quantities behind a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from screens.tones import count, customer_text, text, wrapping
from screens.widgets.sheet import Section
from screens.widgets.table import Column, RecordTable, Row
from services.clock import month_days
from services.money import format_rupees, quantity_told

if TYPE_CHECKING:
    from services.billing.statement import Line, Statement
    from services.subscriptions.quantity import DayQuantity, Rule

STATUS_TONES = {"Paid": "good", "Partial": "warn", "Unpaid": "bad"}
BILLED_TONES = {"billed": "good", "missing": "bad", "flagged": "bad", "review": "warn"}
_AMOUNT = 12
_LINE_COLUMNS = (
    Column("What", 21, grow=1),
    Column("Day", 10, drop=1),
    Column("Quantity", 8, right=True),
    Column("Price", 10, right=True, drop=2),
    Column("Amount", _AMOUNT, right=True),
    Column("Billed", 7),
)
_PAYMENT_COLUMNS = (
    Column("Day", 10), Column("Method", 10), Column("Notes", 10, grow=1, drop=1), Column("Amount", _AMOUNT, right=True),
)  # fmt: skip
_FINDING_COLUMNS = (Column("Code", 22), Column("What to look at", 20, grow=1))
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# A mark says without colour what a day's quantity rests on.
_MARKS: Mapping[Rule, tuple[str, str]] = {
    "irregular": ("*", "info"),
    "override": ("*", "info"),
    "paused": ("p", "warn"),
    "stopped": ("x", "bad"),
    "after-stop": ("x", "bad"),
    "draft": ("x", "bad"),
}


def tables() -> Iterable[RecordTable]:
    """Where the statement stands, before there is one."""
    for columns, name, title, explains, empty in (
        (_LINE_COLUMNS, "lines", "Lines", "What was delivered. Enter: its calendar, or the order.", "Nothing."),
        (_PAYMENT_COLUMNS, "payments", "Payments", "What was paid for this month.", "Nothing was paid."),
        (_FINDING_COLUMNS, "findings", "To look at", "What is odd in these records. Enter: in full.", "Nothing."),
    ):
        table = RecordTable(columns, noun="", explains=explains, id=name, empty=empty)
        table.border_title = title
        yield table


def head(statement: Statement) -> Text:
    """Who, which month, and what it comes to."""
    from services.billing.statement_words import carried_words, counted_words, status_words
    from services.customers.areas import area_name

    line = Text.assemble((statement.month, "title"), "  ")
    line.append_text(customer_text(statement.customer_name)).append("  ")
    words = status_words(statement)
    line.append(words, STATUS_TONES.get(words, "muted")).append("  ")
    line.append_text(text(f"{area_name(statement.area)} · {statement.customer_id}", "muted")).append("\n")
    figures = (
        ("Total", statement.total_paise, "money"), ("+\u00a0before", statement.previous_balance_paise, "money"),
        ("-\u00a0paid", statement.paid_paise, "money"), ("=\u00a0balance", statement.balance_paise, "total"),
    )  # fmt: skip
    for name, paise, tone in figures:
        line.append(f"{name}\u00a0", "muted").append(format_rupees(paise), tone).append("   ")
    line.append("\n").append(f"Counts {counted_words(statement)}.", "warn" if statement.expected_paise else "muted")
    if statement.carried:
        line.append("\n").append_text(text(f"Before: {carried_words(statement.carried)}.", "muted", limit=600))
    return wrapping(line)


def line_rows(statement: Statement) -> list[Row]:
    """The lines; the key is the line's place in the statement."""
    return [Row(str(number), _cells(line)) for number, line in enumerate(statement.lines)]


def _cells(line: Line) -> tuple[Text, ...]:
    quiet = "" if line.quantity else "muted"
    return (
        text(line.description, quiet),
        text(line.day or "", "muted"),
        text(quantity_told(line.quantity), quiet),
        text(format_rupees(line.unit_price_paise), "muted"),
        text(format_rupees(line.amount_paise), "money" if line.amount_paise else "muted"),
        text(line.billed, BILLED_TONES[line.billed]) if line.billed else Text(),
    )


def payment_rows(statement: Statement) -> list[Row]:
    """What was paid."""
    return [
        Row(str(number), (
            text(each.day or "—"), text(each.method), text(each.notes, "muted"),
            text(format_rupees(each.amount_paise), "money"),
        ))
        for number, each in enumerate(statement.payments)
    ]  # fmt: skip


def finding_rows(statement: Statement) -> list[Row]:
    """What is odd."""
    return [
        Row(str(number), (text(each.code, "warn"), text(each.message, "muted")))
        for number, each in enumerate(statement.findings)
    ]


def finding_sections(statement: Statement, key: str) -> list[Section]:
    """The finding of such a row, in full."""
    finding = statement.findings[int(key)]
    return [Section("", [("Code", text(finding.code, "warn")), ("What", text(finding.message, limit=2_000))])]


def line_sections(statement: Statement, line: Line) -> list[Section]:
    """What is behind a line: the calendar of a subscription, the items of an order."""
    from services.billing.statement_words import state_words

    facts = [
        ("What", text(line.description, "strong")),
        ("Quantity", text(quantity_told(line.quantity))),
        ("Price", text(format_rupees(line.unit_price_paise))),
        ("Amount", text(format_rupees(line.amount_paise), "money")),
    ]
    if line.kind == "subscription":
        if line.expected_paise:
            facts.append(("Still to come", text(format_rupees(line.expected_paise), "warn")))
        facts.append(("Subscription", text(line.id or "—", "muted")))
        return [Section("", facts), Section(statement.month, lines=[_calendar(statement, line), *_legend(line)])]
    billed = line.billed or "missing"
    facts = [("Order", text(line.id or "—", "strong")), ("Delivered", text(line.day or "—")), facts[-1],
             ("Billed", text(state_words(line), BILLED_TONES[billed]))]  # fmt: skip
    items = Table.grid(padding=(0, 1, 0, 0), expand=True)
    items.add_column(ratio=1, overflow="fold")
    items.add_column(justify="right")
    for item in line.items:
        items.add_row(text(item.name), text(quantity_told(item.quantity)))
    return [Section("", facts), Section("Items", lines=[items, text("Enter shows the order.", "hint")])]


def _calendar(statement: Statement, line: Line) -> Table:
    """A week on each row; the day of the month, then the quantity with its mark."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for _ in _WEEK:
        grid.add_column(min_width=5)
    grid.add_row(*(Text(name, "muted") for name in _WEEK))
    days = month_days(statement.month)
    cells = [Text()] * days[0].weekday() + [_day(each, statement.today) for each in line.days]
    for start in range(0, len(cells), len(_WEEK)):
        grid.add_row(*cells[start : start + len(_WEEK)])
    return grid


def _day(each: DayQuantity, today: date) -> Text:
    mark, tone = _MARKS.get(each.rule, ("", "strong"))
    number = quantity_told(each.quantity) if each.quantity or mark == "*" else "" if mark else "·"
    coming = each.day > today and each.quantity > 0
    return Text.assemble((f"{each.day.day:2d} ", "muted"), (number + mark, "hint" if coming else tone))


def _legend(line: Line) -> list[Text]:
    """How many days each rule decided."""
    from services.billing.statement_words import RULES

    rules: dict[Rule, int] = {}
    for each in line.days:
        rules[each.rule] = rules.get(each.rule, 0) + 1
    lines = [Text()]
    for rule, days in rules.items():
        mark, tone = _MARKS.get(rule, (" ", ""))
        lines.append(
            Text.assemble((f"{mark} ", tone), f"{count(days)} {'day' if days == 1 else 'days'}: {RULES[rule]}")
        )
    return lines
