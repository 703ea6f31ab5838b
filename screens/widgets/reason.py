"""A dialog that asks why, with the safe answer in focus."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from textual import on
from textual.widget import Widget
from textual.widgets import Button, Input

from screens.widgets.field import Field, OneField
from screens.widgets.notice import Notice
from screens.widgets.question import TwoAnswers


class ReasonDialog(TwoAnswers[str], OneField):
    """Asks for the reason of a deed; returns it, or None where nothing is to be done."""

    def __init__(
        self, title: str, words: RenderableType, *, deed: str, explains: str, longest: int = 300, typed: str = ""
    ) -> None:
        super().__init__(title, words, deed=deed, keep="Keep")
        self._explains = explains
        self._longest = longest
        self._typed = typed

    def inputs(self) -> Iterable[Widget]:
        """The reason."""
        yield Field("Reason", id="reason", explains=self._explains, value=self._typed, max_length=self._longest)

    def on_mount(self) -> None:
        """A reason that is there already is replaced by what is typed."""
        super().on_mount()
        self.query_one("#reason", Field).input.action_select_all()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter moves on to the answers; it does not do the deed."""
        self.query_one("#confirm" if self.meant() else "#keep", Button).focus()

    def ask_for_it(self) -> None:
        """The reason."""
        self.query_one("#reason", Field).input.focus()
        self.query_one("#refusal", Notice).say("Say why; without a reason nothing is done.")

    @property
    def changed(self) -> bool:
        """Whether there is a reason that would be lost."""
        return self.meant() not in ("", self._typed)

    def meant(self) -> str:
        """The reason."""
        return self.query_one("#reason", Field).value
