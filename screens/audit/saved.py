"""Saved views of the audit trail: apply one, keep the present filters, delete one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from screens.asking import Asking, Refusal
from screens.audit.filters import Words, in_words
from screens.context import Context
from screens.tones import text
from screens.widgets.field import Field
from screens.widgets.keys import KeyBar
from screens.widgets.notice import Notice
from screens.widgets.table import Column, RecordTable, Row

if TYPE_CHECKING:
    from services.audit.views import View

_COLUMNS = (Column("View", 14, grow=1), Column("Asks for", 20, grow=3))


@dataclass
class ViewsRead(Message):
    """The operator's views."""

    views: tuple[View, ...]


class ViewsDialog(ModalScreen["Words | None"], Asking):
    """Returns the words of the view that was chosen."""

    CSS_PATH = ["../widgets/dialog.tcss", "dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "delete", "Delete"),
        Binding("escape", "cancel", "Cancel"),
    ]

    def __init__(self, context: Context, words: Words) -> None:
        super().__init__()
        self._given = context
        self._words = words
        self._views: dict[str, View] = {}

    def compose(self) -> ComposeResult:
        """The views, and a name for the present filters."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Your views"
            box.border_subtitle = "Enter applies or saves · d deletes · Esc cancels"
            yield RecordTable(_COLUMNS, noun="", explains="", id="views", empty="You have no views.")
            yield Field("Save these filters as", id="name", explains="", placeholder="a name", max_length=60)
            yield Notice(id="refusal")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read them."""
        self.query_one("#name", Field).disabled = not self._words
        self.query_one(RecordTable).focus()
        self.ask("views", partial(_views, self._given), ViewsRead)

    def on_views_read(self, event: ViewsRead) -> None:
        """Show them."""
        self._views = {view.name: view for view in event.views}
        rows = [Row(view.name, (text(view.name, "strong"), in_words(view.words))) for view in event.views]
        self.query_one(RecordTable).show(rows, keep=True)

    @on(RecordTable.Selected)
    def chosen(self, event: RecordTable.Selected) -> None:
        """Apply it, where its words still make filters."""
        from services.errors import BadRequest

        view = self._views[event.key]
        try:
            view.filters()
        except BadRequest as error:
            self.query_one(Notice).say(error.message)
        else:
            self.dismiss(view.words)

    @on(Input.Submitted)
    def save(self) -> None:
        """Keep the present filters; a view of that name is replaced."""
        self.query_one(Notice).clear()
        self.ask("views", partial(_save, self._given, self.query_one(Field).value, self._words), ViewsRead)
        self.query_one(RecordTable).focus()

    def action_delete(self) -> None:
        """Forget the view under the cursor."""
        if row := self.query_one(RecordTable).row:
            self.query_one(Notice).clear()
            self.ask("views", partial(_delete, self._given, row.key), ViewsRead)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here."""
        event.stop()
        self.drop(event.group)
        self.query_one(Notice).say(event.error.message)

    def action_cancel(self) -> None:
        """The list stays as it is."""
        self.dismiss(None)


async def _views(context: Context) -> tuple[View, ...]:
    from services.audit.views import list_views

    return await list_views(context.database, context.operator)


async def _save(context: Context, name: str, words: Words) -> tuple[View, ...]:
    from services.audit.views import save_view

    await save_view(context.database, context.operator, context.clock, name, words)
    return await _views(context)


async def _delete(context: Context, name: str) -> tuple[View, ...]:
    from services.audit.views import delete_view

    await delete_view(context.database, context.operator, name)
    return await _views(context)
