"""`orders show`: everything about one order."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from console.command import Json, run
from console.commands.orders.group import Named, app
from console.output import Answer, Block, Line, Pairs, Table

if TYPE_CHECKING:
    from decimal import Decimal

    from console.session import Session
    from services.orders.detail import OrderDetail
    from services.orders.timeline import Event
    from services.records.bills import Bill
    from services.records.deliveries import Delivery
    from services.records.orders import Order


@app.command("show")
def show(context: typer.Context, order_id: Named, as_json: Json = False) -> None:
    """Show an order, its customer and how it is found, deliveries, bills, findings, and what happened to it."""

    async def work(session: Session) -> Answer:
        from services.history.naming import full_id
        from services.orders.detail import show_order
        from services.orders.timeline import timeline

        named = await full_id(session.database, session.operator, "orders", order_id)
        detail = await show_order(session.database, session.operator, named)
        events = await timeline(session.database, session.operator, named)
        told = [dataclasses.asdict(event) for event in events]
        return Answer({**_document(detail), "timeline": told}, [*_blocks(detail), Line(""), *_happened(events)])

    run(context, work, as_json=as_json)


def _document(detail: OrderDetail) -> dict[str, Any]:
    customer = detail.customer
    return {
        "order": _order(detail.order) | {"amount_paise": detail.amount_paise, "month": detail.billing_month},
        "customer": customer and {
            "id": customer.id, "user_id": customer.user_id, "name": customer.name, "phone": customer.phone,
            "address": customer.address, "area": customer.area, "status": customer.status,
            "resolved_by": detail.resolution.how,
        },
        "delivery": _delivery(detail.deliveries[0], detail.delivery_person) if detail.deliveries else None,
        "billing": _bill(detail.bills[0]) if detail.bills else None,
        "links": [dataclasses.asdict(link) for link in detail.links],
        "deliveries": [_delivery(each, detail.delivery_person) for each in detail.deliveries],
        "bills": [_bill(each) for each in detail.bills],
        "findings": [{"code": finding.code, "message": finding.message} for finding in detail.findings],
        "history": [
            {"id": entry.id, "timestamp": entry.at, "action": entry.action, "user_id": entry.user, "table": entry.table,
             "record_id": entry.record_id, "changes": entry.changes}
            for entry in detail.history
        ],
    }  # fmt: skip


def _order(order: Order) -> dict[str, Any]:
    from services.orders.lookup import price_paise

    names = (
        "id", "user_id", "customer_id", "kind", "subscription_id", "status", "delivery_date", "delivered_at",
        "delivery_boy_id", "address", "notes", "billed", "billed_month", "delivery_confirmed", "created_at",
    )  # fmt: skip
    items = [
        {
            "product_id": i.product_id,
            "name": i.name,
            "quantity": _number(i.quantity),
            "unit": i.unit,
            "price_paise": price_paise(i),
        }
        for i in order.items
    ]
    return {name: getattr(order, name) for name in names} | {"items": items}


def _delivery(delivery: Delivery, person: str) -> dict[str, Any]:
    names = ("id", "status", "delivered_at", "delivery_boy_id", "confirmed_by_name", "confirmation_method", "notes")
    items = [
        {"product_id": i.product_id, "name": i.name, "ordered": _number(i.ordered), "delivered": _number(i.delivered)}
        for i in delivery.items
    ]
    return {name: getattr(delivery, name) for name in names} | {"delivery_person": person, "items": items}


def _number(quantity: Decimal | None) -> float | None:
    return None if quantity is None else float(quantity)


def _bill(bill: Bill) -> dict[str, Any]:
    names = ("id", "customer_id", "month", "amount_paise", "status", "payment_status", "due_date", "created_at", "run")
    return {name: getattr(bill, name) for name in names}


def _blocks(detail: OrderDetail) -> list[Block]:
    from services.clock import format_moment
    from services.money import format_rupees
    from services.orders.lookup import price_paise

    order, customer = detail.order, detail.customer
    blocks: list[Block] = [
        Pairs([
            ("Order", order.id),
            ("Status", order.status),
            ("Scheduled", order.delivery_date),
            ("Delivered", format_moment(order.delivered_at)),
            ("Delivery person", detail.delivery_person or "—"),
            ("Amount", format_rupees(detail.amount_paise)),
            ("Customer", f"{customer.name} · {customer.phone}" if customer else detail.resolution.how),
            ("Address", order.address or (customer.address if customer else "")),
            ("Notes", order.notes),
        ]),
        Line(""),
        Table(
            ("Item", "Quantity", "Price"),
            [(item.name, item.quantity, format_rupees(price_paise(item))) for item in order.items],
            frozenset({"Quantity", "Price"}),
        ),
        Line(""),
    ]  # fmt: skip
    blocks += [
        Line(f"Bill: {format_rupees(bill.amount_paise)} for {bill.month}, {bill.payment_status}, due {bill.due_date}")
        for bill in detail.bills
    ] or [Line("No billing record.")]
    blocks += [
        Line(f"Delivery: {each.status.replace('_', ' ').lower()}, {format_moment(each.delivered_at)}")
        for each in detail.deliveries
    ]
    blocks += [Line(f"{link.field} {link.value}: {link.leads_to}") for link in detail.links]
    blocks += [Line(f"{finding.code}: {finding.message}") for finding in detail.findings]
    return blocks


def _happened(events: Sequence[Event]) -> list[Block]:
    from services.clock import format_moment

    rows = [(format_moment(event.at), event.source, event.who, event.what, event.reference) for event in events]
    return [Table(("Time (India)", "Source", "By", "What", "Record"), rows)]
