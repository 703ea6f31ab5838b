"""The figures of the home screen as lines of tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from rich.text import Text

from screens.billing.views import MONTH_COLUMNS, of
from screens.tones import count, text
from screens.widgets.table import Column, RecordTable, Row
from services.clock import format_moment
from services.money import format_rupees

if TYPE_CHECKING:
    from services.backfills.plan import Plan
    from services.backfills.runs import RunView

_REVIEW_COLUMNS = (
    Column("Why a person has to decide", 66, grow=1),
    Column("Code", 20, drop=1),
    Column("Records", 7, right=True),
)
_RUN_COLUMNS = (
    Column("When", 16),
    Column("State", 11),
    Column("Stands", 12, grow=1, right=True),
    Column("Amount", 13, right=True, drop=1),
)
_COLUMNS = {"months": MONTH_COLUMNS, "review": _REVIEW_COLUMNS, "runs": _RUN_COLUMNS}


def table(name: str, title: str, explains: str) -> RecordTable:
    """One of the three tables."""
    made = RecordTable(_COLUMNS[name], noun="", explains=explains, id=name, empty="Nothing yet.")
    made.border_title = title
    return made


LOOKING = Text("Delivered, never billed\nLooking …", "muted")

Done: TypeAlias = dict[str, tuple[int, int]]
"""How many records each run had changed, and how many of them taken back."""


def done(runs: Iterable[RunView]) -> Done:
    """What these runs have done so far."""
    return {run.run: (run.applied, run.restored) for run in runs}


def total(plan: Plan | None, *, outrun: bool) -> Text:
    """The total at stake in large, and when it was counted; `outrun` where a run has done something since."""
    if plan is None:
        return Text("Delivered, never billed\nNothing was counted yet: r counts.", "muted")
    change, flagged = plan.classes["change"], plan.classes["flagged-no-record"]
    lines = Text.assemble(
        ("Delivered, never billed  ", "muted"), (format_rupees(change.amount_paise), "total"),
        (f"   {count(change.records)} orders of {count(plan.customers)} customers", "strong"),
        (f"   counted {format_moment(plan.created_at)}\n", "muted"),
    )  # fmt: skip
    lines.append("Flagged billed, no record  ", "muted").append(format_rupees(flagged.amount_paise), "warn")
    lines.append(f"   {count(flagged.records)} orders, billed only when asked for", "muted")
    if outrun:
        lines.append("\nA run has changed records since these figures were counted: r counts again.", "warn")
    return lines


def review_rows(plan: Plan) -> list[Row]:
    """What needs a person, most first, each code explained."""
    from services.backfills.plan import REVIEW_REASONS

    codes = sorted(plan.review.items(), key=lambda entry: (-entry[1], entry[0]))
    return [
        Row(code, (text(REVIEW_REASONS.get(code, code)), text(code, "muted"), text(count(records), "bad")))
        for code, records in codes
    ]


def run_row(run: RunView) -> Row:
    """A run: when, in what state, and what of it stands: what was taken back does not."""
    tone = {"done": "good", "interrupted": "bad", "running": "info"}.get(run.state, "muted")
    begun = run.applied or run.state not in ("planned", "approved")
    amount = format_rupees(run.amount_paise - run.restored_paise)
    cells = (
        text(format_moment(run.created_at)),
        text(run.state, tone),
        text(f"{count(run.applied - run.restored)} of {count(run.planned)}", "" if begun else "muted"),
        text(amount if begun and of(run).amounts else "—", "money" if begun else "muted"),
    )
    return Row(run.run, cells)
