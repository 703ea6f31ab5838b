"""Taking an order's last change back: what it gives back, and why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from screens.asking import Question
from screens.context import Context
from screens.orders import questions
from screens.tones import text, wrapping
from screens.widgets.diff import field_diff
from screens.widgets.reasoned import ReasonedDeed

if TYPE_CHECKING:
    from services.orders.undoing import Undone


class TakeBack(ReasonedDeed["Undone | None"]):
    """Shows what would change, and asks why; `known` is what was shown before it was opened."""

    TITLE = "Take a change back"
    HINT = "Ctrl+S: Take it back · Esc: Keep"
    DEED = "Take it back"
    EXPLAINS = "The reason is kept on the order."
    STALE = (*ReasonedDeed.STALE, "order-duplicate")

    def __init__(self, context: Context, known: Undone) -> None:
        super().__init__(context, known.order_id)
        self._shown = known

    def question(self) -> Question[Undone]:
        """What it would give back now, beside the other orders of its day that are known."""
        return partial(questions.preview_undo, self.context, self.record_name, self._shown.beside)

    async def show(self, record: Undone) -> RenderableType:
        """The differences, and another order that the day has got meanwhile."""
        from services.orders.words import readable_changes

        self._shown = record
        beside = [wrapping(text(record.refusal.result.message, "warn", limit=300))] if record.refusal else []
        return Group(text(self.record_name, "strong"), *field_diff(readable_changes(record)), *beside)

    def write(self, request: str) -> Question[Undone]:
        """Takes back what is shown."""
        return partial(questions.undo, self._shown, self.context, self.record_name, request)
