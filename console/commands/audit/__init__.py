"""`audit`: who changed what, and when; a module for each kind of command."""

from console.commands.audit import entries, exporting, follow, history, report, sealing, views
from console.commands.audit.group import app

__all__ = ["app", "entries", "exporting", "follow", "history", "report", "sealing", "views"]
