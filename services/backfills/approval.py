"""Approval: above a configured size, a second operator must allow that very plan."""

from __future__ import annotations

from services.backfills.runs import RUNS, Approval, Limits, Run, RunView, load_run, show_run
from services.clock import Clock, to_stored
from services.database import Database, told
from services.errors import NotPermitted, Refused
from services.operators.operator import Operator


async def approve(database: Database, operator: Operator, clock: Clock, run: str, digest: str) -> RunView:
    """Allow the plan of that digest to be committed.

    Raises NotFound for an unknown run, NotPermitted for one's own plan, Refused for another digest and for a plan
    that is not waiting to be committed.
    """
    operator.require("ops", "approve a plan")
    database.require_writable()
    stored = await load_run(database, run)
    if digest != stored.digest:
        raise Refused("digest-mismatch", f"The plan of {run} has another digest. Approve only what you have seen.")
    if operator.account == stored.created_by:
        raise NotPermitted("own-plan", f"{run} is your own plan; another operator with the role ops must approve it.")
    approval = Approval(by=operator.account, at=to_stored(clock()), digest=digest)
    with told():
        done = await database[RUNS].update_one(
            {"_id": run, "state": "planned", "digest": digest},
            {"$set": {"state": "approved", "approval": approval.model_dump()}},
        )
    if done.matched_count == 0:
        raise Refused("not-open", f"{run} is {(await load_run(database, run)).present_state} and needs no approval.")
    return await show_run(database, operator, run)


def require_approval(stored: Run, limits: Limits) -> None:
    """Raise Refused where a plan is above a limit and nobody else has approved this very digest.

    The limits of whoever commits count, and those under which the plan was previewed.
    """
    change = stored.summary.classes["change"]
    if (why := limits.exceeded(change) or stored.limits.exceeded(change)) is None:
        return
    approval = stored.approval
    if approval is None or approval.digest != stored.digest or approval.by == stored.created_by:
        raise Refused(
            "approval-needed",
            f"{stored.id} needs another operator's approval: {why}. "
            f"They run: backfill approve {stored.id} --digest {stored.digest}",
        )
