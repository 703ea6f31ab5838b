"""What a person asks of the audit trail: records by the beginning of an id, users by name; and why nothing fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.audit.entries import Entry
from services.audit.filters import SHORTEST, AuditFilters, read_filters, spellings
from services.audit.names import names_of_people
from services.audit.query import AuditQuery
from services.audit.ranges import recorded
from services.changes.changeset import AUDIT_LOGS
from services.database import READ_LIMIT_MS, Database, told
from services.deployment.indexes import (
    AUDIT_BY_KIND,
    AUDIT_BY_RUN,
    AUDIT_BY_SESSION,
    AUDIT_BY_TABLE,
    AUDIT_BY_USER,
    hint,
)
from services.errors import NotFound, Refused
from services.history.naming import full_id, full_note, the_one
from services.operators.directory import is_operator
from services.operators.operator import Operator, shown_to
from services.paging import Page

_LISTED = 8


async def read_asked(database: Database, operator: Operator, words: Mapping[str, Any]) -> AuditFilters:
    """As `read_filters`, with the whole ids of record, run and session, and of each user named as the list names them.

    Raises as that and `full_id`; NotFound for a user whom nobody knows, Refused where several are called so.
    """
    operator.require("viewer", "read the audit trail")
    filters = read_filters(**words)
    if filters.record_id is not None:
        filters = replace(filters, record_id=await full_id(database, operator, filters.tables[0], filters.record_id))
    if filters.run is not None:
        filters = replace(filters, run=await full_note(database, AUDIT_BY_RUN, filters.run))
    if filters.session is not None:
        filters = replace(filters, session=await full_note(database, AUDIT_BY_SESSION, filters.session))
    return replace(filters, users=tuple([await _user(database, operator, user) for user in filters.users]))


async def asked_page(
    database: Database, operator: Operator, words: Mapping[str, Any], token: str | None = None, limit: int | None = None
) -> Page[Entry]:
    """As `AuditQuery.page`; where nothing fits, the note says why.

    Of the tables, actions and sessions asked for, it names those that no entry has. Raises Refused also for the
    beginning of several requests.
    """
    filters = await read_asked(database, operator, words)
    page = await AuditQuery(database, operator).page(filters, token, limit)
    if filters.request:
        the_one("requests", filters.request, {str(each.meta["request"]) for each in page.items if each.meta})
    if page.items or page.next or token:
        return page
    return replace(page, note=shown_to(operator, await _why_none(database, filters)))


async def _user(database: Database, operator: Operator, typed: str) -> str:
    """The id under which the trail has that user."""
    index = await hint(database, AUDIT_BY_USER)
    if index is None:
        return typed
    with told():
        entries = database[AUDIT_LOGS].find({"user_id": typed}, {"_id": 1}).hint(index).limit(1)
        if await entries.max_time_ms(READ_LIMIT_MS).to_list() or await is_operator(database, typed):
            return typed
        users = [str(user) for user in await recorded(database, AUDIT_BY_USER) or [] if user]
        names = await names_of_people(database, users)
    called = {user: {user.casefold(), name.casefold(), f"{name} ({user[:8]})".casefold()}
              for user in users for name in [names.get(user, "")]}  # fmt: skip
    meant = typed.casefold()
    fitting = [user for user, words in called.items() if meant in words]
    fitting = fitting or [user for user, words in called.items() if any(word.startswith(meant) for word in words)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        known = _some([f"{names[user]} ({user})" if names.get(user) else user for user in fitting])
        known = shown_to(operator, known)
        raise Refused("user-ambiguous", f"Several users are called {typed[:60]!r}: {known}. Type the id of the one.")
    raise NotFound(
        "unknown-user",
        f"Nobody called {typed[:60]!r} has written an entry: no account, no name and no id begins so. "
        "`audit report` counts who has.",
    )


async def _why_none(database: Database, filters: AuditFilters) -> str | None:
    """Of the tables and actions asked for, those that no entry has, and which there are."""
    if filters.tables:
        tables = [*(await recorded(database, AUDIT_BY_TABLE) or []), *(await recorded(database, AUDIT_BY_KIND) or [])]
        known = {str(table) for table in tables if table}
        strange = [each for each in filters.tables if known.isdisjoint(spellings(AuditFilters(tables=(each,))))]
        if known and strange:
            return f"No entry is about {_some(strange)}; there are entries about {_all(known)}."
    if filters.actions:
        known = {str(action).upper() for action in await recorded(database, AUDIT_BY_TABLE, "action") or [] if action}
        strange = [each for each in filters.actions if each.upper() not in known]
        if known and strange:
            return f"No entry has the action {_some(strange)}; the actions are {_all(known)}."
    for what, typed in (("session", filters.session), ("run", filters.run), ("request", filters.request)):
        if typed is not None and len(typed) < SHORTEST:
            return f"No entry is of the {what} {typed!r}; a beginning of its id needs {SHORTEST} characters."
    return None


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:_LISTED]) + (" and more" if len(words) > _LISTED else "")


def _all(words: set[str]) -> str:
    return ", ".join(sorted(words))
