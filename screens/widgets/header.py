"""Where you are and who you are: the two lines that are always on screen."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from screens.context import Context
from screens.tones import text

PLACES = ("home", "orders", "deliveries", "billing", "audit", "reminders")
_LOUD = "production"


class StatusHeader(Widget):
    """Program, environment, database and operator; below them the screens, and what limits this session."""

    DEFAULT_CSS = """
    StatusHeader {
        dock: top;
        height: 2;
        background: $panel;
        color: $foreground;
        padding: 0 1;
    }
    """

    context: reactive[Context | None] = reactive(None)
    explains = (
        "The header names the environment, the database, you and your roles. READ-ONLY says why nothing can be "
        "changed. Missing indexes make searches slow: `delivery-console db indexes` names and builds them."
    )

    def __init__(self, place: str, environment: str) -> None:
        super().__init__()
        self._place = place
        self._environment = environment

    def render(self) -> Text:
        """Two lines, each filled to the width; what gives way in a narrow terminal is said least often."""
        return Text("\n").join([self._first_line(), self._second_line()])

    def _first_line(self) -> Text:
        context = self.context
        left = Text.assemble(("delivery-console", "title"), "  ", self._badge(), "  ")
        if context is None:
            return left.append("connecting …", "muted")
        left.append_text(text(context.database.name, "strong"))
        who = Text.assemble(text(context.operator.account, "strong", limit=24), ("  ", "muted"))
        who.append_text(text(context.operator.held, "muted"))
        return self._spread(left, who)

    def _badge(self) -> Text:
        name = text(self.context.environment if self.context else self._environment, limit=16).plain.upper()
        # White on red in every theme: the one place where a colour does not follow it.
        style = "bold white on #c0392b" if name.lower() == _LOUD else "bold on #2f4858"
        return Text(f" {name} ", style=style)

    def _second_line(self) -> Text:
        tabs = Text()
        for number, name in enumerate(PLACES, 1):
            here = name == self._place
            tabs.append(f" {number} ", "reverse bold" if here else "muted")
            tabs.append(f"{name.title()} ", "reverse bold" if here else "")
        return self._spread(tabs, self._limits())

    def _limits(self) -> Text:
        limits = Text()
        if self.context and (missing := len(self.context.missing_indexes)):
            limits.append(f"{missing} {'index' if missing == 1 else 'indexes'} missing", "warn")
        if self.context and (reason := self.context.database.read_only):
            limits.append("  " if limits else "")
            limits.append(" READ-ONLY ", "bold black on #e0b45c").append_text(text(f" {reason}", "warn"))
        return limits

    def _spread(self, left: Text, right: Text) -> Text:
        width = self.content_size.width
        room = width - left.cell_len - 2
        right.truncate(max(0, room), overflow="ellipsis")
        return Text.assemble(left, " " * max(1, width - left.cell_len - right.cell_len), right)
