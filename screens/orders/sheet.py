"""An order and all that belongs to it, as sections of a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from screens.tones import status_text, text, wrapping
from screens.widgets.sheet import Section
from services.clock import format_moment
from services.money import format_rupees, quantity_told, to_paise
from services.records.orders import OPEN_STATUSES
from services.text import visible_lines

if TYPE_CHECKING:
    from services.orders.detail import OrderDetail
    from services.orders.timeline import Event
    from services.records.bills import Bill
    from services.records.deliveries import Delivery
    from services.records.orders import Item, Order

_LONGEST_NOTE = 2_000
_SOURCES = {"order": "", "audit": "info", "bill": "money", "payment": "good", "delivery": "good", "action": "good",
            "message": "hint"}  # fmt: skip
"""Tones of what tells of an event."""


TABS = ("Order", "Customer", "Deliveries", "Billing", "Findings", "Timeline")
"""The parts of an order, in the order in which they are turned."""


def tab_names(detail: OrderDetail) -> tuple[str, ...]:
    """The names of the tabs, with how many there are of what can be several."""
    several = {"Deliveries": len(detail.deliveries), "Findings": len(detail.findings)}
    return tuple(f"{name} {several[name]}" if several.get(name) else name for name in TABS)


def tab_sections(tab: str, detail: OrderDetail, *, corrects: bool) -> list[Section]:
    """What a tab shows of an order to somebody who `corrects` customers or not; the timeline is read for itself."""
    match tab:
        case "Customer":
            return [_customer(detail, corrects=corrects), _links(detail)]
        case "Deliveries":
            return [_deliveries(detail)]
        case "Billing":
            return [_bills(detail)]
        case "Findings":
            return [_findings(detail)]
    items = [_items(detail.order.items)] if detail.order.items else [_none("no items")]
    return [_order(detail), Section("Items", lines=items), _for_whom(detail)]


def timeline_sections(events: Sequence[Event]) -> list[Section]:
    """What happened, newest first, in India time."""
    lines: list[RenderableType] = []
    for event in events:
        head = Text.assemble(text(format_moment(event.at), "muted"), "  ", text(event.source, _SOURCES[event.source]))
        words = Text.assemble(text(event.who, "strong"), " " if event.who else "", text(event.what))
        lines += [head, Padding(wrapping(words), (0, 0, 0, 2))]
    return [Section("What happened, India time", lines=lines)]


def _order(detail: OrderDetail) -> Section:
    order = detail.order
    facts = [
        ("Order", text(order.id or "no id", "strong")),
        ("Status", status_text(order.status)),
        ("Amount", text(format_rupees(detail.amount_paise), "money")),
        ("Kind", text(order.kind)),
        ("Due", text(order.delivery_date or "—")),
        ("Delivered", text(format_moment(order.delivered_at))),
        ("Created", text(format_moment(order.created_at))),
        (_brought(order), text(detail.delivery_person or order.delivery_boy_id or "—")),
    ]
    if order.notes:
        facts.append(("Notes", Text(visible_lines(order.notes, limit=_LONGEST_NOTE))))
    return Section("", facts)


def _brought(order: Order) -> str:
    if order.delivered:
        return "Delivered by"
    return "To deliver" if order.status in OPEN_STATUSES else "Delivery person"


def _items(items: tuple[Item, ...]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(ratio=1, overflow="fold")
    for _ in range(3):
        grid.add_column(justify="right", no_wrap=True)
    for item in items:
        unit = text(f"{quantity_told(item.quantity)} {item.unit}".strip())
        name = wrapping(text(item.name or item.product_id or "—"))
        grid.add_row(name, unit, text(_money(item.price), "muted"), text(_money(item.total), "money"))
    return grid


def _money(rupees: Decimal | None) -> str:
    try:
        return format_rupees(to_paise(rupees) if rupees is not None else None)
    except OverflowError:
        return "—"


def _customer(detail: OrderDetail, *, corrects: bool) -> Section:
    customer = detail.customer
    if customer is None:
        return Section("Customer", [("Open", text(detail.resolution.how, "bad"))])
    facts = [
        ("Name", text(customer.name or "—", "strong")),
        ("Phone", text(customer.phone or "—")),
        ("Area", text(customer.area or "—")),
        ("Address", Text(visible_lines(customer.address or detail.order.address or "—", limit=_LONGEST_NOTE))),
        ("Customer id", text(customer.id)),
        ("User id", text(customer.user_id or "—")),
        ("Found by", text(detail.resolution.how, "muted")),
    ]
    return Section("Customer", facts, [text("p corrects it, P takes that back", "hint")] if corrects else [])


def _for_whom(detail: OrderDetail) -> Section:
    customer = detail.customer
    if customer is None:
        return Section("Customer", [("Open", text(detail.resolution.how, "bad"))])
    address = visible_lines(detail.order.address or customer.address or "—", limit=_LONGEST_NOTE)
    facts = [("Name", text(customer.name or "—", "strong")), ("Phone", text(customer.phone or "—"))]
    return Section("Customer", [*facts, ("Address", Text(address))])


def _links(detail: OrderDetail) -> Section:
    """Every id between the order and its customer, and where it leads."""
    lines: list[RenderableType] = []
    for link in detail.links:
        words = Text.assemble(
            text(f"{link.field} ", "muted"),
            text(link.value),
            "\n  → ",
            text(link.leads_to, "" if link.sound else "warn"),
        )
        lines.append(wrapping(words))
    return Section("Links", lines=lines)


def _deliveries(detail: OrderDetail) -> Section:
    confirmed = {
        True: text("✓ confirmed", "good"),
        False: text("not confirmed", "warn"),
        None: text("not noted", "muted"),
    }[detail.order.delivery_confirmed]
    facts = [(_brought(detail.order), text(detail.delivery_person or "—")), ("Confirmed", confirmed)]
    lines: list[RenderableType] = []
    for delivery in detail.deliveries:
        lines.extend(_delivery(delivery))
    return Section("Delivery", facts, lines)


def _delivery(delivery: Delivery) -> list[RenderableType]:
    head = Text.assemble(status_text(delivery.status), f"  {format_moment(delivery.delivered_at)}")
    if delivery.confirmed_by_name:
        who = text(f"  by {delivery.confirmed_by_name} ({delivery.confirmation_method or 'unknown way'})", "muted")
        head.append_text(who)
    lines: list[RenderableType] = [head]
    for item in delivery.items:
        short = item.delivered != item.ordered
        amounts = f"{quantity_told(item.delivered)} of {quantity_told(item.ordered)}"
        lines.append(text(f"  {amounts}  {item.name}", "warn" if short else "muted"))
    if delivery.notes:
        lines.append(Text(visible_lines(delivery.notes, limit=_LONGEST_NOTE), style="muted"))
    return lines


def _bills(detail: OrderDetail) -> Section:
    if not detail.bills:
        order = detail.order
        if order.billed:
            return Section("Billing", lines=[text("flagged billed, but no billing record", "warn")])
        words = f"not billed; it belongs to {detail.billing_month or 'no readable month'}"
        return Section("Billing", lines=[text(words, "warn" if order.delivered else "muted")])
    lines: list[RenderableType] = [_bill(bill) for bill in detail.bills]
    return Section("Billing", lines=lines)


def _bill(bill: Bill) -> Text:
    paid = "good" if bill.payment_status == "paid" else "warn"
    line = Text.assemble(
        (format_rupees(bill.amount_paise), "money"), "  ", text(bill.month or "no month"), "  ",
        text(bill.payment_status or "unknown", paid), text(f"  due {bill.due_date or '—'}", "muted"),
    )  # fmt: skip
    return line.append_text(text(f"\n{bill.run}" if bill.run else "", "muted")) if bill.run else line


def _findings(detail: OrderDetail) -> Section:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(width=1)
    grid.add_column(ratio=1, overflow="fold")
    for finding in detail.findings:
        grid.add_row(Text("!", "warn"), wrapping(text(finding.message)))
    return Section("Findings", lines=[grid] if detail.findings else [Text("✓ nothing odd", "good")])


def _none(words: str) -> Text:
    return Text(words, style="muted")
