"""`orders`: find an order, and show everything about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Limit, PageToken, group, run
from console.commands.order_check import check
from console.output import Answer, Block, Line, Pairs, Table

if TYPE_CHECKING:
    from decimal import Decimal

    from console.session import Session
    from services.orders.detail import OrderDetail
    from services.orders.lookup import OrderRow
    from services.records.bills import Bill
    from services.records.deliveries import Delivery
    from services.records.orders import Order

app = group("Find orders, show everything about one, and check it.")
app.command("check")(check)


@app.command("find")
def find(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="Order id or its beginning, phone, customer's name or id.")
    ],
    status: Annotated[str | None, typer.Option(metavar="S", help="Only this status.")] = None,
    first_day: Annotated[str | None, typer.Option("--from", metavar="D", help="Scheduled on or after.")] = None,
    last_day: Annotated[str | None, typer.Option("--to", metavar="D", help="Scheduled on or before.")] = None,
    unbilled: Annotated[bool, typer.Option("--unbilled", help="Delivered, and neither flagged nor billed.")] = False,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Find orders; an empty QUERY ("") lists all, newest first."""

    async def work(session: Session) -> Answer:
        from services.clock import parse_day
        from services.orders.filters import OrderFilters
        from services.orders.lookup import find_orders

        filters = OrderFilters(
            status,
            parse_day(first_day, "day of --from") if first_day else None,
            parse_day(last_day, "day of --to") if last_day else None,
            unbilled,
        )
        page = await find_orders(session.database, session.operator, query, filters, token, limit)
        blocks: list[Block] = [_listed(page.items) if page.items else Line("No order matches.")]
        blocks += [Line(page.note)] if page.note else []
        blocks += [Line(f"More with --page {page.next}")] if page.next else []
        return Answer({"orders": [_row(row) for row in page.items], "next": page.next}, blocks)

    run(context, work, as_json=as_json)


@app.command("show")
def show(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER_ID", help="The whole id.")],
    as_json: Json = False,
) -> None:
    """Show an order, its customer, delivery, billing record, findings and history."""

    async def work(session: Session) -> Answer:
        from services.orders.detail import show_order

        detail = await show_order(session.database, session.operator, order_id)
        return Answer(_document(detail), _blocks(detail))

    run(context, work, as_json=as_json)


def _row(row: OrderRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "status": row.status,
        "delivery_date": row.delivery_date,
        "amount_paise": row.amount_paise,
        "billed": row.billed,
        "billing_record": row.billing_record,
    }


def _listed(rows: tuple[OrderRow, ...]) -> Table:
    from services.money import format_rupees

    return Table(
        ("Order", "Customer", "Day", "Status", "Amount", "Billed"),
        [
            (row.id, row.customer_name, row.delivery_date, row.status, format_rupees(row.amount_paise), _billed(row))
            for row in rows
        ],
        frozenset({"Amount"}),
    )


def _billed(row: OrderRow) -> str:
    if row.billing_record:
        return "yes"
    return "flag only" if row.billed else "no"


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
    blocks += [Line(f"{finding.code}: {finding.message}") for finding in detail.findings]
    rows = [(format_moment(entry.at), entry.user, entry.action, entry.id) for entry in detail.history]
    return [*blocks, Line(""), Table(("Time (India)", "User", "Action", "Entry"), rows)] if rows else blocks
