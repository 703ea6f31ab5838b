"""`backfill` on plans: what there is to repair, and the plan that a preview pins."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Limit, PageToken, run
from console.commands.backfill.group import RunId, app
from console.output import Answer, Block, Line, Pairs, Table, progress_bar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.session import Session
    from services.backfills.plan import Plan, Tally
    from services.backfills.runs import RunView

_RIGHT = frozenset({"Records", "Amount"})


@app.command("list")
def list_all(context: typer.Context, as_json: Json = False) -> None:
    """List the backfills there are, and their newest runs."""

    async def work(session: Session) -> Answer:
        from services.backfills.registry import BACKFILLS
        from services.backfills.runs import list_runs

        runs = await list_runs(session.database, session.operator)
        backfills = [{"name": b.name, "title": b.title, "about": b.about} for b in BACKFILLS.values()]
        blocks: list[Block] = [Table(("Backfill", "What it does"), [(b["name"], b["about"]) for b in backfills])]
        if runs:
            blocks += [Line(""), _runs_table(runs)]
        return Answer({"backfills": backfills, "runs": [_run(each) for each in runs]}, blocks)

    run(context, work, as_json=as_json)


@app.command("preview")
def preview_one(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The backfill, as `backfill list` names it.")],
    delivered_from: Annotated[str | None, typer.Option(metavar="D", help="Delivered on or after, India time.")] = None,
    delivered_to: Annotated[str | None, typer.Option(metavar="D", help="Delivered on or before, India time.")] = None,
    include_flagged: Annotated[
        bool, typer.Option("--include-flagged", help="Bill orders that are flagged but have no record, too.")
    ] = False,
    confirmed_only: Annotated[bool, typer.Option("--confirmed-only", help="Only confirmed deliveries.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; store no plan.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a backfill would do, and pin it as a plan that can be committed."""

    async def work(session: Session) -> Answer:
        from services.backfills.plan import Options
        from services.backfills.preview import preview
        from services.clock import parse_day

        options = Options(
            delivered_from=parse_day(delivered_from, "day of --delivered-from") if delivered_from else None,
            delivered_to=parse_day(delivered_to, "day of --delivered-to") if delivered_to else None,
            include_flagged=include_flagged,
            confirmed_only=confirmed_only,
        )
        with progress_bar() as bar:
            plan = await preview(
                session.database, session.operator, session.clock, name, options, store=not dry_run,
                limits=session.limits,
                progress=lambda examined: bar("Examined", examined, 0),
            )  # fmt: skip
        if not plan.stored:
            print(f"Not stored: {plan.unstored_because}", file=sys.stderr)
        return Answer(_plan(plan), _plan_blocks(plan))

    run(context, work, as_json=as_json)


@app.command("show")
def show(
    context: typer.Context,
    run_id: RunId,
    group_name: Annotated[
        str | None, typer.Option("--class", metavar="C", help="Only this class, or drifted, failed or kept.")
    ] = None,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only this billing month.")] = None,
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Only rows with this reason.")] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="CUSTOMER", help="Only this customer's: by id, user id, phone or name.")
    ] = None,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show a run's plan, row by row; exit 1 where what it shows is not what was previewed."""

    async def work(session: Session) -> Answer:
        from services.backfills.plan import why_left
        from services.backfills.rows import list_rows
        from services.customers.search import find_customer
        from services.money import format_rupees

        whose = (await find_customer(session.database, session.operator, customer)).id if customer else None
        page = await list_rows(
            session.database, session.operator, run_id, group_name, token, limit,
            month=month, code=code, customer=whose,
        )  # fmt: skip
        rows = [
            {"record": r.record, "class": r.group, "code": r.code, "message": r.message, "customer_id": r.customer_id,
             "month": r.month, "amount_paise": r.amount_paise, **({"altered": True} if r.altered else {}),
             **({"changed": r.changed} if r.changed else {})}
            for r in page.items
        ]  # fmt: skip
        worth = any(r.amount_paise is not None for r in page.items)
        listed = [
            (f"{'✗ ' * r.altered}{r.record}", r.group, r.code,
             *((r.month, format_rupees(r.amount_paise)) if worth else ()), why_left(r.message, r.changed))
            for r in page.items
        ]  # fmt: skip
        headings = ("Record", "Class", "Code", *(("Month", "Amount") if worth else ()), "Why")
        blocks: list[Block] = [Table(headings, listed, _RIGHT) if listed else Line("No rows.")]
        blocks += [Line(page.note)] if page.note else []
        blocks += [Line(f"✗ {page.altered}")] if page.altered else []
        blocks += [Line(f"More with --page {page.next}")] if page.next else []
        said = {name: words for name in ("note", "altered") if (words := getattr(page, name))}
        return Answer({"rows": rows, "next": page.next, **said}, blocks, exit_status=1 if page.altered else 0)

    run(context, work, as_json=as_json)


