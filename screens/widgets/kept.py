"""What an operator keeps under names: apply one, keep what is asked now, forget one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from rich.text import Text
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
from services.errors import BadRequest

T = TypeVar("T")


@dataclass(frozen=True)
class Kept(Generic[T]):
    """A value under its name, and what it asks for in words."""

    name: str
    words: Text
    value: T


@dataclass
class KeptRead(Message):
    """What is kept now."""

    kept: Sequence[Kept[Any]]


class KeptDialog(ModalScreen[T], Asking):
    """Returns the value that was chosen, None for none. Its three questions run in workers."""

    TITLE: ClassVar[str]
    KEEP: ClassVar[str]
    """What stands before the name under which the present value is to be kept."""
    EMPTY: ClassVar[str]
    LONGEST: ClassVar[int]
    """Letters of a name."""
    # A whole path: a subclass in another folder would look for it there.
    CSS_PATH = Path(__file__).parent / "dialog.tcss"
    DEFAULT_CSS = """
    KeptDialog {
        & RecordTable, & RecordTable:focus { height: auto; max-height: 14; border: none; margin-bottom: 1; }
        & #name { margin-bottom: 1; }
        & #refusal { padding: 0; background: $surface; margin-bottom: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("d,delete", "forget", "Forget"),
    ]

    def __init__(self, context: Context, present: T) -> None:
        super().__init__()
        self.context = context
        self.present = present
        self._kept: dict[str, Kept[T]] = {}

    @abstractmethod
    async def kept(self) -> Sequence[Kept[T]]:
        """What is kept."""

    @abstractmethod
    async def keep(self, name: str) -> object:
        """Keep the present value under that name."""

    @abstractmethod
    async def forget(self, name: str) -> None:
        """Keep that one no longer."""

    def usable(self, kept: Kept[T]) -> T:
        """Its value. Raises BadRequest where it can no longer be used."""
        return kept.value

    def compose(self) -> ComposeResult:
        """The kept ones, and a name for the present one."""
        columns = (Column("Name", 14, grow=1), Column("Asks for", 20, grow=3))
        with Vertical(classes="dialog") as box:
            box.border_title = self.TITLE
            box.border_subtitle = "Enter applies or keeps · d forgets · Esc closes"
            yield RecordTable(columns, noun="", explains="", id="kept", empty=self.EMPTY)
            yield Field(self.KEEP, id="name", explains="A name of its own.", max_length=self.LONGEST)
            yield Notice(id="refusal")

    def on_mount(self) -> None:
        """What there is; nothing is kept of what asks for nothing."""
        self.query_one("#name", Field).disabled = not self.present
        self.query_one(RecordTable).focus()
        self.ask("kept", self.kept, KeptRead)

    def on_kept_read(self, event: KeptRead) -> None:
        """Show them."""
        self._kept = {each.name: each for each in event.kept}
        rows = [Row(each.name, (text(each.name, "strong"), each.words)) for each in event.kept]
        self.query_one(RecordTable).show(rows, keep=True)

    @on(RecordTable.Selected)
    def chosen(self, event: RecordTable.Selected) -> None:
        """Apply it, where it still can be."""
        try:
            self.dismiss(self.usable(self._kept[event.key]))
        except BadRequest as error:
            self.query_one("#refusal", Notice).say(error.message)

    @on(Input.Submitted)
    def name_typed(self) -> None:
        """Keep the present value; one of that name is replaced."""
        self._change(partial(self.keep, self.query_one("#name", Field).value))
        self.query_one(RecordTable).focus()

    @on(Input.Changed)
    def mended(self) -> None:
        """What was refused is told no longer."""
        self.query_one("#refusal", Notice).clear()

    def action_forget(self) -> None:
        """Forget the one under the cursor."""
        if row := self.query_one(RecordTable).row:
            self._change(partial(self.forget, row.key))

    def _change(self, deed: Callable[[], Awaitable[object]]) -> None:
        self.query_one("#refusal", Notice).clear()
        self.ask("kept", partial(self._after, deed), KeptRead, repeat=False)

    async def _after(self, deed: Callable[[], Awaitable[object]]) -> Sequence[Kept[T]]:
        await deed()
        return await self.kept()

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here."""
        event.stop()
        self.drop(event.group)
        self.query_one("#refusal", Notice).say(event.error.message)
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    def action_close(self) -> None:
        """Nothing is applied."""
        self.dismiss(None)
