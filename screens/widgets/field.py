"""A labelled text input on one line."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.dom import DOMNode
from textual.widgets import Input, Label

from screens.tones import count, counted
from services.text import one_line


class Line(Input):
    """An input that acts on every key before it looks at the next one.

    Left to itself, an editing key such as Ctrl+U waits until it has bubbled to the app, and then deletes what was
    typed after it: over a slow line keys come in bursts.
    """

    async def _on_key(self, event: events.Key) -> None:
        bindings = self._bindings.key_to_bindings.get(event.key, [])
        # A line has no pages: an action that passes leaves its key to whoever shows more than fits.
        acted = [await self.app.run_action(binding.action, self) for binding in bindings]
        # The search key, pressed where the search has the focus already, types nothing; a dialog has no search.
        if any(acted) or (event.character == "/" and not self.value and not self.screen.is_modal):
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)

    def _on_paste(self, event: events.Paste) -> None:
        """All of it on one line, or nothing and a sentence that says why."""
        event.stop()
        event.prevent_default()  # the input's own would take the first line alone
        self.paste(event.text)

    def action_paste(self) -> None:
        """What was cut or copied in the console itself."""
        self.paste(self.app.clipboard)

    def paste(self, pasted: str) -> None:
        """Put text in the place of what is selected; what does not fit is refused whole."""
        words = one_line(pasted)
        start, end = self.selection
        kept = len(self.value) - abs(end - start)
        if self.max_length and kept + len(words) > self.max_length:
            there = f"{counted(kept, 'is', 'are')} there and " if kept else ""
            fits = counted(self.max_length, "character fits", "characters fit")
            told = f"At most {fits}; {there}the pasted text has {count(len(words))}. Nothing was pasted."
            self.notify(told, severity="warning", markup=False)
        elif words:
            self.replace(words, start, end)


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
        self._coming = False
        """Whether the focus is on its way here, for what was typed."""
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

    def take(self, event: events.Key | events.Paste) -> None:
        """Take what was typed or pasted while something else had the focus, and the focus with it."""
        if isinstance(event, events.Paste):
            event.stop()
            self.input.focus()
            self.input.paste(event.text)
            return
        # Letters come in bursts, and those that something else was sent come here after the focus has moved.
        begun = self._coming or self.input.has_focus
        if event.is_printable and event.character and (begun or event.character != " "):
            event.stop()
            if not begun:
                self._coming = True
                self.input.focus()
            self.input.replace(event.character, *self.input.selection)

    def on_descendant_focus(self) -> None:
        """What is typed from now on comes by itself."""
        self._coming = False


class OneField(DOMNode):
    """Of a dialog with one field: what is typed or pasted while a button has the focus goes into it.

    It is the last base of a dialog: styles are inherited through the first.
    """

    FIELD: ClassVar[str] = "#reason"

    def on_key(self, event: events.Key) -> None:
        """What is typed."""
        self.query_one(self.FIELD, Field).take(event)

    def on_paste(self, event: events.Paste) -> None:
        """And what is pasted."""
        self.query_one(self.FIELD, Field).take(event)
