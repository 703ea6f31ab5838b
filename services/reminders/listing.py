"""Reminders as people look at them: by run and customer, with the message as it goes out or went out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.clock import read_month, read_timestamp
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator, shown_to
from services.paging import Page, bad_token, list_kind, page_size, read_token, scalar_key, write_token
from services.records.fields import mapping, text
from services.reminders.consolidation import Draft, consolidate
from services.reminders.obstacles import OBSTACLES
from services.reminders.outbox import BY_CUSTOMER, OUTBOX, STATES, State
from services.reminders.queue import LOG, log_key, log_keys
from services.reminders.recipients import Language, Recipient, load_recipients, read_language
from services.reminders.templates import Wordings, load_wordings

_NEWEST_FIRST = [(name, -1) for name, _ in BY_CUSTOMER]
_SURVEYED = 500


@dataclass(frozen=True, slots=True)
class Reminder:
    """One customer's reminder of a run: a message, or held orders of which one will be made."""

    run: str
    state: State
    customer_id: str
    customer_name: str
    phone: str
    """E.164, or as stored where that is no valid number; masked for a viewer."""
    message: str | None
    """The message's id; None for one that is not released."""
    orders: tuple[str, ...]
    months: tuple[str, ...]
    amount_paise: int
    language: Language | None
    text: str
    """As it goes out or went out; empty where an obstacle keeps it held."""
    code: str | None = None
    """The obstacle that keeps it held, one of `OBSTACLES`."""
    reason: str = ""
    """Why it is held, failed, was cancelled or is unclear."""
    tries: int = 0
    retry_at: datetime | None = None
    sent_at: datetime | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return "/".join((self.run, self.state, self.customer_id, self.message or self.code or ""))


@dataclass(frozen=True, slots=True)
class Count:
    """How many reminders, of how many orders, over how much."""

    reminders: int = 0
    orders: int = 0
    amount_paise: int = 0


@dataclass(frozen=True)
class Survey:
    """What a run's reminders come to: the messages to release, what is kept back and why, and the other states."""

    run: str
    ready: Count
    obstacles: dict[str, Count] = field(default_factory=dict)
    states: dict[str, Count] = field(default_factory=dict)
    languages: dict[Language, int] = field(default_factory=dict)
    """The messages to release, by language."""


async def list_reminders(
    database: Database,
    operator: Operator,
    *,
    run: str | None = None,
    state: str | None = None,
    token: str | None = None,
    limit: int | None = None,
    language: Language = "en",
    strict: bool = False,
) -> Page[Reminder]:
    """Reminders, the newest run first, within it by state and customer; up to `limit` customers on a page.

    Where a template may not be used, held ones have no text and the page's note says why; `strict` refuses instead.
    """
    operator.require("viewer", "look at reminders")
    if state is not None and state not in STATES:
        raise BadRequest("unknown-state", f"There is no state {state!r}; the states are {', '.join(STATES)}.")
    size, kind = page_size(limit), list_kind("reminders", run, state)
    key = read_token(kind, token)
    groups: list[list[Document]] = []
    with told():
        async for group in _groups(database, run, state, key):
            groups.append(group)
            if len(groups) > size:
                break
        wordings, note = await _wordings(database, language, strict=strict)
        shown = [row for group in groups[:size] for row in group]
        reminders = await _reminders(database, shown, wordings)
    last = groups[size - 1][0] if len(groups) > size else None
    return Page(shown_to(operator, tuple(reminders)), write_token(kind, _place(last)) if last else None, note)


async def survey(database: Database, operator: Operator, run: str, language: Language = "en") -> Survey:
    """What a run's reminders come to; those held are put together as a release would, by what the bills say now.

    Raises Refused for a template that may not be used, NotFound where the run has no reminders.
    """
    operator.require("viewer", "look at reminders")
    wordings = await load_wordings(database, language)
    by_customer: Document = {
        "_id": {"state": "$state", "customer": "$customer_id", "message": "$message"},
        "orders": {"$sum": 1},
        "amount": {"$sum": "$amount_paise"},
    }
    by_state: Document = {"_id": "$_id.state", "reminders": {"$sum": 1}, "orders": {"$sum": "$orders"},
                          "amount": {"$sum": "$amount"}}  # fmt: skip
    with told():
        cursor = await database[OUTBOX].aggregate(
            [{"$match": {"run": run}}, {"$group": by_customer}, {"$group": by_state}], maxTimeMS=READ_LIMIT_MS
        )
        states = {row["_id"]: Count(row["reminders"], row["orders"], row["amount"]) for row in await cursor.to_list()}
        if not states:
            raise NotFound("no-reminders", f"{run} has no reminders: they come with the bills that a run commits.")
        drafts = [draft async for draft in _held_drafts(database, run, wordings)]
    if held := states.get("held"):
        states["held"] = replace(held, amount_paise=sum(draft.amount_paise for draft in drafts))
    obstacles = {code: [draft for draft in drafts if draft.obstacle == code] for code in OBSTACLES}
    ready = [draft for draft in drafts if not draft.obstacle]
    return Survey(
        run=run,
        ready=_count(ready),
        obstacles={code: _count(found) for code, found in obstacles.items() if found},
        states={state: states[state] for state in STATES if state in states},
        languages={each: sum(1 for draft in ready if draft.language == each) for each in wordings.by_language},
    )


