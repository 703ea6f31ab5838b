"""A word is asked for before something large is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual import on
from textual.widget import Widget
from textual.widgets import Button, Input

from screens.widgets.field import Field, OneField
from screens.widgets.notice import Notice
from screens.widgets.question import TwoAnswers


class TypedConfirmation(TwoAnswers[bool], OneField):
    """The safe answer has the focus, the deed waits for the typed text."""

    FIELD = "#typed"

    def __init__(
        self, title: str, lines: Sequence[Text], *, expected: str, ask: str, deed: str, keep: str = "Cancel"
    ) -> None:
        super().__init__(title, Text("\n").join(lines), deed=deed, keep=keep)
        self._expected = expected
        self._ask = ask

    def inputs(self) -> Iterable[Widget]:
        """The text to type."""
        yield Field(self._ask, id="typed", explains="The deed waits until this fits.", max_length=40)

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter moves on to the deed; it does not do it."""
        if self.meant():
            self.query_one("#confirm", Button).focus()
            self.query_one(".dialog").border_subtitle = f"Enter again or Ctrl+S: {self._deed} · Esc: {self._keep}"
        else:
            self.ask_for_it()

    def ask_for_it(self) -> None:
        """The text."""
        self.query_one("#typed", Field).input.focus()
        self.query_one("#refusal", Notice).say(f"Type {self._expected}, or press Escape: nothing is done.")

    def meant(self) -> bool:
        """Whether the text fits."""
        return self.query_one("#typed", Field).value.replace(",", "") == self._expected
