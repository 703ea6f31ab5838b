"""Looking orders up: search as you type, the list beside the order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Checkbox

from screens.asking import Refusal
from screens.context import Context
from screens.customers.place import CORRECTING, CustomerPlace
from screens.listing import LOOKING_ON, ListPlace, Reader
from screens.orders import questions
from screens.orders.filters import SearchBar
from screens.orders.messages import Happened, Looked, OrderChanged, UndoShown
from screens.orders.rows import COLUMNS, row
from screens.orders.sheet import TABS, tab_names, tab_sections, timeline_sections
from screens.tones import text, wrapping
from screens.widgets.field import Field
from screens.widgets.question import Question
from screens.widgets.sheet import Sheet
from screens.widgets.table import RecordTable, Row
from screens.widgets.tabs import TabLine
from services.clock import month_of

if TYPE_CHECKING:
    from services.deliveries.confirmation import Confirmation
    from services.orders.creation import Created
    from services.orders.detail import OrderDetail
    from services.orders.editing import Edited
    from services.orders.filters import Search
    from services.orders.lookup import OrderRow
    from services.orders.undoing import Undone
    from services.paging import Page

_RESTING = 0.08
"""Seconds that the cursor rests on a row before the order is read."""
_NOTHING = "Nothing found. Try fewer letters, or less of the phone."


class OrdersScreen(CustomerPlace, ListPlace):
    """The list follows what is typed, the sheet follows the cursor."""

    NAME = "orders"
    LIST = "orders"
    TYPING = 0.15
    CSS_PATH = "orders.tcss"
    ABOUT = (
        "Look an order up by its id or the beginning of it, by a phone in any writing, by the beginning of a "
        "customer's name, or by a customer's or user's id. Without a search it lists the newest orders; a list by day "
        "leaves out orders that say none. The tabs show the order, its customer and how it is found, deliveries, "
        "billing, what is odd about it, and all that happened to it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", tooltip="Make an order: customer, products, day, address, delivery person."),
        Binding("c", "confirm", "Confirm delivery", tooltip="Confirm the delivery of the order under the cursor."),
        Binding("v", "check", "Check", tooltip="Ask every validator about the order under the cursor."),
        Binding(
            "e", "edit", "Change", tooltip="Change the order under the cursor: day, person, address, notes, items."
        ),
        Binding("x", "cancel_order", "Cancel order", show=False, tooltip="Cancel the order under the cursor."),
        Binding("z", "undo", "Take back", show=False, tooltip="Take the order's last change or cancellation back."),
        *CORRECTING,
        Binding("b", "statement", "Statement", tooltip="The customer's statement for the month of the order."),
        Binding("h", "history", "History", show=False, tooltip="What the order was at any time, and who changed it."),
        Binding("right_square_bracket", "turn(1)", "Next tab", key_display="]", tooltip="The next part of the order."),
        Binding(
            "left_square_bracket", "turn(-1)", show=False, key_display="[", tooltip="The part of the order before."
        ),
        Binding("f", "saved", "Saved", tooltip="The searches that you keep: apply one, keep the present one."),
        Binding("u", "unbilled", "Unbilled", tooltip="Only delivered one-time orders that were never billed, or all."),
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._shown: OrderDetail | None = None
        self._made = ""
        """The order that was made and is to be under the cursor."""

    def compose_place(self) -> Iterable[Widget]:
        """Search and filters above the list and the order."""
        yield SearchBar()
        with Horizontal(classes="columns"):
            table = RecordTable(
                COLUMNS, noun="order", id="orders", empty=_NOTHING,
                explains="The orders found; ₹ marks billed ones, ! what needs a person. Enter shows the order.",
            )  # fmt: skip
            table.border_title = "Orders"
            table.add_class("list")
            yield table
            with Vertical(classes="detail"):
                yield TabLine(TABS, id="tabs", explains="The parts of the order; [ and ] turn them.")
                yield Sheet("Order", id="order", explains="The order under the cursor.", empty="No order is chosen.")

    def search_target(self) -> Widget:
        """The search."""
        return self.query_one("#search", Field).input

    def opened(self) -> None:
        """The newest orders, ready to type."""
        if not self.query_one("#search", Field).value:
            self.search_target().focus()
        self.read_first()

    def why_not(self, action: str) -> str | None:
        """Confirming and changing need a role and an order, making one the role."""
        if action not in ("new", "confirm", "edit", "cancel_order", "undo"):
            return super().why_not(action)
        if why := self.why_no_change():
            return why
        return None if action == "new" or self.under_cursor() else "There is no order under the cursor."

    def customer_shown(self) -> str | None:
        """The customer of the order under the cursor, once that is read."""
        detail = self._shown
        read = detail is not None and _name(detail) == self.under_cursor()
        return detail.customer.id if detail and read and detail.customer else None

    def read_again(self) -> None:
        """The list, and the order with it."""
        self.read_first()

    def open_order(self, order_id: str) -> None:
        """Show one order, as other screens ask for it."""
        from services.orders.filters import Search

        self.query_one(SearchBar).put(Search(query=order_id))
        self.show_detail(True)
        self.list_target().focus()
        self.read_first()

    def reader(self, context: Context) -> Reader:
        """What the search and the filters say."""
        from services.orders.lookup import find_orders

        search = self.query_one(SearchBar).read()
        return partial(
            find_orders, context.database, context.operator, search.query, search.filters(), today=context.today()
        )

    def row_of(self, item: OrderRow) -> Row:
        """One order."""
        return row(item)

    def page_shown(self, page: Page[OrderRow], *, first: bool) -> None:
        """Nothing found, nothing to show; a page can be empty though there is more to look through."""
        table = self.list_target()
        table.empty = LOOKING_ON if page.next else "Nothing found." if page.note else _NOTHING
        if first and not page.items:
            self._clear()
        if first and self._made:
            made, self._made = self._made, ""
            places = [number for number, item in enumerate(page.items) if item.id == made]
            if places:
                table.cursor = places[0]
            else:
                self.open_order(made)

    def unlisted(self) -> None:
        """No order is listed, and none is shown."""
        super().unlisted()
        self._clear()

    def _clear(self) -> None:
        self._shown = None
        self.query_one("#order", Sheet).clear()
        self.query_one(TabLine).names = TABS

    @on(RecordTable.Highlighted, "#orders")
    def order_highlighted(self) -> None:
        """Read the order once the cursor rests."""
        self.after_rest("cursor", _RESTING, self._look)
        self.refresh_bindings()

    def _look(self) -> None:
        order_id = self.under_cursor()
        if order_id and self.context:
            self.ask("order", partial(questions.show, self.context, order_id), Looked)

    def on_looked(self, event: Looked) -> None:
        """Show the order; the same one again stays where it was scrolled to."""
        same = self._shown is not None and self._shown.order.key == event.detail.order.key
        self._shown = event.detail
        self.query_one(TabLine).names = tab_names(event.detail)
        self._show_tab(keep=same)
        self.refresh_bindings()

    def _show_tab(self, *, keep: bool) -> None:
        """The chosen part of the order; the timeline is asked for when it is wanted."""
        detail, tab = self._shown, TABS[self.query_one(TabLine).chosen]
        if detail is None:
            return
        if tab != "Timeline":
            sections = tab_sections(tab, detail, corrects=self.why_no_change() is None)
            self.query_one("#order", Sheet).show(sections, keep=keep)
        elif self.context:
            self.ask(
                "timeline", partial(questions.happened, self.context, _name(detail)), partial(Happened, _name(detail))
            )

    def on_happened(self, event: Happened) -> None:
        """Show what happened, unless something else is shown by now."""
        if self._shown and TABS[self.query_one(TabLine).chosen] == "Timeline" and event.order_id == _name(self._shown):
            self.query_one("#order", Sheet).show(timeline_sections(event.events))

    def on_refusal(self, event: Refusal) -> None:
        """An order that is gone is shown no longer, one whose change stays is read again; what is typed stays."""
        if event.group == "undo" and not event.unreachable:
            self.read_again()
        if event.group in ("order", "timeline") and event.error.code == "unknown-order":
            self._clear()
        super().on_refusal(event)

    def action_turn(self, tabs: int) -> None:
        """To another part of the order."""
        line = self.query_one(TabLine)
        line.chosen = (line.chosen + tabs) % len(TABS)
        self._show_tab(keep=False)

    @on(TabLine.Clicked)
    def tab_clicked(self, event: TabLine.Clicked) -> None:
        """To that part."""
        self.query_one(TabLine).chosen = event.number
        self._show_tab(keep=False)

    def action_saved(self) -> None:
        """The searches that are kept."""
        if context := self.require_context():
            from screens.orders.saved import SavedSearches

            self.app.push_screen(SavedSearches(context, self.query_one(SearchBar).read()), self._apply)

    def _apply(self, search: Search | None) -> None:
        if search is not None:
            self.query_one(SearchBar).put(search)
            self.list_target().focus()
            self.read_first()

    @on(RecordTable.Selected, "#orders")
    def order_selected(self) -> None:
        """To the order itself, where the keys scroll it."""
        self.show_detail(True)
        self.query_one("#order").focus()

    def action_unbilled(self) -> None:
        """Only what was never billed, or everything."""
        self.query_one("#unbilled", Checkbox).toggle()

    def action_confirm(self) -> None:
        """Confirm the delivery of the order under the cursor."""
        order_id = self.under_cursor()
        if self.context and order_id:
            from screens.deliveries.dialog import ConfirmDelivery

            self.open_writing(ConfirmDelivery(self.context, order_id), self._delivery_confirmed)

    def action_check(self) -> None:
        """Ask every validator about the order under the cursor."""
        order_id = self.under_cursor()
        if self.context and order_id:
            from screens.orders.check import CheckOrder

            self.app.push_screen(CheckOrder(self.context, order_id))
        else:
            self.say("There is no order under the cursor to check.")

    def action_statement(self) -> None:
        """The statement of the customer whose order is shown."""
        detail = self._shown
        if self.context is None or detail is None or _name(detail) != self.under_cursor():
            self.say("There is no order under the cursor, or it is still being read.")
        elif detail.customer is None or detail.customer.id is None:
            self.say("Nobody knows whose order it is, so there is no statement; see the tab Customer.")
        else:
            from screens.statement.screen import StatementScreen

            month = detail.billing_month or month_of(self.context.today())
            self.app.push_screen(StatementScreen(self.context, detail.customer.id, month))

    def action_history(self) -> None:
        """The life of the order under the cursor."""
        order_id = self.under_cursor()
        if self.context and order_id:
            from screens.history.screen import HistoryScreen

            self.app.push_screen(HistoryScreen("orders", order_id, self.context))

    def action_new(self) -> None:
        """Make an order; whoever was looked up is offered first."""
        if self.context:
            from screens.orders.creating import MakeOrder

            looked_up = self.query_one("#search", Field).value
            self.open_writing(MakeOrder(self.context, looked_up), self._new_made)

    def _new_made(self, created: Created) -> None:
        self._made = created.order_id
        self.list_target().focus()
        self.read_first()
        self.say(f"{created.order_id} is made, for {created.customer_name or created.customer_id}.", "information")

    def action_edit(self) -> None:
        """Change the order under the cursor."""
        if self.context:
            from screens.orders.editing import EditOrder

            self.open_writing(EditOrder(self.context, self.under_cursor()), self._edited)

    def _edited(self, edited: Edited) -> None:
        self.post_message(OrderChanged(edited, "changed; z takes it back"))

    def action_cancel_order(self) -> None:
        """Cancel the order under the cursor, with a reason."""
        if self.context:
            from screens.orders.cancelling import CancelOrder

            self.open_writing(CancelOrder(self.context, self.under_cursor()), self._cancelled)

    def _cancelled(self, edited: Edited) -> None:
        self.post_message(OrderChanged(edited, "cancelled; z takes it back"))

    def action_undo(self) -> None:
        """Show what the last change of the order under the cursor was, to take it back."""
        if self.context:
            self.ask("undo", partial(questions.preview_undo, self.context, self.under_cursor()), UndoShown)

    def on_undo_shown(self, event: UndoShown) -> None:
        """Ask why; before that, whether the order is meant beside others that the day has by now."""
        undone = event.undone
        if undone.refusal is None:
            self._take_back(undone)
            return

        def decided(meant: bool | None) -> None:
            if meant:
                self._take_back(undone)

        words = wrapping(text(undone.refusal.result.message, limit=300))
        question = Question("Another order for the day", words, deed="Another order is meant", keep="Keep")
        self.app.push_screen(question, decided)

    def _take_back(self, undone: Undone) -> None:
        """Ask why, beside what would change."""
        if self.context:
            from screens.orders.undoing import TakeBack

            self.open_writing(TakeBack(self.context, undone), self._taken_back)

    def _taken_back(self, undone: Undone) -> None:
        self.post_message(OrderChanged(undone, "as it was before its last change"))

    def on_order_changed(self, event: OrderChanged) -> None:
        """Show the list and the order as they are now."""
        self.read_first()
        self.say(f"{event.edited.order_id} is {event.done}.", "information")

    def _delivery_confirmed(self, confirmation: Confirmation) -> None:
        from screens.deliveries.views import confirmed

        self.read_first()
        self.say(confirmed(confirmation), "information")


def _name(detail: OrderDetail) -> str:
    """What the order is asked for by: its id, or its key where it has none."""
    return detail.order.id or str(detail.order.key)
