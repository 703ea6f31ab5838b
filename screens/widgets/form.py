"""A form: type, look at what would be written, confirm."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.console import Group, RenderableType
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from screens.asking import Question
from screens.context import Context
from screens.widgets.notice import Notice
from screens.widgets.writing import WritingDialog
from services.errors import BadRequest

if TYPE_CHECKING:
    from services.errors import ConsoleError

T = TypeVar("T")


@dataclass
class Previewed(Message):
    """What would be written."""

    result: Any


class Form(WritingDialog[T]):
    """The first Ctrl+S shows what would be written, the second writes just that."""

    HINT = "Ctrl+S shows it, again writes it · PgDn scrolls · Esc"
    SHOW: ClassVar[str] = "Show change"
    DEED = "Write it"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll_shown(-1)", "Scroll", show=False),
        Binding("pagedown", "scroll_shown(1)", "Scroll", show=False),
    ]

    def __init__(self, context: Context, name: str = "") -> None:
        super().__init__(context, name)
        self._asked: Any = None
        self._shown: Any = None
        """The request whose preview is on screen."""
        self.result: Any = None
        """That preview: what is written is what it showed."""

    @abstractmethod
    def preview(self, request: Any) -> Question[Any]:
        """Tells what would be written."""

    @abstractmethod
    def lines_of(self, result: Any) -> Sequence[RenderableType]:
        """What would be written, for people."""

    def against(self, result: Any) -> str | None:
        """Why what is shown cannot be written."""
        return None

    def below(self) -> Iterable[Widget]:
        """What would be written."""
        with VerticalScroll(id="change", can_focus=False):
            yield Static(markup=False, id="difference")

    def begun(self) -> None:
        """What comes first is the preview."""
        self.typed_anew()
        super().begun()

    def typed_anew(self) -> None:
        """Other values are looked at before they are written."""
        self._shown = None
        self.remove_class("-shown")
        self.query_one("#difference", Static).update("")
        self.query_one("#confirm", Button).label = self.SHOW

    def go_on(self, request: Any) -> None:
        """Show what would be written; once it is shown, write it."""
        if self._shown is not None and request == self._shown:
            super().go_on(request)
        else:
            self._look_at(request)

    def _look_at(self, request: Any) -> None:
        self._asked = request
        self.ask("preview", self.preview(request), Previewed)

    def read_again(self) -> None:
        """Show what would be written by now, beside why it was not."""
        with contextlib.suppress(BadRequest):
            self._look_at(self.request())

    def on_previewed(self, event: Previewed) -> None:
        """Show it; now it can be written, where no rule is against it."""
        self.result = event.result
        self.query_one("#difference", Static).update(Group(*self.lines_of(event.result)))
        self.query_one("#change").scroll_home(animate=False)
        self.add_class("-shown")
        if (against := self.against(event.result)) is None:
            self._shown = self._asked
            self.query_one("#confirm", Button).label = self.DEED
        else:
            self.refuse(against)

    def action_scroll_shown(self, pages: int) -> None:
        """Scroll what would be written, else the inputs."""
        shown = self.query_one("#change" if self.has_class("-shown") else "#inputs")
        shown.scroll_relative(y=pages * max(1, shown.size.height - 1), animate=False)

    def refused(self, error: ConsoleError) -> None:
        """Where somebody else was faster, the record is read again and what was typed is looked at anew."""
        if error.code == "changed-meanwhile":
            self.typed_anew()
            self.read_record()

    def action_cancel(self) -> None:
        """From what is shown back to the inputs; from there nothing is written, after a question."""
        if self.has_class("-shown") and not self._writing:
            self.typed_anew()
            self.query_one("#refusal", Notice).clear()
        else:
            super().action_cancel()
