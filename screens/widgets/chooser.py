"""One of many, found as one types; and the line of a form that opens it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, TypeAlias

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Label

from screens.asking import Asking, ConnectionLost, Refusal
from screens.widgets.field import Field
from screens.widgets.fitted import Fitted
from screens.widgets.notice import Notice
from screens.widgets.table import Column, Noun, RecordTable, Row

_RESTING = 0.12
"""Seconds without a key before it is looked for."""


@dataclass(frozen=True)
class Found:
    """Rows that fit, the values behind their keys, and what the reader should know."""

    rows: Sequence[Row]
    values: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None


Finder: TypeAlias = Callable[[str], Awaitable[Found]]
"""Finds what fits some words; without words whatever may be offered first."""


@dataclass
class Arrived(Message):
    """What fits the words."""

    words: str
    found: Found


class Chooser(ModalScreen[Any], Asking):
    """Returns the value of the row that was chosen; letters go to the search, arrows to the list."""

    CSS_PATH = "dialog.tcss"
    DEFAULT_CSS = """
    Chooser {
        & RecordTable { height: 12; border: none; margin-top: 1; }
        & Notice { padding: 0; background: $surface; margin-bottom: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(
        self, title: str, columns: Sequence[Column], find: Finder, *, noun: Noun, hint: str, typed: str = "",
        offered: str = "",
    ) -> None:  # fmt: skip
        super().__init__()
        self._title = title
        self._columns = columns
        self._find = find
        self._noun = noun
        self._hint = hint
        self._begun = typed or offered
        self._offered = not typed
        """Whether the search holds what was offered: the first letter takes its place."""
        self._found: Arrived | None = None
        self._rest: Timer | None = None
        self._wanted = False
        """Whether Enter came before the answer: then it takes what fits, where that is one."""

    def compose(self) -> ComposeResult:
        """The search, and what fits."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "↑ ↓ · Enter chooses · Esc cancels"
            yield Field("Search", id="words", explains=self._hint, placeholder=self._hint, value=self._begun)
            yield RecordTable(self._columns, noun=self._noun, explains="", id="fitting")
            yield Notice(id="told")

    def on_mount(self) -> None:
        """Look for what is typed already."""
        search = self.query_one("#words", Field).input
        with self.prevent(Input.Changed):
            search.value = ""
            search.paste(self._begun)
        search.focus()
        if self._offered:
            search.action_select_all()
        self._look()

    def on_key(self, event: events.Key) -> None:
        """What is typed before the search has the focus goes there all the same."""
        if event.is_printable and event.character and not isinstance(self.focused, Input):
            event.stop()
            self.take(event.character)

    def take(self, letters: str) -> None:
        """Add letters to the search: over a slow line they come in bursts, before this is on the screen."""
        if self.is_mounted:
            search = self.query_one("#words", Field).input
            search.replace(letters, *search.selection)
        else:
            self._begun = letters if self._offered else self._begun + letters
            self._offered = False

    @property
    def busy(self) -> bool:
        """Whether something typed still rests, or is looked for."""
        return self._rest is not None or any(not each.is_finished for each in self.workers if each.node is self)

    @property
    def _words(self) -> str:
        return self.query_one("#words", Field).value

    @on(Input.Changed)
    def changed(self) -> None:
        """Look once the typing rests."""
        self._wanted = False
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(_RESTING, self._look)

    def _look(self) -> None:
        if self._rest:
            self._rest.stop()
            self._rest = None
        self.ask("find", partial(self._find, self._words), partial(Arrived, self._words))

    def on_arrived(self, event: Arrived) -> None:
        """Show them."""
        self._found = event
        table, notice = self.query_one(RecordTable), self.query_one("#told", Notice)
        table.empty = "Nothing fits." if event.words else "Type what it is called."
        table.show(event.found.rows)
        if event.found.note:
            notice.say(event.found.note, "information")
        else:
            notice.clear()
        if self._wanted and len(event.found.rows) == 1:
            self._choose(event.found.rows[0].key)
        self._wanted = False

    def on_refusal(self, event: Refusal) -> None:
        """Say why there is no answer."""
        event.stop()
        self.query_one("#told", Notice).say(event.error.message)
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    @on(Input.Submitted)
    def submitted(self) -> None:
        """The row under the cursor, once it is the answer to what is typed."""
        row = self.query_one(RecordTable).row
        if self._found and self._found.words == self._words and row:
            self._choose(row.key)
        else:
            self._wanted = True
            self._look()

    @on(RecordTable.Selected)
    def selected(self, event: RecordTable.Selected) -> None:
        """A second click."""
        self._choose(event.key)

    def _choose(self, key: str) -> None:
        if self._found:
            self.dismiss(self._found.found.values[key])

    def action_move(self, rows: int) -> None:
        """Move the cursor of the list."""
        self.query_one(RecordTable).action_move(rows)

    def action_page(self, pages: int) -> None:
        """Move it by a screenful."""
        self.query_one(RecordTable).action_page(pages)

    def action_cancel(self) -> None:
        """Nothing is chosen."""
        self.dismiss(None)


class Chosen(Horizontal, can_focus=True):
    """A line of a form that holds what was chosen; Enter or a letter opens the chooser, Backspace empties it."""

    DEFAULT_CSS = """
    Chosen {
        height: 1;
        width: 1fr;
        & > Label { color: $text-muted; padding: 0 1 0 0; }
        & > .chosen { width: 1fr; height: 1; background: $panel; }
        &:focus > Label { color: $primary; text-style: bold; }
        &:focus > .chosen { background: $panel-lighten-1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Choose", show=False),
        Binding("backspace,delete", "empty", "Empty", show=False),
    ]

    @dataclass
    class Told(Message):
        """Something of that line."""

        chosen: Chosen

        @property
        def control(self) -> Chosen:
            """The line, for handlers that name it."""
            return self.chosen

    @dataclass
    class Asked(Told):
        """The chooser is wanted, with what is typed already."""

        typed: str

    @dataclass
    class Changed(Told):
        """Something else is chosen."""

    def __init__(self, label: str, *, id: str, explains: str, empty: str) -> None:
        super().__init__(id=id)
        self._label = label
        self._empty = Text(empty, "muted")
        self.explains = explains
        self.key = ""
        """What was chosen; empty where nothing is."""

    def compose(self) -> ComposeResult:
        """The label, then what is chosen."""
        yield Label(self._label, markup=False)
        yield Fitted(self._empty, classes="chosen")

    def put(self, key: str, words: Text | None = None) -> None:
        """Hold that."""
        changed, self.key = key != self.key, key
        self.query_one(Fitted).put(words if key and words else self._empty)
        if changed:
            self.post_message(self.Changed(self))

    def on_key(self, event: events.Key) -> None:
        """A letter begins the search."""
        if event.is_printable and event.character:
            event.stop()
            self.post_message(self.Asked(self, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """So does what is pasted."""
        event.stop()
        self.post_message(self.Asked(self, event.text))

    def on_click(self) -> None:
        """A click opens the chooser."""
        self.action_choose()

    def action_choose(self) -> None:
        """Open the chooser."""
        self.post_message(self.Asked(self, ""))

    def action_empty(self) -> None:
        """Hold nothing."""
        self.put("")
