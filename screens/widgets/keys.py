"""The keys below a screen: as many as there is room for, the ones that nobody may miss first."""

from __future__ import annotations

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
        self._room = room = self.app.size.width
        if sum(map(_width, keys)) > room:
            room -= len(_MORE) + sum(_width(key) for key in keys if key.action in _ALWAYS)
        left_out = False
        for key in keys:
            if key.action == "help" and left_out:
                yield Static(_MORE, markup=False)
            if key.action in _ALWAYS:
                yield key
            elif not left_out and _width(key) <= room:
                room -= _width(key)
                yield key
            else:
                left_out = True

    async def on_resize(self, event: events.Resize) -> None:
        """Another width has room for other keys."""
        if self._room != self.app.size.width:
            await self.recompose()


def _width(key: FooterKey) -> int:
    return cell_len(key.key_display) + cell_len(key.description) + 3
