"""One of a few things, chosen from a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from screens.tones import text
from screens.widgets.table import Column, RecordTable, Row

_COLUMNS = (Column("Of", 18), Column("", 20, grow=1))


class ChoiceDialog(ModalScreen["str | None"]):
    """Returns the key of the row that was chosen."""

    CSS_PATH = ["../widgets/dialog.tcss", "dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, rows: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._title = title
        self._rows = [Row(key, (text(label), text(value, "muted"))) for key, label, value in rows]

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "Enter chooses · Esc cancels"
            yield RecordTable(_COLUMNS, noun="", explains="", id="choices", empty="There is nothing to choose.")

    def on_mount(self) -> None:
        """The first has the cursor."""
        table = self.query_one(RecordTable)
        table.show(self._rows)
        table.focus()

    @on(RecordTable.Selected)
    def chosen(self, event: RecordTable.Selected) -> None:
        """That one."""
        self.dismiss(event.key)

    def action_cancel(self) -> None:
        """None."""
        self.dismiss(None)
