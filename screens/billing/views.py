"""A plan, its rows and the runs as rows of tables and facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from screens.tones import count, text
from screens.widgets.meter import Reading
from screens.widgets.sheet import Section
from screens.widgets.table import Bar, Column, RecordTable, Row
from services.clock import format_moment
from services.money import format_rupees

if TYPE_CHECKING:
    from services.backfills.commit import Progress
    from services.backfills.plan import Plan, PlanRow
    from services.backfills.runs import RunException, RunView

CLASSES: Mapping[str, tuple[str, str]] = {
    "change": ("To bill", "money"),
    "already-billed": ("Already billed", "good"),
    "flagged-no-record": ("Flagged, no record", "warn"),
    "not-delivered": ("Not delivered", "muted"),
    "needs-review": ("Needs review", "bad"),
}
"""The classes of a plan in words, and their tone."""

CLASS_COLUMNS = (Column("Class", 18, grow=1), Column("Records", 8, right=True), Column("Amount", 14, right=True))
MONTH_COLUMNS = (
    Column("Month", 7),
    Column("", 4, grow=1, drop=1),
    Column("Records", 7, right=True),
    Column("Amount", 14, right=True),
)
REVIEW_COLUMNS = (Column("Code", 19), Column("Records", 7, right=True), Column("What it means", 10, grow=1, drop=1))
_ROW_COLUMNS = (
    Column("Order", 12, grow=3),
    Column("Customer", 8, grow=2, drop=1),
    Column("Month", 7, drop=2),
    Column("Amount", 12, right=True),
)
_REASON_COLUMNS = (Column("Order", 12, grow=1), Column("Amount", 11, right=True), Column("Why", 12, grow=3))
RUN_COLUMNS = (
    Column("Run", 24),
    Column("State", 11),
    Column("Done", 13, right=True),
    Column("Amount", 14, right=True, drop=1),
    Column("By", 8, grow=1, drop=2),
)
_STATE_TONES = {"done": "good", "interrupted": "bad", "running": "info", "cancelled": "muted", "rolled-back": "muted"}


def figure_tables() -> Iterable[RecordTable]:
    """The tables of a plan's figures, and of the runs."""
    for columns, name, title, explains in (
        (CLASS_COLUMNS, "classes", "Classes", "Every order examined, each in exactly one class. Enter: its records."),
        (MONTH_COLUMNS, "months", "To bill by month", "The India month of the delivery. Enter: the records to bill."),
        (REVIEW_COLUMNS, "review", "Needs a person", "What cannot be billed by rule, and why. Enter: the records."),
        (RUN_COLUMNS, "runs", "Runs", "Previews and commits, newest first. Enter shows the plan, v the receipt."),
    ):
        table = RecordTable(columns, noun="", explains=explains, id=name, empty="Nothing yet.")
        table.border_title = title
        yield table


def record_table() -> RecordTable:
    """The records behind a class."""
    explains = "The records of the class under the cursor, with the reason for each. Enter goes to the order."
    table = RecordTable(_ROW_COLUMNS, noun="records", explains=explains, id="rows", empty="No record to show.")
    table.border_title = "Records"
    table.add_class("detail")
    return table


def reading(progress: Progress) -> Reading:
    """How far a commit is, with its rate and the time left."""
    done = progress.applied + progress.drifted + progress.failed
    words = f"{count(round(progress.rate))}/s"
    if progress.seconds_left is not None:
        words += f"  {progress.seconds_left:.0f} s left"
    if progress.drifted or progress.failed:
        words += f"  {count(progress.drifted)} drifted  {count(progress.failed)} failed"
    return Reading(done, progress.planned, words)


def class_rows(plan: Plan) -> list[Row]:
    """The classes; none is left out, so that they add up to what was examined."""
    rows = []
    for name, tally in plan.classes.items():
        title, tone = CLASSES[name]
        amount = format_rupees(tally.amount_paise) if tally.amount_paise else "—"
        rows.append(Row(name, (text(title, tone), text(count(tally.records)), text(amount, tone))))
    return rows


def month_rows(plan: Plan) -> list[Row]:
    """The change by billing month, each with a bar beside the largest."""
    largest = max((tally.amount_paise for tally in plan.by_month.values()), default=0) or 1
    return [
        Row(
            month,
            (
                text(month),
                Bar(tally.amount_paise / largest),
                text(count(tally.records)),
                text(format_rupees(tally.amount_paise), "money"),
            ),
        )
        for month, tally in plan.by_month.items()
    ]


