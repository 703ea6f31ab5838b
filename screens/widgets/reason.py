"""A dialog that asks why, with the safe answer in focus."""

from __future__ import annotations

from typing import ClassVar

from rich.console import RenderableType
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from screens.widgets.field import Field


class ReasonDialog(ModalScreen["str | None"]):
    """Asks for the reason of a deed; returns it, or None where nothing is to be done."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "keep", "Keep")]

    def __init__(self, title: str, words: RenderableType, *, deed: str, explains: str, longest: int = 300) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._deed = deed
        self._explains = explains
        self._longest = longest

    def compose(self) -> ComposeResult:
        """What the deed is, the reason, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            yield Static(self._words, markup=False, classes="dialog-words")
            yield Field("Reason", id="reason", explains=self._explains, max_length=self._longest)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Keep", id="keep", compact=True)
                yield Button(self._deed, id="confirm", variant="error", compact=True, disabled=True)

    def on_mount(self) -> None:
        """The safe answer has the focus."""
        self.query_one("#keep", Button).focus()

    def on_key(self, event: events.Key) -> None:
        """What is typed while a button has the focus is the reason."""
        self.query_one("#reason", Field).take(event)

    @on(Input.Changed)
    def look(self) -> None:
        """Nothing is done without a reason."""
        self.query_one("#confirm", Button).disabled = not self._reason

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter moves on to the answers; it does not do the deed."""
        self.query_one("#confirm" if self._reason else "#keep", Button).focus()

    @property
    def _reason(self) -> str:
        return self.query_one("#reason", Field).value

    @on(Button.Pressed, "#confirm")
    def confirm(self) -> None:
        """The deed, for that reason."""
        self.dismiss(self._reason)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Nothing is done."""
        self.dismiss(None)
