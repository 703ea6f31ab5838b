"""`orders find`, and the searches that are kept under a name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Limit, PageToken, run
from console.commands.orders.group import app
from console.output import Answer, Block, Line, Table
from services.errors import BadRequest

if TYPE_CHECKING:
    from console.session import Session
    from services.orders.filters import Search
    from services.orders.lookup import OrderRow

Name = Annotated[str, typer.Argument(metavar="NAME", help="The search's name.")]


@app.command("find")
def find(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="Order id or its beginning, phone, customer's name or id, user id.")
    ] = "",
    status: Annotated[str, typer.Option(metavar="S", help="Only this status.")] = "",
    first_day: Annotated[str, typer.Option("--from", metavar="D", help="Scheduled on or after.")] = "",
    last_day: Annotated[str, typer.Option("--to", metavar="D", help="Scheduled on or before.")] = "",
    area: Annotated[str, typer.Option(metavar="A", help="Only customers of an area that begins so.")] = "",
    delivery_boy: Annotated[
        str, typer.Option("--delivery-boy", metavar="ID", help="Only orders that name this person: id or name.")
    ] = "",
    unbilled: Annotated[bool, typer.Option("--unbilled", help="Delivered, and neither flagged nor billed.")] = False,
    needs_review: Annotated[
        bool, typer.Option("--needs-review", help="Only what the billing fix leaves to a person.")
    ] = False,
    sort: Annotated[
        str, typer.Option(metavar="S", help="newest, oldest, due-last or due-first; by day only orders that say one.")
    ] = "",
    saved: Annotated[str, typer.Option(metavar="NAME", help="The search kept under this name instead.")] = "",
    save: Annotated[str, typer.Option(metavar="NAME", help="Keep this search under a name.")] = "",
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Find orders; without QUERY all, newest first, or by day where days or a delivery person are given."""

    async def work(session: Session) -> Answer:
        from services.orders.filters import Search
        from services.orders.lookup import find_orders
        from services.orders.saved import get_saved, save_search

        search = Search(query, status, first_day, last_day, area, delivery_boy, unbilled, needs_review, sort)
        if saved:
            if search != Search():
                raise BadRequest("saved-alone", "--saved brings its own words; give no others with it.")
            search = await get_saved(session.database, session.operator, saved)
        if save:
            await save_search(session.database, session.operator, session.clock, save, search)
        filters = search.filters()
        page = await find_orders(session.database, session.operator, search.query, filters, token, limit)
        none = "None of those looked through so far." if page.next else "No order matches."
        blocks: list[Block] = [_listed(page.items, review=filters.needs_review) if page.items else Line(none)]
        blocks += [Line(page.note)] if page.note else []
        blocks += [Line(f"More with --page {page.next}")] if page.next else []
        return Answer({"orders": [_row(row) for row in page.items], "next": page.next}, blocks)

    run(context, work, as_json=as_json)


@app.command("saved")
def list_searches(context: typer.Context, as_json: Json = False) -> None:
    """List the searches that you keep; `orders find --saved NAME` runs one."""

    async def work(session: Session) -> Answer:
        from services.orders.saved import list_saved

        found = await list_saved(session.database, session.operator)
        rows = [(each.name, each.search.words()) for each in found]
        block = Table(("Name", "Search"), rows) if rows else Line("You keep no search; `orders find --save NAME` does.")
        return Answer({"searches": [{"name": each.name, **_words(each.search)} for each in found]}, [block])

    run(context, work, as_json=as_json)


@app.command("forget")
def forget(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Keep a search no longer."""

    async def work(session: Session) -> Answer:
        from services.orders.saved import forget_search

        await forget_search(session.database, session.operator, name)
        return Answer({"forgotten": name}, [Line(f"{name} is forgotten.")])

    run(context, work, as_json=as_json)


def _words(search: Search) -> dict[str, Any]:
    """A kept search under the names of its options."""
    words = dataclasses.asdict(search)
    return {"query": words.pop("query"), "from": words.pop("first_day"), "to": words.pop("last_day")} | words


def _row(row: OrderRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "area": row.area,
        "status": row.status,
        "delivery_date": row.delivery_date,
        "amount_paise": row.amount_paise,
        "billed": row.billed,
        "billing_record": row.billing_record,
        "review": row.review,
    }


def _listed(rows: tuple[OrderRow, ...], *, review: bool) -> Table:
    from services.money import format_rupees

    last = "Review" if review else "Billed"
    return Table(
        ("Order", "Customer", "Area", "Day", "Status", "Amount", last),
        [
            (row.id, row.customer_name, row.area, row.delivery_date, row.status, format_rupees(row.amount_paise),
             row.review if review else _billed(row))
            for row in rows
        ],
        frozenset({"Amount"}),
    )  # fmt: skip


def _billed(row: OrderRow) -> str:
    if row.billing_record:
        return "yes"
    return "flag only" if row.billed else "no"
