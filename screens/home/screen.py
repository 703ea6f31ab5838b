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
    before: views.Done
    """What the runs had done when it was counted."""


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

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._stake: Stake | None = None
        self._done: views.Done = {}

    def compose_place(self) -> Iterable[Widget]:
        """The total, then the tables."""
        with Vertical(id="stake"):
            yield Static(views.LOOKING, markup=False, id="total")
            yield Meter(id="meter")
        with VerticalScroll(can_focus=False, id="tables"):
            with Horizontal(id="side-by-side"):
                yield views.table("months", "Not billed, by month", "What each month lost. Enter goes to Billing.")
                explains = "Previews and commits, and what of each stands. Enter goes to Billing."
                yield views.table("runs", "Latest runs", explains)
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
        if self._quick:
            self.action_count()
        else:
            self.ask("count", partial(_latest, self.context), lambda found: Stake(*found))

    def on_screen_resume(self) -> None:
        """Back from another screen: the runs may be others by now."""
        if self.context:
            self.ask("runs", partial(_runs, self.context), RunsRead)

    @property
    def _quick(self) -> bool:
        return self.context is not None and self.context.order_estimate <= _COUNTED_UNASKED

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
            self.ask("count", partial(_count, self.context, self._counted), lambda found: Stake(*found))

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
        self._stake, plan = event, event.plan
        self._show_total()
        if plan:
            months, review = self.query_one("#months", RecordTable), self.query_one("#review", RecordTable)
            months.empty, review.empty = "Everything delivered is billed.", "Nothing needs a person."
            months.show(month_rows(plan), keep=True)
            review.show(views.review_rows(plan), keep=True)

    def _show_total(self) -> None:
        if self._stake:
            self.query_one("#total", Static).update(views.total(self._stake.plan, outrun=self._outrun()))

    def _outrun(self) -> bool:
        """Whether a run has done something that the figures do not know of."""
        stake = self._stake
        return stake is not None and any(stake.before.get(run, (0, 0)) != done for run, done in self._done.items())

    def on_runs_read(self, event: RunsRead) -> None:
        """Show the runs; where one has outrun the figures, say so, and count again where that is quick."""
        self.query_one("#runs", RecordTable).show([views.run_row(run) for run in event.runs], keep=True)
        self._done = views.done(event.runs)
        self._show_total()
        if self._outrun() and self._quick and self.query_one(Meter).reading is None:
            self.action_count()

    @on(RecordTable.Selected)
    def to_billing(self) -> None:
        """Every figure leads to where something can be done about it."""
        self.post_message(OpenPlace("billing"))

    def on_refusal(self, event: Refusal) -> None:
        """The count has ended."""
        if event.group == "count":
            self.query_one(Meter).reading = None
        super().on_refusal(event)


async def _count(context: Context, progress: Callable[[int], None]) -> tuple[Plan, views.Done]:
    from services.backfills.preview import preview

    before = views.done(await _runs(context))
    plan = await preview(context.database, context.operator, context.clock, _BACKFILL, store=False, progress=progress)
    return plan, before


async def _latest(context: Context) -> tuple[Plan | None, views.Done]:
    from services.backfills.preview import latest_plan

    plan, done = await latest_plan(context.database, context.operator, _BACKFILL), views.done(await _runs(context))
    if plan:
        done.pop(plan.run or "", None)  # at its preview it had done nothing
    return plan, done


async def _runs(context: Context) -> tuple[RunView, ...]:
    from services.backfills.runs import list_runs

    return await list_runs(context.database, context.operator, limit=8)
