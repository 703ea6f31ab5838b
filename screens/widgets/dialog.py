"""Dialogs: what a person decides, with the safe answer in focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from screens.widgets.field import Field


class TypedConfirmation(ModalScreen[bool]):
    """Asks for a word before something large is done: Cancel has the focus, the deed waits for the typed text."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(
        self, title: str, lines: Sequence[Text], *, expected: str, ask: str, deed: str, keep: str = "Cancel"
    ) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._expected = expected
        self._ask = ask
        self._deed = deed
        self._keep = keep

    def compose(self) -> ComposeResult:
        """What will be done, the text to type, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            yield Static(Text("\n").join(self._lines), markup=False, classes="dialog-words")
            yield Field(self._ask, id="typed", explains="The deed waits until this fits.", max_length=40)
            with Horizontal(classes="dialog-buttons"):
                yield Button(self._keep, id="cancel", compact=True)
                yield Button(self._deed, id="confirm", variant="error", compact=True, disabled=True)

    def on_mount(self) -> None:
        """The safe answer has the focus."""
        self.query_one("#cancel", Button).focus()

    def on_key(self, event: events.Key) -> None:
        """What is typed while a button has the focus goes where it belongs."""
        self.query_one("#typed", Field).take(event)

    @on(Input.Changed)
    def compare(self) -> None:
        """Only the expected text frees the deed."""
        self.query_one("#confirm", Button).disabled = not self._fits()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter moves on to the deed; it does not do it."""
        if self._fits():
            self.query_one("#confirm", Button).focus()
            self.query_one(".dialog").border_subtitle = f"Enter again: {self._deed} · Esc leaves it"
        else:
            self.notify(f"Type {self._expected}, or press Escape: nothing is done.", severity="warning", markup=False)

    def _fits(self) -> bool:
        return self.query_one("#typed", Field).value.replace(",", "") == self._expected

    @on(Button.Pressed, "#confirm")
    def confirm(self) -> None:
        """The deed."""
        self.dismiss(True)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is done."""
        self.dismiss(False)
