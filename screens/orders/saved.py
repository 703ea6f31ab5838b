"""The searches that an operator keeps: choose one, keep the present one, forget one."""

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

from screens.asking import Asking, ConnectionLost, Refusal
from screens.context import Context
from screens.tones import text
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from screens.widgets.table import Column, RecordTable, Row

if TYPE_CHECKING:
    from services.orders.filters import Search
    from services.orders.saved import SavedSearch

_COLUMNS = (Column("Name", 14, grow=1), Column("Search", 30, grow=3))


@dataclass
class Listed(Message):
    """The searches that are kept now."""

    searches: tuple[SavedSearch, ...]


class SavedSearches(ModalScreen["Search | None"], Asking):
    """Returns the search that was chosen, None for none."""

    CSS_PATH = ["../widgets/dialog.tcss", "saved.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("d,delete", "forget", "Forget"),
    ]

    def __init__(self, context: Context, present: Search) -> None:
        super().__init__()
        self._with = context
        self._present = present
        self._searches: dict[str, SavedSearch] = {}

    def compose(self) -> ComposeResult:
        """The kept ones, and a name for the present one."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Saved searches"
            box.border_subtitle = "Enter applies · d forgets · Esc closes"
            yield RecordTable(_COLUMNS, noun="searches", id="saved", explains="", empty="You keep no search yet.")
            yield Field("Keep the present one as", id="name", explains="A name of its own.", max_length=40)
            yield Notice(id="refusal")

    def on_mount(self) -> None:
        """What there is."""
        self.query_one(RecordTable).focus()
        self.ask("saved", partial(_listed, self._with), Listed)

    def on_listed(self, event: Listed) -> None:
        """Show them."""
        self._searches = {each.name: each for each in event.searches}
        rows = [Row(each.name, (text(each.name), text(each.search.words(), "muted"))) for each in event.searches]
        self.query_one(RecordTable).show(rows, keep=True)

    @on(RecordTable.Selected)
    def apply(self, event: RecordTable.Selected) -> None:
        """Use that one."""
        self.dismiss(self._searches[event.key].search)

    @on(Input.Submitted)
    def keep(self) -> None:
        """Keep the present search."""
        field = self.query_one("#name", Field)
        self.query_one("#refusal", Notice).clear()
        self.ask("saved", partial(_saved, self._with, field.value, self._present), Listed, repeat=False)

    def action_forget(self) -> None:
        """Forget the one under the cursor."""
        if row := self.query_one(RecordTable).row:
            self.ask("saved", partial(_forgotten, self._with, row.key), Listed, repeat=False)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here."""
        event.stop()
        self.query_one("#refusal", Notice).say(event.error.message)
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    def action_close(self) -> None:
        """Nothing is applied."""
        self.dismiss(None)


async def _listed(context: Context) -> tuple[SavedSearch, ...]:
    from services.orders.saved import list_saved

    return await list_saved(context.database, context.operator)


async def _saved(context: Context, name: str, search: Search) -> tuple[SavedSearch, ...]:
    from services.orders.saved import save_search

    await save_search(context.database, context.operator, context.clock, name, search)
    return await _listed(context)


async def _forgotten(context: Context, name: str) -> tuple[SavedSearch, ...]:
    from services.orders.saved import forget_search

    await forget_search(context.database, context.operator, name)
    return await _listed(context)
