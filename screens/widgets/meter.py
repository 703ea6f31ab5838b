"""How far a run is: a bar, a rate and the time left."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from screens.tones import count
from screens.widgets.table import Bar


@dataclass(frozen=True)
class Reading:
    """What has been done of what; `total` None where it is not known."""

    done: int
    total: int | None
    words: str = ""


class Meter(Widget):
    """A bar drawn from readings alone: it moves when work was done, and sends nothing while idle."""

    DEFAULT_CSS = """
    Meter { height: 1; display: none; padding: 0 1; &.-running { display: block; } }
    """

    reading: reactive[Reading | None] = reactive(None)

    def watch_reading(self, reading: Reading | None) -> None:
        """In sight only while something runs."""
        self.set_class(reading is not None, "-running")

    def render(self) -> Text:
        """The bar, then the figures."""
        reading = self.reading
        if reading is None:
            return Text()
        if reading.total is None:
            done = f"{count(reading.done)} " if reading.done else ""
            return Text.assemble((done, "strong"), (reading.words, "muted"))
        share = reading.done / reading.total if reading.total else 1.0
        figures = Text.assemble(
            (f"  {int(share * 100):3d} %", "strong"),
            f"  {count(reading.done)} of {count(reading.total)}",
            (f"  {reading.words}", "muted"),
        )
        width = max(8, self.content_size.width - figures.cell_len)
        bar = Bar(share, "good").draw(width)
        return Text.assemble(bar, ("░" * (width - bar.cell_len), "muted"), figures)
