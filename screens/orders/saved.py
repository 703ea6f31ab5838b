"""The searches that an operator keeps."""

from __future__ import annotations

from screens.tones import text
from screens.widgets.kept import Kept, KeptDialog
from services.orders.filters import Search
from services.orders.saved import SEARCHES, forget_search, list_saved, save_search


class SavedSearches(KeptDialog[Search]):
    """Searches of orders."""

    TITLE = "Saved searches"
    KEEP = "Keep the present one as"
    EMPTY = "You keep no search yet."
    LONGEST = SEARCHES.longest_name

    async def kept(self) -> list[Kept[Search]]:
        """The operator's own."""
        every = await list_saved(self.context.database, self.context.operator)
        return [Kept(each.name, text(each.search.words(), "muted"), each.search) for each in every]

    async def keep(self, name: str) -> object:
        """Keep what the inputs said."""
        return await save_search(self.context.database, self.context.operator, self.context.clock, name, self.present)

    async def forget(self, name: str) -> None:
        """Forget that one."""
        await forget_search(self.context.database, self.context.operator, name)
