"""Everything that happened to one order, from every collection that tells of it, in one order of time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from services.audit.entries import Entry, read_entry
from services.audit.filters import AuditFilters, about_records
from services.audit.query import RECORD_ENTRIES
from services.billing.month import billing_month
from services.changes.changeset import AUDIT_LOGS
from services.clock import read_month, read_timestamp
from services.customers.resolution import CustomerLinks, ids_of
from services.database import Database, Document, Find, find_together, told
from services.deliveries.staff import staff_names
from services.money import format_rupees
from services.operators.operator import Operator, mask_phone, shown_to
from services.orders.reading import MOST_NAMING, naming, require_order
from services.records.bills import read_bill
from services.records.customers import Customer
from services.records.deliveries import read_delivery
from services.records.fields import first, identity, text
from services.records.orders import Order, read_order
from services.records.payments import read_payment
from services.reminders.outbox import OUTBOX, outbox_key
from services.reminders.queue import LOG, log_key

Source: TypeAlias = Literal["order", "delivery", "bill", "audit", "action", "payment", "message"]

_MOST = 100
"""The newest of one source: of the order's messages, of the customer's others, of what the staff noted."""
_PAYMENTS = 1_000
"""Of one customer, of all months: some one a month."""
_LONGEST = 200
_METHODS = {
    "delivery_boy": "the delivery person",
    "shared_link": "shared link",
    "admin": "the office",
    "": "nobody named",
}
_UNDATED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `at` is None where no time can be read."""

    at: datetime | None
    source: Source
    who: str
    what: str
    """A phrase for people."""
    reference: str
    """The record that tells it, as TABLE/ID; of events that are left out, the table."""


async def timeline(database: Database, operator: Operator, order_id: str) -> tuple[Event, ...]:
    """What happened to an order, newest first; what has no readable time comes last.

    Payments are those of the customer for the months in which the order is billed; messages those about the order, and
    those to the customer since it was made. Where a source has too many, an event without a time says so. Raises
    NotFound.
    """
    operator.require("viewer", "look up orders")
    with told():
        order, links = read_order((await require_order(database, order_id))[0]), CustomerLinks(database, told="ids")
        delivered, billed, acted, written, reminded = await links.read(
            [order.owner],
            *naming(order_id),
            # Nobody knows which field tells when a thing was noted; keys grow with time.
            Find("delivery_actions", {"order_id": order_id}, most=_MOST + 1, newest="_id"),
            _newest_about(order_id),
            Find(OUTBOX, {"_id": outbox_key(order_id)}),
        )
        customer = links.customer(links.resolve(order.owner).customer_id)
        months = {month for bill in billed if (month := read_bill(bill).month)} | {billing_month(order)}
        too_many = [
            *_cut(len(delivered) > MOST_NAMING, "delivery", "delivery_statuses", f"{MOST_NAMING} of the deliveries"),
            *_cut(len(billed) > MOST_NAMING, "bill", "billing_records", f"{MOST_NAMING} of the billing records"),
        ]
        delivered, billed = delivered[:MOST_NAMING], billed[:MOST_NAMING]
        records = {"orders": [order_id], "delivery_statuses": _ids(delivered), "billing_records": _ids(billed)}
        found = await asyncio.gather(
            _payments(database, links, customer, months),
            _messages(database, operator, order, written, reminded, customer.id if customer else None),
            _audited(database, records),
        )
        events = [
            *_order(order, order_id),
            *_deliveries(delivered),
            *_bills(billed),
            *_actions(operator, acted),
            *too_many,
            *(e for each in found for e in each),
        ]
        names = await _people(database, {event.who for event in events if event.who})
    named = shown_to(operator, [replace(event, who=names.get(event.who, event.who)) for event in events])
    return tuple(sorted(named, key=lambda event: event.at or _UNDATED, reverse=True))


async def _people(database: Database, ids: set[str]) -> dict[str, str]:
    """The names of delivery people and users by id; who is neither keeps what is written."""
    users = Find("users", {"id": {"$in": sorted(ids)}}, {"_id": 0, "id": 1, "name": 1})
    found, staff = await asyncio.gather(users.ask(database), staff_names(database, ids))
    names = {str(user["id"]): text(user.get("name")) for user in found}
    return {name: said for name, said in {**names, **staff}.items() if said}


