"""What is told to the orders screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from services.orders.detail import OrderDetail
    from services.orders.editing import Edited
    from services.orders.timeline import Event
    from services.orders.undoing import Undone


@dataclass
class Looked(Message):
    """One order in full."""

    detail: OrderDetail


@dataclass
class Happened(Message):
    """What happened to an order."""

    order_id: str
    events: tuple[Event, ...]


@dataclass
class UndoShown(Message):
    """What taking the last change of an order back would change."""

    undone: Undone


@dataclass
class OrderChanged(Message):
    """An order was changed; what it is now, in words."""

    edited: Edited
    done: str
