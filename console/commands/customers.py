"""`customers`: correct a customer's phone, or which user a customer belongs to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from console.command import Json, Yes, confirm, group, run
from console.output import Answer, Line, Pairs
from services.text import visible

if TYPE_CHECKING:
    from console.session import Session

app = group("Correct customers.")


@app.command("correct")
def correct(
    context: typer.Context,
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER_ID", help="The whole id.")],
    phone: Annotated[str | None, typer.Option(metavar="P", help="An Indian mobile number, in any writing.")] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="The user whose customer this is; empty ends the link.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Correct a customer's phone or user; what changes is shown before it is done."""

    async def work(session: Session) -> Answer:
        from services.customers.correction import Correction, correct_customer, open_customer

        correction, seen = Correction(phone, user), await open_customer(session.database, session.operator, customer_id)
        asked = (session.database, session.operator, session.clock, customer_id, correction, seen.seen)
        for change in (await correct_customer(*asked, write=False)).changes:
            print(visible(f"{change.field}: {change.old} → {change.new}"), file=sys.stderr)
        confirm(f"Correct {visible(seen.customer.name or customer_id)}?", yes=yes)
        done = await correct_customer(*asked)
        pairs = [(each.field, f"{each.old} → {each.new}") for each in done.changes]
        changes = [{"field": each.field, "old": each.old, "new": each.new} for each in done.changes]
        return Answer(
            {"customer": customer_id, "changes": changes}, [Line(f"{customer_id} is corrected."), Pairs(pairs)]
        )

    run(context, work, as_json=as_json)
