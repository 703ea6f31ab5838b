"""Cancelling an order: what it is, and why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from screens.asking import Question
from screens.context import Context
from screens.tones import text, wrapping
from screens.widgets.reasoned import ReasonedDeed

if TYPE_CHECKING:
    from services.orders.editing import Cancellable, Edited

_LONGEST_TOLD = 300


class CancelOrder(ReasonedDeed["Edited | None"]):
    """Shows the order and asks why."""

    TITLE = "Cancel an order"
    HINT = "Ctrl+S: Cancel the order · Esc: Keep"
    DEED = "Cancel the order"
    EXPLAINS = "The reason is kept on the order."

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__(context, order_id)
        self._shown: Cancellable | None = None

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

    def write(self, request: str) -> Question[Edited]:
        """Cancels the order that is shown."""
        from services.orders.editing import cancel_order

        asked = self.context.database, self.context.operator, self.context.clock, self.record_name
        return partial(cancel_order, *asked, request, self._shown.seen if self._shown else None)
