"""The records behind a figure of a plan, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.billing import views
from screens.tones import text
from screens.widgets.table import RecordTable

if TYPE_CHECKING:
    from screens.billing.messages import RowsRead
    from services.backfills.plan import Plan, PlanRow

_UNSTORED = "This preview was not stored, so its records cannot be listed."


class Records(RecordTable):
    """Which records of a plan are shown, and how far they are read."""

    def __init__(self) -> None:
        explains = "The records of the class under the cursor, with the reason for each. Enter goes to the order."
        super().__init__(views.ROW_COLUMNS, noun="record", explains=explains, id="rows", empty="No record to show.")
        self.border_title = "Records"
        self.add_class("detail")
        self.behind = views.Behind()
        self.next: str | None = None
        self._found: dict[str, PlanRow] = {}

    def of_plan(self, plan: Plan, behind: views.Behind) -> None:
        """Other records are to be read from the first on; none of a plan that was not stored."""
        self.behind, self.next = behind, None
        self.border_title = text(behind.title(plan))
        self.set_columns(views.row_columns(plan, behind.group))
        self.empty = "No such record is in this class." if plan.run else _UNSTORED
        if plan.run is None:
            self.show([])

    def add(self, plan: Plan, event: RowsRead) -> None:
        """Show the page, or add it."""
        page, rows = event.page, [views.plan_row(plan, row) for row in event.page.items]
        self._found = ({} if event.first else self._found) | {row.record: row for row in page.items}
        self.next, more = page.next, page.next is not None
        self.border_title = text(("✗ Not as previewed · " if page.altered else "") + self.behind.title(plan))
        # Of a long plan a page can be empty though there is more: an empty table asks for the next by itself.
        (self.extend if self.row_count and not event.first else self.show)(rows, more=more)

    def found(self, key: str | None = None) -> PlanRow | None:
        """A record that is loaded, else the one under the cursor."""
        return self._found.get(key or (self.row.key if self.row else ""))
