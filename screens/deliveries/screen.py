"""A day's deliveries, and confirming them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from screens.asking import ConnectionLost, Refusal
from screens.context import Context
from screens.customers.place import CORRECTING, CustomerPlace
from screens.deliveries import questions, views
from screens.deliveries.filters import DayBar
from screens.deliveries.many import ConfirmMany, Decision, NotDelivered
from screens.listing import ListPlace, Reader
from screens.place import OpenOrder
from screens.tones import text
from screens.widgets.field import Field
from screens.widgets.meter import Meter, Reading
from screens.widgets.table import RecordTable, Row
from services.errors import BadRequest, ConsoleError, NotFound, Unreachable

if TYPE_CHECKING:
    from datetime import datetime

    from services.deliveries.confirmation import Confirmation
    from services.deliveries.day import DayFilters, DeliveryRow
    from services.deliveries.seen import Seen
    from services.deliveries.undo import Undone
    from services.paging import Page

_WRITING = ("confirm", "not_delivered", "route", "undo")
_SELECTING = ("mark", "mark_all")
"""What leads to nothing but writing."""
_ON_ROWS = (*_WRITING, *_SELECTING, "order")


class DeliveriesScreen(CustomerPlace, ListPlace):
    """The list of one day, filtered as you type."""

    NAME = "deliveries"
    LIST = "day-list"
    AUTO_FOCUS = "#day-list"
    CSS_PATH = "deliveries.tcss"
    ABOUT = (
        "The orders that are due on one day in India, newest first. Confirming one notes what was delivered of each "
        "item and when; several that are marked, or a delivery person's whole route, are confirmed as they are on "
        "record, each for itself. For a route, mark what failed: marked ones and those told as not delivered are left "
        "out. A confirmation can be taken back until the order is billed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "turn(-1)", "Day", key_display="[ ]", tooltip="The day before, the day after."),
        Binding("right_square_bracket", "turn(1)", "After", show=False),
        Binding("t", "today", "Today", show=False, tooltip="Back to today."),
        Binding("space", "mark", "Mark", key_display="␣", tooltip="Mark the delivery under the cursor, or unmark it."),
        Binding("a", "mark_all", "All", tooltip="Mark all that waits under these filters; again, mark none."),
        Binding("c", "confirm", "Confirm", tooltip="Confirm the marked ones, else the one under the cursor."),
        Binding("r", "route", "Route", tooltip="Confirm the route of the delivery person under the cursor."),
        Binding(
            "n",
            "not_delivered",
            "Not delivered",
            tooltip="Note that nothing was delivered of the marked ones, else of the one under the cursor; asks why.",
        ),
        Binding("z", "undo", "Take back", tooltip="Take the confirmation under the cursor back; asks why."),
        Binding("o", "order", "Order", tooltip="Show the order under the cursor."),
        *CORRECTING,
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._filters: DayFilters | None = None
        self._rows: dict[str, DeliveryRow] = {}
        self._marked: dict[str, Seen] = {}
        """As they were seen, by id; also rows on pages that are not loaded."""
        self._refusals: dict[str, ConsoleError] = {}
        """Why the last confirmation of several left an order alone, by its id."""
        self._before: dict[str, DeliveryRow] = {}
        """What was listed before the list was read again."""
        self._at = ""
        """What was under the cursor then."""
        self._told = ""
        """The row whose refusal, if it has one, was told last."""
        self._gone: set[str] = set()
        """Of the rows, those whose order was deleted since they were listed."""
        self._working = ""
        """What this console does now, as a sentence."""

    def compose_place(self) -> Iterable[Widget]:
        """Day and filters above the list."""
        yield DayBar()
        yield Meter(id="meter")
        table = RecordTable(
            views.COLUMNS, noun=("delivery", "deliveries"), id="day-list",
            empty="Nothing due on this day fits the filters.",
            explains="The deliveries of the day: ✓ confirmed, ● marked, ✗ refused with the reason; a ? stands before "
            "what was reported and not confirmed. Enter confirms the one under the cursor.",
        )  # fmt: skip
        table.border_title = "Deliveries"
        yield table

    def search_target(self) -> Widget:
        """The delivery person, by whom a day is narrowed most often."""
        return self.query_one("#person", Field).input

    def opened(self) -> None:
        """Today."""
        if self.context and not self.query_one("#day", Field).value:
            with self.prevent(Input.Changed):
                self.query_one(DayBar).put_day(self.context.today())
        self.list_target().focus()
        self.read_first()

    def why_not(self, action: str) -> str | None:
        """Writing needs a role, and all but the filters a delivery."""
        if action not in _ON_ROWS:
            return super().why_not(action)
        if action in _SELECTING and (reason := self.why_no_change()):
            return reason
        if action in _WRITING and (reason := self.why_no_change() or self._working):
            return reason
        row = self._row()
        if row is None:
            return "There is no delivery under the cursor."
        if row.order_id in self._gone and action not in ("route", "mark_all"):
            return "The order was deleted."
        if action == "undo" and not row.confirmed:
            return "It is not confirmed, so there is nothing to take back."
        return "It is confirmed already." if action == "mark" and row.confirmed else None

    def customer_shown(self) -> str | None:
        """The customer of the delivery under the cursor."""
        row = self._row()
        return row.customer_id if row else None

    def read_again(self) -> None:
        """The day as it is now."""
        self.read_first()

    def action_read_again(self) -> None:
        """As it is now, with no word of what was refused before."""
        self._refusals.clear()
        self.read_first()

    def _row(self) -> DeliveryRow | None:
        return self._rows.get(self.under_cursor())

    def action_turn(self, days: int) -> None:
        """The day before or after."""
        if context := self.require_context():
            bar = self.query_one(DayBar)
            try:
                bar.put_day(bar.read_day(context.today()) + timedelta(days=days))
            except BadRequest as error:
                self.say(error.message)

    def action_today(self) -> None:
        """Back to today."""
        if self.context:
            self.query_one(DayBar).put_day(self.context.today())

    def reader(self, context: Context) -> Reader:
        """The day, narrowed by the filters."""
        from services.deliveries.day import list_day

        filters = self.query_one(DayBar).read(context.today())
        if filters != self._filters:
            # What is marked is in sight, or was marked as all that these filters leave.
            self._filters = filters
            self._marked.clear()
            self._refusals.clear()
            self._rows = {}
        self._at = self.under_cursor()
        self._before = {name: row for name, row in self._rows.items() if name not in self._gone}
        return partial(list_day, context.database, context.operator, filters)

    def page_shown(self, page: Page[DeliveryRow], *, first: bool) -> None:
        """Rows that are no longer listed are forgotten; of those whose order was deleted it is said."""
        if not first:
            return
        if self._filters:
            day = self._filters.day
            self.list_target().border_title = f"Deliveries · {day:%A} {day}"
        self._rows, self._gone = {row.order_id: row for row in page.items}, set()
        if self.context and (missing := [name for name in self._before if name not in self._rows]):
            self.ask("deleted", partial(questions.read_deleted, self.context, missing), lambda read: read)

    def on_deleted(self, event: questions.Deleted) -> None:
        """Rows of deleted orders stay where they were until the list is read once more."""
        table, listed = self.list_target(), list(self._before)
        rows = list(table.rows)
        deleted = [name for name in event.order_ids if name in self._before]  # a late answer is of an earlier list
        for order_id in deleted:
            self._gone.add(order_id)
            self._marked.pop(order_id, None)
            words = "The order was deleted; read again, it is no longer listed."
            self._refusals[order_id] = NotFound("unknown-order", words)
            above = set(listed[: listed.index(order_id)])
            places = [number for number, row in enumerate(rows) if row.key in above]
            rows.insert(max(places, default=-1) + 1, self.row_of(self._before[order_id]))
        if deleted:
            table.show(rows, more=table.more, keep=True, at=self._at if self._at in self._gone else None)

    def row_of(self, item: DeliveryRow) -> Row:
        """One delivery, kept for what is done with it."""
        self._rows[item.order_id] = item
        if item.order_id in self._marked:
            self._marked[item.order_id] = item.seen
        refusal = self._refusals.get(item.order_id)
        return views.row(item, marked=item.order_id in self._marked, refusal=refusal)

    def _paint(self, order_ids: Iterable[str]) -> None:
        table = self.list_target()
        for row in [self._rows[each] for each in order_ids if each in self._rows]:
            table.put(self.row_of(row))

    @on(RecordTable.Highlighted)
    def _tell_refusal(self, event: RecordTable.Highlighted) -> None:
        """The whole sentence, where the cell is too short for it; once, however often the row is read again."""
        refusal = self._refusals.get(event.key)
        if refusal and event.key != self._told:
            self.say(refusal.message)
        self._told = event.key
        self.refresh_bindings()

    def action_mark(self) -> None:
        """Mark or unmark the row under the cursor, and go on to the next."""
        if row := self._row():
            if self._marked.pop(row.order_id, None) is None:
                self._marked[row.order_id] = row.seen
            self._paint([row.order_id])
            self.list_target().cursor += 1

    def action_mark_all(self) -> None:
        """All that waits, on every page; or none."""
        if self._marked:
            marked, self._marked = self._marked, {}
            self._paint(marked)
        elif self.context and self._filters:
            self.ask("all", partial(questions.read_all, self.context, self._filters), lambda read: read)

    def on_all_read(self, event: questions.AllRead) -> None:
        """Show the marks."""
        self._marked = dict(event.seen)
        self._paint(self._marked)
        self.say(f"Marked all that waits under these filters: {views.orders(len(self._marked))}.", "information")

    @on(RecordTable.Selected)
    def action_confirm_one(self) -> None:
        """Confirm the delivery under the cursor."""
        order_id = self.under_cursor()
        if reason := self.why_not("confirm"):
            self.say(reason)
        elif self.context and order_id:
            from screens.deliveries.dialog import ConfirmDelivery

            self.open_writing(ConfirmDelivery(self.context, order_id), self._confirmed)

    def _confirmed(self, confirmation: Confirmation) -> None:
        self._show_confirmed(confirmation)
        self.say(views.confirmed(confirmation), "information")

    def _show_confirmed(self, confirmation: Confirmation) -> None:
        self._refusals.pop(confirmation.order_id, None)
        status = confirmation.status
        self._change(confirmation.order_id, status, status, confirmation.delivered_at, confirmed=True)

    def _change(self, order_id: str, status: str, reported: str, at: datetime | None, *, confirmed: bool) -> None:
        """The row as it is now; it stays in the list, whatever the filters say of its new status."""
        self._marked.pop(order_id, None)
        if row := self._rows.get(order_id):
            self._rows[order_id] = dataclasses.replace(
                row, status=status, reported=reported, delivered_at=at, confirmed=confirmed
            )
        self._paint([order_id])
        self.refresh_bindings()

    def action_confirm(self) -> None:
        """Confirm the marked deliveries, or the one under the cursor."""
        if not self._marked:
            self.action_confirm_one()
            return
        line = text(f"{views.orders(len(self._marked))} marked, each as it is on record.", "strong")
        self._ask_when("Confirm deliveries", [line], dict(self._marked))

    def action_route(self) -> None:
        """Read the route first: all of the delivery person under the cursor."""
        if self.context and self._filters and (row := self._row()):
            from services.deliveries.day import NOBODY

            filters = dataclasses.replace(self._filters, delivery_boy=row.delivery_boy_id or NOBODY, status=None)
            self.ask("route", partial(questions.read_route, self.context, filters, self._marked), lambda read: read)

    def on_route_read(self, event: questions.RouteRead) -> None:
        """Say what is left out, and ask."""
        lines = views.route_lines(event.route, len(event.seen), event.excepted)
        if event.seen:
            self._ask_when("Confirm a route", lines, event.seen)
        else:
            self.say(" ".join(line.plain for line in lines))

    def _ask_when(self, title: str, lines: Sequence[Text], seen: Mapping[str, Seen]) -> None:
        dialog = ConfirmMany(title, [*lines, *self._off()], len(seen))
        self.app.push_screen(dialog, partial(self._confirm_many, seen))

    def _off(self) -> list[Text]:
        """That the day is long past, or has not come."""
        if self.context is None or self._filters is None:
            return []
        return views.off_line((self.context.today() - self._filters.day).days)

    def action_not_delivered(self) -> None:
        """Ask why the marked ones, or the one under the cursor, did not come."""
        row = self._row()
        seen = dict(self._marked) or ({row.order_id: row.seen} if row else {})
        words = f"{views.orders(len(seen))} marked" if self._marked else f"The order {self.under_cursor()}"
        lines = [text(f"{words}: nothing of it was delivered."), *self._off()]

        def decided(reason: str | None) -> None:
            if reason:
                self._confirm_many(seen, Decision(None, reason), not_delivered=True)

        self.app.push_screen(NotDelivered(lines), decided)

    def _confirm_many(
        self, seen: Mapping[str, Seen], decision: Decision | None, *, not_delivered: bool = False
    ) -> None:
        if decision and self.context:
            self._working = "Deliveries are being confirmed."
            self.say_nothing()
            for order_id in seen:
                self._refusals.pop(order_id, None)
            self._paint(seen)
            self.query_one(Meter).reading = Reading(0, len(seen), "confirmed")
            # The dialog that led here has said where the day has not come.
            question = partial(questions.confirm, self.context, seen, decision, not_delivered, early=True,
                               report=lambda outcome: self.post_message(questions.Step(outcome)))  # fmt: skip
            self.ask("work", question, lambda done: done, repeat=False)
            self.refresh_bindings()

    def on_step(self, event: questions.Step) -> None:
        """The outcome stands in its row; the bar moves."""
        outcome, meter = event.outcome, self.query_one(Meter)
        if outcome.confirmation:
            self._show_confirmed(outcome.confirmation)
        elif outcome.refusal:
            self._marked.pop(outcome.order_id, None)
            self._refusals[outcome.order_id] = outcome.refusal
            self._paint([outcome.order_id])
        if meter.reading:
            meter.reading = dataclasses.replace(meter.reading, done=meter.reading.done + 1)

    def on_done(self, event: questions.Done) -> None:
        """Sum the outcomes up."""
        self._end()
        words, good = views.told(event.outcomes)
        if any(each.refusal and each.refusal.code in questions.STALE for each in event.outcomes):
            self.read_first()  # to be looked at as they are now
        self.say(words, "information" if good else "refusal")
        for lost in [each.refusal for each in event.outcomes if isinstance(each.refusal, Unreachable)][:1]:
            self.post_message(ConnectionLost(lost))

    def _end(self) -> None:
        self._working = ""
        self.query_one(Meter).reading = None
        self.refresh_bindings()

    def action_undo(self) -> None:
        """Ask why the confirmation under the cursor is taken back."""
        if self.context and (row := self._row()):
            from screens.deliveries.undoing import TakeConfirmationBack

            self.open_writing(TakeConfirmationBack(self.context, row), self._taken_back)

    def _taken_back(self, undone: Undone) -> None:
        """The row as it was."""
        self._change(undone.order_id, undone.status, "", undone.delivered_at, confirmed=False)
        self.say(views.taken_back(undone), "information")

    def on_refusal(self, event: Refusal) -> None:
        """Nothing that writes is ever repeated by itself."""
        if event.group == "work":
            self.drop(event.group)
            self._end()
        super().on_refusal(event)

    def action_order(self) -> None:
        """To the order."""
        self.post_message(OpenOrder(self.under_cursor()))
