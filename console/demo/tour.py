"""The tour of the audit trail: the console itself, with a line at its foot that tells what is shown and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from console.app import DeliveryConsole, Opened
from console.demo.story import Story
from screens.audit.screen import AuditScreen
from screens.audit.verify import Verified
from screens.tones import text, wrapping
from services.database import told
from services.errors import ConsoleError
from services.money import format_rupees

if TYPE_CHECKING:
    from screens.audit.filters import Words

GUIDE = "meera"
"""The operator who takes the tour: an auditor."""


class Checked(NamedTuple):
    """What a check found: whether it names the entry that the tour altered, and how many others."""

    named: bool
    others: int

    @property
    def strange(self) -> str:
        """What it names that is not the tour's; empty where there is nothing."""
        were = "thing that is not as sealed was" if self.others == 1 else "things that are not as sealed were"
        return f"{self.others:,} {were} altered before, and not by the tour." if self.others else ""


@dataclass(frozen=True)
class Step:
    """What is done once, where the console goes then, and the sentence about it."""

    deed: Callable[[Story], Awaitable[None]] | None
    tells: Callable[[Story], str]
    words: Callable[[Story], Words] | None
    """The entries to list; None checks the whole trail."""
    at: Callable[[Story], str] | None = None
    """The entry to look at; a narrow terminal shows it instead of the list. Empty for the newest."""
    found: Callable[[Checked], str] = lambda _: ""
    """What the check found, once it has: a trail that was altered before the tour is told as such."""


STEPS = (
    Step(
        Story.live,
        lambda s: f"An order's life: the tour, as asha, confirmed {_short(s.order)} as delivered, and as vikram "
        f"billed it with that day's orders, {format_rupees(s.first_paise)}; each deed left its entry here.",
        lambda s: {"record": f"orders/{s.order}"},
    ),
    Step(
        Story.correct,
        lambda s: f"A wrong bill is corrected: {s.short} came, so vikram took the run back, asha told the "
        f"delivery as it was, and he billed again: {format_rupees(s.first_paise)} became {format_rupees(s.paise)}.",
        lambda s: {"table": "billing_records", "text": s.order},
        lambda s: "",
    ),
    Step(
        Story.seal,
        lambda s: "The trail is sealed into a signed log, and verify computes every hash again from what is stored.",
        None,
        found=lambda c: c.strange or "Nothing was altered.",
    ),
    Step(
        Story.tamper,
        lambda s: "Now somebody changes the trail itself, directly in the database: the entry under the cursor says "
        "that the new bill came to ₹1.00. Its hash does not fit any more, so the list marks it with ✗.",
        lambda s: {"table": "billing_records", "text": s.order},
        lambda s: s.entry,
    ),
    Step(
        None,
        lambda s: "Verify again, over the whole trail; Enter on a line opens its entry.",
        None,
        found=lambda c: f"It {'names' if c.named else 'does not name'} that entry. {c.strange}",
    ),
    Step(
        Story.put_back,
        lambda s: "The entry is put back byte by byte, and verified once more; what the tour billed and confirmed "
        "stays in this demo.",
        None,
        found=lambda c: c.strange or ("It is still not as sealed." if c.named else "Verify is clean again."),
    ),
)  # fmt: skip


@dataclass
class Reached(Message):
    """The deeds of a step are done."""

    step: int


@dataclass
class Stuck(Message):
    """A deed of the tour was refused."""

    error: ConsoleError


