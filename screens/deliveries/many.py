"""Confirming a selection or a route: what it comes to, when it was brought, and why if it is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from screens.widgets.field import Field
from screens.widgets.notice import Notice
from screens.widgets.question import TypedInto
from screens.widgets.reason import ReasonDialog
from services.errors import BadRequest


class NotDelivered(ReasonDialog):
    """Asks why nothing of some orders was delivered."""

    def __init__(self, lines: Sequence[Text]) -> None:
        explains = "It becomes the delivery's note, and stands in the audit trail."
        super().__init__("Not delivered", Text("\n").join(lines), deed="Not delivered", explains=explains)


@dataclass(frozen=True)
class Decision:
    """What holds for each of the orders; one that has a time on record keeps it, without any it is now."""

    delivered_at: datetime | None
    reason: str


class ConfirmMany(TypedInto["Decision | None"]):
    """Asks once for many orders, with the safe answer in focus."""

    CSS_PATH = "../widgets/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "confirm", "Confirm"),
    ]
    DEFAULT_CSS = """
    ConfirmMany {
        & Field > Label { width: 14; }
        & Notice { margin-top: 1; padding: 0; background: $surface; }
    }
    """

    def __init__(self, title: str, lines: Sequence[Text], number: int) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._number = number

    def compose(self) -> ComposeResult:
        """What is confirmed and what is left out, time and reason, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "Ctrl+S confirms · Esc cancels"
            yield Static(Text("\n").join(self._lines), markup=False, classes="dialog-words")
            yield Field(
                "Delivered at", id="at", placeholder="as on record, else now", max_length=32,
                explains="India time, YYYY-MM-DDTHH:MM or HH:MM for today, of what has none; empty means now.",
            )  # fmt: skip
            yield Field("Reason", id="reason", explains="Needed where the time is off schedule.", max_length=500)
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(f"Confirm {self._number}", id="confirm", variant="success", compact=True)

    def on_mount(self) -> None:
        """The safe answer has the focus."""
        self.query_one("#cancel", Button).focus()

    def on_key(self, event: events.Key) -> None:
        """What is typed while a button has the focus is the reason."""
        if isinstance(self.focused, Button):
            self.query_one("#reason", Field).take(event)

    def on_paste(self, event: events.Paste) -> None:
        """And what is pasted."""
        self.query_one("#reason", Field).take(event)

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter goes on to the next input, after the last one to the answer."""
        self.focus_next()

    @on(Input.Changed)
    def mended(self) -> None:
        """What was refused is told no longer."""
        self.query_one("#refusal", Notice).clear()

    @on(Button.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Give the decision back, once the time can be read."""
        from services.clock import parse_moment

        typed = self.query_one("#at", Field).value
        try:
            moment = parse_moment(typed, "delivery time") if typed else None
        except BadRequest as error:
            self.query_one("#refusal", Notice).say(error.message)
            return
        self.dismiss(Decision(moment, self.query_one("#reason", Field).value))

    @property
    def changed(self) -> bool:
        """Whether a time or a reason was typed."""
        return any(field.value for field in self.query(Field))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written, after a question where something was typed."""
        self.leave()
