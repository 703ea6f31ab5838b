"""Choices that more than one screen offers."""

from __future__ import annotations

from textual.widgets import Checkbox, Select

from services.records.orders import known_statuses


class Choice(Checkbox):
    """A checkbox whose mark, not its colour alone, says whether it is set."""

    BUTTON_INNER = " "

    DEFAULT_CSS = """
    Choice { width: auto; margin-right: 2; background: transparent; }
    """

    def watch_value(self) -> None:
        """Show the mark."""
        self.BUTTON_INNER = "✓" if self.value else " "
        super().watch_value()


def status_select() -> Select[str]:
    """The statuses that an order can have; none chosen means any."""
    options = [(status.replace("_", " ").lower(), status) for status in known_statuses()]
    return Select(options, prompt="any status", compact=True, id="status")
