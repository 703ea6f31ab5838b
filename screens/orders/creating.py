"""Making an order for a customer who is on the phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from textual import events
from textual.widget import Widget
from textual.widgets import Button, Input

from screens.context import Context
from screens.orders.check import checks_table
from screens.orders.form import DUPLICATE, OrderForm, named
from screens.orders.items import ItemLines
from screens.tones import text
from screens.widgets.chooser import Chooser, Chosen
from screens.widgets.field import Field

if TYPE_CHECKING:
    from services.orders.creation import Created, NewOrder
    from services.records.customers import Customer


class MakeOrder(OrderForm["Created | None"]):
    """Asks for whom first; `looked_up` is what was searched for before."""

    NAMED = "A new order"
    SHOW = "Show order"
    DEED = "Make it"
    NOBODY = "the customer's own"

    def __init__(self, context: Context, looked_up: str = "") -> None:
        super().__init__(context)
        self._looked_up = looked_up
        self._early = ""
        """What was typed before this was on the screen."""
        self._tomorrow = str(context.today() + timedelta(days=1))
        self._beside: tuple[str, ...] = ()
        """The customer's other orders for the day, as the last preview showed them."""

    def head(self) -> Iterable[Widget]:
        """For whom."""
        yield Chosen("Customer", id="customer", explains="Whose order it is; Enter chooses.",
                     empty="Enter, or a phone or a name")  # fmt: skip

    def on_mount(self) -> None:
        """Ask for whom."""
        with self.prevent(Input.Changed):
            self.query_one("#day", Field).value = self._tomorrow
        self.query_one("#confirm", Button).disabled = False
        customer = self.query_one("#customer", Chosen)
        customer.focus()
        self.open_chooser(customer, self._early)

    def on_key(self, event: events.Key) -> None:
        """Letters that come before anything has the focus are for whom."""
        if event.is_printable and event.character and self.focused is None:
            event.stop()
            if self._chooser is None:
                self._early += event.character
            else:
                self._chooser.take(event.character)

    def chooser_of(self, line: str, typed: str) -> Chooser:
        """The chooser of a line."""
        from screens.orders.choosing import choose_customer

        if line != "customer":
            return super().chooser_of(line, typed)
        offered, self._looked_up = self._looked_up, ""
        return choose_customer(self._with, typed, offered)

    async def put(self, line: Chosen, value: Any) -> None:
        """Put what was chosen where it belongs."""
        if line.id != "customer":
            await super().put(line, value)
            return
        customer: Customer = value
        words = named(customer.name, f"{customer.phone}  {customer.area}  {customer.id}")
        line.put(customer.id or "", words)
        self.query_one("#address", Field).input.placeholder = text(customer.address or "none on record").plain
        self.query_one("#add", Chosen).focus()

    @property
    def changed(self) -> bool:
        """Whether anything was typed or chosen."""
        chosen = any(self.query_one(f"#{name}", Chosen).key for name in ("customer", "person"))
        typed = any(self.query_one(f"#{name}", Field).value for name in ("address", "notes"))
        day = self.query_one("#day", Field).value != self._tomorrow
        return chosen or typed or day or self.query_one(ItemLines).changed

    @property
    def customer_id(self) -> str:
        """Of the customer who was chosen."""
        return self.query_one("#customer", Chosen).key

    def request(self) -> NewOrder | None:
        """The order that was typed."""
        from services.orders.creation import NewOrder

        if not self.customer_id:
            self.refuse("Choose the customer first.")
            return None
        address, notes, day = (self.query_one(f"#{name}", Field).value for name in ("address", "notes", "day"))
        return NewOrder(
            customer_id=self.customer_id, items=self.query_one(ItemLines).quantities(), delivery_date=self.day(day),
            address=address, notes=notes, delivery_boy_id=self.query_one("#person", Chosen).key,
            beside=self._beside if self.again else (),
        )  # fmt: skip

    def preview_of(self, request: NewOrder) -> Callable[[], Awaitable[Any]]:
        """The order as it would be stored."""
        from services.orders.creation import preview_order

        return partial(preview_order, self._with.database, self._with.operator, self._with.clock, request)

    def write_of(self, request: NewOrder) -> Callable[[], Awaitable[Any]]:
        """The order."""
        from services.orders.creation import create_order

        return partial(create_order, self._with.database, self._with.operator, self._with.clock, request)

    def lines_of(self, result: Created) -> Sequence[RenderableType]:
        """The order, and what every rule says of it."""
        from services.orders.words import order_in_words

        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(width=15)
        grid.add_column(ratio=1, overflow="fold")
        for name, words in order_in_words(result):
            line = text(words, "total" if name == "total" else "", limit=1_000)
            line.no_wrap = False
            grid.add_row(text(name, "muted"), line)
        return [grid, "", checks_table(result.checks)]

    def against(self, result: Created) -> str | None:
        """The rule that refuses it."""
        self._beside = result.beside
        if result.refusal is None:
            return None
        if result.refusal.result.code == DUPLICATE:
            self.offer_again()
        return result.refusal.result.message
