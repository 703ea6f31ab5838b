"""Cancelling an order: what it is, and why. Where somebody else was faster, it is shown anew and the reason stays."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.widget import Widget
from textual.widgets import Button, Input

from screens.asking import Question
from screens.context import Context
from screens.tones import text, wrapping
from screens.widgets.field import Field, OneField
from screens.widgets.writing import WritingDialog

if TYPE_CHECKING:
    from services.errors import ConsoleError
    from services.orders.editing import Cancellable, Edited

_LONGEST_TOLD = 300


class CancelOrder(WritingDialog["Edited | None"], OneField):
    """Shows the order and asks why; what is typed at once is the reason."""

    TITLE = "Cancel an order"
    HINT = "Ctrl+S: Cancel the order · Esc: Keep"
    DEED = "Cancel the order"
    KEEP: ClassVar[str] = "Keep"

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__(context, order_id)
        self._shown: Cancellable | None = None

    def inputs(self) -> Iterable[Widget]:
        """The order alone."""
        return ()

    def below(self) -> Iterable[Widget]:
        """The reason, in sight however long the order is."""
        yield Field("Reason", id="reason", explains="The reason is kept on the order.", max_length=300)

    def begun(self) -> None:
        """The reason has the focus."""
        self.query_one("#reason", Field).input.focus()

    def question(self) -> Question[Cancellable]:
        """The order as it is now, if it can be cancelled."""
        from services.orders.editing import preview_cancel

        return partial(
            preview_cancel, self.context.database, self.context.operator, self.context.clock, self.record_name
        )

    async def show(self, record: Cancellable) -> Text:
        """Its customer, day and items, what it comes to, its notes, and what becomes of it."""
        from services.orders.words import cancelling_in_words

        self._shown, lines = record, [text(self.record_name, "strong")]
        for name, words in cancelling_in_words(record):
            lines.append(Text.assemble(text(f"{name}  ", "muted"), text(words, limit=_LONGEST_TOLD)))
        return wrapping(Text("\n").join(lines))

    def request(self) -> str:
        """The reason. Raises BadRequest without one."""
        from services.typed import typed_reason

        return typed_reason(self.value("reason"))

    def write(self, request: str) -> Question[Edited]:
        """Cancels the order that is shown."""
        from services.orders.editing import cancel_order

        asked = self.context.database, self.context.operator, self.context.clock, self.record_name
        return partial(cancel_order, *asked, request, self._shown.seen if self._shown else None)

    def refused(self, error: ConsoleError) -> None:
        """Where somebody else was faster, the order is read again."""
        if error.code == "changed-meanwhile":
            self.read_record()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter moves on to the deed; it does not do it."""
        self.query_one("#confirm", Button).focus()
