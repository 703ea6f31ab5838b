"""What the screen of deliveries shows of a day, a route and the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from screens.tones import count, customer_text, status_text, text, wrapping
from screens.widgets.table import Column, Row

if TYPE_CHECKING:
    from services.deliveries.confirmation import Confirmation
    from services.deliveries.day import DeliveryRow
    from services.deliveries.route import Outcome, Route
    from services.deliveries.undo import Undone
    from services.errors import ConsoleError

COLUMNS = (
    Column("", 1),
    Column("Customer", 14, grow=1),
    Column("Area", 10, grow=1, drop=2),
    Column("Items", 20, grow=6),
    Column("Delivery person", 14, grow=1, drop=1),
    Column("Shift", 7, drop=3),
    Column("Status", 15),
    Column("Phone", 15, drop=5),
    Column("At", 5, drop=4),
)


CHANGED = "changed-meanwhile"
"""The code of a refusal after which the row is read again: what it is now is what there is to look at."""


def row(item: DeliveryRow, *, marked: bool, refusal: ConsoleError | None) -> Row:
    """One delivery; a refusal stands in the place of its items, unless these are what was changed."""
    from services.clock import format_moment

    instead = refusal.message if refusal and refusal.code != CHANGED else ""
    return Row(
        item.order_id,
        (
            _mark(item, marked, refusal),
            customer_text(item.customer_name),
            text(item.area),
            text(instead or item.items, "warn" if refusal else ""),
            text(item.delivery_person or "—"),
            text(item.shift or "—", "muted"),
            _status(item),
            text(item.phone, "muted"),
            text(format_moment(item.delivered_at)[-5:] if item.delivered_at else "", "muted"),
        ),
    )


def _mark(item: DeliveryRow, marked: bool, refusal: ConsoleError | None) -> Text:
    if marked:
        return text("●", "money")
    if refusal:
        return text("✗", "bad")
    return text("✓" if item.confirmed else "", "good")


def _status(item: DeliveryRow) -> Text:
    """The order's status, or with a question mark a report that says something else and nobody has confirmed."""
    if item.confirmed or item.reported in ("", item.status):
        return status_text(item.status)
    told = status_text(item.reported)
    return Text(f"? {told.plain}", style=told.style, no_wrap=True)


def route_lines(route: Route, number: int, excepted: int) -> list[Text]:
    """What a confirmation of the route does, and what it leaves out."""
    who = route.due[0].delivery_person if route.due else ""
    left = [
        (excepted, "left out, as marked"), (len(route.failed), "left out, as told not delivered"),
        (route.confirmed, "confirmed already"), (route.cancelled, "cancelled"),
    ]  # fmt: skip
    first = text(f"{who or 'No delivery person'}: {orders(number)}, each as it is on record.", "strong")
    return [first, *(text(f"{count(many)} {why}.") for many, why in left if many)]


def orders(number: int) -> str:
    """A number of orders in words."""
    return "1 order" if number == 1 else f"{count(number)} orders"


def off_line(days: int) -> list[Text]:
    """That a day long past needs the time or a reason, and that a day has not come."""
    words = ""
    if days > 1:
        words = f"The day is {days} days ago: what has no time on record needs one, or a reason."
    elif days < 0:
        words = "The day has not come yet: confirm only what was brought before it."
        words += "" if days == -1 else " More than a day early needs a reason."
    return [wrapping(text(words, "warn"))] if words else []


def told(outcomes: Sequence[Outcome]) -> tuple[str, bool]:
    """The outcomes in a sentence, and whether all went well."""
    from services.records.orders import NOT_DELIVERED

    refused = [each.refusal for each in outcomes if each.refusal]
    done = [each for each in outcomes if not each.refusal]
    statuses = {each.confirmation.status for each in done if each.confirmation}
    deed = "noted as not delivered" if statuses == {NOT_DELIVERED} else "confirmed"
    words = f"{orders(len(done))} {'is' if len(done) == 1 else 'are'} {deed}."
    if refused:
        words += f" {count(len(refused))} not; the first because: {refused[0].message}"
    return words, not refused


def confirmed(confirmation: Confirmation) -> str:
    """A confirmation in a sentence."""
    what = f": {confirmation.quantities}" if confirmation.quantities else ""
    return f"{confirmation.order_id} is confirmed as {_in_words(confirmation.status)}{what}."


def taken_back(undone: Undone) -> str:
    """What an order is again, and what was left as it is."""
    from services.audit.traces import in_words

    kept = f" Changed since, and left as it is: {in_words(undone.kept)}." if undone.kept else ""
    beside = f" Also open for the same customer and day: {', '.join(undone.beside)}." if undone.beside else ""
    return f"{undone.order_id} is {_in_words(undone.status)} again, not confirmed.{kept}{beside}"


def _in_words(status: str) -> str:
    return status.replace("_", " ").lower()
