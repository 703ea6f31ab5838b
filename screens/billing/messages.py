"""What the workers of the billing screen have to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from services.backfills.plan import Plan
    from services.backfills.rows import RowsPage
    from services.backfills.runner import Progress
    from services.backfills.runs import RunView


@dataclass
class Previewed(Message):
    """A plan to show."""

    plan: Plan


@dataclass
class Counted(Message):
    """How many records were looked at, and in words what they are."""

    examined: int
    words: str = ""

    def can_replace(self, message: Message) -> bool:
        """Only the newest count matters."""
        return isinstance(message, Counted)


@dataclass
class RowsRead(Message):
    """A page of the records behind a class; `first` where it replaces what is shown."""

    page: RowsPage
    first: bool


@dataclass
class RunsRead(Message):
    """The earlier runs."""

    runs: tuple[RunView, ...]


@dataclass
class Progressed(Message):
    """How far the commit is."""

    progress: Progress

    def can_replace(self, message: Message) -> bool:
        """Only the newest reading matters."""
        return isinstance(message, Progressed)


@dataclass
class Finished(Message):
    """A commit, a rollback or the rest of one came to its end."""

    outcome: RunView
