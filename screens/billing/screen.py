"""The billing fix and the other repairs: preview one, look behind every figure, commit it, read the receipt."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from screens.asking import Refusal
from screens.billing import questions, rules, views
from screens.billing.figures import Figures
from screens.billing.messages import Counted, Finished, Previewed, Progressed, RowsRead, RunsRead
from screens.billing.options import OptionsBar
from screens.billing.records import Records
from screens.place import OpenOrder, Place
from screens.tones import text
from screens.widgets.facts import FactsScreen
from screens.widgets.field import Field
from screens.widgets.meter import Meter, Reading
from screens.widgets.notice import Kind
from screens.widgets.table import RecordTable
from services.backfills.registry import BACKFILLS
from services.errors import BadRequest

if TYPE_CHECKING:
    from screens.run.screen import Decision
    from services.backfills.plan import Plan
    from services.backfills.runner import Progress
    from services.backfills.runs import RunView

_LOOK_EVERY = 3.0


class BillingScreen(Place):
    """Preview, records, commit, receipt; this console works on one run at a time."""

    NAME = "billing"
    CSS_PATH = "billing.tcss"
    ABOUT = (
        "Delivered one-time orders that were never billed, and with b the other repairs of the data. A preview counts "
        "what would change and changes nothing. The commit does exactly what the preview shows, after you typed the "
        "number of records, and leaves alone every record that changed in between. An interrupted run goes on where "
        "it stopped."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "choose", "Backfill", tooltip="Choose another repair than the billing."),
        Binding("p", "preview", "Preview", tooltip="Count anew what would change, with the options above."),
        Binding("c", "commit", "Commit", tooltip="Do what the preview shows; asks for the number of records first."),
        Binding("v", "run", "Run", tooltip="The run in sight: its receipt; pause, approve, take back."),
        Binding("r", "resume", "Resume", show=False, tooltip="Go on with the run in sight."),
        Binding("m", "month", "Month", tooltip="What every customer owes for a month, by area."),
        Binding("ctrl+r", "read_again", "Read again", show=False, tooltip="The runs, and the newest plan, as of now."),
        Binding("a", "customer", "Customer", show=False, tooltip="All of the record's customer; again: of the class."),
        Binding("o", "report", "Report", show=False, tooltip="The report of that run, also as a file."),
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._backfill = next(iter(BACKFILLS))
        self._plan: Plan | None = None
        self._runs: dict[str, RunView] = {}
        self._seen: RunsRead | None = None
        self._at: str | None = None
        """The run to put the cursor on when the runs are read next."""
        self._working = ""
        """The run that this console commits now."""
        self._chosen = False
        """Whether the plan in sight is one that the operator chose or counted; else it is to be the newest."""
        self._again = False
        self._told: RunView | None = None
        """The run that the notice tells of, as it was then."""

    def compose_place(self) -> Iterable[Widget]:
        """Options and the plan's line; the figures beside the records behind them."""
        yield OptionsBar(id="options")
        yield Meter(id="meter")
        yield Static(Text("Looking for the latest plan …", "muted"), markup=False, id="plan-line")
        with Horizontal(classes="columns"):
            yield Figures(classes="list")
            yield Records()

    def search_target(self) -> Widget:
        """The first day, where the backfill takes days."""
        first = self.query_one("#from", Field)
        return first.input if first.display else self.query_one(Select)

    def list_target(self) -> Widget:
        """The classes."""
        return self.query_one("#classes")

    def opened(self) -> None:
        """The newest plan and the earlier runs."""
        self.list_target().focus()
        self._list_runs()
        self.set_interval(_LOOK_EVERY, self._look)

    def _look(self) -> None:
        """What others do with the runs is seen by whoever looks."""
        if self.app.screen is self:
            self._list_runs()

    @on(events.ScreenResume)
    def action_read_again(self) -> None:
        """The runs as they are now, and the newest plan where the operator has chosen no other."""
        self._again = True
        self._list_runs()

    def why_not(self, action: str) -> str | None:
        """Roles first, then what there is to do."""
        if action == "customer":
            return rules.no_customer(self.query_one(Records).found(), self.query_one(Records).behind)
        return rules.why_not(action, self.context, self._plan, self._runs, self._run_in_sight(), self._working)

    def _run_in_sight(self) -> RunView | None:
        """The run under the cursor of the runs where these have the focus, else the run of the plan that is shown."""
        table = next(iter(self.query("#runs").results(RecordTable)), None)
        if table is None:
            return None
        shown = self._runs.get(self._plan.run or "") if self._plan and not table.has_focus else None
        return shown or (self._runs.get(table.row.key) if table.row else None)

    def say(self, words: str, kind: Kind = "refusal") -> None:
        """Show a sentence, which is of no run's state unless that is said then."""
        self._told = None
        super().say(words, kind)

    def action_choose(self) -> None:
        """Open the list of backfills."""
        chooser = self.query_one("#backfill", Select)
        chooser.focus()
        chooser.action_show_overlay()

    @on(Select.Changed, "#backfill")
    def backfill_chosen(self, event: Select.Changed) -> None:
        """Show the newest plan of another backfill."""
        if event.value != self._backfill:
            self._choose(str(event.value))
            self._show_newest()
            self.list_target().focus()

    def _choose(self, backfill: str) -> None:
        self._backfill, self._plan, self._chosen = backfill, None, False
        self.query_one(Records).behind = views.Behind()
        if not self._working:
            self.drop("preview")
            self.query_one(Meter).reading = None
        self.query_one(OptionsBar).choose(backfill)

    @on(Input.Submitted)
    def action_preview(self) -> None:
        """Count what would change; nothing of the business is written."""
        context = self.require_context()
        if context is None or self._working:
            return
        try:
            options = self.query_one(OptionsBar).read()
        except BadRequest as error:
            self.say(error.message)
            return
        self.say_nothing()
        self.query_one(Meter).reading = Reading(0, None, "records looked at")
        self.ask("preview", partial(questions.count, context, self._backfill, options, self._counted), Previewed)

    def _counted(self, examined: int) -> None:
        self.post_message(Counted(examined))

    def on_counted(self, event: Counted) -> None:
        """The count goes on."""
        self.query_one(Meter).reading = Reading(event.examined, None, "records looked at")

    def on_previewed(self, event: Previewed) -> None:
        """Show the plan, and the runs with it among them."""
        self.query_one(Meter).reading = None
        self.query_one(Records).behind = views.Behind()
        self._at = event.plan.run
        self._show_plan(event.plan)
        self._chosen = True
        self._list_runs()

    def _show_newest(self) -> None:
        newest, plan = next((run for run in self._runs.values() if run.backfill == self._backfill), None), self._plan
        if newest and (plan is None or plan.run != newest.run):
            self._show_plan(newest.plan)
        if newest or plan:
            return
        self.query_one("#plan-line", Static).update(text("No preview yet: p counts what would change.", "info"))
        self.query_one(Figures).clear()
        rows = self.query_one(Records)
        rows.show([])
        rows.border_title = "Records"
        self.refresh_bindings()

    def _show_plan(self, plan: Plan) -> None:
        if plan.backfill != self._backfill:
            self._choose(plan.backfill)
        self._plan = plan
        self._show_plan_line()
        self.query_one(Figures).show(plan)
        self._show_behind(self.query_one(Records).behind)
        self.refresh_bindings()

    def _show_plan_line(self) -> None:
        if plan := self._plan:
            self.query_one("#plan-line", Static).update(views.plan_line(plan, self._runs.get(plan.run or "")))

    @on(RecordTable.Highlighted, "#classes")
    def class_highlighted(self, event: RecordTable.Highlighted) -> None:
        """Side by side, the records follow the cursor."""
        if event.key != self.query_one(Records).behind.group:
            self._show_behind(views.Behind(event.key))

    @on(RecordTable.Selected, "#classes")
    @on(RecordTable.Selected, "#months")
    @on(RecordTable.Selected, "#review")
    def figure_selected(self, event: RecordTable.Selected) -> None:
        """Go to the records behind the figure."""
        self._show_behind(views.behind(event.table.id, event.key))
        self.show_detail(True)
        self.query_one("#rows").focus()

    def action_customer(self) -> None:
        """All that the class has of the customer of the record under the cursor, and back."""
        records = self.query_one(Records)
        row, behind = records.found(), records.behind
        self._show_behind(views.Behind(behind.group, customer=None if behind.customer or not row else row.customer_id))

    def _show_behind(self, behind: views.Behind) -> None:
        if self._plan:
            self.query_one(Records).of_plan(self._plan, behind)
            self._read_rows()

    @on(RecordTable.NearEnd, "#rows")
    def _read_rows(self) -> None:
        records = self.query_one(Records)
        if self._plan and self._plan.run and self.context:
            question = partial(questions.rows, self.context, self._plan.run, records.behind, records.next)
            self.ask("rows", question, partial(RowsRead, first=records.next is None))

    def on_rows_read(self, event: RowsRead) -> None:
        """Show the page, or add it; and say where the plan is not what was previewed."""
        if self._plan:
            self.query_one(Records).add(self._plan, event)
            if event.page.altered:
                self.say(event.page.altered)

    @on(RecordTable.Selected, "#rows")
    def record_selected(self, event: RecordTable.Selected) -> None:
        """To the order; a record that is none is shown here."""
        row = self.query_one(Records).found(event.key)
        if self._plan is None or row is None:
            return
        if views.of(self._plan).collection == "orders":
            self.post_message(OpenOrder(event.key))
        else:
            self.app.push_screen(FactsScreen(row.record, views.record_facts(self._plan, row)))

    def _list_runs(self) -> None:
        if self.context:
            self.ask("runs", partial(questions.runs, self.context), RunsRead)

    def on_runs_read(self, event: RunsRead) -> None:
        """Show the runs where they have changed; without a plan of our own, the newest one's plan."""
        again, self._again = self._again and not self._chosen, False
        if event == self._seen and self._at is None and not again:
            return
        self._seen = event
        self._runs = {run.run: run for run in event.runs}
        if self._told and (now := self._runs.get(self._told.run)) and now.state != self._told.state:
            self.say_nothing()
        rows = [views.run_row(run) for run in event.runs]
        self.query_one("#runs", RecordTable).show(rows, keep=True, at=self._at)
        self._at = None
        if self._plan is None or again:
            self._show_newest()
        self._show_plan_line()
        interrupted = next((run for run in event.runs if run.state == "interrupted"), None)
        if interrupted and not self._working:
            self.say(f"{interrupted.run} was interrupted. Put the cursor on it among the runs and press r to go on.")
            self._told = interrupted
        self.refresh_bindings()

    @on(RecordTable.Highlighted, "#runs")
    def run_highlighted(self) -> None:
        """What can be done depends on the run."""
        self.refresh_bindings()

    @on(RecordTable.Selected, "#runs")
    def run_selected(self, event: RecordTable.Selected) -> None:
        """Show the plan of that run."""
        if run := self._runs.get(event.key):
            self._show_plan(run.plan)
            self._chosen = True

    def action_run(self) -> None:
        """The run in sight, with what may be decided about it."""
        if run := self._run_in_sight():
            self._open_run(run.run)

    def _open_run(self, run: str) -> None:
        from screens.run.screen import RunScreen

        if self.context:
            self.app.push_screen(RunScreen(self.context, run), partial(self._decided, run))

    def _decided(self, run: str, decision: Decision | None) -> None:
        self._list_runs()
        if decision is None or self.context is None:
            return
        if decision.deed == "report":
            self._open_report(run)
        elif decision.deed == "resume":
            self._work(run, partial(questions.resume, self.context, run))
        else:
            self._work(run, partial(questions.rollback, self.context, run, decision.reason))

    def action_month(self) -> None:
        """The month of all customers."""
        if context := self.require_context():
            from screens.month.screen import MonthScreen
            from services.clock import month_of

            self.app.push_screen(MonthScreen(context, month_of(context.today())))

    def action_report(self) -> None:
        """The recovery report of the run in sight."""
        if run := self._run_in_sight():
            self._open_report(run.run)

    def _open_report(self, run: str) -> None:
        from screens.report.screen import ReportScreen

        if self.context:
            self.app.push_screen(ReportScreen(self.context, run))

    def action_commit(self) -> None:
        """Ask for the number of records, then commit."""
        plan = self._plan
        if plan is None or plan.run is None or self.context is None:
            return
        dialog = views.commit_dialog(plan, self._runs.get(plan.run), self.context.limits)
        self.app.push_screen(dialog, partial(self._confirmed, plan.run, plan.digest))

    def _confirmed(self, run: str, digest: str, confirmed: bool | None) -> None:
        if confirmed and self.context:
            self._work(run, partial(questions.commit, self.context, run, digest))

    def action_resume(self) -> None:
        """Go on with the run in sight, from where it stopped."""
        if self.context and (run := self._run_in_sight()):
            self._work(run.run, partial(questions.resume, self.context, run.run))

    def _work(self, run: str, deed: questions.Deed) -> None:
        self._working, self._chosen = run, True
        self.say_nothing()
        self.query_one(Meter).reading = Reading(0, None, "checking the plan …")
        self.ask("commit", partial(deed, self._progressed), Finished, repeat=False)
        self.refresh_bindings()

    def _progressed(self, progress: Progress) -> None:
        self.post_message(Progressed(progress))

    def on_progressed(self, event: Progressed) -> None:
        """The bar moves."""
        if self._working:
            self.query_one(Meter).reading = views.reading(event.progress)

    def on_finished(self, event: Finished) -> None:
        """The receipt."""
        done, self._chosen = event.outcome, False
        self._end_of_work()
        good = done.verified is not False and not done.failed and not done.kept
        self.say(views.finished(done), "information" if good else "refusal")
        self._told = done
        if self.is_current:
            self._open_run(done.run)
        else:  # elsewhere only say that it is there
            self.notify(views.finished(done), title="Billing", markup=False)

    def _end_of_work(self) -> None:
        self._working = ""
        self.query_one(Meter).reading = None
        self._list_runs()
        self.refresh_bindings()

    def on_refusal(self, event: Refusal) -> None:
        """A commit is never repeated by itself: after a lost connection the operator resumes it."""
        if event.group == "commit":
            self.drop("commit")
            self._end_of_work()
        elif event.group == "preview":
            self.query_one(Meter).reading = None
        elif event.group == "rows":
            self.query_one(Records).retry()
        super().on_refusal(event)
