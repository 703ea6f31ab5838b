"""Taking a confirmation back: of which delivery, and why."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from screens.asking import Question
from screens.context import Context
from screens.deliveries import questions
from screens.tones import text
from screens.widgets.reasoned import ReasonedDeed

if TYPE_CHECKING:
    from services.deliveries.day import DeliveryRow
    from services.deliveries.undo import Undone


class TakeConfirmationBack(ReasonedDeed["Undone | None"]):
    """Says whose delivery it is, and asks why."""

    TITLE = "Take a confirmation back"
    HINT = "Ctrl+S: Take back · Esc: Keep"
    DEED = "Take back"

    def __init__(self, context: Context, row: DeliveryRow) -> None:
        super().__init__(context, row.order_id)
        self._name = row.customer_name or "no name"

    def inputs(self) -> Iterable[Widget]:
        """Whose."""
        yield Static(text(f"{self._name}: it becomes what it was before."), markup=False)

    def write(self, request: str) -> Question[Undone]:
        """Takes it back."""
        return partial(questions.undo, self.context, self.record_name, request)
