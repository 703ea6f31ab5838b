"""Reminders as rows of a table, as a page, and as a line of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from screens.tones import count, customer_text, text
from screens.widgets.sheet import Section
from screens.widgets.table import Column, Row
from services.clock import format_moment
from services.money import format_rupees
from services.text import visible_lines

if TYPE_CHECKING:
    from services.reminders.cancellation import Cancelled
    from services.reminders.listing import Reminder, Survey
    from services.reminders.release import Released
    from services.reminders.sender import Sending

COLUMNS = (
    Column("Customer", 14, grow=3),
    Column("State", 9),
    Column("Orders", 6, right=True, drop=2),
    Column("Amount", 12, right=True),
    Column("Phone", 13, grow=1, drop=1),
    Column("Run", 14, grow=1, drop=3),
)
_STATE_TONES = {
    "held": "info", "released": "warn", "sent": "good", "failed": "bad", "cancelled": "muted", "unclear": "bad",
}  # fmt: skip
_OBSTACLES = {
    "no-number": "without a number", "no-customer": "without a customer", "bill-paid": "paid meanwhile",
    "bill-missing": "without a bill", "bill-replaced": "billed anew", "bill-unclear": "with an unclear bill",
    "month-paid": "paid for the month", "has-message": "with a message already", "run-failed": "billed in part",
}  # fmt: skip


def row(reminder: Reminder) -> Row:
    """One reminder; a held one that an obstacle keeps back looks so."""
    stuck = reminder.code is not None
    return Row(
        reminder.key,
        (
            customer_text(reminder.customer_name),
            text("kept back" if stuck else reminder.state, "warn" if stuck else _STATE_TONES[reminder.state]),
            text(count(len(reminder.orders))),
            text(format_rupees(reminder.amount_paise), "money"),
            text(reminder.phone or "—", "muted"),
            text(reminder.run, "muted"),
        ),
    )


def sections(reminder: Reminder) -> list[Section]:
    """The message as the customer reads it, then what is known of it."""
    words = Text(visible_lines(reminder.text), no_wrap=False) if reminder.text else Text("No message.", style="hint")
    facts = [
        ("To", text(reminder.customer_name or reminder.customer_id, "strong")),
        ("Phone", text(reminder.phone or "—")),
        ("State", text(reminder.state, _STATE_TONES[reminder.state])),
        ("Amount", text(format_rupees(reminder.amount_paise), "money")),
        ("Months", text(", ".join(reminder.months) or "—")),
        ("Run", text(reminder.run, "muted")),
    ]
    if reminder.reason:
        facts.append(("Why", text(reminder.reason, "warn")))
    if reminder.sent_at:
        facts.append(("Sent", text(f"{format_moment(reminder.sent_at)} India time", "good")))
    if reminder.state == "released" and reminder.tries:
        facts.append(
            ("Tries", text(f"{reminder.tries}, next at {format_moment(reminder.retry_at)} India time", "warn"))
        )
    if reminder.message:
        facts.append(("Message", text(reminder.message, "muted")))
    orders = [text(order, "muted") for order in reminder.orders]
    return [Section("Message", lines=[words]), Section("Reminder", facts), Section("Orders", lines=orders)]


def counts(survey: Survey) -> Text:
    """A run in a line: what would go out, what is kept back, and what became of the others."""
    from services.reminders.recipients import LANGUAGES

    ready = survey.ready
    line = Text.assemble(
        (f"{count(ready.reminders)} to release", "strong"), "  ", (format_rupees(ready.amount_paise), "money"),
    )  # fmt: skip
    languages = ", ".join(
        f"{count(number)} {LANGUAGES[language]}" for language, number in survey.languages.items() if number
    )
    if languages:
        line.append(f"  {languages}", "muted")
    for code, kept in survey.obstacles.items():
        line.append(f" · {count(kept.reminders)} {_OBSTACLES.get(code, code)}", "warn")
    for state, each in survey.states.items():
        if state != "held":
            line.append(f" · {count(each.reminders)} {state}", _STATE_TONES.get(state, ""))
    return line.append_text(text(f" · {survey.run}", "muted"))


def release_lines(survey: Survey) -> list[Text]:
    """What a release would do, for its confirmation."""
    kept = sum(each.reminders for each in survey.obstacles.values())
    ready = survey.ready
    lines = [
        text(f"{count(ready.reminders)} messages for {format_rupees(ready.amount_paise)}", "strong"),
        text(f"about {count(ready.orders)} orders; one message for each customer."),
        text(survey.run, "muted"),
    ]
    return [*lines, text(f"Kept back: {count(kept)}; the list says why.", "warn")] if kept else lines


def outcome(done: Released | Sending | Cancelled) -> tuple[str, bool]:
    """What was done, as a sentence, and whether all of it went well."""
    from services.reminders.cancellation import Cancelled
    from services.reminders.release import Released

    if isinstance(done, Released):
        return (
            f"{count(done.messages)} messages wait in the queue; s sends them. {count(done.held_back)} stay held."
            + (f" {count(done.cancelled)} cancelled: no longer billed by this run." if done.cancelled else ""),
            True,
        )
    if isinstance(done, Cancelled):
        return f"Cancelled: the reminders of {count(done.orders)} orders.", True
    words = [f"{count(done.sent)} sent"]
    words += [f"{count(number)} {name}" for number, name in (
        (done.failed, "failed"), (done.unclear, "unclear"), (done.called_off, "called off"), (done.waiting, "waiting")
    ) if number]  # fmt: skip
    rest = f" {done.because} Goes on at {format_moment(done.goes_on_at)} India time." if done.waiting else ""
    return f"{', '.join(words)}.{rest}", not (done.failed or done.unclear)
