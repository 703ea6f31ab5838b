"""The recovery report as tables, as a JSON document, and as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.backfills.report import Figures, RecoveryReport
from services.backfills.report_words import NO_MONTH, customer_name, done_word, report_facts
from services.billing.share import Share
from services.clock import to_stored
from services.customers.areas import area_name
from services.exports.files import Format, Written, write_export
from services.exports.tables import Cell, Column, Export, Table

PARTS = ("found", "done", "waiting", "left")


def report_tables(report: RecoveryReport, *, whole: bool = True) -> Export:
    """The report for the writers, with every customer. `whole` is for scripts: no empty column is left out."""
    parts = _Parts(report, whole=whole)
    by = parts.columns()
    classes = [_row(report, name, Share(t.records, t.amount_paise)) for name, t in report.run.plan.classes.items()]
    total = [[name.capitalize(), *_pair(report, share)] for name, share in parts.of(report.total)]
    reasons = [
        [each.code, *_pair(report, each.share), "yes" if each.owed else "no", each.why] for each in report.reasons
    ]
    months = [[line.month or NO_MONTH, *parts.cells(line.figures)] for line in report.months]
    areas = [[area_name(line.area), line.customers, *parts.cells(line.figures)] for line in report.areas]
    customers = [
        [line.customer_id, customer_name(line), area_name(line.area), *parts.cells(line.figures)]
        for line in report.customers
    ]
    owed = Column("owed", "Owed")
    return Export(
        f"Recovery report: {report.title}",
        report_facts(report),
        [
            Table("total", "In short", (Column("part", ""), *_amount_columns(report)), total),
            Table("class", "What was examined", (Column("class", "Class"), *_amount_columns(report)), classes),
            Table("reason", f"Not {done_word(report)}, and why",
                  (Column("code", "Reason"), *_amount_columns(report), owed, Column("why", "Why")), reasons),
            Table("month", "By month", (Column("month", "Month"), *by), months),
            Table("area", "By area",
                  (Column("area", "Area"), Column("customers", "Customers", "count"), *by), areas),
            Table("customer", "By customer",
                  (Column("customer_id", "Customer id"), Column("name", "Name"), Column("area", "Area"), *by),
                  customers),
        ],
    )  # fmt: skip


def report_document(report: RecoveryReport) -> dict[str, Any]:
    """The report as one JSON document: amounts in paise, times in UTC, names as stored."""
    run, parts = report.run, _Parts(report)

    def figures(of: Figures) -> dict[str, Any]:
        return {name: _share(report, share) for name, share in parts.of(of)}

    return {
        "run": run.run,
        "backfill": run.backfill,
        "title": report.title,
        "state": run.state,
        "created_at": to_stored(run.created_at),
        "created_by": run.created_by,
        "digest": run.digest,
        "options": run.options.model_dump(mode="json"),
        "verified": run.verified,
        "adds_up": report.adds_up,
        "seconds": run.seconds,
        "examined": run.plan.examined,
        "classes": {
            name: _share(report, Share(tally.records, tally.amount_paise))
            for name, tally in run.plan.classes.items()
        },
        **figures(report.total),
        "reasons": [
            {"code": each.code, **_share(report, each.share), "owed": each.owed, "why": each.why}
            for each in report.reasons
        ],
        "by_month": [{"month": line.month, **figures(line.figures)} for line in report.months],
        "by_area": [
            {"area": line.area, "customers": line.customers, **figures(line.figures)} for line in report.areas
        ],
        "by_customer": [
            {"customer_id": line.customer_id, "name": line.name, "area": line.area, **figures(line.figures)}
            for line in report.customers
        ],
    }  # fmt: skip


async def save_report(report: RecoveryReport, path: Path, format: Format, *, replace: bool = False) -> Written:
    """Write the report to a file, beside the event loop; raises as `write_export`."""

    def save() -> Written:
        export = report_tables(report, whole=format == "csv")
        return write_export(path, format, export, report_document(report), replace=replace)

    return await asyncio.to_thread(save)


class _Parts:
    """The parts of what was found that are told, in their order."""

    def __init__(self, report: RecoveryReport, *, whole: bool = True) -> None:
        self._report = report
        self._names = [name for name in PARTS if whole or name != "waiting" or report.total.waiting.records]

    def of(self, figures: Figures) -> list[tuple[str, Share]]:
        """Each part by its name for scripts."""
        done = done_word(self._report)
        return [(done if name == "done" else name, getattr(figures, name)) for name in self._names]

    def cells(self, figures: Figures) -> list[Cell]:
        """The figures of a row."""
        return [cell for _, share in self.of(figures) for cell in _pair(self._report, share)]

    def columns(self) -> list[Column]:
        """Their columns."""
        columns = []
        for name, _ in self.of(self._report.total):
            title = name.capitalize()
            columns.append(Column(f"{name}_records", f"{title} records" if self._report.money else title, "count"))
            if self._report.money:
                columns.append(Column(f"{name}_amount", f"{title} ₹", "paise"))
        return columns


def _share(report: RecoveryReport, share: Share) -> Mapping[str, int]:
    money = {"amount_paise": share.paise} if report.money else {}
    return {"records": share.records, **money}


def _pair(report: RecoveryReport, share: Share) -> list[Cell]:
    return [share.records, share.paise] if report.money else [share.records]


def _row(report: RecoveryReport, name: str, share: Share) -> list[Cell]:
    return [name, *_pair(report, share)]


def _amount_columns(report: RecoveryReport) -> list[Column]:
    columns = [Column("records", "Records", "count"), Column("amount", "Amount", "paise")]
    return columns if report.money else columns[:1]
