"""A question with two answers, the safe one in focus."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar, TypeVar

from rich.console import RenderableType
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

T = TypeVar("T")


class TwoAnswers(ModalScreen[T]):
    """Returns what the deed is to be done with, None where it is not meant; Escape is the safe answer."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "keep", "Keep")]

    def __init__(self, title: str, words: RenderableType, *, deed: str, keep: str) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._deed = deed
        self._keep = keep

    @abstractmethod
    def meant(self) -> T:
        """What the deed is to be done with."""

    def inputs(self) -> Iterable[Widget]:
        """What is typed between the question and its answers; the deed waits for it."""
        return ()

    def compose(self) -> ComposeResult:
        """What is asked, and the two answers."""
        inputs = list(self.inputs())
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            yield Static(self._words, markup=False, classes="dialog-words")
            yield from inputs
            with Horizontal(classes="dialog-buttons"):
                yield Button(self._keep, id="keep", compact=True)
                yield Button(self._deed, id="confirm", variant="error", compact=True, disabled=bool(inputs))

    def on_mount(self) -> None:
        """The safe answer has the focus."""
        self.query_one("#keep", Button).focus()

    @on(Button.Pressed, "#confirm")
    def confirm(self) -> None:
        """The deed."""
        self.dismiss(self.meant())

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Nothing is done."""
        self.dismiss(None)


class Question(TwoAnswers[bool]):
    """Returns whether the deed is meant."""

    def meant(self) -> bool:
        """It is."""
        return True
