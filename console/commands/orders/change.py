"""`orders create`, `update`, `cancel` and `undo`: shown field by field, confirmed, then done."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.changes import change_documents, change_pairs, tell
from console.command import Json, Yes, confirm, run
from console.commands.orders.group import app
from console.naming import whole_id
from console.output import Answer, Block, Line, Pairs
from console.typed_items import read_items
from services.errors import BadRequest
from services.text import visible

if TYPE_CHECKING:
    from console.session import Session
    from services.orders.creation import Created
    from services.orders.editing import Edited
    from services.validation.check import Check

OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", help="The id, or a beginning that no other has.")]
Items = Annotated[
    list[str] | None,
    typer.Option(
        "--item",
        metavar="PRODUCT_ID=QTY",
        help="An item, by its product's id or a beginning of that; name all that the order is to have; repeatable.",
    ),
]
Day = Annotated[
    str | None, typer.Option("--date", metavar="D", help="Delivery day in India: YYYY-MM-DD, today, tomorrow.")
]
Address = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Address; city and pincode at its end, or those on record.")
]
Notes = Annotated[str | None, typer.Option(metavar="TEXT", help="Notes; empty takes them away.")]
Person = Annotated[
    str | None, typer.Option("--delivery-boy", metavar="ID", help="Delivery person: id, or a name's beginning.")
]
Reason = Annotated[str, typer.Option(metavar="R", help="Why; it is kept on the order.  [required]")]


@app.command("create")
def create(
    context: typer.Context,
    customer: Annotated[
        str, typer.Option(metavar="CUSTOMER", help="Id or its beginning, user id, phone, or a name's beginning.")
    ],
    day: Annotated[str, typer.Option("--date", metavar="D", help="Delivery day in India: YYYY-MM-DD, tomorrow.")],
    item: Items = None,
    address: Address = None,
    notes: Notes = None,
    delivery_boy: Person = None,
    again: Annotated[bool, typer.Option("--again", help="A second open order for that day is meant.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make a one-time order, pending; prices are the customer's own, else the products'."""

    async def work(session: Session) -> Answer:
        from services.clock import parse_day
        from services.customers.search import find_customer
        from services.orders.creation import NewOrder, create_order, preview_order

        named = (await find_customer(session.database, session.operator, customer)).id or customer
        new = NewOrder(named, read_items(item or []), parse_day(day, "day of --date"), address or "", notes or "",
                       delivery_boy or "")  # fmt: skip
        asked = session.database, session.operator, session.clock
        shown = await preview_order(*asked, new)
        if again and shown.beside:
            new = dataclasses.replace(new, beside=shown.beside)
            shown = await preview_order(*asked, new)
        _tell_order(shown)
        if shown.refusal is None:
            confirm(_question_of(shown), yes=yes)
        made = await create_order(*asked, new, shown)
        hidden = ("_id", "items", "total_amount")
        told = {name: value for name, value in made.document.items() if name not in hidden}
        items = [{"product_id": each["product_id"], "quantity": each["quantity"]} for each in made.document["items"]]
        return Answer(
            {"order": {**told, "items": items, "amount_paise": made.amount_paise}, "checks": _checks(made.checks)},
            [Line(f"{made.order_id} is made, for {made.customer_name or made.customer_id}.")],
        )

    run(context, work, as_json=as_json)


