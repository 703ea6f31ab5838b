"""`orders`: find orders, show everything about one, and change it."""

from console.commands.orders import change, check, find, products, show
from console.commands.orders.group import app

__all__ = ["app", "change", "check", "find", "products", "show"]
