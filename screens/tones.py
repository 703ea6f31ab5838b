"""Colours by what they mean. A tone is a style name that the app's console resolves against the present theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from rich.theme import Theme as Styles
from textual.color import Color
from textual.theme import Theme

from services.text import visible

if TYPE_CHECKING:
    from services.records.findings import Finding

CALM = Theme(
    name="calm",
    primary="#7fb2d9",
    secondary="#8fa8b8",
    accent="#d9b26f",
    success="#86c08b",
    warning="#e0b45c",
    error="#e5797b",
    foreground="#d5dbe1",
    background="#12161b",
    surface="#171c22",
    panel="#212932",
    variables={
        "border": "#33404d",
        "border-blurred": "#2a343f",
        "block-cursor-background": "#2b4a63",
        "block-cursor-foreground": "#f2f6f9",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#232c35",
        "footer-background": "#171c22",
        "footer-key-foreground": "#d9b26f",
        "footer-description-foreground": "#97a5b1",
        "input-selection-background": "#3c6587 60%",
        "scrollbar": "#33404d",
        "scrollbar-hover": "#4a5c6d",
        "scrollbar-active": "#7fb2d9",
        "scrollbar-background": "#171c22",
        "scrollbar-corner-color": "#171c22",
    },
)
"""The console's own theme: dark, quiet, and colour only where it means something."""

_STATUS_TONES = {
    "DELIVERED": "good",
    "PARTIALLY_DELIVERED": "warn",
    "NOT_DELIVERED": "bad",
    "CANCELLED": "bad",
    "FAILED": "bad",
    "OUT_FOR_DELIVERY": "info",
}
_ACTION_TONES = {"CREATE": "good", "DELETE": "bad", "DELIVERED": "info", "BILLED": "money", "UPDATE": "warn"}

_DOUBTS = {"altered": ("✗", "bad"), "unchained": ("!", "warn"), "unchecked": ("?", "muted")}


def tone_styles(variables: Mapping[str, str]) -> Styles:
    """The tones in the colours of a theme, given its CSS variables."""

    def colour(name: str, *, bold: bool = False) -> Style:
        return Style(color=Color.parse(variables[name]).rich_color, bold=bold)

    faded = Color.parse(variables["background"]).blend(Color.parse(variables["foreground"]), 0.6)
    return Styles(
        {
            "good": colour("success"),
            "warn": colour("warning"),
            "bad": colour("error"),
            "info": colour("primary"),
            "money": colour("accent"),
            "title": colour("primary", bold=True),
            "strong": colour("foreground", bold=True),
            "total": colour("accent", bold=True),
            "muted": Style(color=faded.rich_color),
            "hint": Style(color=faded.rich_color, italic=True),
        }
    )


def text(value: object, tone: str = "", *, limit: int | None = 400) -> Text:
    """A value as one line that a terminal can only print, whatever it holds."""
    return Text(visible(value, limit=limit), style=tone, no_wrap=True)


def wrapping(line: Text) -> Text:
    """The same line, which goes on below where it is too long."""
    line.no_wrap = False
    return line


def status_text(status: str) -> Text:
    """An order's or a delivery's status, coloured by what it means and readable without the colour."""
    return text(status.replace("_", " ").lower() or "no status", _STATUS_TONES.get(status, ""))


def action_text(action: str) -> Text:
    """What an audit entry says was done."""
    return text(action or "?", _ACTION_TONES.get(action, ""))


def doubt_mark(doubt: Finding | None) -> Text:
    """What stands against an audit entry, as the mark of its row."""
    return Text(*_DOUBTS.get(doubt.code, ("!", "warn"))) if doubt else Text()


def doubt_line(doubt: Finding) -> Text:
    """The same in words."""
    mark = doubt_mark(doubt)
    return wrapping(Text.assemble(mark, " ", text(doubt.message, str(mark.style))))


def customer_text(name: str, *, known: bool = True) -> Text:
    """A customer's name; what stands there where there is none, or where nobody is found."""
    if not known:
        return Text("no customer", style="bad")
    return text(name) if name.strip() else Text("no name", style="hint")


def counted(number: int, one: str, more: str) -> str:
    """A count with its noun."""
    return f"{count(number)} {one if number == 1 else more}"


def count(number: int) -> str:
    """A count with digit grouping."""
    return f"{number:,}"
