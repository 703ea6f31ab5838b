"""A question with two answers, the safe one in focus."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Question(ModalScreen[bool]):
    """Returns whether the deed is meant; Escape is the safe answer."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "keep", "Keep")]

    def __init__(self, title: str, words: Text, *, deed: str, keep: str) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._deed = deed
        self._keep = keep

    def compose(self) -> ComposeResult:
        """What is asked, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            yield Static(self._words, markup=False, classes="dialog-words")
            with Horizontal(classes="dialog-buttons"):
                yield Button(self._keep, id="keep", compact=True)
                yield Button(self._deed, id="confirm", variant="error", compact=True)

    def on_mount(self) -> None:
        """The safe answer has the focus."""
        self.query_one("#keep", Button).focus()

    @on(Button.Pressed, "#confirm")
    def confirm(self) -> None:
        """The deed."""
        self.dismiss(True)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Nothing is done."""
        self.dismiss(False)
