"""The recovery report as rows of tables, with bars that split what was found into done and left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from screens.tones import count, text, wrapping
from screens.widgets.sheet import Section
from screens.widgets.table import Bar, Column, RecordTable, Row
from services.clock import format_moment
from services.money import format_rupees

if TYPE_CHECKING:
    from services.backfills.report import AreaLine, CustomerLine, Figures, RecoveryReport

_TONES = {"Found": "", "Left": "warn"}
_AMOUNT = 13


@dataclass(frozen=True, slots=True)
class SplitBar(Bar):
    """A bar whose first part is solid and whose rest is light; `share` is the whole, `solid` a part of it."""

    solid: float = 0.0

    def draw(self, width: int) -> Text:
        """The bar in a column of that width; each part above nothing shows."""
        whole = max(round(min(self.share, 1.0) * width), self.share > 0)
        done = max(round(min(self.solid, 1.0) * width), self.solid > 0)
        done = min(done, whole - 1) if self.solid < self.share and whole > 1 else min(done, whole)
        return Text.assemble(("█" * done, self.tone), ("░" * (whole - done), "muted"))


def tables() -> Iterable[RecordTable]:
    """Where the figures stand, before there are any."""
    for name, title, explains in (
        ("months", "By month", "The India month of the delivery; the bar is solid for what was billed."),
        ("reasons", "Not billed, and why", "What the run has not done, left alone or took back. Enter: why, in full."),
        ("areas", "By area", "The area of the customer. Enter: the customers of the area."),
        ("classes", "Examined", "Every record examined, each in exactly one class."),
    ):
        table = RecordTable((), noun="", explains=explains, id=name, empty="Nothing.")
        table.border_title = title
        yield table


def customer_table() -> RecordTable:
    """The customers, of all areas or of one."""
    explains = "Whom it concerns, the largest amount first."
    table = RecordTable((), noun="customer", explains=explains, id="customers", empty="No customer.")
    table.border_title = "Customers"
    table.add_class("detail")
    return table


def head(report: RecoveryReport) -> Text:
    """What the run is and what came of it, in a few words."""
    from services.backfills.report_words import shown_parts, verified_words

    run = report.run
    line = Text.assemble((report.title, "title"), "  ", text(run.run, "strong"), "  ", text(run.standing, "info"))
    line.append(f"  {count(run.plan.examined)} examined · {format_moment(run.created_at)} by ", "muted")
    line.append_text(text(run.created_by, "muted", limit=24)).append("\n")
    for part in shown_parts(report, report.total):
        line.append(f"{part.title} ", "muted").append(count(part.share.records), "strong")
        line.append(f" {format_rupees(part.share.paise)}   " if report.money else "   ", "money")
    fine = report.run.verified is not False and report.adds_up
    line.append(f"verified: {verified_words(report)}", "muted" if fine else "bad")
    if run.reversal:
        line.append("\n").append_text(text(f"rolled back by {run.reversal.by}: {run.reversal.reason}", "warn"))
    return wrapping(line)


def figure_columns(report: RecoveryReport, title: str, *, width: int, bar: bool = True) -> tuple[Column, ...]:
    """A name, a bar, and the parts of what was found; in a narrow place the bar goes first, then what was found."""
    from services.backfills.report_words import shown_parts

    parts = [part.title for part in shown_parts(report, report.total)]
    drops = {"Found": 2 if len(parts) > 2 else 0}
    amounts = tuple(Column(part, _AMOUNT, right=True, drop=drops.get(part, 0)) for part in parts)
    return (Column(title, width, grow=1), *((Column("", 8, grow=3, drop=1),) if bar else ()), *amounts)


def month_rows(report: RecoveryReport) -> list[Row]:
    """A bar for each month."""
    from services.backfills.report_words import NO_MONTH

    lines = [(line.month or NO_MONTH, line.month or NO_MONTH, line.figures) for line in report.months]
    return _bar_rows(report, lines)


def area_rows(report: RecoveryReport) -> list[Row]:
    """A bar for each area; the key is the area's place in the report."""
    from services.customers.areas import area_name

    return _bar_rows(report, [(str(n), area_name(line.area), line.figures) for n, line in enumerate(report.areas)])


def tells(rows: list[Row]) -> bool:
    """Whether more than what is not known stands in such rows."""
    from services.backfills.report_words import NO_MONTH
    from services.customers.areas import NO_CUSTOMER

    return any(isinstance(name := row.cells[0], Text) and name.plain not in (NO_MONTH, NO_CUSTOMER) for row in rows)


def area_at(report: RecoveryReport, key: str) -> AreaLine:
    """The area of such a row."""
    return report.areas[int(key)]


def customer_rows(report: RecoveryReport, lines: Iterable[CustomerLine]) -> list[Row]:
    """The customers of a page."""
    from services.backfills.report_words import customer_name

    return [
        Row(line.customer_id or "", (text(customer_name(line)), *_cells(report, line.figures))) for line in lines
    ]  # fmt: skip


def amount_columns(report: RecoveryReport, title: str, *, why: bool = False) -> tuple[Column, ...]:
    """A class or a reason, with its records and its money."""
    money = (Column("Amount", _AMOUNT, right=True),) if report.money else ()
    explained = (Column("Why", 10, grow=1, drop=1),) if why else ()
    return (Column(title, 19, grow=0 if why else 1), Column("Records", 8, right=True), *money, *explained)


def reasons_title(report: RecoveryReport) -> str:
    """What stands over the reasons."""
    from services.backfills.report_words import done_word

    return f"Not {done_word(report)}, and why"


def reason_rows(report: RecoveryReport) -> list[Row]:
    """What was left, by reason."""
    return [
        Row(f"{number}", (
            text(each.code, "warn" if each.owed else "muted"), text(count(each.share.records)),
            *_money(report, each.share.paise), text(each.why, "muted"),
        ))
        for number, each in enumerate(report.reasons)
    ]  # fmt: skip


def reason_facts(report: RecoveryReport, key: str) -> list[Section]:
    """The reason of such a row, in full."""
    reason = report.reasons[int(key)]
    money = [("Amount", text(format_rupees(reason.share.paise), "money"))] if report.money else []
    facts = [("Reason", text(reason.code, "strong")), ("Records", text(count(reason.share.records))), *money]
    return [Section("", [*facts, ("Why", text(reason.why))])]


def class_rows(report: RecoveryReport) -> list[Row]:
    """The classes of the plan."""
    return [
        Row(name, (text(name), text(count(tally.records)), *_money(report, tally.amount_paise)))
        for name, tally in report.run.plan.classes.items()
    ]


def _bar_rows(report: RecoveryReport, lines: list[tuple[str, str, Figures]]) -> list[Row]:
    from services.backfills.report_words import bar_lengths

    lengths = [bar_lengths(report, name, figures) for _, name, figures in lines]
    largest = max((whole for _, whole in lengths), default=0) or 1
    return [
        Row(key, (text(name), SplitBar(whole / largest, solid=done / largest), *_cells(report, figures)))
        for (key, name, figures), (done, whole) in zip(lines, lengths, strict=True)
    ]


def _cells(report: RecoveryReport, figures: Figures) -> tuple[Text, ...]:
    from services.backfills.report_words import share_words, shown_parts

    return tuple(
        text(share_words(report, part.share), _TONES.get(part.title, "money")) for part in shown_parts(report, figures)
    )


def _money(report: RecoveryReport, paise: int) -> tuple[Text, ...]:
    return (text(format_rupees(paise), "money"),) if report.money else ()