@app.command("update")
def update(
    context: typer.Context,
    order_id: OrderId,
    item: Items = None,
    day: Day = None,
    address: Address = None,
    notes: Notes = None,
    delivery_boy: Person = None,
    again: Annotated[bool, typer.Option("--again", help="A second open order for the new day is meant.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Change an order that is still open; notes of any. What changes is shown before it is done."""

    async def work(session: Session) -> Answer:
        from services.clock import parse_day
        from services.orders.editing import OrderEdit, open_beside, open_order, preview_update, update_order

        edit = OrderEdit(
            address=address, notes=notes, items=read_items(item) if item else None,
            delivery_date=parse_day(day, "day of --date") if day else None, delivery_boy_id=delivery_boy,
        )  # fmt: skip
        if edit == OrderEdit():
            raise BadRequest(
                "nothing-asked", "Say what to change: --item, --date, --address, --notes or --delivery-boy."
            )
        named = await whole_id(session, "orders", order_id)
        seen = (await open_order(session.database, session.operator, named)).seen
        if again and edit.delivery_date:
            known = await open_beside(session.database, session.operator, session.clock, named, edit.delivery_date)
            edit = dataclasses.replace(edit, beside=known)
        shown = await preview_update(session.database, session.operator, session.clock, named, edit, seen)
        _tell(shown)
        confirm(f"Change {visible(named)}?", yes=yes)
        done = await update_order(session.database, session.operator, session.clock, named, edit, seen, shown)
        return _answer(done, "changed")

    run(context, work, as_json=as_json)


@app.command("cancel")
def cancel(
    context: typer.Context, order_id: OrderId, reason: Reason = "", yes: Yes = False, as_json: Json = False
) -> None:
    """Cancel an order that is open and not billed."""

    async def work(session: Session) -> Answer:
        from services.orders.editing import cancel_order, preview_cancel
        from services.orders.words import cancelling_in_words, readable_changes
        from services.typed import typed_reason

        typed_reason(reason)
        named = await whole_id(session, "orders", order_id)
        asked = session.database, session.operator, session.clock, named
        shown = await preview_cancel(*asked)
        _tell_words(cancelling_in_words(shown))
        confirm(f"Cancel {visible(named)}?", yes=yes)
        done = await cancel_order(*asked, reason, shown.seen)
        return _answer(done, "cancelled", Pairs(change_pairs(readable_changes(done))))

    run(context, work, as_json=as_json)


@app.command("undo")
def undo(
    context: typer.Context,
    order_id: OrderId,
    reason: Reason = "",
    again: Annotated[bool, typer.Option("--again", help="Another open order for its day is meant.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take an order's last change or cancellation back, while nothing later rests on it."""

    async def work(session: Session) -> Answer:
        from services.orders.undoing import preview_undo, undo_edit
        from services.typed import typed_reason

        typed_reason(reason)
        named = await whole_id(session, "orders", order_id)
        asked = session.database, session.operator, session.clock, named
        shown = await preview_undo(*asked)
        beside = shown.beside if again else ()
        if beside:
            shown = await preview_undo(*asked, beside=beside)
        _tell(shown)
        if shown.refusal is None:
            confirm(f"Take the last change of {visible(named)} back?", yes=yes)
        done = await undo_edit(*asked, reason, edit=shown.edit, beside=beside, seen=shown.seen)
        return _answer(done, "as it was before its last change")

    run(context, work, as_json=as_json)


def _answer(done: Edited, what: str, *told: Block) -> Answer:
    """What was done; `told` is what nobody was told before the question."""
    return Answer(
        {"order": done.order_id, "changes": change_documents(done.changes), "checks": _checks(done.checks)},
        [Line(f"{done.order_id} is {what}."), *told],
    )


def _checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    return [
        {"validator": each.validator, "outcome": each.result.outcome, "code": each.result.code,
         "message": each.result.message}
        for each in checks
    ]  # fmt: skip


def _tell(edited: Edited) -> None:
    """What would change, on standard error, where the question is asked."""
    from services.orders.words import readable_changes

    tell(readable_changes(edited))
    _tell_checks(edited.checks)


def _tell_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        mark = {"ok": "✓", "warning": "!", "refused": "✗"}[check.result.outcome]
        print(f"{mark} {check.validator}: {visible(check.result.message)}", file=sys.stderr)


def _tell_order(new: Created) -> None:
    """The order as it would be stored, and what every rule says of it."""
    from services.orders.words import order_in_words

    _tell_words(order_in_words(new))
    _tell_checks(new.checks)


def _tell_words(order: Iterable[tuple[str, str]]) -> None:
    for name, words in order:
        print(f"{name}: {visible(words)}", file=sys.stderr)


def _question_of(new: Created) -> str:
    from services.money import format_rupees

    amount, name = format_rupees(new.amount_paise), visible(new.customer_name or new.customer_id)
    return f"Make an order of {amount} for {name}, due {new.document['delivery_date']}?"
