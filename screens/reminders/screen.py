"""Payment reminders: every message as the customer would read it, before anything goes out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Select, Static

from screens.asking import Refusal
from screens.context import Context
from screens.customers.place import CORRECTING, CustomerPlace
from screens.listing import ListPlace, Reader
from screens.reminders import questions, views
from screens.tones import count, text, wrapping
from screens.widgets.dialog import TypedConfirmation
from screens.widgets.field import Field
from screens.widgets.meter import Meter, Reading
from screens.widgets.reason import ReasonDialog
from screens.widgets.sheet import Sheet
from screens.widgets.table import RecordTable, Row
from services.clock import format_moment

if TYPE_CHECKING:
    from services.paging import Page
    from services.reminders.listing import Reminder, Survey
    from services.reminders.sender import Sending

_STATES = ("held", "released", "sent", "failed", "cancelled", "unclear")


class RemindersScreen(CustomerPlace, ListPlace):
    """The reminders of the runs by customer; the one under the cursor in full."""

    NAME = "reminders"
    LIST = "reminder-list"
    CSS_PATH = "reminders.tcss"
    ABOUT = (
        "Payment reminders of what a run billed: one message per customer. They are held until they are released "
        "here, then wait in the queue until they are sent, between 08:00 and 21:00 in India. An unclear one was handed "
        "to the provider and never answered for: it is not sent again by itself."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "release", "Release", tooltip="Release the held reminders of the run under the cursor."),
        Binding("s", "send", "Send", tooltip="Send the messages that are due now."),
        Binding("c", "cancel", "Cancel", tooltip="Cancel the reminder under the cursor; asks why."),
        Binding("x", "cancel_run", "Cancel run", tooltip="Cancel all that is unsent of the run under the cursor."),
        *CORRECTING,
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._reminders: dict[str, Reminder] = {}
        self._surveyed = ""
        self._working = ""
        """What this console does now, as a sentence."""

    def compose_place(self) -> Iterable[Widget]:
        """Filters and counts above the list and the message."""
        with Horizontal(id="filters"):
            yield Field("Run", id="run", placeholder="all runs", explains="Only the reminders of this run.")
            options = [(state, state) for state in _STATES]
            yield Select(options, prompt="any state", compact=True, id="state")
        yield Static(Text(""), markup=False, id="counts")
        yield Meter(id="meter")
        with Horizontal(classes="columns"):
            table = RecordTable(
                views.COLUMNS, noun="reminder", id=self.LIST, empty="No reminder fits. They come with a run's bills.",
                explains="Reminders by run and customer, the newest run first. Enter shows the message.",
            )  # fmt: skip
            table.border_title = "Reminders"
            table.add_class("list")
            yield table
            explains = "The message under the cursor as the customer reads it, and what is known of it."
            sheet = Sheet("Message", id="reminder", explains=explains, empty="No reminder is chosen.")
            sheet.add_class("detail")
            yield sheet

    def search_target(self) -> Widget:
        """The run."""
        return self.query_one("#run", Field).input

    def opened(self) -> None:
        """The newest run's."""
        self.list_target().focus()
        self.read_first()

    def on_screen_resume(self) -> None:
        """Back from another screen: a commit may have brought more."""
        if self.context:
            self.read_first()

    def why_not(self, action: str) -> str | None:
        """Roles first, then what there is to do."""
        if action not in ("release", "send", "cancel", "cancel_run"):
            return super().why_not(action)
        if self.context is None:
            return "There is no connection to the database yet."
        if why := self.context.why_no_writing("ops") or self._working:
            return why
        if action == "send":
            return None
        reminder = self._reminder()
        if reminder is None:
            return "There is no reminder under the cursor."
        if action == "cancel" and reminder.state not in ("held", "released"):
            return f"It is {reminder.state}; only one that is not sent can be cancelled."
        return None

    def customer_shown(self) -> str | None:
        """Who is reminded."""
        reminder = self._reminder()
        return reminder.customer_id if reminder else None

    def read_again(self) -> None:
        """The reminders, with the number that they go to now."""
        self.read_first()

    def reader(self, context: Context) -> Reader:
        """The reminders that the filters leave."""
        from services.reminders.listing import list_reminders

        state, run = self.query_one(Select).value, self.query_one("#run", Field).value

        async def read(token: str | None) -> Page[Reminder]:
            return await list_reminders(
                context.database, context.operator, run=run or None, state=state if isinstance(state, str) else None,
                token=token, language=context.reminder_language,
            )  # fmt: skip

        return read

    def row_of(self, item: Reminder) -> Row:
        """One reminder, kept for the sheet."""
        self._reminders[item.key] = item
        return views.row(item)

    def page_shown(self, page: Page[Reminder], *, first: bool) -> None:
        """Reminders that are no longer listed are forgotten."""
        if first:
            self._reminders = {item.key: item for item in page.items}
            self._surveyed = ""
        if not self._reminders:
            self.query_one("#reminder", Sheet).clear()
            self.query_one("#counts", Static).update(Text("Nothing was billed that could be reminded of.", "muted"))
        self._show_reminder()

    def unlisted(self) -> None:
        """No reminder is listed, and none is shown."""
        super().unlisted()
        self._reminders, self._surveyed = {}, ""
        self.query_one("#reminder", Sheet).clear()
        self.query_one("#counts", Static).update("")

    def _reminder(self) -> Reminder | None:
        return self._reminders.get(self.under_cursor())

    @on(RecordTable.Highlighted, "#reminder-list")
    def _show_reminder(self) -> None:
        """The message, and the counts of its run."""
        if (reminder := self._reminder()) and self.context:
            self.query_one("#reminder", Sheet).show(views.sections(reminder))
            if reminder.run != self._surveyed:
                self._surveyed = reminder.run
                self.ask("survey", partial(questions.survey, self.context, reminder.run), questions.Surveyed)
        self.refresh_bindings()

    @on(RecordTable.Selected, "#reminder-list")
    def reminder_selected(self) -> None:
        """To the message."""
        self.show_detail(True)
        self.query_one("#reminder").focus()

    def on_surveyed(self, event: questions.Surveyed) -> None:
        """Show the counts; for a release, ask for the number of messages."""
        survey = event.survey
        self.query_one("#counts", Static).update(views.counts(survey))
        if event.to_release:
            self._confirm_release(survey)

    def action_release(self) -> None:
        """Count again, then ask."""
        if self.context and (reminder := self._reminder()):
            answer = partial(questions.Surveyed, to_release=True)
            self.ask("survey", partial(questions.survey, self.context, reminder.run), answer)

    def _confirm_release(self, survey: Survey) -> None:
        number = survey.ready.reminders
        if not number:
            self.say(f"{survey.run} has nothing to release.")
            return
        dialog = TypedConfirmation(
            "Release the reminders", views.release_lines(survey), expected=str(number),
            ask=f"Type {number} to release", deed="Release",
        )  # fmt: skip
        self.app.push_screen(dialog, partial(self._release, survey.run, number))

    def _release(self, run: str, number: int, confirmed: bool | None) -> None:
        if confirmed and self.context:

            def progress(messages: int, customers: int) -> None:
                self.post_message(questions.Step(messages, number, "released"))

            self._begin(f"{run} is being released.", number)
            self.ask("work", partial(questions.release, self.context, run, progress), questions.Done, repeat=False)

    def action_send(self) -> None:
        """Count what is due, then ask."""
        if self.context:
            self.ask("due", partial(questions.count_due, self.context), lambda counted: counted)

    def on_due_counted(self, event: questions.DueCounted) -> None:
        """Ask for the number of messages; without one the sender only looks for what a dead one left open."""
        if not event.due:
            self._send(0, True)
            return
        lines = [text(f"{count(event.due)} messages are due.", "strong"), text("They go out to the customers now.")]
        if event.quiet_until:
            lines[1] = text(f"Quiet hours: they wait until {format_moment(event.quiet_until)} India time.", "warn")
        dialog = TypedConfirmation(
            "Send the reminders", lines, expected=str(event.due), ask=f"Type {event.due} to send", deed="Send"
        )
        self.app.push_screen(dialog, partial(self._send, event.due))

    def _send(self, due: int, confirmed: bool | None) -> None:
        if confirmed and self.context:

            def progress(done: Sending) -> None:
                self.post_message(questions.Step(done.begun, max(due, done.begun), "sent"))

            self._begin("Messages are being sent.", due)
            self.ask("work", partial(questions.send, self.context, progress), questions.Done, repeat=False)

    def action_cancel(self) -> None:
        """Cancel the reminder under the cursor."""
        if reminder := self._reminder():
            name = reminder.customer_name or reminder.customer_id
            self._ask_why(reminder.run, reminder.customer_id, f"What is unsent for {name} in {reminder.run}.")

    def action_cancel_run(self) -> None:
        """Cancel all that is unsent of the run."""
        if reminder := self._reminder():
            self._ask_why(reminder.run, None, f"All that is unsent of {reminder.run}, held and released.")

    def _ask_why(self, run: str, customer_id: str | None, words: str) -> None:
        explains = "It is kept with the reminders."
        dialog = ReasonDialog("Cancel reminders", wrapping(text(words)), deed="Cancel them", explains=explains)
        self.app.push_screen(dialog, partial(self._cancel, run, customer_id))

    def _cancel(self, run: str, customer_id: str | None, reason: str | None) -> None:
        if reason and self.context:
            self._begin("Reminders are being cancelled.", None)
            self.ask(
                "work", partial(questions.cancel, self.context, run, customer_id, reason), questions.Done, repeat=False
            )

    def _begin(self, words: str, total: int | None) -> None:
        self._working = words
        self.say_nothing()
        self.query_one(Meter).reading = Reading(0, total, words if total is None else "")
        self.refresh_bindings()

    def on_step(self, event: questions.Step) -> None:
        """The bar moves."""
        if self._working:
            self.query_one(Meter).reading = Reading(event.done, event.total, event.words)

    def on_done(self, event: questions.Done) -> None:
        """Say what was done, and read anew."""
        words, good = views.outcome(event.outcome)
        self._end()
        self.say(words, "information" if good else "refusal")

    def _end(self) -> None:
        self._working = ""
        self.query_one(Meter).reading = None
        self.read_first()
        self.refresh_bindings()

    def on_refusal(self, event: Refusal) -> None:
        """Nothing that writes is ever repeated by itself."""
        if event.group in ("work", "due"):
            self.drop(event.group)
            if event.group == "work":
                self._end()
        super().on_refusal(event)
