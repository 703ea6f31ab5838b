"""What the screen of deliveries asks of the services, each as one call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from screens.context import Context
from screens.deliveries.many import Decision

if TYPE_CHECKING:
    from services.deliveries.day import DayFilters
    from services.deliveries.route import Outcome, Route
    from services.deliveries.seen import Seen
    from services.deliveries.undo import Undone

STALE = ("changed-meanwhile", "already-confirmed", "order-cancelled")
"""The codes of refusals after which an order is not as it was shown."""


@dataclass
class RouteRead(Message):
    """A route, and which of its orders are to be confirmed, as they were read."""

    route: Route
    seen: Mapping[str, Seen]
    excepted: int
    """How many were left out because they are marked."""


@dataclass
class AllRead(Message):
    """Every order of the list that waits to be confirmed, on all of its pages, as it was read."""

    seen: Mapping[str, Seen]


@dataclass
class Deleted(Message):
    """Which of the deliveries that are listed no longer were deleted, and not only changed."""

    order_ids: Sequence[str]


@dataclass
class Step(Message):
    """What became of one of several orders."""

    outcome: Outcome


@dataclass
class Done(Message):
    """The last of several orders has its outcome."""

    outcomes: Sequence[Outcome]


async def read_route(context: Context, filters: DayFilters, marked: Collection[str]) -> RouteRead:
    """A delivery person's orders but for the marked ones: those are the failed."""
    from services.deliveries.route import read_route

    route = await read_route(context.database, context.operator, filters)
    left = {row.order_id: row.seen for row in route.due if row.order_id not in marked}
    return RouteRead(route, left, len(route.due) - len(left))


async def read_all(context: Context, filters: DayFilters) -> AllRead:
    """All that waits to be confirmed under these filters."""
    from services.deliveries.day import read_day_rows

    rows = read_day_rows(context.database, context.operator, filters)
    return AllRead({row.order_id: row.seen async for _, row in rows if row.due})


async def read_deleted(context: Context, order_ids: Sequence[str]) -> Deleted:
    """Which of these orders are gone."""
    from services.orders.reading import find_deleted

    return Deleted(await find_deleted(context.database, context.operator, order_ids))


async def confirm(
    context: Context,
    seen: Mapping[str, Seen],
    decision: Decision,
    not_delivered: bool,
    early: bool,
    report: Callable[[Outcome], object],
) -> Done:
    """Confirm several orders as they were seen, each for itself."""
    from services.deliveries.route import confirm_deliveries

    outcomes = await confirm_deliveries(
        context.database, context.operator, context.clock, list(seen), seen=seen, not_delivered=not_delivered,
        delivered_at=decision.delivered_at, reason=decision.reason, early=early, report=report,
    )  # fmt: skip
    return Done(outcomes)


async def undo(context: Context, order_id: str, reason: str) -> Undone:
    """Take a confirmation back."""
    from services.deliveries.undo import undo_confirmation

    return await undo_confirmation(context.database, context.operator, context.clock, order_id, reason)
