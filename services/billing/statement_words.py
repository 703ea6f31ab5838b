"""Statements in words that the terminal, the screens and the files share."""

from __future__ import annotations

from collections.abc import Mapping

from services.billing.carried import Carried, EarlierBills
from services.billing.statement import Billed, Line, Statement
from services.clock import format_moment, month_of
from services.customers.areas import area_name
from services.money import format_rupees
from services.subscriptions.quantity import Rule

RULES: Mapping[Rule, str] = {
    "draft": "not begun, a draft",
    "stopped": "stopped",
    "after-stop": "after its stop date",
    "paused": "paused",
    "irregular": "an entry for this day",
    "override": "changed for this day",
    "weekday": "a day of its week",
    "off-weekday": "no day of its week",
    "in-dates": "inside its dates",
    "outside-dates": "outside its dates",
    "daily": "every day",
    "none": "no rule gives a quantity",
}
"""Why a day has its quantity."""
BILLED_WORDS: Mapping[Billed, str] = {
    "billed": "billed",
    "missing": "not billed",
    "flagged": "flagged, no record",
    "review": "needs a person",
}
"""Whether a one-time order is billed."""


def state_words(line: Line) -> str:
    """Of an order: whether it is billed, and of a billed one whether it is paid."""
    words = BILLED_WORDS[line.billed] if line.billed else ""
    return f"{words}, {line.payment_status}" if line.payment_status else words


def counted_words(statement: Statement) -> str:
    """Up to which day the lines count, and how much of the total is for days that are still to come."""
    if statement.today >= statement.counted_to:
        return "the whole month"
    if month_of(statement.today) != statement.month:
        return f"the whole month, none of it begun: {format_rupees(statement.expected_paise)} are expected"
    return f"to the month's end; {format_rupees(statement.expected_paise)} of it is for days after {statement.today}"


def status_words(statement: Statement) -> str:
    """What is owed of a month that has not begun is only expected."""
    return "not begun" if statement.month > month_of(statement.today) else statement.status


def carried_words(carried: Carried) -> str:
    """What is known of a previous balance."""
    if carried.changed:
        was = "" if carried.was_paise is None else f" from {format_rupees(carried.was_paise)}"
        change = f"changed last at {format_moment(carried.at)} by {carried.by or 'unknown'}{was}"
    elif carried.changed is None:
        change = "the audit trail could not be searched for who set it"
    else:
        change = "no audit entry tells who set it"
    months = "; ".join(map(_bills_words, carried.bills)) or "none"
    return f"on the customer's record, which names no month; {change}; open bills of earlier months: {months}"


def _bills_words(earlier: EarlierBills) -> str:
    partly = f" ({earlier.partly} paid in part)" if earlier.partly else ""
    return f"{earlier.bills} of {earlier.month}, {format_rupees(earlier.paise)}{partly}"


def statement_facts(statement: Statement) -> list[tuple[str, str]]:
    """The head of a statement."""
    return [
        ("Customer", statement.customer_name.strip() or statement.customer_id),
        ("Customer id", statement.customer_id),
        ("Area", area_name(statement.area)),
        ("Month", statement.month),
        ("Counted", counted_words(statement)),
        ("Total", format_rupees(statement.total_paise)),
        ("Previous balance", format_rupees(statement.previous_balance_paise)),
        *([("", carried_words(statement.carried))] if statement.carried else []),
        ("Paid", format_rupees(statement.paid_paise)),
        ("Balance", format_rupees(statement.balance_paise)),
        ("Status", status_words(statement)),
    ]
