"""`backfill`: preview a repair, commit exactly what was previewed, and see what became of it."""

from console.commands.backfill import plans, report, runs
from console.commands.backfill.group import app

__all__ = ["app", "plans", "report", "runs"]
