"""What the screens have in common: header, notices, navigation, and how a lost connection is lived through."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from screens.asking import LIVE, Asking, ConnectionLost, Refusal
from screens.context import Context
from screens.widgets.header import StatusHeader
from screens.widgets.keys import KeyBar
from screens.widgets.notice import Kind, Notice


@dataclass
class OpenOrder(Message):
    """Show that order on the screen of orders."""

    order_id: str


@dataclass
class OpenPlace(Message):
    """Go to another screen."""

    place: str


class Place(Screen[None], Asking):
    """One of the screens that F2 to F7 lead to."""

    NAME: ClassVar[str]
    ABOUT: ClassVar[str]
    """What the screen is for, as its help tells."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", tooltip="Go to the search or the first filter."),
        Binding("escape", "back", "Back", tooltip="From an input to the list, from a record to its list."),
    ]

    context: reactive[Context | None] = reactive(None)

    def __init__(self, environment: str = "") -> None:
        super().__init__()
        self._environment = environment
        self._rests: dict[str, Timer] = {}

    def compose(self) -> ComposeResult:
        """Header and notices above, keys below, the place between them."""
        yield StatusHeader(self.NAME, self._environment)
        yield Notice(id="connection")
        yield Notice(id="notice")
        yield from self.compose_place()
        yield KeyBar()

    @abstractmethod
    def compose_place(self) -> Iterable[Widget]:
        """The widgets of this place."""

    def opened(self) -> None:
        """The context is there: ask for what the place shows first."""

    @abstractmethod
    def search_target(self) -> Widget:
        """What `/` leads to."""

    @abstractmethod
    def list_target(self) -> Widget:
        """What escape leads back to."""

    def why_not(self, action: str) -> str | None:
        """Why that action of this place cannot be done now, as a sentence; None where it can."""
        return None

    def watch_context(self, context: Context | None) -> None:
        """Pass the context on; the first one opens the place."""
        if context is not None:
            self.call_after_refresh(self._open)

    def _open(self) -> None:
        self.query_one(StatusHeader).context = self.context
        self.refresh_bindings()
        self.opened()

    @property
    def busy(self) -> bool:
        """Whether something typed still rests, or a question is open."""
        open_questions = (worker for worker in self.workers if worker.node is self and worker.group != LIVE)
        return bool(self._rests) or any(not worker.is_finished for worker in open_questions)

    def after_rest(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        """Act once nothing of that name was asked for during some seconds: while typing goes on, nothing is sent."""

        def rested() -> None:
            self._rests.pop(name, None)
            act()

        if name in self._rests:
            self._rests[name].stop()
        self._rests[name] = self.set_timer(seconds, rested)

    def act_now(self, name: str, act: Callable[[], None]) -> None:
        """Act without waiting for the rest."""
        if timer := self._rests.pop(name, None):
            timer.stop()
        act()

    def require_context(self) -> Context | None:
        """The context, or None with a notice that there is none yet."""
        if self.context is None:
            self.say("Not connected to the database yet.")
        return self.context

    def say(self, words: str, kind: Kind = "refusal") -> None:
        """Show a sentence above the place."""
        self.query_one("#notice", Notice).say(words, kind)

    def say_nothing(self) -> None:
        """Take the last sentence away."""
        self.query_one("#notice", Notice).clear()

    def on_refusal(self, event: Refusal) -> None:
        """A refusal is shown; a lost connection is the app's to heal."""
        event.stop()
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))
        else:
            self.say(event.error.message)

    def connection_lost(self, words: str) -> None:
        """Say so until the connection is back."""
        self.query_one("#connection", Notice).say(words, "lost")

    def connection_healed(self) -> None:
        """Ask again what was left open; everything typed is still there."""
        self.query_one("#connection", Notice).clear()
        self.ask_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that cannot be used now is greyed."""
        return None if self.why_not(action) else True

    def on_key(self, event: events.Key) -> None:
        """A greyed key says why; keys reach this before their bindings are looked at."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if reason := self.why_not(binding.action):
                event.stop()
                self.notify(reason, title=binding.description, severity="warning", markup=False)

    def action_search(self) -> None:
        """Focus the search or the first filter."""
        self.search_target().focus()

    def action_back(self) -> None:
        """From an input to the list, in a narrow terminal from the record to the list."""
        self.say_nothing()
        self.show_detail(False)
        self.list_target().focus()

    def show_detail(self, shown: bool) -> None:
        """In a narrow terminal the record takes the list's place; side by side, both are in sight anyway."""
        self.set_class(shown, "-detail")
