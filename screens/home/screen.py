"""The first screen: what is at stake, what needs a person, and what was done lately."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.asking import Refusal
from screens.billing.messages import Counted, RunsRead
from screens.billing.views import month_rows
from screens.context import Context
from screens.home import views
from screens.place import OpenPlace, Place
from screens.widgets.meter import Meter, Reading
from screens.widgets.table import RecordTable

if TYPE_CHECKING:
    from services.backfills.plan import Plan
    from services.backfills.runs import RunView

_BACKFILL = "bill-one-time-orders"
_COUNTED_UNASKED = 50_000
"""Orders up to which the home screen counts by itself; beyond, it shows the latest stored plan."""


@dataclass
class Stake(Message):
    """What is at stake: counted now, or as a stored plan knows it; None where nothing was ever counted."""

    plan: Plan | None
    counted_now: bool


class HomeScreen(Place):
    """Figures that lead to the billing screen."""

    NAME = "home"
    CSS_PATH = "home.tcss"
    ABOUT = (
        "Delivered one-time orders that never reached a bill, by month; what cannot be billed without a person's "
        "decision, and why; and the latest runs. Enter on a line goes to Billing."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "count", "Count again", tooltip="Count what is at stake in the data as it is now."),
    ]

    def compose_place(self) -> Iterable[Widget]:
        """The total, then the tables."""
        with Vertical(id="stake"):
            yield Static(views.total(None, counted_now=False), markup=False, id="total")
            yield Meter(id="meter")
        with VerticalScroll(can_focus=False, id="tables"):
            with Horizontal(id="side-by-side"):
                yield views.table("months", "Not billed, by month", "What each month lost. Enter goes to Billing.")
                yield views.table("runs", "Latest runs", "Previews and commits. Enter goes to Billing.")
            yield views.table("review", "Needs a person", "What cannot be billed by rule. Enter goes to Billing.")

    def search_target(self) -> Widget:
        """The months; there is nothing to type here."""
        return self.list_target()

    def list_target(self) -> Widget:
        """The months."""
        return self.query_one("#months")

    def opened(self) -> None:
        """Count where that is quick, else show what the latest plan knows."""
        self.list_target().focus()
        if self.context is None:
            return
        self.ask("runs", partial(_runs, self.context), RunsRead)
        if self.context.order_estimate <= _COUNTED_UNASKED:
            self.action_count()
        else:
            self.ask("count", partial(_latest, self.context), partial(Stake, counted_now=False))

    def on_screen_resume(self) -> None:
        """Back from another screen: the runs may be others by now."""
        if self.context:
            self.ask("runs", partial(_runs, self.context), RunsRead)

    def why_not(self, action: str) -> str | None:
        """Counting needs a connection."""
        return "There is no connection to the database yet." if action == "count" and self.context is None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to search here."""
        return False if action == "search" else super().check_action(action, parameters)

    def action_count(self) -> None:
        """Count what is at stake now; nothing is stored."""
        if self.context:
            self.query_one(Meter).reading = Reading(0, None, "orders looked at")
            self.ask("count", partial(_count, self.context, self._counted), partial(Stake, counted_now=True))

    def _counted(self, examined: int) -> None:
        self.post_message(Counted(examined))

    def on_counted(self, event: Counted) -> None:
        """The count goes on."""
        meter = self.query_one(Meter)
        if meter.reading is not None:
            meter.reading = Reading(event.examined, None, "orders looked at")

    def on_stake(self, event: Stake) -> None:
        """Show the figures."""
        self.query_one(Meter).reading = None
        plan = event.plan
        self.query_one("#total", Static).update(views.total(plan, counted_now=event.counted_now))
        if plan:
            months, review = self.query_one("#months", RecordTable), self.query_one("#review", RecordTable)
            months.empty, review.empty = "Everything delivered is billed.", "Nothing needs a person."
            months.show(month_rows(plan), keep=True)
            review.show(views.review_rows(plan), keep=True)

    def on_runs_read(self, event: RunsRead) -> None:
        """Show the runs."""
        self.query_one("#runs", RecordTable).show([views.run_row(run) for run in event.runs], keep=True)

    @on(RecordTable.Selected)
    def to_billing(self) -> None:
        """Every figure leads to where something can be done about it."""
        self.post_message(OpenPlace("billing"))

    def on_refusal(self, event: Refusal) -> None:
        """The count has ended."""
        if event.group == "count":
            self.query_one(Meter).reading = None
        super().on_refusal(event)


async def _count(context: Context, progress: Callable[[int], None]) -> Plan:
    from services.backfills.preview import preview

    return await preview(context.database, context.operator, context.clock, _BACKFILL, store=False, progress=progress)


async def _latest(context: Context) -> Plan | None:
    from services.backfills.preview import latest_plan

    return await latest_plan(context.database, context.operator, _BACKFILL)


async def _runs(context: Context) -> tuple[RunView, ...]:
    from services.backfills.runs import list_runs

    return await list_runs(context.database, context.operator, limit=8)
