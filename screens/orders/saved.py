"""The searches that an operator keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.tones import text
from screens.widgets.kept import Kept, KeptDialog

if TYPE_CHECKING:
    from services.orders.filters import Search


class SavedSearches(KeptDialog["Search"]):
    """Searches of orders."""

    TITLE = "Saved searches"
    KEEP = "Keep the present one as"
    EMPTY = "You keep no search yet."
    LONGEST = 40

    async def kept(self) -> list[Kept[Search]]:
        """The operator's own."""
        from services.orders.saved import list_saved

        every = await list_saved(self.context.database, self.context.operator)
        return [Kept(each.name, text(each.search.words(), "muted"), each.search) for each in every]

    async def keep(self, name: str) -> object:
        """Keep what the inputs said."""
        from services.orders.saved import save_search

        return await save_search(self.context.database, self.context.operator, self.context.clock, name, self.present)

    async def forget(self, name: str) -> None:
        """Forget that one."""
        from services.orders.saved import forget_search

        await forget_search(self.context.database, self.context.operator, name)
