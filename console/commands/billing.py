"""`billing`: a customer's monthly statement, and the month of all customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Limit, PageToken, group, run
from console.output import Answer, Block, Line, Pairs, Table, progress_bar
from console.saving import Force, FormatName, To, receipt, target
from services.errors import BadRequest

if TYPE_CHECKING:
    from console.session import Session
    from services.billing.month_totals import AreaMonth, CustomerMonth, MonthTotals
    from services.billing.statement import Statement
    from services.paging import Page

app = group("A customer's monthly statement, and the month of all customers.")


@app.command("statement")
def statement(
    context: typer.Context,
    customer: Annotated[
        str, typer.Argument(metavar="CUSTOMER", help="Customer id, user id, phone, or a name's beginning.")
    ],
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="The month.")],
    to: To = None,
    format_name: FormatName = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """What was delivered to a customer in a month, what it costs, what was paid, and what is left to pay."""

    async def work(session: Session) -> Answer:
        from services.billing.statement import show_statement
        from services.billing.statement_file import save_statement, statement_document

        file = target(to, format_name, force)
        made = await show_statement(session.database, session.operator, session.clock, customer, month)
        if file is None:
            return Answer(statement_document(made), _statement(made))
        written = await save_statement(made, *file, replace=force)
        return receipt(written, customer_id=made.customer_id, month=made.month)

    run(context, work, as_json=as_json)


@app.command("month")
def month_of_all(
    context: typer.Context,
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The month.")],
    area: Annotated[
        str | None, typer.Option(metavar="A", help="This area alone, with its customers; its beginning will do.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="W", help="Customers who are paid, partial or unpaid, or have orders missing.")
    ] = None,
    token: PageToken = None,
    limit: Limit = None,
    to: To = None,
    format_name: FormatName = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """The month's totals by area: paid and unpaid, one-time orders billed and missing. A file holds every customer.

    With --area, --only or --limit it lists the customers behind them, page by page.
    """

    async def work(session: Session) -> Answer:
        from services.billing.month_file import customer_document, month_document, save_month
        from services.billing.month_totals import month_customers, month_totals, read_only

        file, chosen = target(to, format_name, force), read_only(only)
        if file and (only or token or limit):
            raise BadRequest("whole-file", "A file holds every customer: leave out --only, --page and --limit.")
        rows: list[CustomerMonth] = []
        given = session.database, session.operator, session.clock, month, area
        with progress_bar() as step:
            totals = await month_totals(
                *given, progress=lambda what, done: step(what, done, 0), each=rows.append if file else None
            )
        if file:
            return receipt(await save_month(totals, rows, *file, replace=force), month=totals.month)
        if area is None and chosen is None and token is None and limit is None:
            return Answer(month_document(totals), _month(totals))
        page = await month_customers(*given, chosen, token, limit)
        listed: dict[str, Any] = {"customers": [customer_document(each) for each in page.items], "next": page.next}
        return Answer(month_document(totals) | listed, [*_month(totals), Line(""), *_customers(page)])

    run(context, work, as_json=as_json)


def _statement(made: Statement) -> list[Block]:
    from services.billing.statement_words import state_words, statement_facts
    from services.money import format_rupees, quantity_told

    lines = [
        (line.kind, line.description, line.day or "", quantity_told(line.quantity),
         format_rupees(line.unit_price_paise), format_rupees(line.amount_paise), state_words(line))
        for line in made.lines
    ]  # fmt: skip
    headings = ("Kind", "What", "Day", "Quantity", "Price", "Amount", "Billed")
    blocks: list[Block] = [Pairs(statement_facts(made)), Line("")]
    blocks.append(Table(headings, lines, frozenset(headings[3:6])) if lines else Line("Nothing was delivered."))
    if made.payments:
        paid = [(each.day or "—", format_rupees(each.amount_paise), each.method, each.notes) for each in made.payments]
        blocks += [Line(""), Table(("Paid on", "Amount", "Method", "Notes"), paid, frozenset({"Amount"}))]
    return [*blocks, *(Line(f"{finding.code}: {finding.message}") for finding in made.findings)]


def _month(totals: MonthTotals) -> list[Block]:
    from services.billing.month_file import month_facts
    from services.customers.areas import area_name
    from services.money import format_rupees

    def row(name: str, area: AreaMonth) -> tuple[str, ...]:
        counts = tuple(f"{share.records:,}" for share in area.statuses.values())
        money = (area.total_paise, area.previous_balance_paise, area.paid_paise, area.balance_paise)
        missing, review = area.missing, area.orders["review"]
        return (name, *counts, *map(format_rupees, money), f"{missing.records:,}", format_rupees(missing.paise),
                f"{review.records:,}")  # fmt: skip

    figures = ("Paid", "Partial", "Unpaid", "Total", "Before", "Received", "Balance", "Not billed", "₹", "Review")
    rows = [row(area_name(area.area), area) for area in totals.areas]
    return [
        Pairs(month_facts(totals)),
        Line(""),
        Table(("Area", *figures), [*rows, row("All", totals.total)], frozenset(figures)),
    ]


def _customers(page: Page[CustomerMonth]) -> list[Block]:
    from services.money import format_rupees

    if not page.items:
        return [Line("No customer fits.")]
    rows = [
        (each.customer_id, each.name, *map(format_rupees, (each.total_paise, each.paid_paise, each.balance_paise)),
         each.status, each.missing.records or "")
        for each in page.items
    ]  # fmt: skip
    headings = ("Customer", "Name", "Total", "Received", "Balance", "Status", "Not billed")
    table = Table(headings, rows, frozenset({"Total", "Received", "Balance", "Not billed"}))
    return [table, *([Line(f"More with --page {page.next}")] if page.next else [])]
