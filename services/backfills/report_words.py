"""The recovery report in words that the terminal, the screen and the files share."""

from __future__ import annotations

from dataclasses import dataclass

from services.backfills.report import GONE, CustomerLine, Figures, RecoveryReport
from services.billing.share import Share
from services.clock import format_moment
from services.customers.areas import NO_CUSTOMER
from services.money import format_rupees

NO_MONTH = "no month"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what was found, in words."""

    title: str
    share: Share


def done_word(report: RecoveryReport) -> str:
    """What a run does to a record, in the past: `billed`, or `changed`."""
    return "billed" if report.money else "changed"


def customer_name(line: CustomerLine) -> str:
    """A customer for people, by the id where there is no name."""
    return NO_CUSTOMER if line.customer_id is None else line.name or line.customer_id


def verified_words(report: RecoveryReport) -> str:
    """Whether the run was verified, and whether the report adds up."""
    verified = {True: "yes, to the paisa" if report.money else "yes", False: "NO: the sums differ", None: "not yet"}
    words = verified[report.run.verified]
    lost = sum(reason.share.records for reason in report.reasons if reason.code == GONE)
    if report.run.verified and lost and not report.run.reversal:
        words = f"yes, but {lost:,} of its records were removed since"
    return (
        words if report.adds_up or report.run.alive else f"{words}; the plan's rows do NOT add up to what was counted"
    )


def report_facts(report: RecoveryReport) -> list[tuple[str, str]]:
    """The head of the report."""
    run = report.run
    asked = [f"{name} {value}" for name, value in run.options.model_dump(mode="json").items() if value]
    return [
        ("Run", run.run),
        ("Backfill", run.backfill),
        ("State", run.standing),
        ("Previewed", f"{format_moment(run.created_at)} India time, by {run.created_by}"),
        ("Examined", f"{run.plan.examined:,}"),
        ("Options", ", ".join(asked) or "none"),
        *([("Approved", f"by {run.approval.by}")] if run.approval else []),
        ("Verified", verified_words(report)),
        *([("Rolled back", f"by {run.reversal.by}: {run.reversal.reason}")] if run.reversal else []),
        ("Digest", run.digest),
    ]


def shown_parts(report: RecoveryReport, figures: Figures) -> list[Part]:
    """The parts to show for people: what was found, and of it what is done, still to do, and left."""
    pending = report.total.waiting.records > 0
    parts = [Part("Found", figures.found)]
    if report.total.done.records or not pending:
        parts.append(Part(done_word(report).capitalize(), figures.done))
    if pending:
        parts.append(Part(_pending_word(report), figures.waiting))
    return [*parts, Part("Left", figures.left)]


def solid_words(report: RecoveryReport) -> str:
    """What the two parts of a chart's bars mean."""
    return f"█ {f'would be {done_word(report)}' if _only_planned(report) else done_word(report)}   ░ not"


def bar_lengths(report: RecoveryReport, name: str, figures: Figures) -> tuple[int, int]:
    """How long the solid part of a bar is, and the whole; in money, or in records where none is concerned.

    What belongs to no known customer has no bar: it is no place or person to compare with the others.
    """
    if name == NO_CUSTOMER:
        return 0, 0
    done = figures.waiting if _only_planned(report) else figures.done
    return (done.paise, figures.found.paise) if report.money else (done.records, figures.found.records)


def share_words(report: RecoveryReport, share: Share) -> str:
    """A share in one figure: rupees, or records where the backfill is not about money."""
    return format_rupees(share.paise) if report.money else f"{share.records:,}"


def _only_planned(report: RecoveryReport) -> bool:
    return report.run.state in ("planned", "approved")


def _pending_word(report: RecoveryReport) -> str:
    verb = "bill" if report.money else "change"
    return f"Would {verb}" if _only_planned(report) else f"To {verb}"
