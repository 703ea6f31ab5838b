"""What is asked of the list of orders: the search, and the filters below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Checkbox, Input, Select

from screens.widgets.choices import Choice, status_select
from screens.widgets.field import Field

if TYPE_CHECKING:
    from services.orders.filters import Search

_SORTS = [("newest first", "newest"), ("oldest first", "oldest"), ("latest day", "due-last"),
          ("earliest day", "due-first")]  # fmt: skip


class SearchBar(Vertical):
    """What it holds is a search, and a search that was kept can be put into it."""

    def compose(self) -> ComposeResult:
        """The search, and two lines of filters."""
        yield Field(
            "Search", id="search", placeholder="order id, phone, name or customer id",
            explains="Any of: an order id or its beginning, a phone in any writing, a name's beginning, a customer id.",
        )  # fmt: skip
        with Horizontal(id="filters"):
            yield status_select()
            yield Field("From", id="from", placeholder="YYYY-MM-DD", explains="First day due.", max_length=10)
            yield Field("to", id="to", placeholder="YYYY-MM-DD", explains="Last day due, included.", max_length=10)
            yield Choice("unbilled", id="unbilled", compact=True)
        with Horizontal(id="more"):
            yield Field("Area", id="area", explains="The beginning of the area of the order's customer.")
            yield Field("Person", id="person", explains="Delivery person on the order: an id, or a name's beginning.")
            yield Choice("needs review", id="review", compact=True)
            yield Select(_SORTS, prompt="natural order", compact=True, id="sort")

    def read(self) -> Search:
        """What the inputs say."""
        from services.orders.filters import Search

        status, sort = self.query_one("#status", Select).value, self.query_one("#sort", Select).value
        names = ("search", "from", "to", "area", "person")
        query, first_day, last_day, area, person = (self.query_one(f"#{name}", Field).value for name in names)
        return Search(
            query=query, status=status if isinstance(status, str) else "", first_day=first_day, last_day=last_day,
            area=area, delivery_boy=person, unbilled=self.query_one("#unbilled", Checkbox).value,
            needs_review=self.query_one("#review", Checkbox).value, sort=sort if isinstance(sort, str) else "",
        )  # fmt: skip

    def put(self, search: Search) -> None:
        """Give the inputs what a search says; nothing is asked for by that."""
        typed = {"search": search.query, "from": search.first_day, "to": search.last_day, "area": search.area,
                 "person": search.delivery_boy}  # fmt: skip
        with self.prevent(Input.Changed, Select.Changed, Checkbox.Changed):
            for name, words in typed.items():
                self.query_one(f"#{name}", Field).value = words
            for name, choice in (("status", search.status), ("sort", search.sort)):
                select = self.query_one(f"#{name}", Select)
                if choice:
                    select.value = choice
                else:
                    select.clear()
            self.query_one("#unbilled", Checkbox).value = search.unbilled
            self.query_one("#review", Checkbox).value = search.needs_review
