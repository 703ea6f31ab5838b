"""Saved views of the audit trail."""

from __future__ import annotations

from screens.audit.filters import Words, in_words
from screens.widgets.kept import Kept, KeptDialog
from services.audit.views import SHELF, View, delete_view, list_views, save_view


class ViewsDialog(KeptDialog[Words]):
    """Filters of the audit trail, as typed."""

    TITLE = "Your views"
    KEEP = "Keep these filters as"
    EMPTY = "You have no views."
    LONGEST = SHELF.longest_name

    async def kept(self) -> list[Kept[Words]]:
        """The operator's own."""
        every = await list_views(self.context.database, self.context.operator)
        return [Kept(view.name, in_words(view.words), view.words) for view in every]

    def usable(self, kept: Kept[Words]) -> Words:
        """Its words, where they still make filters."""
        View(kept.name, kept.value).filters()
        return kept.value

    async def keep(self, name: str) -> object:
        """Keep the present filters."""
        return await save_view(self.context.database, self.context.operator, self.context.clock, name, self.present)

    async def forget(self, name: str) -> None:
        """Forget that one."""
        await delete_view(self.context.database, self.context.operator, name)
