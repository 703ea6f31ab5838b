"""What the billing screen asks of the backfills, each as one call of a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from screens.billing.messages import ReceiptRead
from screens.billing.views import Behind
from screens.context import Context

if TYPE_CHECKING:
    from services.backfills.commit import Outcome, Progress
    from services.backfills.plan import Options, Plan, PlanRow
    from services.backfills.runs import RunView
    from services.paging import Page

BACKFILL = "bill-one-time-orders"


async def count(context: Context, options: Options, progress: Callable[[int], None]) -> Plan:
    """A preview, stored where the operator could commit it."""
    from services.backfills.preview import preview

    store = context.operator.has("ops")
    return await preview(
        context.database, context.operator, context.clock, BACKFILL, options, store=store, progress=progress
    )


async def rows(context: Context, run: str, behind: Behind, token: str | None) -> Page[PlanRow]:
    """A page of the records behind a figure."""
    from services.backfills.runs import list_rows

    return await list_rows(
        context.database, context.operator, run, behind.group, token, month=behind.month, code=behind.code
    )


async def runs(context: Context) -> tuple[RunView, ...]:
    """The newest runs."""
    from services.backfills.runs import list_runs

    return await list_runs(context.database, context.operator)


async def receipt(context: Context, run: str) -> ReceiptRead:
    """A run and what it left alone."""
    from services.backfills.runs import list_exceptions, show_run

    shown = await show_run(context.database, context.operator, run)
    return ReceiptRead(shown, await list_exceptions(context.database, context.operator, run))


async def work(context: Context, run: str, digest: str | None, progress: Callable[[Progress], None]) -> Outcome:
    """Commit the plan of that digest; without a digest, go on with a run that was interrupted."""
    from services.backfills.commit import Pace, commit, resume

    database, operator, clock = context.database, context.operator, context.clock
    pace = Pace(context.batch_size, context.lease_seconds, context.credit_days)
    if digest is None:
        return await resume(database, operator, clock, run, pace=pace, progress=progress)
    return await commit(database, operator, clock, run, digest, pace=pace, progress=progress)
