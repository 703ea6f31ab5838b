"""A plan's figures above the runs, each in its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from screens.billing import views
from screens.widgets.table import RecordTable

if TYPE_CHECKING:
    from services.backfills.plan import Plan


class Figures(VerticalScroll, can_focus=False):
    """The classes, the months and what needs a person; the billing screen keeps the runs."""

    def compose(self) -> ComposeResult:
        """One table below the other."""
        yield from views.figure_tables()

    def show(self, plan: Plan) -> None:
        """The figures of a plan; each cursor stays where it is."""
        classes, months = self.query_one("#classes", RecordTable), self.query_one("#months", RecordTable)
        classes.set_columns(views.class_columns(plan))
        classes.show(views.class_rows(plan), keep=True)
        months.empty, months.display = "Nothing to bill.", bool(plan.by_month) or views.of(plan).amounts
        months.set_columns(views.month_columns(plan))
        months.show(views.month_rows(plan), keep=True)
        review = self.query_one("#review", RecordTable)
        review.empty = "Nothing needs a person."
        review.show(views.review_rows(plan), keep=True)

    def clear(self) -> None:
        """There is no plan."""
        for name in ("classes", "months", "review"):
            self.query_one(f"#{name}", RecordTable).show([])