def _cut(more: bool, source: Source, table: str, words: str) -> list[Event]:
    """Where there is more than was read, the event that says so."""
    return [Event(None, source, "", f"only {words} are listed", table)] if more else []


def _ids(documents: Sequence[Document]) -> list[str]:
    return [name for each in documents if (name := identity(each.get("id")))]


def _order(order: Order, order_id: str) -> list[Event]:
    """What the order itself tells."""
    events = [Event(order.created_at, "order", "", f"made, {order.kind}", f"orders/{order_id}")]
    if order.delivered_at:
        status = order.status.replace("_", " ").lower()
        events.append(Event(order.delivered_at, "order", "", status or "no status", f"orders/{order_id}"))
    return events


def _deliveries(documents: Sequence[Document]) -> list[Event]:
    events = []
    for document in documents:
        delivery = read_delivery(document)
        at = (
            read_timestamp(delivery.confirmed_at) or delivery.delivered_at or read_timestamp(document.get("created_at"))
        )
        words = delivery.status.replace("_", " ").lower() or "no status"
        how = f"{words}, reported by {_METHODS.get(delivery.confirmation_method, delivery.confirmation_method)}"
        who = delivery.confirmed_by_name or text(document.get("confirmed_by_user_id"))
        events.append(Event(at, "delivery", who, how, _reference("delivery_statuses", document)))
    return events


def _bills(documents: Sequence[Document]) -> list[Event]:
    events = []
    for document in documents:
        bill = read_bill(document)
        month, paid = bill.month or "no readable month", bill.payment_status or "unknown"
        words = f"billed {format_rupees(bill.amount_paise)} for {month}, {paid}"
        events.append(Event(bill.created_at, "bill", bill.run or "", words, _reference("billing_records", document)))
    return events


async def _audited(database: Database, records: Mapping[str, Sequence[str]]) -> list[Event]:
    """The entries of both shapes about these records; only the names of the fields are told."""
    named = [about_records(AuditFilters(tables=(table,)), ids) for table, ids in records.items() if ids]
    about = [query for queries in named for query in queries]
    found = await Find(AUDIT_LOGS, {"$or": about}, most=RECORD_ENTRIES + 1).ask(database)
    return [
        *(
            Event(entry.at, "audit", entry.user, _told(entry), f"{AUDIT_LOGS}/{entry.id}")
            for entry in map(read_entry, found[:RECORD_ENTRIES])
        ),
        *_cut(len(found) > RECORD_ENTRIES, "audit", AUDIT_LOGS, f"{RECORD_ENTRIES:,} of the audit entries"),
    ]


def _told(entry: Entry) -> str:
    """An entry in a line: what was done to which record, and which fields it changed."""
    changed = ", ".join(map(str, entry.changes)) if isinstance(entry.changes, Mapping) else ""
    return f"{entry.action or '?'} {entry.table}{f': {changed}' if changed else ''}"[:_LONGEST]


def _actions(operator: Operator, documents: Sequence[Document]) -> list[Event]:
    """What the delivery staff's app noted. No writer of these is known by its fields: the usual names are tried.

    What people wrote by hand may tell a phone or an address: a viewer sees none of it.
    """
    events = _cut(len(documents) > _MOST, "action", "delivery_actions", f"the {_MOST} newest of the staff's notes")
    for document in documents[:_MOST]:
        at = read_timestamp(first(document, "timestamp", "created_at", "performed_at", "action_at", "updated_at"))
        who = first(document, "delivery_boy_name", "performed_by", "delivery_boy_id", "user_id", "created_by")
        what = text(first(document, "action", "action_type", "type", "status")) or "an action without a name"
        note = "" if operator.masked else text(first(document, "notes", "note", "reason", "remarks"))
        words = shown_to(operator, f"{what.replace('_', ' ')}{f': {note}' if note else ''}")
        events.append(Event(at, "action", text(who), words[:_LONGEST], _reference("delivery_actions", document)))
    return events


