"""What the list of orders shows of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.tones import customer_text, status_text, text
from screens.widgets.table import Column, Row
from services.money import format_rupees

if TYPE_CHECKING:
    from services.orders.lookup import OrderRow

COLUMNS = (
    Column("Order", 11, grow=1),
    Column("Customer", 14, grow=2),
    Column("Area", 10, grow=1, drop=3),
    Column("Due", 10, drop=2),
    Column("Status", 13, grow=1),
    Column("Amount", 10, right=True),
    Column("", 2, drop=1),
)


def row(order: OrderRow) -> Row:
    """One order: its id, whose it is, when it is due, what it comes to, and whether it is billed or odd."""
    mark = "₹" if order.billing_record else "⚑" if order.billed else "!" if order.review else ""
    billed = text(mark, "good" if order.billing_record else "warn")
    return Row(
        order.id,
        (
            text(order.id),
            customer_text(order.customer_name, known=order.customer_id is not None),
            text(order.area, "muted"),
            text(order.delivery_date or "—", "muted"),
            status_text(order.status),
            text(format_rupees(order.amount_paise), "money"),
            billed,
        ),
    )
