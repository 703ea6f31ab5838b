"""`backfill` on runs: commit a plan, steer it, see what became of it, take it back."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Yes, confirm, run
from console.commands.backfill.group import RunId, app
from console.output import Answer, Block, Line, Pairs, Table, progress_bar
from services.text import visible

if TYPE_CHECKING:
    from console.session import Session
    from services.backfills.pace import Pace
    from services.backfills.runner import Report
    from services.backfills.runs import RunException, RunView

Digest = Annotated[str, typer.Option(metavar="D", help="The plan's digest, as the preview told it.")]


@app.command("approve")
def approve_plan(context: typer.Context, run_id: RunId, digest: Digest, as_json: Json = False) -> None:
    """Allow another operator's plan of that digest to be committed."""

    async def work(session: Session) -> Answer:
        from services.backfills.approval import approve

        view = await approve(session.database, session.operator, session.clock, run_id, digest)
        return await _told(session, view)

    run(context, work, as_json=as_json)


@app.command("commit")
def commit_plan(
    context: typer.Context,
    run_id: RunId,
    digest: Digest,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Records in a transaction.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Do exactly what the plan of that digest says."""

    async def work(session: Session) -> Answer:
        from services.backfills.commit import commit
        from services.backfills.runs import show_run

        session.operator.require("ops", "commit a plan")
        view = await show_run(session.database, session.operator, run_id)
        change = view.plan.classes["change"]
        amount = _worth(view, change.amount_paise)
        confirm(f"{view.backfill}: change {change.records} records{amount}, in {session.database.name}?", yes=yes)
        with _bar("Committed") as report:
            done = await commit(
                session.database, session.operator, session.clock, run_id, digest,
                pace=_pace(session, batch_size), limits=session.limits, progress=report,
            )  # fmt: skip
        return await _told(session, done)

    run(context, work, as_json=as_json)


@app.command("resume")
def resume_run(context: typer.Context, run_id: RunId, yes: Yes = False, as_json: Json = False) -> None:
    """Go on with a paused or interrupted run from where it stands; what failed before is tried once more."""

    async def work(session: Session) -> Answer:
        from services.backfills.commit import resume
        from services.backfills.runs import show_run

        session.operator.require("ops", "resume a run")
        so_far = await show_run(session.database, session.operator, run_id)
        if so_far.state == "rolling-back":
            left = f"{so_far.restored} of {so_far.applied} records taken back"
            confirm(f"Go on with the rollback of {run_id}, {left}?", yes=yes)
        else:
            confirm(f"Go on with {run_id}, {so_far.applied} of {so_far.planned} records done?", yes=yes)
        with _bar("Done") as report:
            done = await resume(
                session.database, session.operator, session.clock, run_id, pace=_pace(session), progress=report
            )
        return await _told(session, done)

    run(context, work, as_json=as_json)


@app.command("status")
def show_status(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Show what has become of a run so far."""

    async def work(session: Session) -> Answer:
        from services.backfills.runs import show_run

        view = await show_run(session.database, session.operator, run_id)
        return dataclasses.replace(await _told(session, view), exit_status=0)

    run(context, work, as_json=as_json)


@app.command("pause")
def pause_run(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Stop a run after the batches under way, wherever it runs; `resume` goes on with it."""

    async def work(session: Session) -> Answer:
        from services.backfills.control import pause

        view = await pause(session.database, session.operator, run_id)
        return dataclasses.replace(await _told(session, view), exit_status=1 if view.wanted else 0)

    run(context, work, as_json=as_json)


@app.command("cancel")
def cancel_run(context: typer.Context, run_id: RunId, yes: Yes = False, as_json: Json = False) -> None:
    """End a run for good: what it has done stays, the rest is never done."""

    async def work(session: Session) -> Answer:
        from services.backfills.control import cancel
        from services.backfills.runs import show_run

        session.operator.require("ops", "cancel a run")
        so_far = await show_run(session.database, session.operator, run_id)
        confirm(f"Cancel {run_id}, {so_far.applied} of {so_far.planned} records done?", yes=yes)
        view = await cancel(session.database, session.operator, run_id)
        return dataclasses.replace(await _told(session, view), exit_status=1 if view.wanted else 0)

    run(context, work, as_json=as_json)


@app.command("verify")
def verify_run(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Compare what the database holds of a run with what the run says that it did."""

    async def work(session: Session) -> Answer:
        from services.backfills.verification import verify

        view = await verify(session.database, session.operator, run_id)
        return dataclasses.replace(await _told(session, view), exit_status=0 if view.verified else 1)

    run(context, work, as_json=as_json)


@app.command("rollback")
def roll_back(
    context: typer.Context,
    run_id: RunId,
    reason: Annotated[str, typer.Option(metavar="R", help="Why, for the record.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Restore what a run changed, where nobody changed it since; unsent reminders of that are cancelled."""

    async def work(session: Session) -> Answer:
        from services.backfills.rollback import rollback
        from services.backfills.runs import show_run

        session.operator.require("ops", "roll a run back")
        view = await show_run(session.database, session.operator, run_id)
        amount = _worth(view, view.amount_paise)
        if view.state == "rolling-back" and view.reversal:
            begun = visible(f"{view.reversal.by} began to take {run_id} back: {view.reversal.reason}")
            print(
                f"{begun}\nThat stays with the run; your reason is noted in the trail with the rest.", file=sys.stderr
            )
        confirm(f"Take back {view.applied} records of {run_id}{amount}, in {session.database.name}?", yes=yes)
        with _bar("Restored") as report:
            done = await rollback(
                session.database, session.operator, session.clock, run_id, reason,
                pace=_pace(session), progress=report,
            )  # fmt: skip
        return await _told(session, done)

    run(context, work, as_json=as_json)


def _pace(session: Session, batch_size: int | None = None) -> Pace:
    from services.backfills.pace import Pace

    settings = session.settings
    return Pace(settings.batch_size if batch_size is None else batch_size, settings.lease_seconds, settings.credit_days)


@contextmanager
def _bar(words: str) -> Iterator[Report]:
    with progress_bar() as bar:
        yield lambda progress: bar(words, progress.done, progress.planned)


async def _told(session: Session, view: RunView) -> Answer:
    from services.backfills.plan import why_left
    from services.backfills.runs import list_exceptions

    left: tuple[RunException, ...] = ()
    if view.drifted or view.failed or view.kept:
        left = await list_exceptions(session.database, session.operator, view.run)
    blocks: list[Block] = [Pairs(_pairs(view))]
    if left:
        rows = [(each.record, each.outcome, why_left(each.reason, each.changed)) for each in left]
        blocks += [Line(""), Table(("Record", "Outcome", "Why"), rows)]
        if len(left) < view.drifted + view.failed + view.kept:
            blocks.append(Line(f"These are the first {len(left)}; all: backfill show {view.run} --class drifted"
                               " (failed, kept)"))  # fmt: skip
    left_alone = view.kept if view.reversal else view.drifted or view.failed
    unfinished = view.state not in ("done", "rolled-back", "approved")
    bad = left_alone or unfinished or view.verified is False
    exceptions = [
        {"record": each.record, "outcome": each.outcome, "reason": each.reason,
         **({"changed": each.changed} if each.changed else {})}
        for each in left
    ]  # fmt: skip
    return Answer(_document(view) | ({"exceptions": exceptions} if left else {}), blocks, exit_status=1 if bad else 0)


def _document(view: RunView) -> dict[str, Any]:
    names = ("run", "state", "planned", "applied", "drifted", "failed", "amount_paise", "verified", "seconds",
             "alive", "wanted", "paused", "rate", "seconds_left")  # fmt: skip
    document = {name: getattr(view, name) for name in names}
    if view.found:
        document["found"] = view.found.model_dump()
    if view.approval:
        document["approval"] = view.approval.model_dump()
    if view.reversal:
        document |= {"restored": view.restored, "kept": view.kept, "restored_paise": view.restored_paise}
        document["rollback"] = view.reversal.model_dump()
    return document


def _worth(view: RunView, paise: int) -> str:
    """An amount behind a comma; nothing for a repair, whose records are worth no money."""
    from services.backfills.registry import find_backfill
    from services.money import format_rupees

    return f", {format_rupees(paise)}" if find_backfill(view.backfill).amounts else ""


def _reminded_of(view: RunView) -> list[tuple[str, object]]:
    """What a rollback that kept bills leaves to remind of."""
    from services.backfills.registry import find_backfill

    if not view.kept or not find_backfill(view.backfill).amounts:
        return []
    return [("Reminders", f"unsent ones of kept, unpaid bills are held: reminders preview {view.run}")]


def _pairs(view: RunView) -> list[tuple[str, object]]:
    state = view.standing
    if view.wanted:
        state += f", asked to {view.wanted}"
    elif view.state == "rolling-back" and not view.alive:
        state += f"{'' if view.paused else ', and nobody works on it'}: backfill resume {view.run} goes on"
    pairs: list[tuple[str, object]] = [
        ("Run", view.run),
        ("State", state),
        ("Applied", f"{view.applied} of {view.planned}"),
        ("Drifted", view.drifted),
        ("Failed", view.failed),
    ]
    if amount := _worth(view, view.amount_paise).lstrip(", "):
        pairs.append(("Amount", amount))
    if view.approval:
        pairs.append(("Approved by", view.approval.by))
    if view.reversal:
        pairs += [
            ("Restored", f"{view.restored} of {view.applied}{_worth(view, view.restored_paise)}"),
            ("Kept", view.kept),
            *_reminded_of(view),
            ("Rolled back by", f"{view.reversal.by}: {view.reversal.reason}"),
        ]
    if view.found:
        expected = "what was counted" if not view.reversal else "nothing of what was restored"
        if view.state == "rolling-back":
            expected = f"the {view.applied - view.restored - view.kept} that are not taken back yet"
        pairs.append(("In the database", f"{view.found.records}{_worth(view, view.found.amount_paise)}; "
                      f"expected: {expected}"))  # fmt: skip
    pairs.append(("Verified", {True: "yes", False: "NO: it is not what was counted", None: "not yet"}[view.verified]))
    pairs.append(("Seconds", f"{view.seconds:.1f}"))
    if view.rate:
        left = f", about {view.seconds_left:.0f} s left" if view.seconds_left is not None else ""
        pairs.append(("Rate", f"{view.rate:,.0f} a second{left}"))
    return pairs
