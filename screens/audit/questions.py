"""What the screen of the audit trail asks of the services, each as one call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from screens.audit.filters import Words
from screens.context import Context
from screens.listing import Reader

if TYPE_CHECKING:
    from services.audit.access import Revealed
    from services.audit.entries import Entry
    from services.audit.standing import Standing


@dataclass
class Looked(Message):
    """Where an entry stands, and all of it where the list left its values out."""

    key: str
    standing: Standing
    whole: Entry | None


@dataclass
class Found(Message):
    """An entry that was asked for by its id."""

    entry: Entry
    standing: Standing


@dataclass
class Heard(Message):
    """An entry that matches was written just now."""


@dataclass
class Followed(Message):
    """The following ended."""

    nothing: None


@dataclass
class Shown(Message):
    """The phones and addresses of an entry."""

    revealed: Revealed


def pages(context: Context, words: Words) -> Reader:
    """The pages of the entries that match. Raises BadRequest."""
    from services.audit.filters import read_filters
    from services.history.asked import asked_page

    read_filters(**words)
    return partial(asked_page, context.database, context.operator, words)


async def look(context: Context, entry: Entry) -> Looked:
    """The rest of an entry that is listed."""
    from services.audit.query import AuditQuery
    from services.audit.standing import standing

    place = await standing(context.database, context.operator, entry.id)
    large = any(finding.code == "large" for finding in entry.findings)
    whole = await AuditQuery(context.database, context.operator).entry(entry.id) if large else None
    return Looked(str(entry.key), place, whole)


async def find(context: Context, entry_id: str) -> Found:
    """An entry by its id, or a beginning that no other has."""
    from services.audit.query import AuditQuery
    from services.audit.standing import standing
    from services.changes.changeset import AUDIT_LOGS
    from services.history.naming import full_id

    named = await full_id(context.database, context.operator, AUDIT_LOGS, entry_id)
    entry = await AuditQuery(context.database, context.operator).entry(named)
    return Found(entry, await standing(context.database, context.operator, named))


async def follow(context: Context, words: Words, heard: Callable[[], None]) -> None:
    """Hear of every entry that matches, for ever."""
    from services.audit.query import AuditQuery
    from services.history.asked import read_asked

    filters = await read_asked(context.database, context.operator, words)
    entries = AuditQuery(context.database, context.operator).follow(filters)
    async with aclosing(entries):
        async for _ in entries:
            heard()


async def reveal(context: Context, entry_id: str, reason: str) -> Revealed:
    """The phones and addresses of an entry."""
    from services.audit.access import reveal
    from services.changes.changeset import AUDIT_LOGS

    return await reveal(context.database, context.operator, context.clock, AUDIT_LOGS, entry_id, reason)


def why_not(action: str, entry: Entry | None, context: Context | None) -> str | None:
    """Why that action cannot be done with the entry under the cursor; None where it can."""
    if entry is None:
        return "There is no entry under the cursor."
    if action in ("order", "same", "history") and not (entry.table and entry.record_id):
        return "The entry does not say which record it is about."
    if action == "history":
        return _why_no_history(entry)
    if action == "order" and entry.table not in ("orders", "order"):
        return f"The entry is about {entry.table}, not about an order."
    return _why_no_reveal(context, entry) if action == "reveal" else None


def _why_no_history(entry: Entry) -> str | None:
    """Why what the entry is about has no life to show."""
    from services.audit.logger import READINGS
    from services.changes.changeset import AUDIT_LOGS

    if entry.table == AUDIT_LOGS and entry.action in READINGS:
        return "The entry tells of a reading or an export of the trail: that changed nothing and has no history."
    return None


def _why_no_reveal(context: Context | None, entry: Entry) -> str | None:
    """Why there is nothing to unmask."""
    from services.records.masking import private_values

    if context is None or not context.operator.masked:
        return "Phones and addresses are not masked for you."
    if any(private_values(value) for value in (entry.before, entry.after, entry.changes)):
        return None
    large = any(finding.code == "large" for finding in entry.findings)
    return None if large else "The entry has no phone and no address."
