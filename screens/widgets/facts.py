"""A sheet of facts in a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from screens.widgets.sheet import Section, Sheet


class FactsScreen(ModalScreen[None]):
    """Shows sections until it is closed."""

    CSS_PATH = "facts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,f1", "close", "Close")]

    def __init__(self, title: str, sections: Sequence[Section]) -> None:
        super().__init__()
        self._title = title
        self._sections = sections

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        yield Sheet(self._title, explains="", id="facts")

    def on_mount(self) -> None:
        """The page has the focus, so that the keys scroll it."""
        sheet = self.query_one(Sheet)
        sheet.border_subtitle = "Esc closes"
        sheet.show(self._sections)
        sheet.focus()

    def action_close(self) -> None:
        """Back to the place."""
        self.dismiss()
