"""A line with the name of a product and a quantity to type."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label

from screens.tones import text
from screens.widgets.field import Line
from screens.widgets.fitted import Fitted
from services.errors import BadRequest


class QuantityLine(Horizontal):
    """Name, input, and what stands behind it."""

    DEFAULT_CSS = """
    QuantityLine {
        height: 1;

        & > .item-name { width: 1fr; height: 1; padding-right: 1; }
        & > Input { width: 10; background: $panel; }
        & > Input:focus { background: $panel-lighten-1; }
        & > .item-behind { width: 18; padding-left: 1; }
    }
    """

    def __init__(self, key: str, name: str, value: str, behind: Text) -> None:
        super().__init__()
        self.key = key
        self.named = name or key
        self.filled = value
        """What the console put into the input."""
        self.input = Line(value, compact=True, max_length=12)
        self._behind = behind

    def compose(self) -> ComposeResult:
        """Name with the id behind it, input, what stands behind."""
        words = text(self.named, limit=60)
        if self.named != self.key:
            words.append_text(text(f"  {self.key}", "muted", limit=60))
        yield Fitted(words, classes="item-name")
        yield self.input
        yield Label(self._behind, markup=False, classes="item-behind")

    @property
    def typed(self) -> str:
        """What the input holds."""
        return self.input.value.strip()

    @property
    def changed(self) -> bool:
        """Whether somebody typed here."""
        return self.typed != self.filled

    def number(self, what: str) -> Decimal:
        """The quantity. Raises BadRequest for what is no number, told as `what` of the product."""
        try:
            return Decimal(self.typed)
        except InvalidOperation:
            raise BadRequest("bad-quantity", f"Type a number as {what} of {self.named[:60]!r}.") from None
