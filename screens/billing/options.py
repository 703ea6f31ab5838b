"""Which backfill, and what a preview of it is asked to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Checkbox, Select

from screens.widgets.choices import Choice
from screens.widgets.field import Field
from services.backfills.registry import BACKFILLS

if TYPE_CHECKING:
    from services.backfills.plan import Options

_INPUTS = {
    "delivered_from": "from",
    "delivered_to": "to",
    "include_flagged": "flagged",
    "confirmed_only": "confirmed",
}
"""The options of a preview, and the inputs that stand for them."""


class OptionsBar(Horizontal):
    """The backfill, and those inputs that it takes; their values become a preview's options."""

    def compose(self) -> ComposeResult:
        """On one line, on more in a narrow terminal."""
        titles = [(backfill.title, name) for name, backfill in BACKFILLS.items()]
        yield Select(titles, allow_blank=False, compact=True, id="backfill")
        yield Field(
            "Delivered from", id="from", placeholder="YYYY-MM-DD", explains="First delivery day in India to look at.",
            max_length=10,
        )  # fmt: skip
        yield Field(
            "to", id="to", placeholder="YYYY-MM-DD", explains="Last delivery day in India, included.", max_length=10
        )
        yield Choice("flagged too", id="flagged", compact=True)
        yield Choice("confirmed only", id="confirmed", compact=True)

    def choose(self, backfill: str) -> None:
        """Show that backfill with the inputs that it takes."""
        self.query_one(Select).value = backfill
        for option, name in _INPUTS.items():
            self.query_one(f"#{name}").display = option in BACKFILLS[backfill].takes

    def read(self) -> Options:
        """The options as typed, those that are shown.

        Raises BadRequest for a day that is none.
        """
        from services.backfills.plan import Options
        from services.clock import parse_day

        start, end = self._typed("from"), self._typed("to")
        return Options(
            delivered_from=parse_day(start, "first day") if start else None,
            delivered_to=parse_day(end, "last day") if end else None,
            include_flagged=self._set("flagged"),
            confirmed_only=self._set("confirmed"),
        )

    def _typed(self, name: str) -> str:
        field = self.query_one(f"#{name}", Field)
        return field.value if field.display else ""

    def _set(self, name: str) -> bool:
        box = self.query_one(f"#{name}", Checkbox)
        return box.display and box.value
