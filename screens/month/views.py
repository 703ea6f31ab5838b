"""The month as rows of tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Select

from screens.statement.views import STATUS_TONES
from screens.tones import count, customer_text, text, wrapping
from screens.widgets.table import Column, RecordTable, Row
from services.money import format_rupees

if TYPE_CHECKING:
    from services.billing.month_totals import AreaMonth, CustomerMonth, MonthTotals
    from services.billing.share import Share

_AMOUNT = 14
_AREA_COLUMNS = (
    Column("Area", 14, grow=1),
    Column("Paid", 5, right=True, drop=2),
    Column("Part", 5, right=True, drop=2),
    Column("Unpaid", 6, right=True, drop=2),
    Column("Total", _AMOUNT, right=True, drop=3),
    Column("Balance", _AMOUNT, right=True),
    Column("Missing", 7, right=True, drop=1),
)
_CUSTOMER_COLUMNS = (
    Column("Customer", 12, grow=1),
    Column("Status", 7),
    Column("Total", 12, right=True, drop=2),
    Column("Balance", 11, right=True),
    Column("Missing", 7, right=True, drop=1),
)
_ONLY = (("unpaid", "unpaid"), ("paid in part", "partial"), ("paid", "paid"), ("orders missing", "missing"))


def only_select() -> Select[str]:
    """Which customers are listed; none chosen means all."""
    return Select(_ONLY, prompt="all customers", compact=True, id="only")


def tables() -> Iterable[RecordTable]:
    """The areas, and the customers behind one."""
    explains = "Customers who have paid, paid in part and not paid; what is left to pay; orders not billed."
    areas = RecordTable(_AREA_COLUMNS, noun="area", explains=explains, id="areas")
    areas.border_title = "By area"
    areas.add_class("list")
    yield areas
    explains = "Customers with anything delivered, paid or carried over, the newest first. Enter: the statement."
    customers = RecordTable(_CUSTOMER_COLUMNS, noun="customer", explains=explains, id="customers")
    customers.border_title = "Customers"
    customers.add_class("detail")
    yield customers


def head(totals: MonthTotals) -> Text:
    """What the month comes to."""
    total = totals.total
    line = Text.assemble((totals.month, "title"), "  ", (f"{count(total.customers)} customers", "strong"))
    line.append(f"  and {count(total.idle)} with nothing in the month\n", "muted")
    for name, paise, tone in (
        ("Total", total.total_paise, "money"), ("+\u00a0before", total.previous_balance_paise, "money"),
        ("-\u00a0paid", total.paid_paise, "money"), ("=\u00a0balance", total.balance_paise, "total"),
    ):  # fmt: skip
        line.append(f"{name}\u00a0", "muted").append(format_rupees(paise), tone).append("   ")
    line.append(f"\n{count(total.missing.records)} one-time orders are not billed, ", "muted")
    line.append(format_rupees(total.missing.paise), "bad" if total.missing.records else "money")
    if review := total.orders["review"].records:
        line.append(f"; {count(review)} more need a person", "warn")
    if total.expected_paise:
        line.append(f"; {format_rupees(total.expected_paise)} are for days after {totals.today}", "warn")
    return wrapping(line)


def area_rows(areas: Iterable[AreaMonth], beginning: str) -> list[Row]:
    """The areas whose name begins so; the key is the area's name."""
    from services.customers.areas import area_name

    wanted = beginning.strip().casefold()
    return [
        Row(area.area, (
            text(area_name(area.area)), *(text(count(share.records), tone) for share, tone in _statuses(area)),
            text(format_rupees(area.total_paise)), text(format_rupees(area.balance_paise), "money"), _missing(area),
        ))
        for area in areas if area_name(area.area).casefold().startswith(wanted)
    ]  # fmt: skip


def _statuses(area: AreaMonth) -> Iterable[tuple[Share, str]]:
    return ((share, STATUS_TONES[name]) for name, share in area.statuses.items())


def _missing(of: AreaMonth | CustomerMonth) -> Text:
    return text(count(of.missing.records), "bad") if of.missing.records else Text()


def customer_rows(customers: Iterable[CustomerMonth]) -> list[Row]:
    """The customers of a page."""
    return [
        Row(each.customer_id, (
            customer_text(each.name), text(each.status, STATUS_TONES[each.status]),
            text(format_rupees(each.total_paise)), text(format_rupees(each.balance_paise), "money"), _missing(each),
        ))
        for each in customers
    ]  # fmt: skip
