"""Making an order for a customer who is on the phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from textual import events
from textual.widget import Widget

from screens.asking import Question
from screens.context import Context
from screens.orders.check import checks_table
from screens.orders.form import DUPLICATE, OrderForm, named
from screens.orders.items import ItemLines
from screens.tones import text, wrapping
from screens.widgets.chooser import Chooser, Chosen
from screens.widgets.field import Field
from services.errors import BadRequest

if TYPE_CHECKING:
    from services.orders.creation import Created, NewOrder
    from services.records.customers import Customer


class MakeOrder(OrderForm["Created | None"]):
    """Asks for whom first; `looked_up` is what was searched for before."""

    TITLE = "A new order"
    SHOW = "Show order"
    DEED = "Make it"
    NOBODY = "the customer's own"

    def __init__(self, context: Context, looked_up: str = "") -> None:
        super().__init__(context)
        self._looked_up = looked_up
        self._early = ""
        """What was typed before this was on the screen."""
        self._beside: tuple[str, ...] = ()
        """The customer's other orders for the day, as the last preview showed them."""

    def inputs(self) -> Iterable[Widget]:
        """For whom, then the order."""
        yield Chosen("Customer", id="customer", explains="Whose order it is; Enter chooses.",
                     empty="Enter, or a phone or a name")  # fmt: skip
        yield from super().inputs()

    def begun(self) -> None:
        """Ask for whom."""
        super().begun()
        self.fill("day", str(self.context.today() + timedelta(days=1)))
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
        return choose_customer(self.context, typed, offered)

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
    def customer_id(self) -> str:
        """Of the customer who was chosen."""
        return self.value("customer")

    def request(self) -> NewOrder:
        """The order that was typed."""
        from services.orders.creation import NewOrder

        if not self.customer_id:
            raise BadRequest("customer-missing", "Choose the customer first.")
        return NewOrder(
            customer_id=self.customer_id, items=self.query_one(ItemLines).quantities(),
            delivery_date=self.day(self.value("day")), address=self.value("address"), notes=self.value("notes"),
            delivery_boy_id=self.value("person"), beside=self._beside if self.again else (),
        )  # fmt: skip

    def preview(self, request: NewOrder) -> Question[Created]:
        """The order as it would be stored."""
        from services.orders.creation import preview_order

        return partial(preview_order, self.context.database, self.context.operator, self.context.clock, request)

    def write(self, request: NewOrder) -> Question[Created]:
        """The order."""
        from services.orders.creation import create_order

        context = self.context
        return partial(create_order, context.database, context.operator, context.clock, request, self.result)

    def lines_of(self, result: Created) -> Sequence[RenderableType]:
        """The order, and what every rule says of it."""
        from services.orders.words import order_in_words

        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(width=15)
        grid.add_column(ratio=1, overflow="fold")
        for name, words in order_in_words(result):
            line = text(words, "total" if name == "total" else "", limit=1_000)
            grid.add_row(text(name, "muted"), wrapping(line))
        return [grid, "", checks_table(result.checks)]

    def against(self, result: Created) -> str | None:
        """The rule that refuses it."""
        self._beside = result.beside
        if result.refusal is None:
            return None
        if result.refusal.result.code == DUPLICATE:
            self.offer_again()
        return result.refusal.result.message
