"""A labelled text input on one line."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label


class Line(Input):
    """An input that acts on every key before it looks at the next one.

    Left to itself, an editing key such as Ctrl+U waits until it has bubbled to the app, and then deletes what was
    typed after it: over a slow line keys come in bursts.
    """

    async def _on_key(self, event: events.Key) -> None:
        bindings = self._bindings.key_to_bindings.get(event.key, [])
        # The search key, pressed where the search has the focus already, types nothing; a dialog has no search.
        if bindings or (event.character == "/" and not self.value and not self.screen.is_modal):
            event.stop()
            event.prevent_default()
            for binding in bindings:
                await self.run_action(binding.action)
            return
        await super()._on_key(event)


class Field(Horizontal):
    """A label and a compact input; the input's messages bubble as they are."""

    DEFAULT_CSS = """
    Field {
        height: 1;
        width: 1fr;
        & > Label { color: $text-muted; padding: 0 1 0 0; }
        &:focus-within > Label { color: $primary; text-style: bold; }
        & > Input { width: 1fr; background: $panel; }
        & > Input:focus { background: $panel-lighten-1; }
    }
    """

    def __init__(
        self, label: str, *, id: str, explains: str, value: str = "", placeholder: str = "", max_length: int = 200
    ) -> None:
        super().__init__(id=id)
        self._label = label
        self.explains = explains
        # The placeholder is the console's own words; what a person types never becomes markup.
        self.input = Line(value, placeholder=placeholder, max_length=max_length, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """The label, then the input."""
        yield Label(self._label, markup=False)
        yield self.input

    @property
    def value(self) -> str:
        """What was typed, without the spaces around it."""
        return self.input.value.strip()

    @value.setter
    def value(self, value: str) -> None:
        self.input.value = value

    @property
    def full(self) -> bool:
        """Whether no more fits in: a day is typed to its end."""
        return len(self.input.value) == self.input.max_length

    def take(self, event: events.Key) -> None:
        """Take a letter that was typed while something else had the focus, and the focus with it."""
        if event.is_printable and event.character and event.character != " " and not self.input.has_focus:
            event.stop()
            self.input.focus()
            self.input.insert_text_at_cursor(event.character)
