"""`backfill` on runs: commit a plan, go on with it, see what became of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from console.command import Json, Yes, confirm, run
from console.commands.backfill.group import RunId, app
from console.output import Answer, Block, Line, Pairs, Table, progress_bar

if TYPE_CHECKING:
    from console.session import Session
    from services.backfills.commit import Outcome, Pace, Report
    from services.backfills.runs import RunException


@app.command("commit")
def commit_plan(
    context: typer.Context,
    run_id: RunId,
    digest: Annotated[str, typer.Option(metavar="D", help="The plan's digest, as the preview told it.")],
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Records in a transaction.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Do exactly what the plan of that digest says."""

    async def work(session: Session) -> Answer:
        from services.backfills.commit import commit
        from services.backfills.runs import show_run
        from services.money import format_rupees

        session.operator.require("ops", "commit a plan")
        view = await show_run(session.database, session.operator, run_id)
        change = view.plan.classes["change"]
        amount = format_rupees(change.amount_paise)
        confirm(f"{view.backfill}: change {change.records} records, {amount}, in {session.database.name}?", yes=yes)
        with _bar() as report:
            outcome = await commit(
                session.database, session.operator, session.clock, run_id, digest,
                pace=_pace(session, batch_size), progress=report,
            )  # fmt: skip
        return await _told(session, outcome)

    run(context, work, as_json=as_json)


@app.command("resume")
def resume_run(context: typer.Context, run_id: RunId, yes: Yes = False, as_json: Json = False) -> None:
    """Go on with an interrupted run, from where it stands."""

    async def work(session: Session) -> Answer:
        from services.backfills.commit import resume, status

        session.operator.require("ops", "resume a run")
        so_far = await status(session.database, session.operator, run_id)
        confirm(f"Go on with {run_id}, {so_far.applied} of {so_far.planned} records done?", yes=yes)
        with _bar() as report:
            outcome = await resume(
                session.database, session.operator, session.clock, run_id,
                pace=_pace(session, None), progress=report,
            )  # fmt: skip
        return await _told(session, outcome)

    run(context, work, as_json=as_json)


@app.command("status")
def show_status(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Show what has become of a run so far."""

    async def work(session: Session) -> Answer:
        from services.backfills.commit import status

        outcome = await status(session.database, session.operator, run_id)
        return dataclasses.replace(await _told(session, outcome), exit_status=0)

    run(context, work, as_json=as_json)


def _pace(session: Session, batch_size: int | None) -> Pace:
    from services.backfills.commit import Pace

    settings = session.settings
    return Pace(batch_size or settings.batch_size, settings.lease_seconds, settings.credit_days)


@contextmanager
def _bar() -> Iterator[Report]:
    with progress_bar() as bar:
        yield lambda p: bar("Committed", p.applied + p.drifted + p.failed, p.planned)


async def _told(session: Session, outcome: Outcome) -> Answer:
    from services.backfills.runs import list_exceptions
    from services.money import format_rupees

    left: tuple[RunException, ...] = ()
    if outcome.drifted or outcome.failed:
        left = await list_exceptions(session.database, session.operator, outcome.run)
    verified = {True: "yes", False: "NO: totals differ", None: "not yet"}[outcome.verified]
    blocks: list[Block] = [
        Pairs([
            ("Run", outcome.run),
            ("State", outcome.state),
            ("Applied", f"{outcome.applied} of {outcome.planned}"),
            ("Drifted", outcome.drifted),
            ("Failed", outcome.failed),
            ("Amount", format_rupees(outcome.amount_paise)),
            ("Verified", verified),
            ("Seconds", f"{outcome.seconds:.1f}"),
        ])
    ]  # fmt: skip
    if left:
        rows = [(each.record, each.outcome, each.reason) for each in left]
        blocks += [Line(""), Table(("Record", "Outcome", "Why"), rows)]
        if len(left) < outcome.drifted + outcome.failed:
            blocks.append(
                Line(f"These are the first {len(left)}; all: backfill show {outcome.run} --class drifted (failed)")
            )
    document = dataclasses.asdict(outcome) | ({"exceptions": left} if left else {})
    bad = outcome.drifted or outcome.failed or outcome.verified is False
    return Answer(document, blocks, exit_status=1 if bad else 0)
