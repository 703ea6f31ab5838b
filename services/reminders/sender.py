"""The sender: takes the console's due messages from the queue, asks the provider once for each try, notes the outcome.

Never twice is worth more than surely once. Before a provider is asked, the message's note says so durably; a message
whose note says "asked" and whose outcome nobody knows (a sender that was killed, an answer that never came) is set
down as unclear for a person, and not sent again: neither provider has a key that would make repetition harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from services.clock import Clock, read_timestamp, to_stored
from services.database import Database, Document, Session, told
from services.errors import ConsoleError, Refused
from services.operators.operator import Operator
from services.records.fields import mapping, text
from services.reminders.lease import Turn, give_back, kept, take
from services.reminders.pacing import Limits, Pacer
from services.reminders.providers.provider import Answer, Outgoing, Provider, hand_over, open_client
from services.reminders.queue import QUEUE, SOURCE
from services.reminders.recipients import read_language
from services.reminders.settlement import Outcome, ask, clear_away, left_unclear, settle
from services.reminders.standing import call_off_unless_it_holds, holds

if TYPE_CHECKING:
    import httpx

_PAGE = 500
_MOST_REFUSALS = 20
"""Refusals in a row, with nothing accepted, after which the sending stops: then it is not the messages."""
_MOST_THROTTLES = 5
_MOST_UNCLEAR = 5
"""Unclear in a row, with nothing accepted, after which the sending stops: each one is left to a person."""
_SESSIONS = 8
_QUIET = "Quiet hours: nothing is sent between 21:00 and 08:00 in India."


@dataclass(slots=True)
class Sending:
    """What a sending has done so far; `waiting` messages are left, `goes_on_at` is when the next is due."""

    sent: int = 0
    failed: int = 0
    retrying: int = 0
    unclear: int = 0
    called_off: int = 0
    """Messages that no longer held when their moment came: of a bill that was paid, corrected or deleted, or to a
    number that changed. What is owed all the same is held again."""
    waiting: int = 0
    goes_on_at: datetime | None = None
    because: str = ""
    """Why messages are left waiting, as a sentence."""

    @property
    def begun(self) -> int:
        """How many messages had their moment."""
        return self.sent + self.failed + self.retrying + self.unclear + self.called_off


Report = Callable[[Sending], None]


@dataclass
class _Sender:
    database: Database
    operator: Operator
    clock: Clock
    provider: Provider
    client: httpx.AsyncClient
    limits: Limits
    turn: Turn
    pacer: Pacer
    run: str | None
    progress: Report | None
    free_sessions: list[Session]
    done: Sending = field(default_factory=Sending)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    passed: list[str] = field(default_factory=list)
    """Queued messages that turned out to be no longer open."""
    over: str = ""
    """Why no more is begun, as a sentence."""
    fault: Exception | None = None
    refusals: int = 0
    throttles: int = 0
    unclear: int = 0
    answers: bool = False
    """Whether the last one asked for had an answer that says what became of it."""
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_SESSIONS))

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """One of the sessions that the lease names, for one transaction."""
        async with self._free:
            taken = self.free_sessions.pop()
            try:
                yield taken
            finally:
                self.free_sessions.append(taken)

    async def settle(self, note: Document, answer: Answer) -> None:
        """Note the outcome, and count it."""
        async with self.session() as session:
            outcome = await settle(self.database, self.operator, self.clock, note, answer, self.limits, session)
        _count(self, outcome)


async def send(
    database: Database,
    operator: Operator,
    clock: Clock,
    provider: Provider,
    *,
    run: str | None = None,
    limits: Limits | None = None,
    progress: Report | None = None,
) -> Sending:
    """Send what is due, of one run or of all, and say what is left.

    Outside of the quiet hours; what must be tried again stays in the queue for a later call. Raises Refused while
    another sender is at work, and where the provider refuses this account or one message after the other.
    """
    operator.require("ops", "send reminders")
    database.require_writable()
    limits = limits or Limits()
    pacer = Pacer(limits)
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(database.client.start_session()) for _ in range(_SESSIONS)]
        turn = await take(database, limits.lease_seconds, sessions)
        pacer.remember(turn.recent)
        try:
            async with kept(database, turn), open_client(provider, limits.answer_within) as client:
                sender = _Sender(
                    database, operator, clock, provider, client, limits, turn, pacer, run, progress, sessions
                )
                await _settle_left(sender)
                await _work(sender)
        finally:
            with contextlib.suppress(ConsoleError):  # without a connection the lease runs out by itself
                await asyncio.shield(give_back(database, turn, pacer.recent()))
    if sender.fault:
        raise sender.fault
    return await _rest(sender)


async def count_due(database: Database, operator: Operator, clock: Clock, run: str | None = None) -> int:
    """How many messages are due now, of one run or of all."""
    operator.require("viewer", "look at reminders")
    with told():
        return await database[QUEUE].count_documents({**_own(run), "retry_at": {"$lte": to_stored(clock())}})


async def _settle_left(sender: _Sender) -> None:
    """A sender before this one was killed or cut off while it waited for answers."""
    for note in await left_unclear(sender.database, sender.turn.token):
        answer = Answer("unclear", "The sender ended before the answer came.")
        await sender.settle(note, answer)


async def _work(sender: _Sender) -> None:
    """Page after page of due messages; on the way out, requests that are under way are waited for, never broken off."""
    try:
        while not sender.over:
            due = await _due(sender)
            while due and not sender.over:
                # The first whose customer's gap is over, so that one customer does not hold up the others.
                waiting = min(due, key=lambda each: max(0.0, sender.pacer.customer_free_in(_phone(each))))
                due.remove(waiting)
                await _dispatch(sender, waiting)
            await _landed(sender)
            if not due and not await _due(sender) and not await sender.pacer.pause_over():
                return
    finally:
        await _landed(sender)


def _phone(waiting: Document) -> str:
    return text(waiting.get("phone"))


async def _landed(sender: _Sender) -> None:
    while sender.tasks:
        await asyncio.wait(set(sender.tasks))


async def _due(sender: _Sender) -> list[Document]:
    if sender.limits.quiet_end(sender.clock()):
        return []
    matching = {**_own(sender.run), "retry_at": {"$lte": to_stored(sender.clock())}, "_id": {"$nin": sender.passed}}
    with told():
        return await sender.database[QUEUE].find(matching).sort("retry_at").limit(_PAGE).to_list()


def _own(run: str | None) -> Document:
    return {"source": SOURCE} | ({"run": run} if run else {})


async def _dispatch(sender: _Sender, waiting: Document) -> None:
    """Start one message at its moment."""
    # One at a time until the provider answers, and after an unclear one: an outage is to spoil few messages.
    while len(sender.tasks) >= (sender.limits.at_once if sender.answers else 1):
        await asyncio.wait(set(sender.tasks), return_when=asyncio.FIRST_COMPLETED)
    await sender.pacer.turn(_phone(waiting))
    if sender.over or sender.limits.quiet_end(sender.clock()):
        sender.over = sender.over or _QUIET
        return
    task = asyncio.create_task(_send_one(sender, waiting))
    sender.tasks.add(task)
    task.add_done_callback(sender.tasks.discard)


async def _send_one(sender: _Sender, waiting: Document) -> None:
    try:
        if await _called_off(sender, waiting):
            return
        note = await ask(sender.database, waiting["message_id"], sender.turn)
        if note is None:
            await _pass_by(sender, waiting)
            return
        answer = await _answer(sender, waiting)
        sender.pacer.wrote(_phone(waiting))
        _heed(sender, answer)
        await sender.settle(note, answer)
    except Exception as error:
        # What was asked and cannot be noted now stays "asked": the next sender sets it down as unclear.
        sender.fault = sender.fault or error
        sender.over = sender.over or str(error)


async def _called_off(sender: _Sender, waiting: Document) -> bool:
    """Whether the message was called off, since what it says holds no longer."""
    message, phone = waiting["message_id"], _phone(waiting)
    if await holds(sender.database, message, phone):
        return False
    async with sender.session() as session:
        off = await call_off_unless_it_holds(sender.database, sender.operator, sender.clock, message, phone, session)
    if off:
        sender.done.called_off += 1
        _tell(sender)
    return off


async def _answer(sender: _Sender, waiting: Document) -> Answer:
    context = mapping(waiting.get("context"))
    language = read_language(context.get("language"))
    if language is None:
        return Answer("refused", "The queued message has no language.")
    outgoing = Outgoing(
        id=waiting["message_id"],
        phone=_phone(waiting),
        text=text(waiting.get("message")),
        language=language,
        parameters=tuple(text(context.get(name)) for name in ("customer_name", "amount", "period")),
    )
    return await hand_over(sender.client, sender.provider, outgoing, sender.limits.answer_within)


async def _pass_by(sender: _Sender, waiting: Document) -> None:
    """A queued message whose note is not open: called off or ended elsewhere. What of it is still queued goes."""
    sender.passed.append(waiting["_id"])
    async with sender.session() as session:
        await clear_away(sender.database, sender.operator, sender.clock, waiting["message_id"], session)


def _heed(sender: _Sender, answer: Answer) -> None:
    """What an answer means for the messages after it."""
    name = sender.provider.name
    sender.answers = answer.verdict != "unclear"
    match answer.verdict:
        case "accepted":
            sender.refusals = sender.throttles = sender.unclear = 0
        case "unclear":
            sender.unclear += 1
            if sender.unclear >= _MOST_UNCLEAR:
                words = (
                    f"What became of {sender.unclear} messages in a row is not known, the last with: "
                    f"{answer.words.rstrip('.')}. Stopped: look at {name} before sending on."
                )
                sender.fault, sender.over = Refused("provider-unclear", words), words
        case "refused":
            sender.refusals += 1
            if sender.refusals >= _MOST_REFUSALS:
                words = f"{name} refused {sender.refusals} messages in a row, the last with: {answer.words}. Stopped."
                sender.fault, sender.over = Refused("provider-refuses", words), words
        case "shut-out":
            words = f"{name} takes no messages from this account: {answer.words}. Check the reminder_ settings."
            sender.fault, sender.over = Refused("provider-shut-out", words), words
        case "throttled" if not answer.only_customer:
            sender.throttles += 1
            pause = sender.limits.throttle_gap if answer.pause is None else answer.pause
            if pause > sender.limits.longest_pause or sender.throttles >= _MOST_THROTTLES:
                sender.over = f"{name} asks for a pause: {answer.words.rstrip('.')}."
            else:
                sender.pacer.pause(pause)


def _count(sender: _Sender, outcome: Outcome) -> None:
    match outcome:
        case "sent":
            sender.done.sent += 1
        case "failed":
            sender.done.failed += 1
        case "retrying":
            sender.done.retrying += 1
        case "unclear":
            sender.done.unclear += 1
    _tell(sender)


def _tell(sender: _Sender) -> None:
    if sender.progress:
        sender.progress(sender.done)


async def _rest(sender: _Sender) -> Sending:
    """What was done, with what is left and when it is due."""
    done, own = sender.done, _own(sender.run)
    with told():
        done.waiting = await sender.database[QUEUE].count_documents(own)
        following = await sender.database[QUEUE].find(own).sort("retry_at").limit(1).to_list()
    if not done.waiting:
        return done
    now = sender.clock()
    if quiet_end := sender.limits.quiet_end(now):
        done.goes_on_at, done.because = quiet_end, _QUIET
    else:
        due = read_timestamp(following[0].get("retry_at")) if following else None
        done.goes_on_at = max(due, now) if due else now
        done.because = sender.over or "They are tried again later."
    return done
