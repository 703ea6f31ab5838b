"""A run in a dialog: live while anybody's runner works on it, with what may be decided about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen

from screens.asking import Asking, Refusal
from screens.context import Context
from screens.run import views
from screens.run.views import resumable
from screens.tones import count, text, wrapping
from screens.widgets.dialog import TypedConfirmation
from screens.widgets.keys import KeyBar
from screens.widgets.meter import Meter
from screens.widgets.notice import Notice
from screens.widgets.reason import ReasonDialog
from screens.widgets.sheet import Sheet
from services.money import format_rupees

if TYPE_CHECKING:
    from services.backfills.runs import RunException, RunView


@dataclass(frozen=True)
class Decision:
    """What the place that opened the dialog does with the run afterwards: long work is the place's."""

    deed: Literal["resume", "rollback", "report"]
    reason: str = ""


_LOOK_EVERY = 1.0
_LOOKING = "run"


@dataclass
class RunRead(Message):
    """The run as it is now."""

    run: RunView
    exceptions: tuple[RunException, ...]


@dataclass
class Steered(Message):
    """A decision was carried out."""

    run: RunView
    words: str


class RunScreen(ModalScreen["Decision | None"], Asking):
    """Asks for the run every second: another session may begin, pause or take it back at any time."""

    NAME: ClassVar[str] = "run"
    ABOUT: ClassVar[str] = "A run of a backfill, live whoever's runner works on it, and what can be decided about it."
    CSS_PATH = "run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause", tooltip="Stop after the batches under way, whoever's runner it is."),
        Binding("r", "resume", "Go on", tooltip="Go on from where it stands; what failed is tried once more."),
        Binding("x", "cancel", "Cancel the run", tooltip="What is done stays, the rest is never done."),
        Binding("a", "approve", "Approve", tooltip="Allow another operator's plan to be committed."),
        Binding("y", "verify", "Verify", tooltip="Compare the database with what the run says that it did."),
        Binding("z", "rollback", "Take back", tooltip="Restore what nobody has changed since."),
        Binding("o", "report", "Report", tooltip="What was found, billed and left, by month, area and customer."),
        Binding("f1", "help", "Help", key_display="F1", tooltip="This help."),
        Binding("escape,q", "close", "Close"),
    ]

    def __init__(self, context: Context, run: str) -> None:
        super().__init__()
        self._given = context
        self._run_id = run
        self._run: RunView | None = None
        self._reason = ""
        """Why it was to be taken back, where somebody has said it already."""
        self._seen: RunRead | None = None
        self._told: RunView | None = None
        """The run as it was when the notice was said; None where that tells why it could not be read."""

    def compose(self) -> ComposeResult:
        """The facts, with the bar above them while somebody works."""
        with Vertical(id="run") as box:
            box.border_title = text(self._run_id)
            yield Notice(id="said")
            yield Meter(id="meter")
            yield Sheet("", explains="", id="facts")
        yield KeyBar()

    def on_mount(self) -> None:
        """Look at once, and again every second."""
        self.query_one(Sheet).focus()
        self._look()
        self.set_interval(_LOOK_EVERY, self._look)

    def _look(self) -> None:
        self.ask(_LOOKING, partial(_read, self._given, self._run_id), lambda read: read)

    def on_run_read(self, event: RunRead) -> None:
        """Show it where it has changed: a run that rests sends nothing to the terminal."""
        run = event.run
        if self._told is None or views.is_another(run, self._told):
            self._told = run
            self.query_one(Notice).clear()
        if event == self._seen:
            return
        self._seen, self._run = event, run
        self.query_one(Meter).reading = views.reading(run)
        self.query_one(Sheet).show(views.sections(run, event.exceptions), keep=True)
        self.refresh_bindings()

    def why_not(self, action: str) -> str | None:
        """Why that cannot be decided now; the services say the same."""
        run = self._run
        if run is None or action in ("close", "help", "report"):
            return None if action in ("close", "help") or run else "The run is not read yet."
        if action != "verify" and (why := self._given.why_no_writing("ops")):
            return why
        over = f"{run.run} is {run.state}."
        refusals: dict[str, str | None] = {
            "pause": None if run.alive else f"{over} Nobody works on it.",
            "resume": None if resumable(run) else f"{over} There is nothing to go on with.",
            "cancel": None if run.state in ("planned", "approved", "running", "paused", "interrupted") else over,
            "approve": self._why_no_approval(run),
            "verify": f"{over} There is nothing to verify yet." if run.alive or not run.applied else None,
            "rollback": None if run.applied and not run.alive and not run.reversal else f"{over} It cannot be taken "
            "back now.",
        }  # fmt: skip
        return refusals.get(action)

    def _why_no_approval(self, run: RunView) -> str | None:
        if run.state != "planned":
            return f"{run.run} is {run.state} and waits for no approval."
        own = run.created_by == self._given.operator.account
        return "It is your own plan; another operator with the role ops approves it." if own else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be decided now is greyed."""
        return None if self.why_not(action) else True

    def on_key(self, event: events.Key) -> None:
        """A greyed key says why."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if reason := self.why_not(binding.action):
                event.stop()
                self._told = self._run
                self.query_one(Notice).say(reason)

    def _steer(self, deed: Callable[[], Awaitable[RunView]], words: str) -> None:
        self.query_one(Notice).clear()
        self.ask("deed", deed, partial(Steered, words=words), repeat=False)

    def on_steered(self, event: Steered) -> None:
        """Say that it is done, and show the run as it is now."""
        words = f"{event.words}." if not event.run.wanted else "Asked; the runner has not heeded it yet."
        self._told = event.run
        self.query_one(Notice).say(words, "information" if event.run.verified is not False else "refusal")
        self._look()

    def on_refusal(self, event: Refusal) -> None:
        """A refusal is shown here; one of a look until the next one succeeds."""
        event.stop()
        self._told = None if event.group == _LOOKING else self._run
        self.query_one(Notice).say(event.error.message)

    def action_pause(self) -> None:
        """Ask the runner to stop."""
        self._steer(partial(_pause, self._given, self._run_id), "Paused")

    def action_approve(self) -> None:
        """Allow the plan of the digest that is shown."""
        if run := self._run:
            self._steer(partial(_approve, self._given, run.run, run.digest), "Approved")

    def action_verify(self) -> None:
        """Have the server add up again."""
        self._steer(partial(_verify, self._given, self._run_id), "Added up again")

    def action_cancel(self) -> None:
        """Ask first: it cannot be begun again."""
        if run := self._run:
            lines = [text(f"{count(run.applied)} of {count(run.planned)} records are done and stay.", "strong"),
                     text("The rest is never done. The run can still be taken back.")]  # fmt: skip
            dialog = TypedConfirmation(
                "Cancel the run", lines, expected="cancel", ask="Type cancel", deed="Cancel run", keep="Keep it"
            )
            self.app.push_screen(dialog, self._cancelled)

    def _cancelled(self, confirmed: bool | None) -> None:
        if confirmed:
            self._steer(partial(_cancel, self._given, self._run_id), "Cancelled")

    def action_rollback(self) -> None:
        """Ask why, then for the number of records."""
        if (run := self._run) is None:
            return
        sums = f"{count(run.applied)} records, {format_rupees(run.amount_paise)}"
        words = f"{sums}: what nobody has changed since becomes what it was before. The number is asked for next."
        dialog = ReasonDialog("Take the run back", wrapping(text(words, limit=None)), deed="Next",
                              explains="It is kept with the run.", typed=self._reason)  # fmt: skip
        self.app.push_screen(dialog, self._reasoned)

    def _reasoned(self, reason: str | None) -> None:
        if reason and (run := self._run):
            self._reason = reason
            lines = [text(f"{count(run.applied)} records, {format_rupees(run.amount_paise)}, as they were.", "strong"),
                     text("What was paid, and what changed since, is kept and listed."),
                     text("Unsent reminders are cancelled; those of kept, unpaid bills are held.")]  # fmt: skip
            ask = f"Type {run.applied} to take them back"
            dialog = TypedConfirmation("Take the run back", lines, expected=str(run.applied), ask=ask, deed="Take back")
            self.app.push_screen(dialog, partial(self._rolled_back, reason))

    def _rolled_back(self, reason: str, confirmed: bool | None) -> None:
        if confirmed:
            self.dismiss(Decision("rollback", reason))

    def action_resume(self) -> None:
        """The place that opened this goes on with it."""
        self.dismiss(Decision("resume"))

    def action_help(self) -> None:
        """What each key does, and why one cannot be pressed now."""
        from screens.help import help_of

        self.app.push_screen(help_of(self))

    def action_report(self) -> None:
        """The place that opened this shows the report."""
        self.dismiss(Decision("report"))

    def action_close(self) -> None:
        """Back to the place."""
        self.dismiss(None)


async def _read(context: Context, run: str) -> RunRead:
    from services.backfills.runs import list_exceptions, show_run

    shown = await show_run(context.database, context.operator, run)
    return RunRead(shown, await list_exceptions(context.database, context.operator, run))


async def _pause(context: Context, run: str) -> RunView:
    from services.backfills.control import pause

    return await pause(context.database, context.operator, run)


async def _cancel(context: Context, run: str) -> RunView:
    from services.backfills.control import cancel

    return await cancel(context.database, context.operator, run)


async def _approve(context: Context, run: str, digest: str) -> RunView:
    from services.backfills.approval import approve

    return await approve(context.database, context.operator, context.clock, run, digest)


async def _verify(context: Context, run: str) -> RunView:
    from services.backfills.verification import verify

    return await verify(context.database, context.operator, run)
