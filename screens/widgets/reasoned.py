"""A deed that needs a reason. Where somebody else was faster it is shown anew, and the reason stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button, Input

from screens.widgets.field import Field, OneField
from screens.widgets.writing import WritingDialog

if TYPE_CHECKING:
    from services.errors import ConsoleError

T = TypeVar("T")


class ReasonedDeed(WritingDialog[T], OneField):
    """Returns what was done, None where nothing was; what is typed at once is the reason."""

    KEEP = "Keep"
    EXPLAINS: ClassVar[str] = "It stands in the audit trail."
    """What becomes of the reason."""
    STALE: ClassVar[tuple[str, ...]] = ("changed-meanwhile",)
    """The codes of refusals after which what is shown is read again."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll_shown(-1)", "Scroll", show=False),
        Binding("pagedown", "scroll_shown(1)", "Scroll", show=False),
    ]

    def inputs(self) -> Iterable[Widget]:
        """What the deed is about, alone."""
        return ()

    def below(self) -> Iterable[Widget]:
        """The reason, in sight however much is shown."""
        yield Field("Reason", id="reason", explains=self.EXPLAINS, max_length=300)

    def begun(self) -> None:
        """The reason has the focus."""
        self.query_one("#reason", Field).input.focus()

    def request(self) -> str:
        """The reason. Raises BadRequest without one."""
        from services.typed import typed_reason

        return typed_reason(self.value("reason"))

    def refused(self, error: ConsoleError) -> None:
        """Where somebody else was faster, what is shown is read again."""
        if error.code in self.STALE:
            self.read_record()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter moves on to the deed; it does not do it."""
        self.query_one("#confirm", Button).focus()

    def action_scroll_shown(self, pages: int) -> None:
        """Scroll what is shown."""
        shown = self.query_one("#inputs")
        shown.scroll_relative(y=pages * max(1, shown.size.height - 1), animate=False)