async def _payments(
    database: Database, links: CustomerLinks, customer: Customer | None, months: Collection[str | None]
) -> list[Event]:
    """The customer's for these months, as a statement counts them: also under the user's id, also without a month."""
    if customer is None or customer.id is None:
        return []
    theirs = await ids_of(database, customer.id, customer.user_id, links)
    paid = Find("payment_transactions", {"customer_id": {"$in": theirs}}, most=_PAYMENTS + 1)
    found = await paid.ask(database)
    words = f"those among {_PAYMENTS:,} of the customer's payments"
    events = _cut(len(found) > _PAYMENTS, "payment", paid.collection, words)
    for document in found[:_PAYMENTS]:
        payment = read_payment(document)
        if payment.month not in months or payment.month is None:
            continue
        at = read_timestamp(first(document, "created_at", "payment_date"))
        amount, how = format_rupees(payment.amount_paise), payment.method.replace("_", " ") or "an unknown way"
        whole = "" if read_month(document.get("month")) else ", when it came: it names no month"
        words = f"the customer paid {amount} by {how} for the whole month {payment.month}{whole}"
        who = text(document.get("created_by"))
        events.append(Event(at, "payment", who, words, _reference("payment_transactions", document)))
    return events


def _newest_about(reference: str) -> Find:
    return Find(LOG, {"reference_id": reference}, most=_MOST + 1, newest="created_at")


async def _messages(
    database: Database,
    operator: Operator,
    order: Order,
    its_own: Sequence[Document],
    reminded: Sequence[Document],
    customer: str | None,
) -> list[Event]:
    """The reminder that names the order, what was written about it, and else to the customer since it was made."""
    row = reminded[0] if reminded else {}
    message = identity(row.get("message"))
    asked = [Find(LOG, {"_id": log_key(message)})] if message else []
    asked += [_newest_about(customer)] if customer else []
    found = await find_together(database, *asked)
    named, theirs = found[0] if message else [], found[-1] if customer else []
    told = {str(each["_id"]): each for each in [*named, *its_own[:_MOST]]}
    told |= {str(each["_id"]): each for each in theirs[:_MOST] if _since(order, each)}
    events = [
        Event(_written_at(each), "message", "", _message(each, operator), _reference(LOG, each))
        for each in told.values()
    ]
    if row and not message:
        events.append(_unreleased(row))
    more = any(_since(order, each) for each in theirs[_MOST:])
    return [
        *events,
        *_cut(len(its_own) > _MOST, "message", LOG, f"the {_MOST} newest of the messages about the order"),
        *_cut(more, "message", LOG, f"the {_MOST} newest of the other messages to the customer"),
    ]


def _unreleased(row: Document) -> Event:
    """A reminder of which no message was ever made, at the time when it came to be what it is, if that is stored."""
    state, at = text(row.get("state")) or "unknown", read_timestamp(row.get("created_at"))
    if state == "cancelled":
        made, at = at, read_timestamp(row.get("cancelled_at"))
        if at is None:
            state, at = "made, and cancelled at a time that is not stored", made
    why = text(row.get("reason"))
    words = f"payment reminder {state}{f': {why}' if why else ''}"[:_LONGEST]
    return Event(at, "message", text(row.get("run")), words, f"{OUTBOX}/{text(row['_id'])}")


def _written_at(document: Document) -> datetime | None:
    return read_timestamp(first(document, "sent_at", "failed_at", "created_at"))


def _since(order: Order, document: Document) -> bool:
    """Whether a message may be of the time since the order was made."""
    at = _written_at(document)
    return not (at and order.created_at and at < order.created_at)


def _message(document: Document, operator: Operator) -> str:
    kind = text(document.get("type")).replace("_", " ") or "message"
    phone = mask_phone(text(document.get("phone")), operator)
    why = text(document.get("error_message"))
    # The backend knows no other end of an unsent message than that it failed.
    state = "cancelled" if document.get("outcome") == "cancelled" else text(document.get("status"))
    words = f"{kind} {state or 'of unknown state'}, to {phone or 'no number'}"
    return f"{words}{f': {why}' if why else ''}"[:_LONGEST]


def _reference(table: str, document: Mapping[str, Any]) -> str:
    return f"{table}/{identity(document.get('id')) or document.get('_id')}"