class TourLine(Static):
    """The sentence of the step, above the keys."""

    DEFAULT_CSS = """
    TourLine {
        dock: bottom;
        height: auto;
        max-height: 5;
        margin-bottom: 1;
        padding: 0 1;
        background: $primary 25%;
        color: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)


class GuidedConsole(DeliveryConsole):
    """The console on a tour; everything else works as ever."""

    CSS_PATH = "../app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "tour(1)", "Next step", show=False, priority=True),
        Binding("f8", "tour(-1)", "Step before", show=False, priority=True),
        Binding("f10", "leave_tour", "Leave the tour", show=False, priority=True),
    ]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._story: Story | None = None
        self._step = -1
        self._reached = -1
        self._line = Text("The tour begins …", "muted")
        self._touring = True

    def on_mount(self) -> None:
        """The line is on every screen."""
        self.screen_change_signal.subscribe(self, self._show_line)

    def on_opened(self, event: Opened) -> None:
        """The first step."""
        context = event.context
        self._story = Story(context.database, context.clock, context.operator)
        self.action_tour(1)

    def action_tour(self, steps: int) -> None:
        """To the next step, or back to one that was told: what it did is not done twice."""
        step = self._step + steps
        if self._story is None or not self._touring or not 0 <= step <= len(STEPS):
            return
        if any(worker.group == "tour" and not worker.is_finished for worker in self.workers):
            return
        if step == len(STEPS):
            self._step = step
            self._write(Text.assemble(("The tour has ended", "strong"), "; the console goes on as ever.", _AT_THE_END))
        elif step <= self._reached:
            self.post_message(Reached(step))
        else:
            self._write(Text(f"Step {step + 1} of {len(STEPS)}: at work …", "muted"))
            self.run_worker(self._do(self._story, step), group="tour", exit_on_error=False)

    async def _do(self, story: Story, step: int) -> None:
        try:
            with told():
                if step == 0:
                    await story.begin()
                if deed := STEPS[step].deed:
                    await deed(story)
        except ConsoleError as error:
            self.post_message(Stuck(error))
        else:
            self.post_message(Reached(step))

    def on_stuck(self, event: Stuck) -> None:
        """Say why it does not go on."""
        self._write(Text.assemble(("The tour cannot go on: ", "bad"), text(event.error.message), _KEYS))

    def on_reached(self, event: Reached) -> None:
        """Show what the step is about."""
        if self._story is None or not self._touring:
            return
        self._step, self._reached = event.step, max(event.step, self._reached)
        step = STEPS[event.step]
        self._write(_line(event.step, step.tells(self._story)))
        self.action_go("audit")
        while len(self.screen_stack) > 1:
            self.pop_screen()
        audit = self.screen
        if isinstance(audit, AuditScreen):
            audit.call_after_refresh(self._show, audit, step, self._story)

    def on_verified(self, event: Verified) -> None:
        """Tell what the check of this step really found."""
        if self._story is None or not 0 <= self._step < len(STEPS) or STEPS[self._step].words:
            return
        found = event.found
        named = any(problem.entry == self._story.entry for problem in found.problems)
        words = STEPS[self._step].found(Checked(named, found.problem_count - named)).strip()
        self._write(_line(self._step, f"{STEPS[self._step].tells(self._story)} {words}"))

    def _show(self, audit: AuditScreen, step: Step, story: Story) -> None:
        if step.words:
            audit.show_entries(step.words(story), at=step.at(story) if step.at else "")
            audit.show_detail(step.at is not None)
        elif audit.context:
            audit.read_first()  # what lies behind the check is not as it was read either
            audit.check()

    def _write(self, line: Text) -> None:
        self._line = wrapping(line)
        self._show_line(self.screen)

    def _show_line(self, screen: Screen[Any]) -> None:
        screen.call_after_refresh(self._put_line, screen)

    def _put_line(self, screen: Screen[Any]) -> None:
        lines = screen.query(TourLine)
        if not self._touring:
            lines.remove()
        elif lines:
            lines.first().update(self._line)
        else:
            line = TourLine()
            line.update(self._line)
            screen.mount(line)

    async def action_leave_tour(self) -> None:
        """Nothing stays altered; the console goes on as ever."""
        self._touring = False
        self._show_line(self.screen)
        await self._end_story()

    async def _end_story(self) -> None:
        """Put back what was altered; a tour that is killed leaves this to the next one."""
        if self._story is not None and self._reached >= 0:
            await self._story.put_back()

    async def close_session(self) -> None:
        """Leave nothing altered behind."""
        try:
            await self._end_story()
        finally:
            await super().close_session()


_KEYS = Text("   F9 next · F8 back · F10 leave", "muted")
_AT_THE_END = Text("   F8 back · F10 takes this line away", "muted")


def _line(step: int, words: str) -> Text:
    return Text.assemble((f"{step + 1} of {len(STEPS)}  ", "strong"), text(words), _KEYS)


def _short(order: str) -> str:
    return order if len(order) <= 12 else f"{order[:12]}…"
