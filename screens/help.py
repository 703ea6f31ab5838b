"""The help of the present screen: every key with what it does, and what each part of the screen shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, cast

from textual.binding import Binding, BindingType
from textual.screen import Screen

from screens.place import Place
from screens.tones import text, wrapping
from screens.widgets.facts import FactsScreen
from screens.widgets.sheet import Section

_KEYS = {
    "left_square_bracket": "[", "right_square_bracket": "]", "escape": "Esc", "enter": "Enter", "ctrl+r": "Ctrl+R",
}  # fmt: skip
_EVERYWHERE = (
    ("F1", "This help."),
    (
        "F2 … F7",
        "Home, Orders, Deliveries, Billing, Audit, Reminders; the digits 1 to 6 do the same outside of inputs.",
    ),
    ("Tab", "To the next part of the screen, Shift+Tab to the one before."),
    ("↑ ↓ j k", "Move in a list; Page Up and Page Down by screenfuls, g and G to its ends."),
    ("Enter", "Open what the cursor is on."),
    ("q", "Quit, outside of inputs; Ctrl+Q quits anywhere. A running backfill stays resumable."),
)


class Explained(Protocol):
    """A screen that says what it is for, and why something cannot be done now."""

    NAME: ClassVar[str]
    ABOUT: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]]

    def why_not(self, action: str) -> str | None: ...  # noqa: D102


def help_of(explained: Explained) -> FactsScreen:
    """Tells what can be done here, and why something cannot be done now; of a window, nothing of what is elsewhere."""
    everywhere = _EVERYWHERE if isinstance(explained, Place) else ()
    parts = _parts(cast(Screen[Any], explained))
    sections = [
        Section("This screen", lines=[wrapping(text(explained.ABOUT, limit=None))]),
        Section("Keys of this screen", [(key, text(words, limit=None)) for key, words in _keys(explained)]),
        Section("Keys everywhere", [(key, text(words, limit=None)) for key, words in everywhere]),
        Section("Parts of this screen", [(name, text(words, limit=None)) for name, words in parts]),
    ]
    shown = [section for section in sections if section.facts or section.lines]
    return FactsScreen(f"Help · {explained.NAME.title()}", shown)


def _keys(explained: Explained) -> list[tuple[str, str]]:
    """The keys of the screen, then of what it is one of; a hidden key without words is told with another, or idle."""
    keys: dict[str, str] = {}
    seen: set[str] = set()
    for binding in _bindings(type(explained)):
        if binding.key in seen:
            continue
        seen.add(binding.key)
        if binding.show or binding.tooltip:
            name = binding.key_display or ", ".join(_KEYS.get(key, key) for key in binding.key.split(","))
            why = explained.why_not(binding.action)
            words = binding.tooltip or f"{binding.description}."
            keys.setdefault(name, f"{words} Not now: {why}" if why else words)
    return list(keys.items())


def _bindings(kind: type[Explained]) -> Iterator[Binding]:
    """What a screen binds, and what the kinds of places bind that it is one of."""
    for each in kind.__mro__:
        if each is kind or issubclass(each, Place):
            yield from (binding for binding in each.__dict__.get("BINDINGS", ()) if isinstance(binding, Binding))


def _parts(screen: Screen[Any]) -> list[tuple[str, str]]:
    parts = []
    for widget in screen.query("*"):
        if explains := getattr(widget, "explains", ""):
            name = str(widget.border_title or widget.id or "header").partition(" · ")[0].replace("-", " ")
            parts.append((name.capitalize(), explains))
    return parts
