"""What the orders screen asks of the services."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screens.context import Context
    from services.orders.detail import OrderDetail
    from services.orders.timeline import Event
    from services.orders.undoing import Undone


async def show(context: Context, order_id: str) -> OrderDetail:
    """Everything about an order."""
    from services.orders.detail import show_order

    return await show_order(context.database, context.operator, order_id)


async def happened(context: Context, order_id: str) -> tuple[Event, ...]:
    """What happened to an order."""
    from services.orders.timeline import timeline

    return await timeline(context.database, context.operator, order_id)


async def preview_undo(context: Context, order_id: str, beside: Collection[str] = ()) -> Undone:
    """What taking an order's last change back would change, beside these orders of its day."""
    from services.orders.undoing import preview_undo

    return await preview_undo(context.database, context.operator, context.clock, order_id, beside=beside)


async def undo(shown: Undone, context: Context, order_id: str, reason: str) -> Undone:
    """Take the change of an order back that was shown, beside the orders that were."""
    from services.orders.undoing import undo_edit

    asked = context.database, context.operator, context.clock, order_id, reason
    return await undo_edit(*asked, edit=shown.edit, beside=shown.beside, seen=shown.seen)
