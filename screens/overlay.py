"""A place that lies over another one until it is left with Escape, and whose content can be saved to a file."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from screens.asking import Refusal
from screens.context import Context
from screens.place import Place
from screens.widgets.save import SaveFile, Saver, saved_words
from services.errors import BadRequest


class Overlay(Place):
    """Begins with the context of the place below."""

    SUBJECT: ClassVar[str]
    """What it shows, in a word: `report`."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.environment)
        self.context = context

    def search_target(self) -> Widget:
        """There is nothing to search: the list."""
        return self.list_target()

    def save_as(self, name: str, save: Saver) -> None:
        """Ask for a file name, save, and say what was written where."""
        self.app.push_screen(
            SaveFile(f"Save the {self.SUBJECT}", name, save),
            lambda written: self.say(saved_words(written), "information") if written else None,
        )

    def on_refusal(self, event: Refusal) -> None:
        """Say so here as well: the app tells its own places when the connection is back, not this one."""
        super().on_refusal(event)
        if event.unreachable:
            self.drop(event.group)
            self.say(f"{event.error.message} Press r to read the {self.SUBJECT} again.")


class MonthOverlay(Overlay):
    """Shows a month, and turns to the others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "turn(-1)", "Before", key_display="[", tooltip="The month before."),
        Binding("right_square_bracket", "turn(1)", "After", key_display="]", tooltip="The month after."),
    ]

    def __init__(self, context: Context, month: str) -> None:
        super().__init__(context)
        self._month = month

    @abstractmethod
    def action_read(self) -> None:
        """Read the month anew."""

    def action_turn(self, months: int) -> None:
        """The month before or after."""
        from services.clock import month_after

        try:
            self._month = month_after(self._month, months)
        except BadRequest as error:
            self.say(error.message)
            return
        self.action_read()
