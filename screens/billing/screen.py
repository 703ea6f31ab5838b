"""The billing fix: preview what was never billed, look behind every figure, commit it, read the receipt."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.asking import Refusal
from screens.billing import questions, views
from screens.billing.messages import Counted, Finished, Previewed, Progressed, ReceiptRead, RowsRead, RunsRead
from screens.billing.options import OptionsBar
from screens.place import OpenOrder, Place
from screens.tones import count, text
from screens.widgets.dialog import TypedConfirmation
from screens.widgets.facts import FactsScreen
from screens.widgets.field import Field
from screens.widgets.meter import Meter, Reading
from screens.widgets.table import RecordTable
from services.errors import BadRequest
from services.money import format_rupees

if TYPE_CHECKING:
    from services.backfills.commit import Progress
    from services.backfills.plan import Plan
    from services.backfills.runs import RunView

_NOT_CONNECTED = "There is no connection to the database yet."
_UNSTORED = "This preview was not stored, so its records cannot be listed."


class BillingScreen(Place):
    """Preview, records, commit, receipt; this console works on one run at a time."""

    NAME = "billing"
    CSS_PATH = "billing.tcss"
    ABOUT = (
        "Delivered one-time orders that were never billed. A preview counts them and changes nothing. The commit does "
        "exactly what the preview shows, after you typed the number of records, and leaves alone every record that "
        "changed in between. An interrupted run goes on where it stopped."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "preview", "Preview", tooltip="Count anew what would be billed, with the options above."),
        Binding("c", "commit", "Commit", tooltip="Bill what the preview shows; asks for the number of records first."),
        Binding("r", "resume", "Resume", tooltip="Go on with the interrupted run under the cursor of the runs."),
        Binding("v", "receipt", "Receipt", tooltip="The receipt of the run under the cursor of the runs."),
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._plan: Plan | None = None
        self._runs: dict[str, RunView] = {}
        self._behind = views.Behind()
        self._next: str | None = None
        self._at: str | None = None
        """The run to put the cursor on when the runs are read next."""
        self._working = ""
        """The run that this console commits now."""

    def compose_place(self) -> Iterable[Widget]:
        """Options and the plan's line; the figures beside the records behind them."""
        yield OptionsBar(id="options")
        yield Meter(id="meter")
        yield Static(Text("Looking for the latest plan …", "muted"), markup=False, id="plan-line")
        with Horizontal(classes="columns"):
            with VerticalScroll(classes="list", can_focus=False):
                yield from views.figure_tables()
            yield views.record_table()

    def search_target(self) -> Widget:
        """The first option."""
        return self.query_one("#from", Field).input

    def list_target(self) -> Widget:
        """The classes."""
        return self.query_one("#classes")

    def opened(self) -> None:
        """The newest plan and the earlier runs."""
        self.list_target().focus()
        self._list_runs()

    def why_not(self, action: str) -> str | None:
        """Roles first, then what there is to do."""
        if action not in ("preview", "commit", "resume", "receipt"):
            return None
        if self.context is None:
            return _NOT_CONNECTED
        if action in ("commit", "resume"):
            operator = self.context.operator
            if not operator.has("ops"):
                held = ", ".join(operator.roles) or "no role"
                return f"It needs the role ops; {operator.account} has {held}."
            if self.context.database.read_only:
                return self.context.database.read_only
        if self._working and action != "receipt":
            return f"{self._working} is being committed; its progress is shown above."
        return self._why_not_commit() if action == "commit" else self._why_not_run(action)

    def _why_not_commit(self) -> str | None:
        plan = self._plan
        if plan is None:
            return "Preview first: press p."
        if plan.run is None:
            return plan.unstored_because or "This preview was not stored; press p to preview again."
        known = self._runs.get(plan.run)
        if known and known.state not in ("planned", "approved"):
            return f"{plan.run} is {known.state}. Preview again for what is left."
        return None if plan.classes["change"].records else "This plan changes nothing."

    def _why_not_run(self, action: str) -> str | None:
        run = self._run_under_cursor()
        if action == "preview":
            return None
        if run is None:
            return "There is no run yet."
        if action == "resume" and run.state not in ("interrupted", "paused"):
            return f"{run.run} is {run.state}; only an interrupted run is resumed."
        return None

    def _run_under_cursor(self) -> RunView | None:
        tables = self.query("#runs").results(RecordTable)
        row = next((table.row for table in tables), None)
        return self._runs.get(row.key) if row else None

    @on(Input.Submitted)
    def action_preview(self) -> None:
        """Count what would be billed; nothing of the business is written."""
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
        self.ask("preview", partial(questions.count, context, options, self._counted), Previewed)

    def _counted(self, examined: int) -> None:
        self.post_message(Counted(examined))

    def on_counted(self, event: Counted) -> None:
        """The count goes on."""
        self.query_one(Meter).reading = Reading(event.examined, None, "records looked at")

    def on_previewed(self, event: Previewed) -> None:
        """Show the plan, and the runs with it among them."""
        self.query_one(Meter).reading = None
        self._behind = views.Behind()
        self._at = event.plan.run
        self._show_plan(event.plan)
        self._list_runs()

    def _show_plan(self, plan: Plan) -> None:
        self._plan = plan
        self.query_one("#plan-line", Static).update(views.plan_line(plan))
        self.query_one("#classes", RecordTable).show(views.class_rows(plan), keep=True)
        months, review = self.query_one("#months", RecordTable), self.query_one("#review", RecordTable)
        months.empty, review.empty = "Nothing to bill.", "Nothing needs a person."
        months.show(views.month_rows(plan), keep=True)
        review.show(views.review_rows(plan), keep=True)
        self._show_behind(self._behind)
        self.refresh_bindings()

    @on(RecordTable.Highlighted, "#classes")
    def class_highlighted(self, event: RecordTable.Highlighted) -> None:
        """Side by side, the records follow the cursor."""
        if event.key != self._behind.group:
            self._show_behind(views.Behind(event.key))

    @on(RecordTable.Selected, "#classes")
    @on(RecordTable.Selected, "#months")
    @on(RecordTable.Selected, "#review")
    def figure_selected(self, event: RecordTable.Selected) -> None:
        """Go to the records behind the figure."""
        figures = {
            "months": views.Behind("change", month=event.key),
            "review": views.Behind("needs-review", code=event.key),
        }
        self._show_behind(figures.get(event.table.id or "") or views.Behind(event.key))
        self.show_detail(True)
        self.query_one("#rows").focus()

    def _show_behind(self, behind: views.Behind) -> None:
        table = self.query_one("#rows", RecordTable)
        self._behind, self._next = behind, None
        table.border_title = behind.title
        table.set_columns(views.row_columns(behind.group))
        if self._plan is not None and self._plan.run is None:
            table.empty = _UNSTORED
            table.show([])
            return
        table.empty = "No record is in this class."
        self._read_rows()

    @on(RecordTable.NearEnd, "#rows")
    def _read_rows(self) -> None:
        if self._plan and self._plan.run and self.context:
            question = partial(questions.rows, self.context, self._plan.run, self._behind, self._next)
            self.ask("rows", question, partial(RowsRead, first=self._next is None))

    def on_rows_read(self, event: RowsRead) -> None:
        """Show the page, or add it."""
        table = self.query_one("#rows", RecordTable)
        rows = [views.plan_row(row) for row in event.page.items]
        self._next = event.page.next
        (table.show if event.first else table.extend)(rows, more=event.page.next is not None)

    @on(RecordTable.Selected, "#rows")
    def record_selected(self, event: RecordTable.Selected) -> None:
        """To the order."""
        self.post_message(OpenOrder(event.key))

    def _list_runs(self) -> None:
        if self.context:
            self.ask("runs", partial(questions.runs, self.context), RunsRead)

    def on_runs_read(self, event: RunsRead) -> None:
        """Show the runs; without a plan of our own, the newest one's plan."""
        self._runs = {run.run: run for run in event.runs}
        rows = [views.run_row(run) for run in event.runs]
        self.query_one("#runs", RecordTable).show(rows, keep=True, at=self._at)
        self._at = None
        newest = next((run for run in event.runs if run.backfill == questions.BACKFILL), None)
        if self._plan is None and newest:
            self._show_plan(newest.plan)
        elif self._plan is None:
            self.query_one("#plan-line", Static).update(text("No preview yet: p counts what would be billed.", "info"))
        interrupted = next((run for run in event.runs if run.state == "interrupted"), None)
        if interrupted and not self._working:
            self.say(f"{interrupted.run} was interrupted. Put the cursor on it among the runs and press r to go on.")
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

    def action_receipt(self) -> None:
        """The receipt of the run under the cursor."""
        if run := self._run_under_cursor():
            self._read_receipt(run.run)

    def _read_receipt(self, run: str) -> None:
        if self.context:
            self.ask("receipt", partial(questions.receipt, self.context, run), lambda found: found)

    def on_receipt_read(self, event: ReceiptRead) -> None:
        """Show the receipt here; elsewhere only say that it is there."""
        if self.is_current:
            self.app.push_screen(FactsScreen(event.run.run, views.receipt(event.run, event.exceptions)))
        else:
            words = f"{event.run.run}: {count(event.run.applied)} of {count(event.run.planned)} records done."
            self.notify(words, title="Billing", markup=False)

    def action_commit(self) -> None:
        """Ask for the number of records, then commit."""
        plan = self._plan
        if plan is None or plan.run is None:
            return
        change = plan.classes["change"]
        lines = [
            text(f"{count(change.records)} billing records for {format_rupees(change.amount_paise)}", "strong"),
            text(f"for {count(plan.customers)} customers, each with its audit entries."),
            text(f"{plan.run} · digest {plan.digest[:16]}", "muted"),
        ]
        ask = f"Type {change.records} to commit"
        dialog = TypedConfirmation("Commit the billing", lines, expected=str(change.records), ask=ask, deed="Commit")
        self.app.push_screen(dialog, partial(self._confirmed, plan.run, plan.digest))

    def _confirmed(self, run: str, digest: str, confirmed: bool | None) -> None:
        if confirmed:
            self._work(run, digest)

    def action_resume(self) -> None:
        """Go on with the run under the cursor, from where it stopped."""
        if run := self._run_under_cursor():
            self._work(run.run, None)

    def _work(self, run: str, digest: str | None) -> None:
        if self.context is None:
            return
        self._working = run
        self.say_nothing()
        self.query_one(Meter).reading = Reading(0, None, "checking the plan …")
        self.ask("commit", partial(questions.work, self.context, run, digest, self._progressed), Finished)
        self.refresh_bindings()

    def _progressed(self, progress: Progress) -> None:
        self.post_message(Progressed(progress))

    def on_progressed(self, event: Progressed) -> None:
        """The bar moves."""
        if self._working:
            self.query_one(Meter).reading = views.reading(event.progress)

    def on_finished(self, event: Finished) -> None:
        """The receipt."""
        done = event.outcome
        self._end_of_work()
        words = (
            f"{done.run}: {count(done.applied)} of {count(done.planned)} billed, {format_rupees(done.amount_paise)}."
        )
        self.say(words, "information" if done.verified and not done.failed else "refusal")
        self._read_receipt(done.run)

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
            self.query_one("#rows", RecordTable).retry()
        super().on_refusal(event)
