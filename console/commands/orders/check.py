"""`orders check`: all validators that apply to an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from console.command import Json, run
from console.commands.orders.group import Named, app
from console.output import Answer, Block, Line, Table

if TYPE_CHECKING:
    from console.session import Session
    from services.validation.check import Check, OrderCheck


@app.command("check")
def check(context: typer.Context, order_id: Named, as_json: Json = False) -> None:
    """Check an order by every validator that applies to it; ends with 1 where one refuses."""

    async def work(session: Session) -> Answer:
        from services.history.naming import full_id
        from services.validation.check import check_order

        named = await full_id(session.database, session.operator, "orders", order_id)
        checked = await check_order(session.database, session.operator, session.clock, named)
        document = {
            "order": checked.order_id,
            "checks": [_row(each) for each in checked.checks],
            "skipped": [{"validator": each.validator, "why": each.why} for each in checked.skipped],
        }
        return Answer(document, _blocks(checked), exit_status=0 if checked.ok else 1)

    run(context, work, as_json=as_json)


def _row(each: Check) -> dict[str, Any]:
    result = each.result
    return {
        "validator": each.validator,
        "ok": result.ok,
        "outcome": result.outcome,
        "code": result.code,
        "field": result.field,
        "message": result.message,
        "value": result.value,
    }


def _blocks(checked: OrderCheck) -> list[Block]:
    headings = ("Validator", "Outcome", "Code", "Field", "What it says")
    rows = [
        (each.validator, each.result.outcome, each.result.code or "", each.result.field, each.result.message)
        for each in checked.checks
    ]
    skipped = [(each.validator, each.why) for each in checked.skipped]
    blocks: list[Block] = [Table(headings, rows)]
    blocks += [Line(""), Table(("Does not apply", "Because"), skipped)] if skipped else []
    return [*blocks, Line(""), Line(checked.summary)]
