"""A plan, its rows and the runs as rows of tables and facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from screens.run.views import STATE_TONES, asked
from screens.tones import count, text, wrapping
from screens.widgets.dialog import TypedConfirmation
from screens.widgets.meter import Reading
from screens.widgets.sheet import Section
from screens.widgets.table import Bar, Column, RecordTable, Row
from services.clock import format_moment
from services.money import format_rupees

if TYPE_CHECKING:
    from services.backfills.backfill import Backfill
    from services.backfills.plan import Plan, PlanRow
    from services.backfills.runner import Progress
    from services.backfills.runs import Limits, RunView

CLASSES: Mapping[str, tuple[str, str]] = {
    "change": ("To change", "money"),
    "already-billed": ("Already billed", "good"),
    "nothing-to-do": ("Nothing to do", "good"),
    "flagged-no-record": ("Flagged, no record", "warn"),
    "not-delivered": ("Not delivered", "muted"),
    "needs-review": ("Needs review", "bad"),
}
"""The classes of a plan in words, and their tone."""

_CLASS_COLUMNS = (Column("Class", 18, grow=1), Column("Records", 8, right=True), Column("Amount", 14, right=True))
MONTH_COLUMNS = (
    Column("Month", 7),
    Column("", 4, grow=1, drop=1),
    Column("Records", 7, right=True),
    Column("Amount", 14, right=True),
)
REVIEW_COLUMNS = (Column("Code", 19), Column("Records", 7, right=True), Column("What it means", 10, grow=1, drop=1))
ROW_COLUMNS = (
    Column("Order", 12, grow=3),
    Column("Customer", 8, grow=2, drop=1),
    Column("Month", 7, drop=2),
    Column("Amount", 12, right=True),
)
_REASON_COLUMNS = (Column("Order", 12, grow=1), Column("Amount", 11, right=True), Column("Why", 12, grow=3))
_REPAIR_COLUMNS = (Column("Record", 12, grow=1), Column("What", 12, grow=3))
_RUN_COLUMNS = (
    Column("Run", 24),
    Column("What", 10, grow=1),
    Column("State", 11),
    Column("Done", 11, right=True),
    Column("Amount", 14, right=True, drop=1),
    Column("By", 8, drop=2),
)


def figure_tables() -> Iterable[RecordTable]:
    """The tables of a plan's figures, and of the runs."""
    for columns, name, title, explains in (
        (_CLASS_COLUMNS, "classes", "Classes", "All that was examined, each in exactly one class. Enter: its records."),
        (MONTH_COLUMNS, "months", "By month", "The India month of the delivery. Enter: the records to change."),
        (REVIEW_COLUMNS, "review", "Needs a person", "What cannot be done by rule, and why. Enter: the records."),
        (_RUN_COLUMNS, "runs", "Runs", "Previews and commits, newest first. Enter shows the plan, v the run itself."),
    ):
        table = RecordTable(columns, noun="", explains=explains, id=name, empty="Nothing yet.")
        table.border_title = title
        yield table


def reading(progress: Progress) -> Reading:
    """How far a commit is, with its rate and the time left."""
    words = f"{count(round(progress.rate))}/s"
    if progress.seconds_left is not None:
        words += f"  {progress.seconds_left:.0f} s left"
    if progress.lag > 1:
        words += f"  a secondary is {progress.lag:.0f} s behind"
    for number, what in ((progress.drifted, "drifted"), (progress.failed, "failed"), (progress.kept, "kept")):
        words += f"  {count(number)} {what}" if number else ""
    return Reading(progress.done, progress.planned, words)


def of(plan: Plan | RunView) -> Backfill[Any]:
    """The backfill of a plan or run."""
    from services.backfills.registry import find_backfill

    return find_backfill(plan.backfill)


def _class_title(plan: Plan, group: str) -> str:
    return "To bill" if group == "change" and of(plan).amounts else CLASSES.get(group, (group, ""))[0]


def class_columns(plan: Plan) -> tuple[Column, ...]:
    """The columns of the classes; amounts where the records are worth money."""
    return _CLASS_COLUMNS if of(plan).amounts else _CLASS_COLUMNS[:2]


def class_rows(plan: Plan) -> list[Row]:
    """The classes; none is left out, so that they add up to what was examined."""
    rows = []
    for name, tally in plan.classes.items():
        tone = CLASSES[name][1]
        amount = format_rupees(tally.amount_paise) if tally.amount_paise else "—"
        cells = text(_class_title(plan, name), tone), text(count(tally.records)), text(amount, tone)
        rows.append(Row(name, cells[: len(class_columns(plan))]))
    return rows


def month_columns(plan: Plan) -> tuple[Column, ...]:
    """The columns of the months; amounts where the records are worth money."""
    return MONTH_COLUMNS if of(plan).amounts else MONTH_COLUMNS[:3]


def month_rows(plan: Plan) -> list[Row]:
    """The change by billing month, each with a bar beside the largest."""
    weights = [tally.amount_paise or tally.records for tally in plan.by_month.values()]
    largest = max(weights, default=0) or 1
    rows = []
    for (month, tally), weight in zip(plan.by_month.items(), weights, strict=True):
        amount = text(format_rupees(tally.amount_paise), "money")
        cells = text(month), Bar(weight / largest), text(count(tally.records)), amount
        rows.append(Row(month, cells[: len(month_columns(plan))]))
    return rows


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
    """The records behind a figure: a class, or one month, one review code or one customer of it."""

    group: str = "change"
    month: str | None = None
    code: str | None = None
    customer: str | None = None

    def title(self, plan: Plan) -> str:
        """What stands over the records."""
        return " · ".join(
            ["Records", _class_title(plan, self.group), *filter(None, (self.month, self.code, self.customer))]
        )


