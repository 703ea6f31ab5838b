"""Taking entries out of the audit trail: a file, and the reason that the trail keeps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, Static

from screens.asking import Asking, Refusal
from screens.audit.filters import Words, in_words
from screens.context import Context
from screens.widgets.choices import Choice
from screens.widgets.field import Field
from screens.widgets.notice import Notice

if TYPE_CHECKING:
    from services.audit.export import Exported


@dataclass
class Done(Message):
    """The file is written."""

    exported: Exported


class ExportDialog(ModalScreen["Exported | None"], Asking):
    """Refusals are shown inside the dialog; what was typed stays."""

    CSS_PATH = ["../widgets/dialog.tcss", "dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, context: Context, words: Words) -> None:
        super().__init__()
        self._given = context
        self._words = words

    def compose(self) -> ComposeResult:
        """What is taken out, where to and why."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Export the entries"
            box.border_subtitle = "Enter goes on · Esc cancels"
            about = Text.assemble(
                in_words(self._words),
                "\n\nOn the machine where this console runs. The ending says the format: .jsonl, signed and to be "
                "checked without the database; .csv; .xlsx.",
            )
            yield Static(about, markup=False, classes="dialog-words")
            yield Field("File", id="path", value=f"audit-{self._given.today()}.jsonl", max_length=1_000,
                        explains="A relative path begins where you started the console.")  # fmt: skip
            yield Field("Reason", id="reason", explains="It is kept in the trail.", max_length=500)
            yield Choice("replace a file that is there", id="replace", compact=True)
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Export", id="export", variant="success", compact=True)

    def on_mount(self) -> None:
        """The file name has the focus."""
        self.query_one("#path", Field).input.focus()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """From the file to the reason, from there to the file's writing."""
        reason = self.query_one("#reason", Field)
        if reason.value:
            self.export()
        else:
            reason.input.focus()

    @on(Button.Pressed, "#export")
    def export(self) -> None:
        """Write the file; one that is on its way is not begun anew."""
        if any(worker.node is self and not worker.is_finished for worker in self.workers):
            return
        self.query_one("#refusal", Notice).say("Writing … Esc stops it.", "information")
        path, reason = (self.query_one(name, Field).value for name in ("#path", "#reason"))
        replace = self.query_one("#replace", Checkbox).value
        self.ask("export", partial(_export, self._given, self._words, path, reason, replace), Done, repeat=False)

    def on_done(self, event: Done) -> None:
        """Done."""
        self.dismiss(event.exported)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here."""
        event.stop()
        words = event.error.message.replace("replace it (--force)", "choose to replace it").replace(": --reason", "")
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing is written."""
        self.dismiss(None)


async def _export(context: Context, words: Words, typed: str, reason: str, replace: bool) -> Exported:
    from services.audit.export import export, format_of
    from services.audit.filters import read_filters
    from services.exports.files import path_of

    path, operator = path_of(typed), context.operator
    return await export(
        context.database, operator, context.clock, read_filters(**words), path, format_of(path), reason,
        replace=replace, sign=operator.trail.signer.seal,
    )  # fmt: skip
