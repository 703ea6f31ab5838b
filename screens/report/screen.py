"""The recovery report of a run: months, areas and customers, what was left and why; saved to a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.context import Context
from screens.overlay import Overlay
from screens.report import views
from screens.tones import text
from screens.widgets.facts import FactsScreen
from screens.widgets.table import RecordTable

if TYPE_CHECKING:
    from services.backfills.report import CustomerLine, RecoveryReport

_PAGE = 200


@dataclass
class ReportRead(Message):
    """The report."""

    report: RecoveryReport


class ReportScreen(Overlay):
    """Lies over the billing screen until it is left with Escape."""

    NAME = "billing"
    SUBJECT = "report"
    CSS_PATH = "report.tcss"
    ABOUT = (
        "What a run found without a bill, what it billed of it, and what it left and why: by month, by area and by "
        "customer. Before a commit it tells what would be billed. Saved, it has every customer in it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "Save as", tooltip="Write the report to a file: Markdown, CSV, a spreadsheet or JSON."),
        Binding("c", "customers", "Customers", tooltip="All customers; Enter on an area shows only its own."),
        Binding("r", "read", "Read again", tooltip="Read the report anew, for example of a run that goes on."),
        Binding(
            "escape", "back", "Back", tooltip="From the customers to the months, from there to the billing screen."
        ),
        Binding("slash", "search", "Search", show=False),
    ]

    def __init__(self, context: Context, run: str) -> None:
        super().__init__(context)
        self._run = run
        self._report: RecoveryReport | None = None
        self._lines: list[CustomerLine] = []
        """The customers that are listed, those of one area or all; shown page by page."""

    def compose_place(self) -> Iterable[Widget]:
        """What the run is, its figures, and the customers beside them."""
        yield Static(Text("Adding up …", "muted"), markup=False, id="head")
        with Horizontal(classes="columns"):
            with VerticalScroll(classes="list", can_focus=False):
                yield from views.tables()
            yield views.customer_table()

    def list_target(self) -> Widget:
        """The months, where there are any."""
        return next(table for table in self.query(RecordTable) if table.display)

    def opened(self) -> None:
        """Read the report."""
        self.list_target().focus()
        self.action_read()

    def why_not(self, action: str) -> str | None:
        """Without a report there is nothing to save."""
        return "The report is not there yet." if action in ("save", "customers") and self._report is None else None

    def action_read(self) -> None:
        """Have the report summed up."""
        if context := self.require_context():
            self.say_nothing()
            self.ask("report", partial(_read, context, self._run), ReportRead)

    def on_report_read(self, event: ReportRead) -> None:
        """Show it; the columns follow what there is to tell."""
        report = self._report = event.report
        self.query_one("#head", Static).update(views.head(report))
        for name, columns, rows in (
            ("#months", views.figure_columns(report, "Month", width=8), views.month_rows(report)),
            ("#areas", views.figure_columns(report, "Area", width=12), views.area_rows(report)),
            ("#reasons", views.amount_columns(report, "Reason", why=True), views.reason_rows(report)),
            ("#classes", views.amount_columns(report, "Class"), views.class_rows(report)),
        ):
            table = self.query_one(name, RecordTable)
            table.set_columns(columns)
            table.show(rows, keep=True)
            table.display = name in ("#reasons", "#classes") or views.tells(rows)
        self.query_one("#reasons").border_title = views.reasons_title(report)
        customers = self.query_one("#customers", RecordTable)
        customers.set_columns(views.figure_columns(report, "Customer", width=14, bar=False))
        self._list_customers("Customers", list(report.customers))
        if self.focused is None:  # what had the focus tells nothing of this run
            self.list_target().focus()
        self.refresh_bindings()

    def _list_customers(self, title: str, lines: list[CustomerLine]) -> None:
        table, report = self.query_one("#customers", RecordTable), self._report
        if report is None:
            return
        self._lines = lines
        table.border_title = text(title, limit=42)
        table.show(views.customer_rows(report, lines[:_PAGE]), more=len(lines) > _PAGE)

    @on(RecordTable.NearEnd, "#customers")
    def _more_customers(self, event: RecordTable.NearEnd) -> None:
        shown = event.table.row_count
        if self._report is not None:
            after = shown + _PAGE
            event.table.extend(
                views.customer_rows(self._report, self._lines[shown:after]), more=len(self._lines) > after
            )

    @on(RecordTable.Selected, "#areas")
    def area_selected(self, event: RecordTable.Selected) -> None:
        """Only the customers of that area."""
        if self._report is None:
            return
        from services.customers.areas import area_name

        area = views.area_at(self._report, event.key).area
        lines = [line for line in self._report.customers if line.area == area]
        self._list_customers(f"Customers · {area_name(area)}", lines)
        self._to_customers()

    @on(RecordTable.Selected, "#reasons")
    def reason_selected(self, event: RecordTable.Selected) -> None:
        """The reason in full."""
        if self._report is not None:
            self.app.push_screen(FactsScreen("Reason", views.reason_facts(self._report, event.key)))

    def action_customers(self) -> None:
        """The customers of all areas."""
        if self._report is not None:
            self._list_customers("Customers", list(self._report.customers))
            self._to_customers()

    def _to_customers(self) -> None:
        self.show_detail(True)
        self.query_one("#customers").focus()

    def action_save(self) -> None:
        """Ask for a file name."""
        if self._report is not None:
            from services.backfills.report_file import save_report

            self.save_as(f"{self._report.run.run}.xlsx", partial(save_report, self._report))

    def action_back(self) -> None:
        """From the customers to the months, from there to the billing screen."""
        if self.query_one("#customers").has_focus:
            super().action_back()
        else:
            self.dismiss()


async def _read(context: Context, run: str) -> RecoveryReport:
    from services.backfills.report import report

    return await report(context.database, context.operator, run)