def behind(table: str | None, key: str) -> Behind:
    """The records behind a line of one of the figures."""
    if table == "months":
        return Behind("change", month=key)
    return Behind("needs-review", code=key) if table == "review" else Behind(key)


def row_columns(plan: Plan, group: str) -> tuple[Column, ...]:
    """The columns of a class: what will be billed to whom, or the reason why not; of a repair, what it does."""
    if not of(plan).amounts:
        return _REPAIR_COLUMNS
    return ROW_COLUMNS if group == "change" else _REASON_COLUMNS


def plan_row(plan: Plan, row: PlanRow) -> Row:
    """One record of a class."""
    amount, record = text(format_rupees(row.amount_paise), "money"), text(row.record)
    if row.altered:
        record = text(f"✗ {row.record}", "bad")
    why = text(row.message or row.code or "—", "bad" if row.group == "needs-review" else "muted")
    if not of(plan).amounts:
        return Row(row.record, (record, why))
    if row.group == "change":
        return Row(row.record, (record, text(row.customer_id or "—", "muted"), text(row.month or "—"), amount))
    return Row(row.record, (record, amount, why))


def record_facts(plan: Plan, row: PlanRow) -> list[Section]:
    """A record of a plan that no other screen shows: which it is, and what is to become of it."""
    from services.backfills.plan import REVIEW_REASONS

    facts = [
        ("Record", text(row.record, "strong")),
        ("Collection", text(of(plan).collection)),
        ("Class", text(_class_title(plan, row.group), CLASSES.get(row.group, ("", "bad"))[1])),
        ("Customer", text(row.customer_id or "—")),
        ("Code", text(row.code or "—")),
    ]
    lines = [wrapping(text(words)) for words in (row.message, REVIEW_REASONS.get(row.code or "", "")) if words]
    return [Section("", facts), Section("Why", lines=lines)] if lines else [Section("", facts)]


def run_row(run: RunView) -> Row:
    """One run: what it did of what it planned."""
    done = f"{count(run.applied)}/{count(run.planned)}"
    amount = run.amount_paise if run.applied else run.plan.classes["change"].amount_paise
    cells = (
        text(run.run),
        text(of(run).title, "muted"),
        text(run.state, STATE_TONES.get(run.state, "")),
        text(done),
        text(format_rupees(amount) if of(run).amounts else "—", "money" if run.applied else "muted"),
        text(run.created_by, "muted"),
    )
    return Row(run.run, cells)


def plan_line(plan: Plan, run: RunView | None) -> Text:
    """The plan in a line: what it is, what has become of it, and what pins it."""
    change, backfill = plan.classes["change"], of(plan)
    line = Text.assemble((f"{count(change.records)} {_class_title(plan, 'change').lower()}", "strong"), "  ")
    if backfill.amounts:
        line.append(format_rupees(change.amount_paise), "money").append("  ")
    if plan.customers:
        line.append(f"{count(plan.customers)} customers · ", "muted")
    line.append(f"{count(plan.examined)} examined · counted {format_moment(plan.created_at)}", "muted")
    if plan.unconfirmed.records:
        line.append(f" · {count(plan.unconfirmed.records)} not confirmed", "warn")
    if run and run.state not in ("planned", "approved"):
        line.append(f" · this run is {run.state}", STATE_TONES.get(run.state, ""))
    if plan.run:
        line.append_text(text(f" · {plan.run} · digest {plan.digest[:12]}", "muted"))
    if words := asked(plan.options):
        line.append(f" · {words}", "info")
    return line


def commit_dialog(plan: Plan, run: RunView | None, limits: Limits) -> TypedConfirmation:
    """What a commit is about to do, and whether it waits for a second operator; asks for the number of records."""
    change, backfill = plan.classes["change"], of(plan)
    if backfill.amounts:
        first = f"{count(change.records)} billing records for {format_rupees(change.amount_paise)}"
    else:
        first = f"{backfill.title}: {count(change.records)} {backfill.noun}"
    concerned = f"for {count(plan.customers)} customers, each" if backfill.amounts else "Each"
    lines = [
        text(first, "strong"),
        text(f"{concerned} with its audit entries."),
        text(f"{plan.run} · digest {plan.digest[:16]}", "muted"),
    ]
    if (why := limits.exceeded(change)) and not (run and run.approval):
        lines.append(text(f"Another operator must approve it: {why}. They open the run here (v) and press a.", "warn"))
    title = "Commit the billing" if backfill.amounts else "Commit the repair"
    ask = f"Type {change.records} to commit"
    return TypedConfirmation(title, lines, expected=str(change.records), ask=ask, deed="Commit")


def finished(run: RunView) -> str:
    """What a run did, in a sentence."""
    if run.reversal:
        kept = f", {count(run.kept)} kept" if run.kept else ""
        return f"{run.run}: {count(run.restored)} of {count(run.applied)} taken back{kept}."
    of_plan = f"{run.run}: {count(run.applied)} of {count(run.planned)}"
    return f"{of_plan} billed, {format_rupees(run.amount_paise)}." if of(run).amounts else f"{of_plan} changed."
