"""One message per customer and run: the held orders of a customer, put together, with what keeps some back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.clock import read_month
from services.database import Database, Document, Session
from services.records.bills import read_bill
from services.records.fields import identity
from services.reminders.queue import message_id
from services.reminders.recipients import Language, Recipient, load_recipients
from services.reminders.templates import Wordings

Obstacle: TypeAlias = Literal["no-customer", "no-number", "bill-paid", "bill-missing"]
OBSTACLES: Mapping[Obstacle, str] = {
    "no-customer": "The customer's record is gone.",
    "no-number": "The customer has no valid Indian mobile number.",
    "bill-paid": "The bill was paid, at least in part.",
    "bill-missing": "There is no billing record for it.",
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
    recipients = await load_recipients(database, (row["customer_id"] for row in rows), session)
    unpaid = await _unpaid(database, [row["order_id"] for row in rows], session)
    groups: dict[tuple[str, str, Obstacle | None], list[Document]] = {}
    for row in rows:
        obstacle = _obstacle(row, recipients.get(row["customer_id"]), unpaid)
        groups.setdefault((row["run"], row["customer_id"], obstacle), []).append(row)
    return [
        _draft(group, recipients.get(customer_id), obstacle, wordings)
        for (_, customer_id, obstacle), group in groups.items()
    ]


def _obstacle(row: Document, recipient: Recipient | None, unpaid: Mapping[str, bool]) -> Obstacle | None:
    order_id = row["order_id"]
    if order_id not in unpaid:
        return "bill-missing"
    if not unpaid[order_id]:
        return "bill-paid"
    if recipient is None:
        return "no-customer"
    return None if recipient.phone else "no-number"


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