def review_rows(plan: Plan) -> list[Row]:
    """What needs a person, with a plain explanation; most first."""
    from services.backfills.plan import REVIEW_REASONS

    codes = sorted(plan.review.items(), key=lambda entry: (-entry[1], entry[0]))
    return [
        Row(code, (text(code, "bad"), text(count(records)), text(REVIEW_REASONS.get(code, code))))
        for code, records in codes
    ]


@dataclass(frozen=True)
class Behind:
    """The records behind a figure: a class, or one month or one review code of it."""

    group: str = "change"
    month: str | None = None
    code: str | None = None

    @property
    def title(self) -> str:
        """What stands over the records."""
        return " · ".join(["Records", CLASSES[self.group][0], *filter(None, (self.month, self.code))])


def row_columns(group: str) -> tuple[Column, ...]:
    """The columns of a class: what will be billed to whom, or the reason why not."""
    return _ROW_COLUMNS if group == "change" else _REASON_COLUMNS


def plan_row(row: PlanRow) -> Row:
    """One record of a class."""
    amount = text(format_rupees(row.amount_paise), "money")
    if row.group == "change":
        return Row(
            row.record, (text(row.record), text(row.customer_id or "—", "muted"), text(row.month or "—"), amount)
        )
    why = row.message or row.code or "—"
    return Row(row.record, (text(row.record), amount, text(why, "bad" if row.group == "needs-review" else "muted")))


def run_row(run: RunView) -> Row:
    """One run: what it did of what it planned."""
    done = f"{count(run.applied)}/{count(run.planned)}"
    amount = run.amount_paise if run.applied else run.plan.classes["change"].amount_paise
    cells = (
        text(run.run),
        text(run.state, _STATE_TONES.get(run.state, "")),
        text(done),
        text(format_rupees(amount), "money" if run.applied else "muted"),
        text(run.created_by, "muted"),
    )
    return Row(run.run, cells)


def plan_line(plan: Plan) -> Text:
    """The plan in a line: what it is, and what pins it."""
    change = plan.classes["change"]
    line = Text.assemble(
        (f"{count(change.records)} to bill", "strong"), "  ", (format_rupees(change.amount_paise), "money"),
        (f"  {count(plan.customers)} customers · {count(plan.examined)} examined", "muted"),
        (f" · counted {format_moment(plan.created_at)}", "muted"),
    )  # fmt: skip
    if plan.unconfirmed.records:
        line.append(f" · {count(plan.unconfirmed.records)} not confirmed", "warn")
    if plan.run:
        line.append_text(text(f" · {plan.run} · digest {plan.digest[:12]}", "muted"))
    if asked := _asked(plan):
        line.append(f" · {asked}", "info")
    return line


def receipt(run: RunView, exceptions: tuple[RunException, ...]) -> list[Section]:
    """What a run did, as its receipt tells."""
    verified = {True: text("✓ verified: the database adds up to the paisa", "good"),
                False: text("✗ NOT verified: the sums differ, look at the run", "bad"),
                None: text("not yet", "muted")}[run.verified]  # fmt: skip
    facts = [
        ("Run", text(run.run, "strong")),
        ("State", text(run.state, _STATE_TONES.get(run.state, ""))),
        ("Applied", text(f"{count(run.applied)} of {count(run.planned)} records", "good")),
        ("Drifted", text(f"{count(run.drifted)}", "warn" if run.drifted else "muted")),
        ("Failed", text(f"{count(run.failed)}", "bad" if run.failed else "muted")),
        ("Amount", text(format_rupees(run.amount_paise), "money")),
        ("Verified", verified),
        ("Time", text(f"{run.seconds:.1f} seconds")),
        ("By", text(run.created_by)),
        ("Previewed", text(f"{format_moment(run.created_at)} India time")),
        ("Digest", text(run.digest)),
    ]
    if asked := _asked(run.plan):
        facts.append(("Asked", text(asked, "info")))
    left = [text(f"{each.outcome:8} {each.record}  {each.reason}", limit=300) for each in exceptions]
    for line in left:
        line.no_wrap = False
    sections = [Section("Receipt" if run.state == "done" else "Run so far", facts)]
    return [*sections, Section("Left alone", lines=left)] if left else sections


def _asked(plan: Plan) -> str:
    options = plan.options
    words = [
        f"delivered from {options.delivered_from}" if options.delivered_from else "",
        f"to {options.delivered_to}" if options.delivered_to else "",
        "flagged included" if options.include_flagged else "",
        "confirmed only" if options.confirmed_only else "",
    ]
    return ", ".join(word for word in words if word)
