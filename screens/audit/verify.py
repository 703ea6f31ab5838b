"""The check of the audit trail against its log, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from screens.asking import Asking, Refusal
from screens.context import Context
from screens.tones import count, counted, text
from screens.widgets.keys import KeyBar
from screens.widgets.meter import Meter, Reading
from screens.widgets.notice import Notice
from screens.widgets.table import Column, RecordTable, Row
from services.clock import format_moment

if TYPE_CHECKING:
    from services.audit.verify import Verification

_COLUMNS = (Column("What", 11), Column("Entry", 14, grow=1), Column("Why", 20, grow=2))


@dataclass
class Progressed(Message):
    """How far the check is."""

    done: int
    total: int

    def can_replace(self, message: Message) -> bool:
        """Only the newest reading matters."""
        return isinstance(message, Progressed)


@dataclass
class Verified(Message):
    """What the check found, and when it began to read."""

    found: Verification
    at: datetime


@dataclass(frozen=True)
class Chosen:
    """The problem whose entry is to be opened, by its number in the check that found it; to come back to."""

    verified: Verified
    problem: int

    @property
    def entry(self) -> str:
        """The id of the entry."""
        return self.verified.found.problems[self.problem].entry


class VerifyScreen(ModalScreen["Chosen | None"], Asking):
    """Shows the check that one comes back to, else checks."""

    CSS_PATH = "verify.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "verify", "Verify again"),
        Binding("escape,q", "close", "Close"),
    ]

    def __init__(self, context: Context, last: Chosen | None = None) -> None:
        super().__init__()
        self._given = context
        self._chosen = last
        self._verified: Verified | None = None

    def compose(self) -> ComposeResult:
        """The bar while it runs, the result, and the problems."""
        with Vertical(id="verify") as box:
            box.border_title = "The audit trail against its sealed log"
            box.border_subtitle = "Enter opens the entry · r verifies again · Esc closes"
            yield Notice(id="said")
            yield Meter(id="meter")
            yield Static(markup=False, id="result")
            yield RecordTable(_COLUMNS, noun="", explains="", id="problems", empty="")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show that check, or begin one."""
        if self._chosen is None:
            self.action_verify()
        else:
            self.on_verified(self._chosen.verified)
            self.call_after_refresh(self._return, self._chosen.problem)  # what has no size yet scrolls nowhere

    def _return(self, problem: int) -> None:
        self.query_one(RecordTable).cursor = problem

    def action_verify(self) -> None:
        """Every hash anew."""
        self.query_one(Notice).clear()
        self.query_one("#result", Static).update(text("Computing every hash again from what is stored …", "muted"))
        self.query_one(RecordTable).display = False
        self.query_one(Meter).reading = Reading(0, None, "entries")
        began = self._given.clock()
        self.ask("verify", partial(_verify, self._given, self._progress), partial(Verified, at=began))

    def _progress(self, done: int, total: int) -> None:
        self.post_message(Progressed(done, total))

    def on_progressed(self, event: Progressed) -> None:
        """Move the bar."""
        self.query_one(Meter).reading = Reading(event.done, event.total, "sealed entries")

    def on_verified(self, event: Verified) -> None:
        """Show the result."""
        self._verified = event
        self.query_one(Meter).reading = None
        self.query_one("#result", Static).update(_result(event))
        rows = [
            Row(str(number), (text(problem.kind, "bad"), text(problem.entry), text(problem.detail)))
            for number, problem in enumerate(event.found.problems)
        ]
        table = self.query_one(RecordTable)
        table.show(rows)
        table.display = bool(rows)
        if rows:
            table.focus()

    def on_refusal(self, event: Refusal) -> None:
        """Say why there is no result."""
        event.stop()
        self.drop(event.group)
        self.query_one(Meter).reading = None
        self.query_one("#result", Static).update("")
        self.query_one(Notice).say(event.error.message)

    @on(RecordTable.Selected)
    def action_open(self) -> None:
        """The entry of the problem, where it is one; its reason in full in any case."""
        row, verified = self.query_one(RecordTable).row, self._verified
        if row is None or verified is None:
            return
        problem = verified.found.problems[int(row.key)]
        if problem.kind in ("removed", "truncated", "log-altered", "untrusted"):
            self.query_one(Notice).say(f"{problem.entry}: {problem.detail} There is no entry to open.")
        else:
            self.dismiss(Chosen(verified, int(row.key)))

    def action_close(self) -> None:
        """Back to the place."""
        self.dismiss(None)


def _result(verified: Verified) -> Text:
    from services.audit.verify import NOTHING_SEALED, OF_THE_TRAIL

    found = verified.found
    wrong = found.problem_count
    if wrong:
        first = Text(f"✗ {counted(wrong, 'thing is', 'things are')} not as sealed, of {count(found.sealed)}.", "bad")
    elif found.sealed == 0:
        first = Text(NOTHING_SEALED, "warn")
    else:
        first = Text(
            f"✓ {counted(found.sealed, 'sealed entry is as it was', 'sealed entries are as they were')}.", "good"
        )
    there = counted(found.entries, "entry is there", "entries are there")
    adopted = counted(found.adopted, "sealed one is", "sealed ones are")
    newest = "" if found.newest is None else f", the newest is number {found.newest}"
    lines = [
        first,
        Text(f"{there}; {counted(found.unsealed, 'waits', 'wait')} for the next seal."),
        Text(f"{adopted} of other programs, taken in as found.", "muted"),
        Text(f"{counted(found.checkpoints, 'signed checkpoint', 'signed checkpoints')}{newest}.", "muted"),
    ]
    lines.append(Text(f"Checked {format_moment(verified.at)} India time. {OF_THE_TRAIL}", "muted"))
    if not found.pinned:
        words = "The signatures were checked with the keys that the database names; the setting audit_trusted_keys "
        lines.append(Text(f"{words}holds them to keys that you know.", "muted"))
    return Text("\n").join(lines)


async def _verify(context: Context, progress: Callable[[int, int], None]) -> Verification:
    from services.audit.verify import verify

    return await verify(
        context.database, context.operator, trusted=context.audit_trusted, copies=context.audit_copies,
        progress=progress,
    )  # fmt: skip
