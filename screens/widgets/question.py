"""A question with two answers, the safe one in focus."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar, TypeVar

from rich.console import RenderableType
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from screens.tones import text
from screens.widgets.notice import Notice

T = TypeVar("T")


class TypedInto(ModalScreen[T]):
    """A dialog that asks before it drops what somebody typed into it."""

    @property
    def changed(self) -> bool:
        """Whether somebody typed something that is worth a question."""
        return False

    def leave(self) -> None:
        """Nothing is done, after a question where something was typed."""
        if self.changed:
            words = text("What you typed is not written anywhere.")
            # The key that writes everywhere else drops nothing here.
            asked = Question("Leave it?", words, deed="Drop it", keep="Keep typing", by_key=False)
            self.app.push_screen(asked, self._left)
        else:
            self.dismiss(None)

    def _left(self, meant: bool | None) -> None:
        if meant:
            self.dismiss(None)


class TwoAnswers(TypedInto[T]):
    """Returns what the deed is to be done with, None where it is not meant.

    Ctrl+S is the deed, Escape the safe answer; `by_key=False` leaves the deed to its button.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "keep", "Keep"),
        Binding("ctrl+s", "confirm", "Do it"),
        Binding("pageup", "scroll_words(-1)", "Scroll", show=False),
        Binding("pagedown", "scroll_words(1)", "Scroll", show=False),
    ]

    def __init__(self, title: str, words: RenderableType, *, deed: str, keep: str, by_key: bool = True) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._deed = deed
        self._keep = keep
        self._by_key = by_key

    @abstractmethod
    def meant(self) -> T:
        """What the deed is to be done with."""

    def inputs(self) -> Iterable[Widget]:
        """What is typed between the question and its answers; the deed waits for it."""
        return ()

    def ask_for_it(self) -> None:
        """Say what the deed still waits for."""

    def compose(self) -> ComposeResult:
        """What is asked, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = f"Ctrl+S: {self._deed} · Esc: {self._keep}" if self._by_key else f"Esc: {self._keep}"
            with VerticalScroll(classes="dialog-words", can_focus=False):
                yield Static(self._words, markup=False)
            yield from self.inputs()
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button(self._keep, id="keep", compact=True)
                yield Button(self._deed, id="confirm", variant="error", compact=True)

    def on_mount(self) -> None:
        """The safe answer has the focus; the deed is free once what it waits for is there."""
        self.query_one("#keep", Button).focus()
        self.query_one("#confirm", Button).disabled = not self.meant()

    @on(Button.Pressed, "#confirm")
    def confirm(self) -> None:
        """The deed."""
        self.dismiss(self.meant())

    def action_confirm(self) -> None:
        """The deed, unless something is missing that it waits for."""
        if not self._by_key:
            return
        if self.query_one("#confirm", Button).disabled:
            self.ask_for_it()
        else:
            self.confirm()

    def action_scroll_words(self, pages: int) -> None:
        """Scroll what is asked."""
        words = self.query_one(".dialog-words")
        words.scroll_relative(y=pages * max(1, words.size.height - 1), animate=False)

    @on(Input.Changed)
    def look(self) -> None:
        """The deed is free once what it waits for is there."""
        self.query_one("#confirm", Button).disabled = not self.meant()
        self.query_one("#refusal", Notice).clear()

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Nothing is done."""
        self.leave()


class Question(TwoAnswers[bool]):
    """Returns whether the deed is meant."""

    def meant(self) -> bool:
        """It is."""
        return True
