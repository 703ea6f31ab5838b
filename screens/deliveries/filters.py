"""Which deliveries are listed: those of a day, narrowed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Select

from screens.widgets.choices import status_select
from screens.widgets.field import Field

if TYPE_CHECKING:
    from services.deliveries.day import DayFilters


class DayBar(Horizontal):
    """The day and its filters, on one line."""

    def compose(self) -> ComposeResult:
        """Day, delivery person, area, shift, status."""
        yield Field("Day", id="day", explains="The day due: YYYY-MM-DD, today, yesterday or tomorrow.", max_length=10)
        yield Field("Person", id="person", explains="The beginning of a delivery person's name, or an id.")
        yield Field("Area", id="area", explains="The beginning of an area's name.")
        yield Select([(each, each) for each in ("morning", "evening")], prompt="any shift", compact=True, id="shift")
        yield status_select()

    def read_day(self, today: date) -> date:
        """The day that is typed. Raises BadRequest."""
        from services.clock import parse_day

        return parse_day(self.query_one("#day", Field).value or "today", "day", today)

    def put_day(self, day: date) -> None:
        """List another day."""
        self.query_one("#day", Field).value = day.isoformat()

    def read(self, today: date) -> DayFilters:
        """What the inputs say. Raises BadRequest."""
        from services.deliveries.day import DayFilters

        status, shift = (self.query_one(name, Select).value for name in ("#status", "#shift"))
        return DayFilters(
            day=self.read_day(today),
            delivery_boy=self.query_one("#person", Field).value or None,
            area=self.query_one("#area", Field).value or None,
            status=status if isinstance(status, str) else None,
            shift=shift if isinstance(shift, str) else None,
        )
