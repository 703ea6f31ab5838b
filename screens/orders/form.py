"""What making and changing an order have in common: day, delivery person, address, notes, items."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.text import Text
from textual import on
from textual.widget import Widget
from textual.widgets import Checkbox

from screens.context import Context
from screens.orders.items import ItemLines
from screens.tones import text
from screens.widgets.choices import Choice
from screens.widgets.chooser import Chooser, Chosen
from screens.widgets.field import Field
from screens.widgets.form import Form
from screens.widgets.writing import STYLES

if TYPE_CHECKING:
    from datetime import date

    from services.errors import ConsoleError

T = TypeVar("T")
DUPLICATE = "order-duplicate"


class OrderForm(Form[T]):
    """Products are chosen at the prices of a customer."""

    CSS_PATH = [*STYLES, "form.tcss"]  # noqa: RUF012 - as Textual declares it
    NOBODY: ClassVar[str]
    """What stands in the place of a delivery person who is not chosen."""

    def __init__(self, context: Context, name: str = "") -> None:
        super().__init__(context, name)
        self._chooser: Chooser | None = None

    @property
    @abstractmethod
    def customer_id(self) -> str:
        """At whose prices products are chosen."""

    def inputs(self) -> Iterable[Widget]:
        """What an order says."""
        yield Field("Day", id="day", explains="Delivery day in India.", placeholder="YYYY-MM-DD, tomorrow",
                    max_length=10)  # fmt: skip
        yield Chosen("Person", id="person", explains="Delivery person; Enter chooses.", empty=self.NOBODY)
        yield Field("Address", id="address", explains="STREET, CITY PINCODE, or a street of the same place.",
                    max_length=500)  # fmt: skip
        yield Field("Notes", id="notes", explains="Notes.", max_length=2_000)
        yield ItemLines(id="items")
        yield Chosen("Add item", id="add", explains="A product; Enter chooses.",
                     empty="Enter, or a letter of its name")  # fmt: skip

    def below(self) -> Iterable[Widget]:
        """Whether it is meant beside another order, once there is one."""
        yield Choice("another order for the day is meant", id="again", compact=True)
        yield from super().below()

    def day(self, typed: str) -> date:
        """A day that was typed. Raises BadRequest."""
        from services.clock import parse_day

        return parse_day(typed, "day", self.context.today())

    @property
    def again(self) -> bool:
        """Whether it is meant beside another order of the day."""
        return self.query_one("#again", Checkbox).value

    @on(Chosen.Asked)
    def choose(self, event: Chosen.Asked) -> None:
        """Open the chooser of that line."""
        self.open_chooser(event.chosen, event.typed)

    def open_chooser(self, line: Chosen, typed: str) -> None:
        """Open the chooser of a line; further letters of the same burst are for the one that opens."""
        if self._chooser is not None:
            self._chooser.take(typed)
            return
        self._chooser = self.chooser_of(line.id or "", typed.strip())
        self.app.push_screen(self._chooser, partial(self._put, line))

    def chooser_of(self, line: str, typed: str) -> Chooser:
        """The chooser of a line."""
        from screens.orders.choosing import choose_person, choose_product

        if line == "person":
            return choose_person(self.context, typed)
        return choose_product(self.context, self.customer_id, typed)

    async def _put(self, line: Chosen, value: Any) -> None:
        self._chooser = None
        if value is not None:
            await self.put(line, value)

    async def put(self, line: Chosen, value: Any) -> None:
        """Put what was chosen where it belongs."""
        if line.id == "person":
            line.put(value[0], named(value[1], value[0]))
        else:
            await self.query_one(ItemLines).add(value)
            self.edited()

    def refused(self, error: ConsoleError) -> None:
        """Another order for the day can be meant."""
        super().refused(error)
        if error.code == DUPLICATE:
            self.offer_again()

    def offer_again(self) -> None:
        """There is another order for the day: it can be said that this one is meant all the same."""
        with self.prevent(Checkbox.Changed):
            self.query_one("#again", Checkbox).value = False
        self.add_class("-again")


def named(name: str, key: str) -> Text:
    """A name with the id behind it."""
    words = text(name or key, limit=60)
    return words.append_text(text(f"  {key}", "muted", limit=60)) if name and name != key else words
