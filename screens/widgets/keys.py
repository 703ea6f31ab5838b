"""The keys below a screen: as many as there is room for, the ones that nobody may miss first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer, Static
from textual.widgets._footer import FooterKey

_ALWAYS = {"help", "search", "back", "close"}
"""The actions whose keys are never left out."""
_MORE = " … "


class KeyBar(Footer):
    """The keys in the order in which the screen names them; where some are left out, `…` says so and F1 tells them."""

    DEFAULT_CSS = "KeyBar > Static { width: auto; color: $footer-description-foreground; }"

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._room = 0

    def compose(self) -> ComposeResult:
        """The keys that there is room for."""
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        self._room = self.app.size.width
        kept = _fitting(keys, self._room)
        for key in keys:
            if key.action == "help" and len(kept) < len(keys):
                yield Static(_MORE, markup=False)
            if key in kept:
                yield key

    async def on_resize(self, event: events.Resize) -> None:
        """Another width has room for other keys."""
        if self._room != self.app.size.width:
            await self.recompose()


def _fitting(keys: Sequence[FooterKey], room: int) -> Sequence[FooterKey]:
    """The keys that fit; before those that cannot be pressed now go those that can."""
    if sum(map(_width, keys)) <= room:
        return keys
    kept = [key for key in keys if key.action in _ALWAYS]
    room -= len(_MORE) + sum(map(_width, kept))
    others = [key for key in keys if key.action not in _ALWAYS]
    for key in sorted(others, key=lambda key: key.has_class("-disabled")):
        room -= _width(key)
        if room < 0:
            break
        kept.append(key)
    return kept


def _width(key: FooterKey) -> int:
    return cell_len(key.key_display) + cell_len(key.description) + 3
