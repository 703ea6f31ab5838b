"""Confirming many deliveries: a selection, or a route but for what failed. Each order is a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.audit.chain import Stream
from services.clock import Clock
from services.database import Database
from services.deliveries.confirmation import Confirmation, confirm_delivery
from services.deliveries.day import DayFilters, DeliveryRow, read_day_rows
from services.deliveries.seen import Seen
from services.errors import BadRequest, ConsoleError, NotFound, Refused, Unreachable
from services.operators.operator import Operator

AT_ONCE = 12
"""Transactions under way together: more wait for each other in the server's journal."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order: its confirmation, or why there is none."""

    order_id: str
    confirmation: Confirmation | None
    refusal: ConsoleError | None = None


Report: TypeAlias = Callable[[Outcome], object]
"""Told of each outcome as it comes."""


@dataclass(frozen=True, slots=True)
class Route:
    """The orders of a route, each in one of these."""

    due: tuple[DeliveryRow, ...]
    """What a confirmation of the route confirms."""
    excepted: tuple[DeliveryRow, ...]
    failed: tuple[DeliveryRow, ...]
    """Told as not delivered: each of them is for a person to confirm."""
    confirmed: int
    cancelled: int


async def read_route(
    database: Database, operator: Operator, filters: DayFilters, excepted: Collection[str] = ()
) -> Route:
    """The orders of a day that fit the filters, but for the ids in `excepted`.

    Raises BadRequest for an excepted order that is not among them, NotFound where there are none, and Refused where
    the delivery person's name fits several people.
    """
    operator.require("support", "confirm deliveries")
    rows = [row async for _, row in read_day_rows(database, operator, filters)]
    if not rows:
        raise NotFound("empty-route", f"Nothing due on {filters.day} fits; `deliveries list` shows the day.")
    if filters.delivery_boy:
        _require_one_person(rows)
    if strangers := set(excepted) - {row.order_id for row in rows}:
        names = ", ".join(sorted(strangers))
        raise BadRequest("not-on-route", f"Not on this route, so it cannot be left out of it: {names}.")
    due = [row for row in rows if row.due]
    return Route(
        due=tuple(row for row in due if row.order_id not in excepted),
        excepted=tuple(row for row in due if row.order_id in excepted),
        failed=tuple(row for row in rows if row.failed),
        confirmed=sum(row.confirmed for row in rows),
        cancelled=sum(not (row.due or row.failed or row.confirmed) for row in rows),
    )


def _require_one_person(rows: Iterable[DeliveryRow]) -> None:
    people = {row.delivery_boy_id: row.delivery_person for row in rows}
    if len(people) > 1:
        names = ", ".join(f"{name or 'no name'} ({person})" for person, name in sorted(people.items(), key=str))
        raise Refused("ambiguous-person", f"That fits several delivery people: {names}. Give the id of one.")


async def confirm_deliveries(
    database: Database,
    operator: Operator,
    clock: Clock,
    order_ids: Iterable[str],
    *,
    seen: Mapping[str, Seen] | None = None,
    not_delivered: bool = False,
    delivered_at: datetime | None = None,
    reason: str = "",
    early: bool = False,
    report: Report | None = None,
) -> tuple[Outcome, ...]:
    """Confirm these orders as `confirm_delivery` does, some at a time; the outcomes in the order of the ids.

    `seen` is what was shown of each, by id: one that would be confirmed as something else is left alone.
    `delivered_at` is of those that have no time on record. A refusal concerns its order alone. Once the database
    cannot be reached, the orders that are left are not tried.
    """
    operator.require("support", "confirm deliveries")
    database.require_writable()
    wanted = list(dict.fromkeys(order_ids))
    outcomes: dict[str, Outcome] = {}
    waiting, lost = iter(wanted), asyncio.Event()

    async def confirm(order_id: str, stream: Stream) -> Outcome:
        if lost.is_set():
            untried = Unreachable("not-tried", "Not tried: the connection to the database was lost.")
            return Outcome(order_id, None, untried)
        try:
            done = await confirm_delivery(
                database, operator, clock, order_id,
                not_delivered=not_delivered, delivered_at=delivered_at, keep_time=True, reason=reason, early=early,
                seen=(seen or {}).get(order_id), stream=stream,
            )  # fmt: skip
        except ConsoleError as refusal:
            if isinstance(refusal, Unreachable):
                lost.set()
            return Outcome(order_id, None, refusal)
        return Outcome(order_id, done)

    async def work() -> None:
        stream = operator.trail.beside()
        for order_id in waiting:
            outcomes[order_id] = await confirm(order_id, stream)
            if report:
                report(outcomes[order_id])

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(wanted))):
            group.create_task(work())
    return tuple(outcomes[order_id] for order_id in wanted)
