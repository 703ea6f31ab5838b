"""`backfill report`: what a run found, billed and left, on the terminal or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from console.command import Json, run
from console.commands.backfill.group import RunId, app
from console.output import Answer, BarRow, Bars, Block, Line, Pairs, Table
from console.saving import Force, FormatName, To, receipt, target

if TYPE_CHECKING:
    from console.session import Session
    from services.backfills.report import Figures, RecoveryReport

_MOST = 15
"""So many areas and customers are told on a terminal; a file has all."""


@app.command("report")
def report_run(
    context: typer.Context,
    run_id: RunId,
    to: To = None,
    format_name: FormatName = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Report what a run found, billed and left, and why: by month, area and customer."""

    async def work(session: Session) -> Answer:
        from services.backfills.report import report
        from services.backfills.report_file import report_document, save_report

        file = target(to, format_name, force)
        made = await report(session.database, session.operator, run_id)
        if file is None:
            return Answer(report_document(made), _blocks(made))
        return receipt(await save_report(made, *file, replace=force), run=run_id)

    run(context, work, as_json=as_json)


def _blocks(report: RecoveryReport) -> list[Block]:
    from services.backfills.report_words import done_word, report_facts, shown_parts
    from services.billing.share import Share
    from services.money import format_rupees

    def amounts(share: Share) -> tuple[str, ...]:
        money = (format_rupees(share.paise),) if report.money else ()
        return (f"{share.records:,}", *money)

    headings = ("Records", "Amount") if report.money else ("Records",)
    right = frozenset(headings)
    total = [(part.title, *amounts(part.share)) for part in shown_parts(report, report.total)]
    tallies = report.run.plan.classes.items()
    classes = [(name, *amounts(Share(tally.records, tally.amount_paise))) for name, tally in tallies]
    blocks: list[Block] = [
        Line(f"Recovery report: {report.title}"),
        Line(""),
        Pairs(report_facts(report)),
        Line(""),
        Table(("In short", *headings), total, right),
        Line(""),
        Table(("Class", *headings), classes, right),
    ]
    if report.reasons:
        reasons = [(each.code, *amounts(each.share), each.why) for each in report.reasons]
        blocks += [Line(""), Table((f"Not {done_word(report)}", *headings, "Why"), reasons, right)]
    return [*blocks, *_charts(report)]


def _charts(report: RecoveryReport) -> list[Block]:
    from services.backfills.report_words import NO_MONTH, customer_name, shown_parts, solid_words
    from services.customers.areas import NO_CUSTOMER, area_name

    titles = [part.title for part in shown_parts(report, report.total)]
    blocks: list[Block] = []
    for title, lines in (
        ("Month", [(line.month or NO_MONTH, line.figures) for line in report.months]),
        ("Area", [(area_name(line.area), line.figures) for line in report.areas]),
        ("Customer", [(customer_name(line), line.figures) for line in report.customers]),
    ):
        if not {name for name, _ in lines} - {NO_MONTH, NO_CUSTOMER}:
            continue
        most = len(lines) if title == "Month" else _MOST
        shown = [*lines[:most], *(line for line in lines[most:] if line[0] == NO_CUSTOMER)]
        blocks += [Line(""), Bars((title, *titles), [_bar(report, name, figures) for name, figures in shown])]
        if len(shown) < len(lines):
            blocks.append(Line(f"The largest {most} of {len(lines):,}; all of them are in a file: --to FILE."))
    return [*blocks, Line(""), Line(solid_words(report))] if blocks else []


def _bar(report: RecoveryReport, label: str, figures: Figures) -> BarRow:
    from services.backfills.report_words import bar_lengths, share_words, shown_parts

    cells = [share_words(report, part.share) for part in shown_parts(report, figures)]
    return BarRow(label, *bar_lengths(report, label, figures), cells)
