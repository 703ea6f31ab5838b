"""What a preview is asked to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Checkbox

from screens.widgets.choices import Choice
from screens.widgets.field import Field

if TYPE_CHECKING:
    from services.backfills.plan import Options


class OptionsBar(Horizontal):
    """From, to, and the two choices; its values become a preview's options."""

    def compose(self) -> ComposeResult:
        """The inputs on one line, on two in a narrow terminal."""
        yield Field(
            "Delivered from", id="from", placeholder="YYYY-MM-DD", explains="First delivery day in India to look at.",
            max_length=10,
        )  # fmt: skip
        yield Field(
            "to", id="to", placeholder="YYYY-MM-DD", explains="Last delivery day in India, included.", max_length=10
        )
        yield Choice("flagged too", id="flagged", compact=True)
        yield Choice("confirmed only", id="confirmed", compact=True)

    def read(self) -> Options:
        """The options as typed.

        Raises BadRequest for a day that is none.
        """
        from services.backfills.plan import Options
        from services.clock import parse_day

        start, end = self.query_one("#from", Field).value, self.query_one("#to", Field).value
        return Options(
            delivered_from=parse_day(start, "first day") if start else None,
            delivered_to=parse_day(end, "last day") if end else None,
            include_flagged=self.query_one("#flagged", Checkbox).value,
            confirmed_only=self.query_one("#confirmed", Checkbox).value,
        )
