"""`customers`: find customers, correct a customer's phone or which user a customer belongs to, and take that back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from console.changes import change_documents, tell
from console.command import Json, Yes, confirm, group, run
from console.output import Answer, Block, Line, Table
from services.errors import BadRequest
from services.text import visible

if TYPE_CHECKING:
    from console.session import Session

app = group("Find and correct customers.")


@app.command("find")
def find(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Phone, a name's beginning, customer's or user's id.")],
    as_json: Json = False,
) -> None:
    """Find customers, up to 30, by name."""

    async def work(session: Session) -> Answer:
        from services.customers.search import find_customers

        if not query.strip():
            raise BadRequest("no-query", "Give a phone, the beginning of a name, or an id.")
        found = await find_customers(session.database, session.operator, query)
        names = ("id", "name", "phone", "area", "status", "address", "user_id", "delivery_boy_id")
        rows = [(each.id, each.name, each.phone, each.area, each.status) for each in found.items]
        headings = ("Customer", "Name", "Phone", "Area", "Status")
        blocks: list[Block] = [Table(headings, rows) if rows else Line("No customer fits.")]
        blocks += [Line(found.note)] if found.note else []
        return Answer({"customers": [{name: getattr(each, name) for name in names} for each in found.items]}, blocks)

    run(context, work, as_json=as_json)


Customer = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="Customer id or its beginning, user id, phone, or a name's beginning.")
]
Reason = Annotated[str, typer.Option(metavar="R", help="Why; it is kept in the audit trail.  [required]")]


@app.command("correct")
def correct(
    context: typer.Context,
    customer: Customer,
    phone: Annotated[str | None, typer.Option(metavar="P", help="An Indian mobile number, in any writing.")] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="The user whose customer this is; empty ends the link.")
    ] = None,
    reason: Reason = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Correct a customer's phone or user; what changes is shown before it is done."""

    async def work(session: Session) -> Answer:
        from services.customers.correction import Correction, correct_customer, name_customer
        from services.typed import typed_reason

        opened = await name_customer(session.database, session.operator, customer)
        name = opened.customer.id or ""
        asked = (session.database, session.operator, session.clock, name, Correction(phone, user), opened.seen)
        shown = await correct_customer(*asked, write=False)
        typed_reason(reason)
        tell(shown.changes)
        for each in shown.user_phones:
            print(visible(each.words), file=sys.stderr)
        confirm(f"Correct {visible(opened.customer.name or name)}?", yes=yes)
        done = await correct_customer(*asked, reason, shown=shown)
        return Answer(
            {
                "customer": name, "correction": done.correction, "changes": change_documents(done.changes),
                "user_phones": [
                    {"user": own.user_id, "phone": own.phone, "differs": own.differs} for own in done.user_phones
                ],
            },
            [Line(f"{name} is corrected."), *(Line(own.words) for own in done.user_phones if own.differs)],
        )  # fmt: skip

    run(context, work, as_json=as_json)


@app.command("undo")
def undo(
    context: typer.Context,
    customer: Customer,
    reason: Reason = "",
    correction: Annotated[
        str | None, typer.Option(metavar="ID", help="Only if this is the last correction: the id that `correct` told.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take a customer's last correction back, while nothing later rests on it; what changes is shown before."""

    async def work(session: Session) -> Answer:
        from services.customers.correction import name_customer
        from services.customers.undoing import undo_correction
        from services.typed import typed_reason

        typed_reason(reason)
        name = (await name_customer(session.database, session.operator, customer)).customer.id or ""
        asked = (session.database, session.operator, session.clock, name)
        shown = await undo_correction(*asked, correction=correction, write=False)
        tell(shown.changes)
        confirm(f"Take {visible(shown.by)}'s last correction of {visible(shown.name or name)} back?", yes=yes)
        done = await undo_correction(*asked, reason, correction=shown.correction)
        return Answer(
            {"customer": name, "undone": done.correction, "changes": change_documents(done.changes)},
            [Line(f"{name} is as it was before its last correction.")],
        )

    run(context, work, as_json=as_json)