def _count(drafts: Sequence[Draft]) -> Count:
    return Count(len(drafts), sum(len(d.orders) for d in drafts), sum(d.amount_paise for d in drafts))


async def _held_drafts(database: Database, run: str, wordings: Wordings) -> AsyncIterator[Draft]:
    rows: list[Document] = []
    async for group in _groups(database, run, "held", None):
        rows += group
        if len(rows) >= _SURVEYED:
            for draft in await consolidate(database, rows, wordings):
                yield draft
            rows = []
    for draft in await consolidate(database, rows, wordings) if rows else []:
        yield draft


async def _groups(
    database: Database, run: str | None, state: str | None, key: Document | None
) -> AsyncIterator[list[Document]]:
    """The rows of one customer after another, in the order of the index, backwards."""
    matching: Document = {"run": run or {"$gt": ""}}
    if state:
        matching["state"] = state
    if key is not None:
        matching = {"$and": [matching, _after(key)]}
    cursor = database[OUTBOX].find(matching).sort(_NEWEST_FIRST).max_time_ms(READ_LIMIT_MS)
    group: list[Document] = []
    try:
        async for row in cursor:
            if group and _place(row) != _place(group[0]):
                yield group
                group = []
            group.append(row)
        if group:
            yield group
    finally:
        await cursor.close()


def _place(row: Document) -> Document:
    return {name: row[name] for name, _ in BY_CUSTOMER}


def _after(key: Document) -> Document:
    names = [name for name, _ in BY_CUSTOMER]
    if set(key) != set(names) or not all(scalar_key(value) for value in key.values()):
        raise bad_token()
    steps: list[Document] = [
        {**{name: key[name] for name in names[:place]}, names[place]: {"$lt": key[names[place]]}}
        for place in range(len(names))
    ]
    return {"$or": steps}


async def _wordings(database: Database, language: Language, *, strict: bool) -> tuple[Wordings | None, str | None]:
    try:
        return await load_wordings(database, language), None
    except Refused as refused:
        if strict:
            raise
        return None, refused.message


async def _reminders(database: Database, rows: Sequence[Document], wordings: Wordings | None) -> list[Reminder]:
    """The reminders of these rows, in the order of the rows."""
    recipients = await load_recipients(database, (row["customer_id"] for row in rows))
    messages = sorted({row["message"] for row in rows if row.get("message")})
    logs = {log["_id"]: log async for log in database[LOG].find({"_id": log_keys(messages)})}
    drafts: dict[tuple[str, str], list[Draft]] = {}
    for draft in await consolidate(database, [row for row in rows if row["state"] == "held"], wordings):
        drafts.setdefault((draft.run, draft.customer_id), []).append(draft)
    groups: dict[tuple[str, State, str, str | None], list[Document]] = {}
    for row in rows:
        groups.setdefault((row["run"], row["state"], row["customer_id"], row.get("message")), []).append(row)
    reminders: list[Reminder] = []
    for (run, state, customer_id, message), group in groups.items():
        if state == "held":
            reminders += [_of_draft(draft) for draft in drafts[run, customer_id]]
        else:
            log = logs.get(log_key(message), {}) if message else {}
            reminders.append(_of_rows(group, recipients.get(customer_id), log))
    return reminders


def _of_draft(draft: Draft) -> Reminder:
    recipient = draft.recipient
    return Reminder(
        run=draft.run,
        state="held",
        customer_id=draft.customer_id,
        customer_name=recipient.name if recipient else "",
        phone=(recipient.phone or recipient.written) if recipient else "",
        message=None,
        orders=draft.orders,
        months=draft.months,
        amount_paise=draft.amount_paise,
        language=draft.language,
        text=draft.text,
        code=draft.obstacle,
        reason=OBSTACLES[draft.obstacle] if draft.obstacle else "",
    )


def _of_rows(rows: Sequence[Document], recipient: Recipient | None, log: Document) -> Reminder:
    """A reminder that is no longer held; the log has its message, unless it was cancelled before there was one."""
    row = rows[0]
    return Reminder(
        run=row["run"],
        state=row["state"],
        customer_id=row["customer_id"],
        customer_name=recipient.name if recipient else "",
        phone=text(log.get("phone")) or ((recipient.phone or recipient.written) if recipient else ""),
        message=row.get("message"),
        orders=tuple(sorted(each["order_id"] for each in rows)),
        months=tuple(sorted({month for each in rows if (month := read_month(each["month"]))})),
        amount_paise=sum(each["amount_paise"] for each in rows),
        language=read_language(mapping(log.get("context")).get("language")),
        text=text(log.get("message")),
        reason=text(row.get("reason")) or text(log.get("error_message")),
        tries=log.get("retry_count", 0),
        retry_at=read_timestamp(log.get("next_retry_at")),
        sent_at=read_timestamp(log.get("sent_at")),
    )
