"""`orders products`: what can be ordered, and what it costs one customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.command import Json, run
from console.commands.orders.group import app
from console.output import Answer, Block, Line, Table

if TYPE_CHECKING:
    from console.session import Session


@app.command("products")
def products(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words of a product's name or unit, or its id.")] = "",
    customer: Annotated[str, typer.Option(metavar="ID", help="At the prices of this customer, by customer id.")] = "",
    as_json: Json = False,
) -> None:
    """List the products with their ids, units and prices, by name."""

    async def work(session: Session) -> Answer:
        from services.money import format_rupees
        from services.orders.products import find_products

        found = await find_products(session.database, session.operator, query, customer)
        rows = [
            (each.id, each.name, each.unit, format_rupees(each.price_paise), "own price" if each.own_price else "")
            for each in found.items
        ]
        headings = ("Product", "Name", "Unit", "Price", "")
        blocks: list[Block] = [Table(headings, rows, frozenset({"Price"})) if rows else Line("No product fits.")]
        blocks += [Line(found.note)] if found.note else []
        return Answer({"products": found.items}, blocks)

    run(context, work, as_json=as_json)
