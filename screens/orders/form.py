"""A form of an order: type, look at what would be written and what the rules say, confirm. Nothing typed is lost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Static

from screens.asking import Asking, ConnectionLost, Refusal
from screens.context import Context
from screens.orders.items import ItemLines
from screens.tones import text
from screens.widgets.choices import Choice
from screens.widgets.chooser import Chooser, Chosen
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from screens.widgets.question import Question
from services.errors import BadRequest

if TYPE_CHECKING:
    from datetime import date

T = TypeVar("T")
DUPLICATE = "order-duplicate"


@dataclass
class Previewed(Message):
    """What would be written."""

    result: Any


@dataclass
class Written(Message):
    """It is written."""

    result: Any


class OrderForm(ModalScreen[T], Asking):
    """The first Ctrl+S shows what would be written, the second writes just that."""

    CSS_PATH = ["../widgets/dialog.tcss", "form.tcss"]  # noqa: RUF012 - as Textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "go_on", "Preview, then write"),
        Binding("pageup", "scroll_shown(-1)", "Scroll", show=False),
        Binding("pagedown", "scroll_shown(1)", "Scroll", show=False),
    ]
    NAMED: ClassVar[str]
    SHOW: ClassVar[str]
    DEED: ClassVar[str]
    NOBODY: ClassVar[str]
    """What stands in the place of a delivery person who is not chosen."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._with = context
        self._asked: object = None
        self._shown: object = None
        """The request whose preview is on screen."""
        self._writing = False
        self._chooser: Chooser | None = None

    @abstractmethod
    def head(self) -> Iterable[Widget]:
        """What stands above the inputs."""

    @abstractmethod
    def request(self) -> Any:
        """What the inputs say; None while there is nothing to say yet. Raises BadRequest for what cannot be read."""

    @abstractmethod
    def preview_of(self, request: Any) -> Callable[[], Awaitable[Any]]:
        """What would be written, as a question."""

    @abstractmethod
    def write_of(self, request: Any) -> Callable[[], Awaitable[Any]]:
        """The deed."""

    @abstractmethod
    def lines_of(self, result: Any) -> Sequence[RenderableType]:
        """What would be written, for people."""

    @property
    @abstractmethod
    def changed(self) -> bool:
        """Whether somebody typed or chose something."""

    @property
    @abstractmethod
    def customer_id(self) -> str:
        """At whose prices products are chosen."""

    def compose(self) -> ComposeResult:
        """The inputs, what would be written, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = self.NAMED
            box.border_subtitle = "Ctrl+S shows it, again writes it · PgDn scrolls · Esc"
            with VerticalScroll(id="inputs", can_focus=False):
                yield from self.head()
                yield Field("Day", id="day", explains="Delivery day in India.", placeholder="YYYY-MM-DD, tomorrow",
                            max_length=10)  # fmt: skip
                yield Chosen("Person", id="person", explains="Delivery person; Enter chooses.", empty=self.NOBODY)
                yield Field("Address", id="address", explains="STREET, CITY PINCODE, or a street of the same place.",
                            max_length=500)  # fmt: skip
                yield Field("Notes", id="notes", explains="Notes.", max_length=2_000)
                yield ItemLines(id="items")
                yield Chosen("Add item", id="add", explains="A product; Enter chooses.",
                             empty="Enter, or a letter of its name")  # fmt: skip
            yield Choice("another order for the day is meant", id="again", compact=True)
            with VerticalScroll(id="change"):
                yield Static(markup=False, id="difference")
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self.SHOW, id="confirm", variant="success", compact=True, disabled=True)

    def day(self, typed: str) -> date:
        """A day that was typed. Raises BadRequest."""
        from services.clock import parse_day

        return parse_day(typed, "day", self._with.today())

    @property
    def again(self) -> bool:
        """Whether it is meant beside another order of the day."""
        return self.query_one("#again", Checkbox).value

    @on(Chosen.Asked)
    def choose(self, event: Chosen.Asked) -> None:
        """Open the chooser of that line."""
        self.open_chooser(event.chosen, event.typed)

    def open_chooser(self, line: Chosen, typed: str) -> None:
        """Open the chooser of a line; further letters of the same burst are for the one that opens."""
        if self._chooser is not None:
            self._chooser.take(typed)
            return
        self._chooser = self.chooser_of(line.id or "", typed.strip())
        self.app.push_screen(self._chooser, partial(self._put, line))

    def chooser_of(self, line: str, typed: str) -> Chooser:
        """The chooser of a line."""
        from screens.orders.choosing import choose_person, choose_product

        if line == "person":
            return choose_person(self._with, typed)
        return choose_product(self._with, self.customer_id, typed)

    async def _put(self, line: Chosen, value: Any) -> None:
        self._chooser = None
        if value is not None:
            await self.put(line, value)

    async def put(self, line: Chosen, value: Any) -> None:
        """Put what was chosen where it belongs."""
        if line.id == "person":
            line.put(value[0], named(value[1], value[0]))
        else:
            await self.query_one(ItemLines).add(value)
            self.typed_anew()

    @on(Input.Changed)
    @on(Chosen.Changed)
    @on(Checkbox.Changed)
    def typed_anew(self) -> None:
        """Other values are looked at before they are written."""
        self._shown = None
        self.remove_class("-shown")
        self.query_one("#difference", Static).update("")
        self.query_one("#confirm", Button).label = self.SHOW

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter goes on to the next input."""
        self.focus_next()

    @on(Button.Pressed, "#confirm")
    def action_go_on(self) -> None:
        """Show what would be written; once it is shown, write it, unless it is on its way already."""
        if self._writing:
            return
        try:
            request = self.request()
        except BadRequest as error:
            self.refuse(error.message)
            return
        if request is None:
            return
        self.query_one("#refusal", Notice).clear()
        if request != self._shown:
            self._asked = request
            self.ask("preview", self.preview_of(request), Previewed)
        else:
            self._writing = True
            self.ask("write", self.write_of(request), Written, repeat=False)

    def on_previewed(self, event: Previewed) -> None:
        """Show it; now it can be written, where no rule is against it."""
        self.query_one("#difference", Static).update(Group(*self.lines_of(event.result)))
        self.query_one("#change").scroll_home(animate=False)
        self.add_class("-shown")
        if (against := self.against(event.result)) is None:
            self._shown = self._asked
            self.query_one("#confirm", Button).label = self.DEED
        else:
            self.refuse(against)

    def action_scroll_shown(self, pages: int) -> None:
        """Scroll what would be written."""
        shown = self.query_one("#change")
        shown.scroll_relative(y=pages * max(1, shown.size.height - 1), animate=False)

    def against(self, result: Any) -> str | None:
        """Why what is shown cannot be written."""
        return None

    def on_written(self, event: Written) -> None:
        """Done."""
        self.dismiss(event.result)

    def on_refusal(self, event: Refusal) -> None:
        """Say why, here; what was typed stays."""
        event.stop()
        self._writing = False
        self.drop(event.group)
        self.refuse(event.error.message)
        if event.error.code == DUPLICATE:
            self.offer_again()
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))

    def offer_again(self) -> None:
        """There is another order for the day: it can be said that this one is meant all the same."""
        with self.prevent(Checkbox.Changed):
            self.query_one("#again", Checkbox).value = False
        self.add_class("-again")

    def refuse(self, words: str) -> None:
        """Say why it is not done."""
        self.query_one("#refusal", Notice).say(words)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """From what is shown back to the inputs; from there nothing is written, after a question."""
        if self.has_class("-shown"):
            self.typed_anew()
            self.query_one("#refusal", Notice).clear()
        elif self.changed:
            words = text("What you typed is not written anywhere.")
            question = Question("Leave it?", words, deed="Drop it", keep="Keep typing")
            self.app.push_screen(question, self._left)
        else:
            self.dismiss(None)

    def _left(self, meant: bool | None) -> None:
        if meant:
            self.dismiss(None)


def named(name: str, key: str) -> Text:
    """A name with the id behind it."""
    words = text(name or key, limit=60)
    return words.append_text(text(f"  {key}", "muted", limit=60)) if name and name != key else words
