"""Saving to a file: its name is typed, its ending says the format."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, Static

from screens.asking import Asking, Refusal
from screens.tones import text
from screens.widgets.choices import Choice
from screens.widgets.field import Field
from screens.widgets.notice import Notice

if TYPE_CHECKING:
    from pathlib import Path

    from services.exports.files import Format, Written


class Saver(Protocol):
    """Writes what is saved to a file of that format. Raises as `services.exports.files.write_export`."""

    async def __call__(self, path: Path, format: Format, *, replace: bool) -> Written:
        """Write it."""


@dataclass
class Saved(Message):
    """The file is written."""

    written: Written


class SaveFile(ModalScreen["Written | None"], Asking):
    """Refusals are shown inside the dialog; what was typed stays."""

    CSS_PATH = "dialog.tcss"
    DEFAULT_CSS = """
    SaveFile {
        & .dialog-words { margin-bottom: 1; }
        & Field { margin-bottom: 1; }
        & #refusal { margin-top: 1; padding: 0; background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, name: str, save: Saver) -> None:
        super().__init__()
        self._title = title
        self._suggested = name
        self._save = save

    def compose(self) -> ComposeResult:
        """The path, whether a file may be replaced, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "Enter saves · Esc cancels"
            words = "On the machine where this console runs. The ending says the format: .md .csv .xlsx .json"
            yield Static(text(words, "muted"), markup=False, classes="dialog-words")
            yield Field("File", id="path", value=self._suggested,
                        explains="A relative path begins where you started the console.", max_length=1_000)  # fmt: skip
            yield Choice("replace a file that is there", id="replace", compact=True)
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Save", id="save", variant="success", compact=True)

    def on_mount(self) -> None:
        """Nothing can be lost: the file name has the focus."""
        self.query_one("#path", Field).input.focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def save(self) -> None:
        """Write the file; one that is on its way is not begun anew."""
        if any(worker.node is self and not worker.is_finished for worker in self.workers):
            return
        self.query_one("#refusal", Notice).clear()
        path, replace = self.query_one("#path", Field).value, self.query_one("#replace", Checkbox).value
        self.ask("save", partial(_write, self._save, path, replace), Saved, repeat=False)

    def on_saved(self, event: Saved) -> None:
        """Done."""
        self.dismiss(event.written)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here."""
        event.stop()
        words = event.error.message.replace("replace it (--force)", "choose to replace it")
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss(None)


def saved_words(written: Written) -> str:
    """What was written where."""
    return f"Written to {written.path}: {written.size:,} bytes, readable by you alone."


async def _write(save: Saver, typed: str, replace: bool) -> Written:
    from services.exports.files import format_of, path_of

    path = path_of(typed)
    return await save(path, format_of(path), replace=replace)
