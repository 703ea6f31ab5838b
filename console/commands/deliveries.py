"""`deliveries`: a day's list, the confirmation of orders and of a route, and taking one back."""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Limit, PageToken, Yes, can_ask, confirm, group, run
from console.naming import whole_id
from console.output import Answer, Block, Line, Table, progress_bar
from console.typed_items import read_items
from services.errors import BadRequest, Refused
from services.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from console.session import Session
    from services.deliveries.confirmation import Confirmation
    from services.deliveries.route import Outcome, Route
    from services.deliveries.seen import Seen

app = group("A day's deliveries, and their confirmation.")

Day = Annotated[str, typer.Option("--date", metavar="D", help="The scheduled day, also today, yesterday or tomorrow.")]
Area = Annotated[str | None, typer.Option(metavar="A", help="Only customers of this area.")]
Shift = Annotated[str | None, typer.Option(metavar="S", help="Only what is brought in this shift: morning, evening.")]
DeliveredAt = Annotated[
    str | None,
    typer.Option(
        metavar="T",
        help="When, in India: 2026-11-05T06:12, or 06:12; of several, only of those with no time on record.",
    ),
]


@app.command("list")
def list_deliveries(
    context: typer.Context,
    day: Day,
    delivery_boy: Annotated[
        str | None,
        typer.Option("--delivery-boy", metavar="ID", help="Only this delivery person: id, name, or none for no one's."),
    ] = None,
    area: Area = None,
    status: Annotated[str | None, typer.Option(metavar="S", help="Only this status.")] = None,
    shift: Shift = None,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List the orders scheduled for a day."""

    async def work(session: Session) -> Answer:
        from services.clock import format_moment, parse_day
        from services.deliveries.day import DayFilters, DeliveryRow, list_day

        filters = DayFilters(parse_day(day, "day of --date"), delivery_boy, area, status, shift)
        page = await list_day(session.database, session.operator, filters, token, limit)
        headings = (
            "Order",
            "Customer",
            "Area",
            "Delivery person",
            "Shift",
            "Items",
            "Status",
            "Confirmed",
            "Delivered",
        )
        rows = [
            (r.order_id, r.customer_name, r.area, r.delivery_person, r.shift, r.items, r.status,
             "yes" if r.confirmed else f"reported {_words(r.reported)}" if r.reported else "",
             format_moment(r.delivered_at))
            for r in page.items
        ]  # fmt: skip
        blocks: list[Block] = [Table(headings, rows) if rows else Line(f"No deliveries on {filters.day}.")]
        blocks += [Line(f"More with --page {page.next}")] if page.next else []
        names = [each.name for each in dataclasses.fields(DeliveryRow) if each.name != "seen"]
        listed = [{name: getattr(row, name) for name in names} for row in page.items]
        return Answer({"deliveries": listed, "next": page.next}, blocks)

    run(context, work, as_json=as_json)


@app.command("confirm")
def confirm_some(
    context: typer.Context,
    order_ids: Annotated[list[str], typer.Argument(metavar="ORDER_ID...", help="Ids, or beginnings of them.")],
    item: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRODUCT_ID=QTY",
            help="Delivered of an item, by its product's id or a beginning of that, where it was not all; repeatable.",
        ),
    ] = None,
    not_delivered: Annotated[
        bool, typer.Option("--not-delivered", help="Nothing was delivered; needs --reason.")
    ] = False,
    delivered_at: DeliveredAt = None,
    delivery_boy: Annotated[
        str | None, typer.Option("--delivery-boy", metavar="ID", help="Who brought it, where the order names another.")
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="R", help="Why it is confirmed off schedule, or was not delivered.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Also what is due on a day to come; else it is asked.")] = False,
    as_json: Json = False,
) -> None:
    """Confirm orders' deliveries: what is on record, all of it where nobody said less, unless told otherwise.

    One order may have quantities and a delivery person of its own; of several each has its own outcome.
    """
    quantities = read_items(item or [])
    if len(order_ids) > 1 and (quantities or delivery_boy):
        raise BadRequest("one-order", "--item and --delivery-boy are about one order; confirm it by itself.")

    async def work(session: Session) -> Answer:
        from services.deliveries.confirmation import DUE_LATER, confirm_delivery
        from services.deliveries.quantities import in_words
        from services.deliveries.seen import open_delivery

        moment = _moment(delivered_at)
        named = [await whole_id(session, "orders", each) for each in order_ids]
        if len(named) > 1:
            outcomes = await _confirm_all(session, named, delivered_at, reason, not_delivered=not_delivered, early=yes)
            return Answer(_outcomes(outcomes), _told(outcomes), _exit_status(outcomes))
        one = partial(
            confirm_delivery, session.database, session.operator, session.clock, named[0],
            quantities=quantities, not_delivered=not_delivered, delivered_at=moment, delivery_boy=delivery_boy,
            reason=reason,
        )  # fmt: skip
        try:
            confirmed = await one(early=yes)
        except Refused as refusal:
            if refusal.code != DUE_LATER:
                raise
            shown = await open_delivery(session.database, session.operator, named[0])
            what = in_words(shown.order.items, shown.seen.known) or "nothing"
            print(visible(f"{shown.customer_name or 'no customer'}, on record: {what}"), file=sys.stderr)
            confirm(f"{refusal.message} Confirm {visible(named[0])}?", yes=yes)
            confirmed = await one(early=True, seen=shown.seen)
        return Answer({"confirmation": _document(confirmed)}, [Line(_sentence(confirmed))])

    run(context, work, as_json=as_json)


@app.command("confirm-route")
def confirm_route(
    context: typer.Context,
    day: Day,
    delivery_boy: Annotated[
        str, typer.Option("--delivery-boy", metavar="ID", help="Whose route: id, name, or none for no one's orders.")
    ],
    excepted: Annotated[
        list[str] | None, typer.Option("--except", metavar="ORDER_ID", help="Leave this order out; repeatable.")
    ] = None,
    area: Area = None,
    shift: Shift = None,
    delivered_at: DeliveredAt = None,
    reason: Annotated[str, typer.Option(metavar="R", help="Why it is confirmed off schedule.")] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Confirm a delivery person's whole day but for what failed; each order has its own outcome.

    Left out by themselves: what is confirmed or cancelled, and what is reported as not delivered.
    """

    async def work(session: Session) -> Answer:
        from services.clock import india_day, parse_day
        from services.deliveries.day import DayFilters
        from services.deliveries.route import read_route

        _moment(delivered_at)
        filters = DayFilters(parse_day(day, "day of --date"), delivery_boy, area, None, shift)
        out = [await whole_id(session, "orders", each) for each in excepted or []]
        route = await read_route(session.database, session.operator, filters, out)
        document = {"date": filters.day, "left_out": _left_out(route), "already_confirmed": route.confirmed}
        who, left = route.due[0].delivery_person if route.due else "", _left(route)
        words = f"{who or 'The route'}: {len(route.due)} to confirm. {left}".strip()
        if not route.due:
            return Answer(document | _outcomes([]), [Line(words)])
        later = f" {filters.day} has not come yet." if filters.day > india_day(session.clock()) else ""
        if later and yes:  # else the question says so
            print(later.strip(), file=sys.stderr)
        confirm(f"{words}{later} Confirm {len(route.due)} in {session.database.name}?", yes=yes)
        seen = {row.order_id: row.seen for row in route.due}
        outcomes = await _confirm_all(
            session, list(seen), delivered_at, reason, not_delivered=False, early=True, seen=seen
        )
        blocks = [*_told(outcomes), *([Line(left)] if left else [])]
        return Answer(document | _outcomes(outcomes), blocks, _exit_status(outcomes))

    run(context, work, as_json=as_json)


@app.command("staff")
def staff(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words of a name, or an id's beginning.")] = "",
    as_json: Json = False,
) -> None:
    """List the delivery people who work, by name."""

    async def work(session: Session) -> Answer:
        from services.deliveries.staff import find_staff

        found = await find_staff(session.database, session.operator, query)
        rows = [(name, each.name, each.area, each.shift) for name, each in found.items()]
        people = [dict(zip(("id", "name", "area", "shift"), row, strict=True)) for row in rows]
        block = Table(("Id", "Name", "Area", "Shift"), rows) if rows else Line("No delivery person fits.")
        return Answer({"staff": people}, [block])

    run(context, work, as_json=as_json)


@app.command("undo")
def undo(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER_ID", help="The id, or a beginning that no other has.")],
    reason: Annotated[str, typer.Option(metavar="R", help="Why; it is kept in the audit trail.  [required]")] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take an order's confirmation back: everything becomes what it was before, until the order is billed."""

    async def work(session: Session) -> Answer:
        from services.audit.traces import in_words
        from services.deliveries.undo import undo_confirmation
        from services.typed import typed_reason

        typed_reason(reason)
        named = await whole_id(session, "orders", order_id)
        # Scripts have never been asked here.
        confirm(f"Take the confirmation of {visible(named)} back?", yes=yes or not can_ask())
        undone = await undo_confirmation(session.database, session.operator, session.clock, named, reason)
        line = f"{undone.order_id} was {_words(undone.was)} and is {_words(undone.status)} again, not confirmed."
        told = [Line(f"Changed since, and left as it is: {in_words(undone.kept)}.")] if undone.kept else []
        if undone.beside:
            told.append(Line(f"Also open for the same customer and day: {', '.join(undone.beside)}."))
        return Answer({"undone": undone}, [Line(line), *told])

    run(context, work, as_json=as_json)


async def _confirm_all(
    session: Session,
    order_ids: Sequence[str],
    delivered_at: str | None,
    reason: str,
    *,
    not_delivered: bool,
    early: bool,
    seen: Mapping[str, Seen] | None = None,
) -> Sequence[Outcome]:
    from services.deliveries.route import confirm_deliveries

    done: list[Outcome] = []
    with progress_bar() as bar:

        def step(outcome: Outcome) -> None:
            done.append(outcome)
            bar("Confirmed", len(done), len(order_ids))

        return await confirm_deliveries(
            session.database, session.operator, session.clock, order_ids,
            not_delivered=not_delivered, delivered_at=_moment(delivered_at), reason=reason, early=early,
            seen=seen, report=step,
        )  # fmt: skip


def _moment(delivered_at: str | None) -> datetime | None:
    from services.clock import parse_moment

    return parse_moment(delivered_at, "time of --delivered-at") if delivered_at else None


def _document(confirmed: Confirmation) -> dict[str, Any]:
    items = [
        {"product_id": each.item.product_id, "name": each.item.name, "ordered": float(each.ordered),
         "delivered": float(each.delivered)}
        for each in confirmed.lines
    ]  # fmt: skip
    names = ("order_id", "status", "delivered_at", "reason")
    return {name: getattr(confirmed, name) for name in names} | {"items": items}


def _outcomes(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Every order with its confirmation, or the error that refused it."""
    listed = [
        {
            "order_id": each.order_id,
            "confirmation": _document(each.confirmation) if each.confirmation else None,
            "error": {"code": each.refusal.code, "message": each.refusal.message} if each.refusal else None,
        }
        for each in outcomes
    ]
    confirmed = sum(each.confirmation is not None for each in outcomes)
    return {"outcomes": listed, "confirmed": confirmed, "refused": len(outcomes) - confirmed}


def _told(outcomes: Sequence[Outcome]) -> list[Block]:
    rows = [
        (each.order_id, _words(each.confirmation.status) if each.confirmation else "refused",
         each.refusal.message if each.refusal else "")
        for each in outcomes
    ]  # fmt: skip
    confirmed = sum(each.confirmation is not None for each in outcomes)
    return [Table(("Order", "Outcome", "Why"), rows), Line(f"{confirmed} of {len(outcomes)} are confirmed.")]


def _exit_status(outcomes: Iterable[Outcome]) -> int:
    """That of the worst refusal: a lost database goes before a rule."""
    return max((each.refusal.exit_status for each in outcomes if each.refusal), default=0)


def _left_out(route: Route) -> list[dict[str, str]]:
    parts = (("excepted", route.excepted), ("reported-not-delivered", route.failed))
    return [{"order_id": row.order_id, "why": why} for why, rows in parts for row in rows]


def _left(route: Route) -> str:
    """What a route's confirmation leaves out, as a sentence; empty where that is nothing."""
    left = [
        (len(route.failed), "reported as not delivered"), (len(route.excepted), "as asked"),
        (route.confirmed, "confirmed already"), (route.cancelled, "cancelled"),
    ]  # fmt: skip
    words = ", ".join(f"{number} {why}" for number, why in left if number)
    return f"Left out: {words}." if words else ""


def _sentence(confirmed: Confirmation) -> str:
    from services.clock import format_moment

    when = f", {format_moment(confirmed.delivered_at)}" if confirmed.delivered_at else ""
    what = f": {confirmed.quantities}" if confirmed.quantities else ""
    return f"{confirmed.order_id} is confirmed as {_words(confirmed.status)}{when}{what}."


def _words(status: str) -> str:
    return status.replace("_", " ").lower()
