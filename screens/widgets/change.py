"""Changing a record: type, look at the difference, confirm. A refusal is told here, and nothing typed is lost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from rich.console import Group
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from screens.asking import Asking, ConnectionLost, Question, Refusal
from screens.context import Context
from screens.tones import text
from screens.widgets.diff import field_diff
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from services.errors import BadRequest
from services.text import visible

if TYPE_CHECKING:
    from services.audit.entries import FieldChange

_HERE = Path(__file__).parent
_LONGEST_SHOWN = 500
"""A longer text is not put into an input of one line; left empty it stays as it is."""


class Changed(Protocol):
    """What a change does, or did."""

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """Field by field."""


@dataclass
class RecordRead(Message):
    """The record as it is now."""

    record: Any


@dataclass
class Previewed(Message):
    """What the typed values would change."""

    changed: Changed


@dataclass
class Written(Message):
    """The change is written."""

    changed: Changed


class ChangeDialog(ModalScreen[Any], Asking):
    """The first Ctrl+S shows the difference, the second writes just that. Returns what was written, else None."""

    TITLE: ClassVar[str]
    ASIDE: ClassVar[tuple[str, ...]] = ()
    """The inputs that are no part of the difference."""
    # Whole paths: a subclass in another folder would look for them there.
    CSS_PATH = [_HERE / "dialog.tcss", _HERE / "change.tcss"]  # noqa: RUF012 - as Textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "go_on", "Preview, then write"),
    ]

    def __init__(self, context: Context, name: str) -> None:
        super().__init__()
        self.context = context
        self.record_name = name
        self._read = False
        self._filled: dict[str, str] = {}
        """What the console put into each input: what differs from it was typed."""
        self._asked: Any = None
        self._shown: Any = None
        """The change whose difference is on screen."""
        self._writing = False

    @abstractmethod
    def inputs(self) -> Iterable[Widget]:
        """What can be typed."""

    @abstractmethod
    def question(self) -> Question[Any]:
        """Reads the record as it is now."""

    @abstractmethod
    async def show(self, record: Any, *, first: bool) -> Text:
        """Keep and fill in what was read; returns what the record is, in words."""

    @abstractmethod
    def change(self) -> Any:
        """What was typed, comparable. Raises BadRequest for what cannot be read."""

    @abstractmethod
    def preview(self, change: Any) -> Question[Changed]:
        """Tells what it would change."""

    @abstractmethod
    def write(self, change: Any) -> Question[Changed]:
        """Writes it."""

    def compose(self) -> ComposeResult:
        """The record, its inputs, the difference, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self.TITLE
            box.border_subtitle = "Ctrl+S shows the change, again writes it · Esc leaves it"
            yield Static(text(self.record_name, "strong"), markup=False, id="record-line")
            with VerticalScroll(id="inputs", can_focus=False):
                yield from self.inputs()
            with VerticalScroll(id="change"):
                yield Static(markup=False, id="difference")
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Show change", id="confirm", variant="success", compact=True, disabled=True)

    def on_mount(self) -> None:
        """Read the record as it is now."""
        self.query_one("#cancel", Button).focus()
        self._open()

    def _open(self) -> None:
        self.ask("open", self.question(), RecordRead)

    async def on_record_read(self, event: RecordRead) -> None:
        """Fill the inputs in; those in which somebody typed keep what was typed."""
        first, self._read = not self._read, True
        with self.prevent(Input.Changed):
            words = await self.show(event.record, first=first)
        self.query_one("#record-line", Static).update(words)
        self.query_one("#confirm", Button).disabled = False
        if first:
            self.query(Field).first().input.focus()

    def fill(self, name: str, value: str) -> None:
        """Put a stored value into an input, unless somebody typed there, or the value cannot be shown as it is."""
        field = self.query_one(f"#{name}", Field)
        if field.value == self._filled.get(name, ""):
            shown = value.strip()
            field.value = shown if visible(shown) == shown and len(shown) <= _LONGEST_SHOWN else ""
            self._filled[name] = field.value

    def value(self, name: str) -> str:
        """What stands in an input."""
        return self.query_one(f"#{name}", Field).value

    def typed(self, name: str) -> str | None:
        """What stands in an input, None where it is what the console put there."""
        value = self.value(name)
        return value if value != self._filled.get(name, "") else None

    @on(Input.Changed)
    def input_changed(self, event: Input.Changed) -> None:
        """Another value is another change: it is shown before it is written."""
        if event.input not in [self.query_one(f"#{name}", Field).input for name in self.ASIDE]:
            self._forget()

    def _forget(self) -> None:
        self._shown = None
        self.query_one("#difference", Static).update("")
        self.query_one("#confirm", Button).label = "Show change"

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter goes on to the next input."""
        self.focus_next()

    @on(Button.Pressed, "#confirm")
    def action_go_on(self) -> None:
        """Show the difference; once it is shown, write it, unless it is on its way already."""
        if not self._read or self._writing:
            return
        try:
            change = self.change()
        except BadRequest as error:
            self.refuse(error.message)
            return
        self.query_one("#refusal", Notice).clear()
        if self._shown is None or change != self._shown:
            self._asked = change
            self.ask("preview", self.preview(change), Previewed)
        else:
            self._writing = True
            self.ask("write", self.write(change), Written, repeat=False)

    def on_previewed(self, event: Previewed) -> None:
        """Show it; now it can be written."""
        self._shown = self._asked
        self.query_one("#difference", Static).update(Group(*field_diff(event.changed.changes)))
        self.query_one("#confirm", Button).label = "Write it"

    def on_written(self, event: Written) -> None:
        """Done."""
        self.dismiss(event.changed)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here. Where somebody else was faster, the record is read again and what was typed stays."""
        event.stop()
        self._writing = False
        self.drop(event.group)
        self.refuse(event.error.message)
        if event.error.code == "changed-meanwhile":
            self._forget()
            self._open()
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    def refuse(self, words: str) -> None:
        """Say why nothing was done."""
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss(None)
