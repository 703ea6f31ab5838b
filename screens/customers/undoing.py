"""Taking a customer's last correction back: what it gives back, and why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from screens.asking import Question
from screens.context import Context
from screens.tones import text, wrapping
from screens.widgets.diff import field_diff
from screens.widgets.reasoned import ReasonedDeed

if TYPE_CHECKING:
    from services.customers.undoing import Undone


class TakeCorrectionBack(ReasonedDeed["Undone | None"]):
    """Shows who corrected what and when, what would change by taking it back, and asks why."""

    TITLE = "Take a correction back"
    HINT = "Ctrl+S: Take it back · Esc: Keep"
    DEED = "Take it back"

    def __init__(self, context: Context, known: Undone) -> None:
        super().__init__(context, known.customer_id)
        self._shown = known

    def question(self) -> Question[Undone]:
        """What it would give back now."""
        return partial(take_back, self.context, self.record_name)

    async def show(self, record: Undone) -> RenderableType:
        """The customer, the correction and the differences."""
        from services.clock import format_moment

        self._shown = record
        made = f"Corrected by {record.by or 'somebody'}, {format_moment(record.at)}: {record.why or 'no reason'}"
        heads = text(f"{record.name or 'no name'} · {record.customer_id}", "strong"), wrapping(text(made, "muted"))
        return Group(*heads, *field_diff(record.changes))

    def write(self, request: str) -> Question[Undone]:
        """Takes back the correction that is shown."""
        return partial(take_back, self.context, self.record_name, request, self._shown.correction)


async def take_back(
    context: Context, customer_id: str, reason: str | None = None, correction: str | None = None
) -> Undone:
    """Take the correction back; without a reason only tell what that changes."""
    from services.customers.undoing import undo_correction

    return await undo_correction(
        context.database, context.operator, context.clock, customer_id, reason or "", correction=correction,
        write=reason is not None,
    )  # fmt: skip
