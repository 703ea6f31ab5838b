"""A dialog that writes: read a record, type, send. A refusal is told in it, and nothing typed is lost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.console import RenderableType
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Static

from screens.asking import Asking, ConnectionLost, Question, Refusal
from screens.context import Context
from screens.tones import text
from screens.widgets.chooser import Chosen
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from screens.widgets.quantity import QuantityLine
from screens.widgets.question import TypedInto
from services.errors import BadRequest
from services.text import visible

if TYPE_CHECKING:
    from services.errors import ConsoleError

T = TypeVar("T")
_HERE = Path(__file__).parent
# Whole paths: a subclass in another folder would look for them there.
STYLES = (_HERE / "dialog.tcss", _HERE / "writing.tcss")
_LONGEST_SHOWN = 500
"""A longer text is not put into an input of one line; left empty it stays as it is."""
_OPENING = "open"
_OF_ASIDES = ("no-reason", "bad-text", "too-long")
"""The codes of refusals that another reason mends."""


@dataclass
class RecordRead(Message):
    """The record as it is now."""

    record: Any


@dataclass
class Written(Message):
    """It is written."""

    result: Any


class WritingDialog(TypedInto[T], Asking):
    """Returns what was written, else None."""

    TITLE: ClassVar[str]
    HINT: ClassVar[str]
    """What the keys do, on the lower border."""
    DEED: ClassVar[str]
    """What the button says that writes."""
    KEEP: ClassVar[str] = "Cancel"
    """What the button says that writes nothing."""
    ASIDE: ClassVar[tuple[str, ...]] = ()
    """The inputs whose values are no part of the request."""
    CSS_PATH = [*STYLES]  # noqa: RUF012 - as Textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "go_on", "Go on"),
    ]

    def __init__(self, context: Context, name: str = "") -> None:
        super().__init__()
        self.context = context
        self.record_name = name
        """The id of the record; empty for a new one."""
        self._filled: dict[str, str] = {}
        """What the console put into each input: what differs from it was typed."""
        self._read = False
        self._writing = False
        self._refused = ""
        """The code of the refusal that is told."""
        self.was_refused = False
        """Whether something was refused here: then the record may not be as it stands below the dialog."""

    @abstractmethod
    def inputs(self) -> Iterable[Widget]:
        """What can be typed."""

    @abstractmethod
    def request(self) -> Any:
        """What was typed, comparable. Raises BadRequest for what cannot be read."""

    @abstractmethod
    def write(self, request: Any) -> Question[Any]:
        """Writes it."""

    def question(self) -> Question[Any] | None:
        """Reads the record as it is now; None where it is a new one."""
        return None

    async def show(self, record: Any) -> RenderableType:
        """Keep and fill in what was read; returns what the record is, in words."""
        return text(self.record_name, "strong")

    def below(self) -> Iterable[Widget]:
        """What stands between the inputs and the answers."""
        return ()

    def compose(self) -> ComposeResult:
        """The record, its inputs, a refusal, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title, box.border_subtitle = self.TITLE, self.HINT
            with VerticalScroll(id="inputs", can_focus=False):
                if self.record_name:
                    yield Static(text(self.record_name, "strong"), markup=False, id="record-line")
                yield from self.inputs()
            yield from self.below()
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button(self.KEEP, id="cancel", compact=True)
                yield Button(self.DEED, id="confirm", variant="success", compact=True, disabled=True)

    def on_mount(self) -> None:
        """Read the record as it is now."""
        self.query_one("#cancel", Button).focus()
        self.read_record()

    def read_record(self) -> None:
        """Ask for it; a new one can be typed at once."""
        if asked := self.question():
            self.ask(_OPENING, asked, RecordRead)
        elif self._read:
            self.read_again()
        else:
            self._begin()

    async def on_record_read(self, event: RecordRead) -> None:
        """Fill the inputs in; those in which somebody typed keep what was typed."""
        with self.prevent(Input.Changed, Chosen.Changed):
            words = await self.show(event.record)
        self.query_one("#record-line", Static).update(words)
        if self._read:
            self.read_again()
        else:
            self._begin()

    def read_again(self) -> None:
        """The record is as it is now, and what was typed stays."""

    def _begin(self) -> None:
        self._read = True
        self.query_one("#confirm", Button).disabled = False
        self.begun()

    def begun(self) -> None:
        """Typing can begin: the first input has the focus."""
        self.query("#inputs Input").first().focus()

    def fill(self, name: str, value: str, words: Text | None = None) -> None:
        """Put a stored value into an input, unless somebody typed there, or the value cannot be shown as it is.

        `words` tell of what was chosen.
        """
        if self.typed(name) is not None:
            return
        line = self.query_one(f"#{name}")
        if isinstance(line, Chosen):
            line.put(value, words)
        elif isinstance(line, Field):
            shown = value.strip()
            line.value = shown if visible(shown) == shown and len(shown) <= _LONGEST_SHOWN else ""
        self._filled[name] = self.value(name)

    def value(self, name: str) -> str:
        """What stands in an input, or the key of what was chosen."""
        line = self.query_one(f"#{name}")
        return line.key if isinstance(line, Chosen) else self.query_one(f"#{name}", Field).value

    def typed(self, name: str) -> str | None:
        """What stands in an input, None where it is what the console put there."""
        value = self.value(name)
        return value if value != self._filled.get(name, "") else None

    @property
    def changed(self) -> bool:
        """Whether somebody typed or chose something."""
        names = [line.id or "" for line in (*self.query(Field), *self.query(Chosen))]
        return any(self.typed(name) is not None for name in names) or any(
            line.changed for line in self.query(QuantityLine)
        )

    @on(Input.Changed)
    @on(Chosen.Changed)
    @on(Checkbox.Changed)
    def _typed_anew(self, event: Input.Changed | Chosen.Changed | Checkbox.Changed) -> None:
        if event.control not in [self.query_one(f"#{name}", Field).input for name in self.ASIDE]:
            self.edited()
        elif self._refused in _OF_ASIDES:
            self.query_one("#refusal", Notice).clear()

    def edited(self) -> None:
        """Other values: a refusal of those before is told no longer."""
        self.query_one("#refusal", Notice).clear()
        self.typed_anew()

    def typed_anew(self) -> None:
        """What was said of other values holds no longer."""

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter goes on to the next input, after the last one to the answer."""
        self.focus_next()

    @on(Button.Pressed, "#confirm")
    def action_go_on(self) -> None:
        """Send what was typed, unless it is on its way already."""
        if self._writing or self.query_one("#confirm", Button).disabled:
            return
        try:
            request = self.request()
        except BadRequest as error:
            self.refuse(error.message, error.code)
            return
        self.query_one("#refusal", Notice).clear()
        self.go_on(request)

    def go_on(self, request: Any) -> None:
        """The deed."""
        self._writing = True
        self.ask("write", self.write(request), Written, repeat=False)

    def on_written(self, event: Written) -> None:
        """Done."""
        self.dismiss(event.result)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here; what was typed stays, and a deed is never sent again by itself."""
        event.stop()
        self._writing, self.was_refused = False, True
        self.drop(event.group)
        if event.group == _OPENING and not event.unreachable:
            self._unread()
        self.refuse(event.error.message, event.error.code)
        self.refused(event.error)
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    def _unread(self) -> None:
        """Nothing can be done with the record as it is now: what was said of it holds no longer."""
        self.query_one("#record-line", Static).update(text(self.record_name, "strong"))
        self.query_one("#confirm", Button).disabled = True

    def refused(self, error: ConsoleError) -> None:
        """What a refusal leads to, beside that it is told."""

    def refuse(self, words: str, code: str = "") -> None:
        """Say why nothing was done."""
        self._refused = code
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written, after a question where something was typed; what is on its way is waited for."""
        if not self._writing:
            self.leave()
