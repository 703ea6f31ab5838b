"""One message per customer and run: the held orders of a customer, put together, with what keeps some back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.backfills.packs import numbered_bodies
from services.backfills.runs import EXCEPTIONS, RUNS, keys_of
from services.clock import read_month
from services.database import Database, Document, Session
from services.reminders.obstacles import Obstacle
from services.reminders.outbox import OUTBOX
from services.reminders.owed import as_billed
from services.reminders.queue import message_id
from services.reminders.recipients import Language, Recipient, load_recipients
from services.reminders.templates import Wordings


@dataclass(frozen=True, slots=True)
class Draft:
    """What one customer's orders come to: a message, or the obstacle that keeps them held."""

    run: str
    customer_id: str
    recipient: Recipient | None
    orders: tuple[str, ...]
    months: tuple[str, ...]
    amount_paise: int
    """As the bills say now."""
    rows: Sequence[Document]
    """The outbox rows of the orders, as their bills say now."""
    obstacle: Obstacle | None
    message: str = ""
    """The message's id."""
    language: Language | None = None
    context: Mapping[str, str] | None = None
    text: str = ""


async def consolidate(
    database: Database, rows: Sequence[Document], wordings: Wordings | None, session: Session | None = None
) -> list[Draft]:
    """The drafts of these outbox rows: one message per run and customer at most, and one draft for each obstacle.

    Without wordings the messages have no text. Raises Refused for a template that does not render.
    """
    if not rows:
        return []
    recipients = await load_recipients(database, (row["customer_id"] for row in rows), session)
    facts = _Facts(
        await _with_message(database, rows, session),
        await _with_failure(database, rows, session),
    )
    groups: dict[tuple[str, str, Obstacle | None], list[Document]] = {}
    for row, unowed in await as_billed(database, rows, session):
        obstacle = unowed or _obstacle(row, recipients.get(row["customer_id"]), facts)
        groups.setdefault((row["run"], row["customer_id"], obstacle), []).append(row)
    return [
        _draft(group, recipients.get(customer_id), obstacle, wordings)
        for (_, customer_id, obstacle), group in groups.items()
    ]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What may keep rows held; customers together with their run."""

    with_message: Collection[tuple[str, str]]
    with_failure: Collection[tuple[str, str]]


def _obstacle(row: Document, recipient: Recipient | None, facts: _Facts) -> Obstacle | None:
    whose = row["run"], row["customer_id"]
    obstacles: tuple[tuple[Obstacle, bool], ...] = (
        ("no-customer", recipient is None),
        ("no-number", recipient is None or not recipient.phone),
        ("has-message", whose in facts.with_message),
        ("run-failed", whose in facts.with_failure),
    )
    return next((obstacle for obstacle, stands in obstacles if stands), None)


def _draft(
    rows: Sequence[Document], recipient: Recipient | None, obstacle: Obstacle | None, wordings: Wordings | None
) -> Draft:
    run, customer_id = rows[0]["run"], rows[0]["customer_id"]
    orders = tuple(sorted(row["order_id"] for row in rows))
    months = tuple(sorted({month for row in rows if (month := read_month(row["month"]))}))
    amount = sum(row["amount_paise"] for row in rows)
    if obstacle or recipient is None or wordings is None:
        return Draft(run, customer_id, recipient, orders, months, amount, rows, obstacle)
    wording = wordings.for_recipient(recipient)
    context = wording.context(recipient, amount, months)
    return Draft(
        run, customer_id, recipient, orders, months, amount, rows, None,
        message=message_id(customer_id, orders), language=wording.language, context=context,
        text=wording.render(context, len(orders)),
    )  # fmt: skip


async def _with_message(database: Database, rows: Sequence[Document], session: Session | None) -> set[tuple[str, str]]:
    """The customers who have a message of the run, or may have it, or will."""
    matching: Document = {
        "run": {"$in": sorted({row["run"] for row in rows})},
        "state": {"$in": ["released", "sent", "unclear"]},
        "customer_id": {"$in": sorted({row["customer_id"] for row in rows})},
    }
    cursor = database[OUTBOX].find(matching, {"_id": 0, "run": 1, "customer_id": 1}, session=session)
    return {(row["run"], row["customer_id"]) async for row in cursor}


async def _with_failure(database: Database, rows: Sequence[Document], session: Session | None) -> set[tuple[str, str]]:
    """The customers of orders that a run failed to bill, and bills when it is resumed."""
    runs = sorted({row["run"] for row in rows})
    open_runs = database[RUNS].find({"_id": {"$in": runs}, "state": "done"}, {"_id": 1}, session=session)
    found: set[tuple[str, str]] = set()
    for run in [document["_id"] async for document in open_runs]:
        failed = database[EXCEPTIONS].find({**keys_of(run), "outcome": "failed"}, {"number": 1}, session=session)
        numbers = [each["number"] async for each in failed]
        async for _, planned in numbered_bodies(database, run, numbers, {"values.customer_id": 1}, session):
            found.add((run, planned["values"]["customer_id"]))
    return found
