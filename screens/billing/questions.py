"""What the billing screen asks of the backfills, each as one call of a service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from screens.billing.views import Behind
from screens.context import Context

if TYPE_CHECKING:
    from services.backfills.plan import Options, Plan
    from services.backfills.rows import RowsPage
    from services.backfills.runner import Report
    from services.backfills.runs import RunView

Deed: TypeAlias = "Callable[[Report], Awaitable[RunView]]"
"""Long work on a run, given whom to tell of its progress."""


async def count(context: Context, backfill: str, options: Options, progress: Callable[[int], None]) -> Plan:
    """A preview, stored where the operator could commit it."""
    from services.backfills.preview import preview

    store = context.operator.has("ops")
    return await preview(
        context.database, context.operator, context.clock, backfill, options,
        store=store, limits=context.limits, progress=progress,
    )  # fmt: skip


async def rows(context: Context, run: str, behind: Behind, token: str | None) -> RowsPage:
    """A page of the records behind a figure."""
    from services.backfills.rows import list_rows

    return await list_rows(
        context.database, context.operator, run, behind.group, token,
        month=behind.month, code=behind.code, customer=behind.customer,
    )  # fmt: skip


async def runs(context: Context) -> tuple[RunView, ...]:
    """The newest runs."""
    from services.backfills.runs import list_runs

    return await list_runs(context.database, context.operator)


async def commit(context: Context, run: str, digest: str, progress: Report) -> RunView:
    """Do what the plan of that digest says."""
    from services.backfills.commit import commit

    return await commit(
        context.database, context.operator, context.clock, run, digest,
        pace=context.pace, limits=context.limits, progress=progress,
    )  # fmt: skip


async def resume(context: Context, run: str, progress: Report) -> RunView:
    """Go on with a run, and try once more what failed."""
    from services.backfills.commit import resume

    return await resume(context.database, context.operator, context.clock, run, pace=context.pace, progress=progress)


async def rollback(context: Context, run: str, reason: str, progress: Report) -> RunView:
    """Take a run back."""
    from services.backfills.rollback import rollback

    return await rollback(
        context.database, context.operator, context.clock, run, reason, pace=context.pace, progress=progress
    )
