"""`orders`: find orders, show everything about one, and change it."""

from console.commands.orders import check, find, show
from console.commands.orders import change, find, show
from console.commands.orders.group import app

__all__ = ["app", "change", "find", "show"]
