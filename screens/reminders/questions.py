"""What the screen of reminders asks of the services, each as one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from textual.message import Message

from screens.context import Context

if TYPE_CHECKING:
    from services.reminders.cancellation import Cancelled
    from services.reminders.listing import Survey
    from services.reminders.providers.provider import Provider
    from services.reminders.release import Released
    from services.reminders.sender import Sending


@dataclass
class Surveyed(Message):
    """What a run's reminders come to."""

    survey: Survey
    to_release: bool = False
    """Whether the operator is about to release them."""


@dataclass
class DueCounted(Message):
    """How many messages are due now, for an operator who is about to send them."""

    due: int
    quiet_until: datetime | None
    """The end of the quiet hours, during them: nothing goes out before."""


@dataclass
class Step(Message):
    """How far a release or a sending is."""

    done: int
    total: int
    words: str

    def can_replace(self, message: Message) -> bool:
        """Only the newest reading matters."""
        return isinstance(message, Step)


@dataclass
class Done(Message):
    """A release, a sending or a cancelling came to its end."""

    outcome: Released | Sending | Cancelled


async def survey(context: Context, run: str) -> Survey:
    """What a run's reminders come to."""
    from services.reminders.listing import survey

    return await survey(context.database, context.operator, run, context.reminder_language)


async def count_due(context: Context) -> DueCounted:
    """How many messages are due; refuses where none can be sent from here."""
    from services.reminders.pacing import Limits
    from services.reminders.sender import count_due

    await _provider(context)
    due = await count_due(context.database, context.operator, context.clock)
    return DueCounted(due, Limits().quiet_end(context.clock()))


async def release(context: Context, run: str, progress: Callable[[int, int], None]) -> Released:
    """Release a run's held reminders."""
    from services.reminders.release import release

    return await release(
        context.database, context.operator, context.clock, run, language=context.reminder_language, progress=progress
    )


async def send(context: Context, progress: Callable[[Sending], None]) -> Sending:
    """Send what is due."""
    from services.reminders.sender import send

    provider = await _provider(context)
    return await send(context.database, context.operator, context.clock, provider, progress=progress)


async def cancel(context: Context, run: str, customer_id: str | None, reason: str) -> Cancelled:
    """Cancel what is unsent of a run, or of one customer in it."""
    from services.reminders.cancellation import cancel

    return await cancel(context.database, context.operator, context.clock, run, reason, customer_id=customer_id)


async def _provider(context: Context) -> Provider:
    from services.operators.directory import environment_of
    from services.reminders.providers.account import Account, open_provider

    demo = await environment_of(context.database) is not None
    return open_provider(context.reminder_account or Account(), demo=demo)