def _plan(plan: Plan) -> dict[str, Any]:
    summary = plan.summary.model_dump(mode="json")
    return {
        "run": plan.run,
        "backfill": plan.backfill,
        "digest": plan.digest,
        "stored": plan.stored,
        "examined": plan.examined,
        "classes": summary["classes"],
        "customers": plan.customers,
        "by_month": summary["by_month"],
        "review": summary["review"],
        "unconfirmed": summary["unconfirmed"],
        "options": plan.options.model_dump(mode="json"),
    }


def _plan_blocks(plan: Plan) -> list[Block]:
    from services.backfills.plan import REVIEW_REASONS
    from services.backfills.registry import find_backfill
    from services.money import format_rupees

    backfill = find_backfill(plan.backfill)
    concerned = f", {plan.customers} customers concerned" if plan.customers else ""
    blocks: list[Block] = [Line(f"{plan.examined} {backfill.noun} examined{concerned}."), Line("")]
    blocks.append(_tallies("Class", plan.classes, amounts=backfill.amounts))
    if plan.by_month:
        blocks += [Line(""), _tallies("Month", plan.by_month, amounts=backfill.amounts)]
    if plan.review:
        reasons = [(code, count, REVIEW_REASONS.get(code, "")) for code, count in plan.review.items()]
        blocks += [Line(""), Table(("Needs a person", "Records", "Why"), reasons, _RIGHT)]
    if plan.unconfirmed.records:
        amount = format_rupees(plan.unconfirmed.amount_paise)
        blocks += [Line(""), Line(f"Of the change, {plan.unconfirmed.records} deliveries ({amount}) are unconfirmed.")]
    blocks.append(Line(""))
    if plan.stored:
        blocks += [Pairs([("Run", plan.run), ("Digest", plan.digest)]), Line("")]
        blocks.append(Line(f"To do exactly this: backfill commit {plan.run} --digest {plan.digest}"))
    return blocks


def _tallies(heading: str, tallies: Mapping[Any, Tally], *, amounts: bool) -> Table:
    from services.money import format_rupees

    if not amounts:
        return Table((heading, "Records"), [(name, tally.records) for name, tally in tallies.items()], _RIGHT)
    rows = [(name, tally.records, format_rupees(tally.amount_paise)) for name, tally in tallies.items()]
    return Table((heading, "Records", "Amount"), rows, _RIGHT)


def _run(view: RunView) -> dict[str, Any]:
    names = ("run", "backfill", "state", "created_at", "created_by", "planned", "applied", "drifted", "failed",
             "amount_paise", "verified", "seconds", "digest")  # fmt: skip
    return {name: getattr(view, name) for name in names}


def _runs_table(runs: tuple[RunView, ...]) -> Table:
    from services.backfills.registry import find_backfill
    from services.clock import format_moment
    from services.money import format_rupees

    rows = [
        (r.run, r.backfill, r.standing, format_moment(r.created_at), r.created_by, f"{r.applied}/{r.planned}",
         format_rupees(r.amount_paise if find_backfill(r.backfill).amounts else None), r.digest)
        for r in runs
    ]  # fmt: skip
    headings = ("Run", "Backfill", "State", "Previewed", "By", "Applied", "Amount", "Digest")
    return Table(headings, rows, frozenset({"Applied", "Amount"}))
