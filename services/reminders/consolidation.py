"""One message per customer and run: the held orders of a customer, put together, with what keeps some back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.backfills.runs import EXCEPTIONS, ROWS, RUNS, keys_of, row_key
from services.clock import india_day, read_day, read_month, read_timestamp
from services.database import Database, Document, Session
from services.records.bills import read_bill
from services.records.fields import identity
from services.reminders.outbox import OUTBOX
from services.reminders.queue import message_id
from services.reminders.recipients import Language, Recipient, load_recipients
from services.reminders.templates import Wordings

Obstacle: TypeAlias = Literal[
    "no-customer", "no-number", "bill-paid", "bill-missing", "month-paid", "has-message", "run-failed"
]
OBSTACLES: Mapping[Obstacle, str] = {
    "no-customer": "The customer's record is gone.",
    "no-number": "The customer has no valid Indian mobile number.",
    "bill-paid": "The bill was paid, at least in part.",
    "bill-missing": "There is no billing record for it.",
    "month-paid": "The customer paid for the month after the bill was made, or on a day that is not known.",
    "has-message": "The customer has a message of this run already, and gets one only.",
    "run-failed": "The run failed to bill another order of the customer: resume it first, for one message about all.",
}
"""Why a held order is not put into a message."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What one customer's orders come to: a message, or the obstacle that keeps them held."""

    run: str
    customer_id: str
    recipient: Recipient | None
    orders: tuple[str, ...]
    months: tuple[str, ...]
    amount_paise: int
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
        await _unpaid(database, [row["order_id"] for row in rows], session),
        await _paid_since(database, rows, session),
        await _with_message(database, rows, session),
        await _with_failure(database, rows, session),
    )
    groups: dict[tuple[str, str, Obstacle | None], list[Document]] = {}
    for row in rows:
        obstacle = _obstacle(row, recipients.get(row["customer_id"]), facts)
        groups.setdefault((row["run"], row["customer_id"], obstacle), []).append(row)
    return [
        _draft(group, recipients.get(customer_id), obstacle, wordings)
        for (_, customer_id, obstacle), group in groups.items()
    ]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What may keep rows held; customers together with their run."""

    unpaid: Mapping[str, bool]
    paid_since: Collection[str]
    """Orders."""
    with_message: Collection[tuple[str, str]]
    with_failure: Collection[tuple[str, str]]


def _obstacle(row: Document, recipient: Recipient | None, facts: _Facts) -> Obstacle | None:
    order_id, whose = row["order_id"], (row["run"], row["customer_id"])
    obstacles: tuple[tuple[Obstacle, bool], ...] = (
        ("bill-missing", order_id not in facts.unpaid),
        ("bill-paid", not facts.unpaid.get(order_id)),
        ("month-paid", order_id in facts.paid_since),
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
        return Draft(run, customer_id, recipient, orders, months, amount, obstacle)
    wording = wordings.for_recipient(recipient)
    context = wording.context(recipient, amount, months)
    return Draft(
        run, customer_id, recipient, orders, months, amount, None,
        message=message_id(customer_id, orders), language=wording.language, context=context,
        text=wording.render(context, len(orders)),
    )  # fmt: skip


async def _unpaid(database: Database, order_ids: Sequence[str], session: Session | None) -> dict[str, bool]:
    """Whether nothing was paid yet, for each order that has a billing record."""
    unpaid: dict[str, bool] = {}
    fields = {"order_id": 1, "payment_status": 1}
    async for document in database["billing_records"].find(
        {"order_id": {"$in": list(order_ids)}}, fields, session=session
    ):
        if order := identity(document.get("order_id")):
            status = read_bill(document).payment_status
            unpaid[order] = status in ("unpaid", "") and unpaid.get(order, True)
    return unpaid


async def _paid_since(database: Database, rows: Sequence[Document], session: Session | None) -> set[str]:
    """The orders whose customer paid for the month since the bill was made: a payment does not say which bill it meets.

    A payment is found by the id in `customers_v2` that the bill has, not by a user's id.
    """
    months, customers = {row["month"] for row in rows}, {row["customer_id"] for row in rows}
    matching: Document = {"customer_id": {"$in": sorted(customers)}, "month": {"$in": sorted(months)}}
    fields = {"customer_id": 1, "month": 1, "created_at": 1, "payment_date": 1}
    payments: dict[tuple[str, str], list[Document]] = {}
    async for payment in database["payment_transactions"].find(matching, fields, session=session):
        payments.setdefault((payment["customer_id"], payment["month"]), []).append(payment)
    return {
        row["order_id"]
        for row in rows
        if any(_since(row, payment) for payment in payments.get((row["customer_id"], row["month"]), ()))
    }


def _since(row: Document, payment: Document) -> bool:
    """Whether a payment came after the bill; one of the same day, or without a time, may have."""
    billed, paid = read_timestamp(row["created_at"]), read_timestamp(payment.get("created_at"))
    if billed and paid:
        return paid > billed
    day = read_day(payment.get("payment_date"))
    return not (billed and day) or day >= india_day(billed)


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
        if keys := [row_key(run, "change", each["number"]) async for each in failed]:
            names = {"body.values.customer_id": 1}
            async for planned in database[ROWS].find({"_id": {"$in": keys}}, names, session=session):
                found.add((run, planned["body"]["values"]["customer_id"]))
    return found
