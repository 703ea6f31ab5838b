"""Why something cannot be done on the billing screen at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from screens.run.views import resumable

if TYPE_CHECKING:
    from screens.billing.views import Behind
    from screens.context import Context
    from services.backfills.plan import Plan, PlanRow
    from services.backfills.runs import RunView


def why_not(
    action: str,
    context: Context | None,
    plan: Plan | None,
    runs: Mapping[str, RunView],
    run: RunView | None,
    working: str,
) -> str | None:
    """The reason, None where it can be done: roles first, then what there is to do.

    `run` is the one in sight, `working` the one that this console works on.
    """
    if action not in ("preview", "commit", "resume", "run", "report"):
        return None
    if context is None:
        return "There is no connection to the database yet."
    if action in ("commit", "resume") and (why := context.why_no_writing("ops")):
        return why
    if working and action not in ("run", "report"):
        return f"{working} is being worked on here; its progress is shown above."
    return _commit(plan, runs) if action == "commit" else _run(action, run)


def no_customer(row: PlanRow | None, behind: Behind) -> str | None:
    """Why the records cannot be narrowed to the customer of the one under the cursor."""
    if behind.customer or (row and row.customer_id):
        return None
    return "No customer is known of this record." if row else "There is no record under the cursor."


def _commit(plan: Plan | None, runs: Mapping[str, RunView]) -> str | None:
    if plan is None:
        return "Preview first: press p."
    if plan.run is None:
        return plan.unstored_because or "This preview was not stored; press p to preview again."
    known = runs.get(plan.run)
    if known and known.state not in ("planned", "approved"):
        return f"{plan.run} is {known.state}. Preview again for what is left."
    return None if plan.classes["change"].records else "This plan changes nothing."


def _run(action: str, run: RunView | None) -> str | None:
    if action == "preview":
        return None
    if run is None:
        return "There is no run yet."
    if action == "resume" and not resumable(run):
        return f"{run.run} is {run.state}; there is nothing to go on with."
    return None
