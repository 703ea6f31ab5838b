"""`deliveries`: a day's list, and the confirmation of an order."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from console.command import Json, Limit, PageToken, group, run
from console.output import Answer, Block, Line, Table
from services.errors import BadRequest

if TYPE_CHECKING:
    from console.session import Session

app = group("A day's deliveries, and their confirmation.")


@app.command("list")
def list_deliveries(
    context: typer.Context,
    day: Annotated[str, typer.Option("--date", metavar="D", help="The scheduled day, today or yesterday.")],
    delivery_boy: Annotated[
        str | None, typer.Option("--delivery-boy", metavar="ID", help="Only this delivery person: id or name.")
    ] = None,
    area: Annotated[str | None, typer.Option(metavar="A", help="Only customers of this area.")] = None,
    status: Annotated[str | None, typer.Option(metavar="S", help="Only this status.")] = None,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List the orders scheduled for a day."""

    async def work(session: Session) -> Answer:
        from services.clock import format_moment, parse_day
        from services.deliveries.day import DayFilters, list_day

        filters = DayFilters(parse_day(day, "day of --date"), delivery_boy, area, status)
        page = await list_day(session.database, session.operator, filters, token, limit)
        headings = ("Order", "Customer", "Area", "Delivery person", "Items", "Status", "Delivered")
        rows = [
            (r.order_id, r.customer_name, r.area, r.delivery_person, r.items, r.status, format_moment(r.delivered_at))
            for r in page.items
        ]
        blocks: list[Block] = [Table(headings, rows) if rows else Line(f"No deliveries on {filters.day}.")]
        blocks += [Line(f"More with --page {page.next}")] if page.next else []
        return Answer({"deliveries": page.items, "next": page.next}, blocks)

    run(context, work, as_json=as_json)


@app.command("confirm")
def confirm_one(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER_ID")],
    item: Annotated[
        list[str] | None,
        typer.Option(metavar="PRODUCT_ID=QTY", help="Delivered of an item, where it was not all of it; repeatable."),
    ] = None,
    delivered_at: Annotated[
        str | None, typer.Option(metavar="T", help="When, in India: 2026-11-05T06:12, or 06:12 for today.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="R", help="Why it is confirmed off schedule.")] = "",
    as_json: Json = False,
) -> None:
    """Confirm an order's delivery: all of it now, unless told otherwise."""

    async def work(session: Session) -> Answer:
        from services.clock import format_moment, parse_moment
        from services.deliveries.confirmation import confirm_delivery

        confirmed = await confirm_delivery(
            session.database,
            session.operator,
            session.clock,
            order_id,
            quantities=_quantities(item or []),
            delivered_at=parse_moment(delivered_at, "time of --delivered-at") if delivered_at else None,
            reason=reason,
        )
        line = f"{confirmed.order_id} is {confirmed.status}, {format_moment(confirmed.delivered_at)}."
        items = [
            {"product_id": each.item.product_id, "name": each.item.name, "ordered": float(each.ordered),
             "delivered": float(each.delivered)}
            for each in confirmed.lines
        ]  # fmt: skip
        names = ("order_id", "status", "delivered_at", "reason")
        document = {name: getattr(confirmed, name) for name in names} | {"items": items}
        return Answer({"confirmation": document}, [Line(line)])

    run(context, work, as_json=as_json)


def _quantities(items: list[str]) -> dict[str, Decimal]:
    quantities = dict(map(_quantity, items))
    if len(quantities) < len(items):
        raise BadRequest("bad-item", "A product is given twice; name each with one --item.")
    return quantities


def _quantity(text: str) -> tuple[str, Decimal]:
    product, separator, quantity = text.rpartition("=")
    try:
        if separator and product:
            return product, Decimal(quantity)
    except InvalidOperation:
        pass
    raise BadRequest("bad-item", f"{text!r} is not PRODUCT_ID=QTY, for example --item {product or 'p1'}=2.")
