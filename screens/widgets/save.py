"""Saving to a file: its name is typed, its ending says the format."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Checkbox, Input, Static

from screens.asking import Asking, Question, Refusal
from screens.tones import text
from screens.widgets.choices import Choice
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from screens.widgets.question import TypedInto

if TYPE_CHECKING:
    from services.exports.files import Format, Written


T = TypeVar("T")


class Saver(Protocol):
    """Writes what is saved to a file of that format. Raises as `services.exports.files.write_export`."""

    async def __call__(self, path: Path, format: Format, *, replace: bool) -> Written:
        """Write it."""


@dataclass
class Saved(Message):
    """The file is written."""

    written: Any


class FileDialog(TypedInto[T], Asking):
    """Returns what was written, else None. Refusals are shown inside the dialog; what was typed stays."""

    DEED: ClassVar[str]
    """What the button says."""
    # A whole path: a subclass in another folder would look for it there.
    CSS_PATH = Path(__file__).parent / "dialog.tcss"
    DEFAULT_CSS = """
    FileDialog {
        & Field { margin-bottom: 1; }
        & #refusal { margin-top: 1; padding: 0; background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "save", "Save"),
    ]

    def __init__(self, title: str, about: Text, name: str) -> None:
        super().__init__()
        self._title = title
        self._about = about
        self._suggested = name

    @abstractmethod
    def write(self, path: str, *, replace: bool) -> Question[T]:
        """Writes the file of that name."""

    def more(self) -> Iterable[Field]:
        """What must be typed beside the name."""
        return ()

    def compose(self) -> ComposeResult:
        """The path, whether a file may be replaced, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = f"Ctrl+S or Enter {self.DEED.lower()}s · Esc cancels"
            yield Static(self._about, markup=False, classes="dialog-words")
            yield Field("File", id="path", value=self._suggested,
                        explains="A relative path begins where you started the console.", max_length=1_000)  # fmt: skip
            yield from self.more()
            yield Choice("replace a file that is there", id="replace", compact=True)
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self.DEED, id="save", variant="success", compact=True)

    def on_mount(self) -> None:
        """Nothing can be lost: the file name has the focus."""
        self.query_one("#path", Field).input.focus()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """From the name to what else is needed, from there to the file's writing."""
        empty = [field for field in self.query(Field) if field.id != "path" and not field.value]
        if empty:
            empty[0].input.focus()
        else:
            self.action_save()

    @property
    def _writing(self) -> bool:
        return any(worker.node is self and not worker.is_finished for worker in self.workers)

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def mended(self) -> None:
        """What was refused is told no longer."""
        if not self._writing:
            self.query_one("#refusal", Notice).clear()

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        """Write the file; one that is on its way is not begun anew."""
        if self._writing:
            return
        self.query_one("#refusal", Notice).say("Writing … Esc stops it.", "information")
        path, replace = self.query_one("#path", Field).value, self.query_one("#replace", Checkbox).value
        self.ask("save", self.write(path, replace=replace), Saved, repeat=False)

    def on_saved(self, event: Saved) -> None:
        """Done."""
        self.dismiss(event.written)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here."""
        event.stop()
        words = event.error.message.replace("replace it (--force)", "choose to replace it").replace(": --reason", "")
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written, after a question where more than a name was typed; what is on its way is stopped."""
        if self._writing:
            self.dismiss(None)
        else:
            self.leave()

    @property
    def changed(self) -> bool:
        """Whether what must be typed beside the name was."""
        return any(field.value for field in self.query(Field) if field.id != "path")


class SaveFile(FileDialog["Written"]):
    """Saves what a place shows."""

    DEED = "Save"

    def __init__(self, title: str, name: str, save: Saver) -> None:
        words = "On the machine where this console runs. The ending says the format: .md .csv .xlsx .json"
        super().__init__(title, text(words, "muted"), name)
        self._save = save

    def write(self, path: str, *, replace: bool) -> Question[Written]:
        """Writes it in the format of the name's ending."""
        return partial(_write, self._save, path, replace)


def saved_words(written: Written) -> str:
    """What was written where."""
    return f"Written to {written.path}: {written.size:,} bytes, readable by you alone."


async def _write(save: Saver, typed: str, replace: bool) -> Written:
    from services.exports.files import format_of, path_of

    path = path_of(typed)
    return await save(path, format_of(path), replace=replace)
