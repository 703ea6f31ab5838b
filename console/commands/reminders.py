"""`reminders`: payment reminders, looked at before they go out, released and sent, or cancelled."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Limit, PageToken, Yes, confirm, group, run
from console.output import Answer, Block, Line, Pairs, Table, progress_bar
from services.errors import BadRequest, Refused

if TYPE_CHECKING:
    from console.session import Session
    from services.paging import Page
    from services.reminders.listing import Reminder, Survey
    from services.reminders.providers.provider import Provider
    from services.reminders.recipients import Language
    from services.reminders.release import Released
    from services.reminders.sender import Sending

app = group("Payment reminders: look at them, release and send them, cancel them.")

LanguageOption = Annotated[
    str | None, typer.Option("--language", metavar="L", help="en or te, for customers whose record names none.")
]


@app.command("list")
def list_all(
    context: typer.Context,
    run_id: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only those of this run.")] = None,
    state: Annotated[
        str | None, typer.Option(metavar="S", help="held, released, sent, failed, cancelled or unclear.")
    ] = None,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List the reminders, one per customer and run, the newest run first."""

    async def work(session: Session) -> Answer:
        from services.reminders.listing import list_reminders

        page = await list_reminders(
            session.database, session.operator, run=run_id, state=state, token=token, limit=limit,
            language=session.settings.reminder_language,
        )  # fmt: skip
        blocks: list[Block] = [_table(page) if page.items else Line("No reminders.")]
        blocks += [Line(page.note)] if page.note else []
        return Answer(_page(page), [*blocks, *_more(page)])

    run(context, work, as_json=as_json)


@app.command("preview")
def preview(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run whose bills are to be reminded of.")],
    language: LanguageOption = None,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show a run's held reminders as the messages that would go out; nothing is released."""

    async def work(session: Session) -> Answer:
        from services.reminders.listing import list_reminders, survey

        chosen = _language(session, language)
        found = await survey(session.database, session.operator, run_id, chosen)
        page = await list_reminders(
            session.database, session.operator, run=run_id, state="held", token=token, limit=limit, language=chosen,
            strict=True,
        )  # fmt: skip
        blocks: list[Block] = [Line(_summary(found)), *_kept_back(found)]
        for each in page.items:
            told = each.text or f"(held: {each.reason})"
            blocks += [Line(""), Line(f"{each.customer_name or each.customer_id}, {each.phone or 'no number'}")]
            blocks += [Line(f"  {line}") for line in told.splitlines()]
        return Answer(_survey(found) | _page(page), [*blocks, *_more(page)])

    run(context, work, as_json=as_json)


@app.command("send")
def send_due(
    context: typer.Context,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Release this run's held reminders first.")
    ] = None,
    release_only: Annotated[
        bool, typer.Option("--release-only", help="Put them into the queue; send nothing.")
    ] = False,
    failed_too: Annotated[bool, typer.Option("--failed", help="Release those that failed once more, too.")] = False,
    language: LanguageOption = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send what is due; with --run, release that run's held reminders first, after asking."""
    if run_id is None and (release_only or failed_too):
        raise BadRequest("needs-run", "Name the run whose reminders are to be released, with --run.")

    async def work(session: Session) -> Answer:
        from services.operators.directory import environment_of
        from services.reminders.providers.account import open_provider

        session.operator.require("ops", "send reminders")
        released = None
        if run_id:
            released = await _release(session, run_id, _language(session, language), failed_too=failed_too, yes=yes)
        document: dict[str, Any] = {"released": released, "sending": None}
        blocks = _release_blocks(released) if released else []
        if release_only:
            return Answer(document, blocks)
        try:
            demo = await environment_of(session.database) is not None
            provider = open_provider(session.settings.reminder_account(), demo=demo)
        except Refused as refused:
            if not released:
                raise
            # The release stands: say so beside the reason why nothing went out.
            error = {"code": refused.code, "message": refused.message}
            return Answer(document | {"error": error}, [*blocks, Line(refused.message)], exit_status=1)
        done = await _send(session, provider, run_id, yes=yes or released is not None)
        bad = done.failed or done.unclear
        return Answer(document | {"sending": done}, [*blocks, *_sending_blocks(done)], exit_status=1 if bad else 0)

    run(context, work, as_json=as_json)


@app.command("cancel")
def cancel_unsent(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="RUN|MESSAGE", help="A run, or a message by its id.")],
    reason: Annotated[str, typer.Option(metavar="R", help="Why; it is kept with the reminders.")],
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this customer's reminders of the run.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Cancel what is not sent of a run, of one customer in it, or of one message."""

    async def work(session: Session) -> Answer:
        from services.reminders.cancellation import cancel

        session.operator.require("ops", "cancel reminders")
        whose = f"the reminders of the customer {customer} in {target}" if customer else f"what is unsent of {target}"
        confirm(f"Cancel {whose} in {session.database.name}?", yes=yes)
        done = await cancel(session.database, session.operator, session.clock, target, reason, customer_id=customer)
        off = _count(done.messages, "released message")
        words = f"Cancelled: the reminders of {_count(done.orders, 'order')}; called off: {off}."
        return Answer({"cancelled": done}, [Line(words)])

    run(context, work, as_json=as_json)


def _language(session: Session, asked: str | None) -> Language:
    from services.reminders.recipients import LANGUAGES, read_language

    if asked is None:
        return session.settings.reminder_language
    language = read_language(asked)
    if language is None:
        raise BadRequest("bad-language", f"{asked!r} is no language of the templates: {', '.join(LANGUAGES)}.")
    return language


async def _release(session: Session, run_id: str, language: Language, *, failed_too: bool, yes: bool) -> Released:
    from services.reminders.listing import survey
    from services.reminders.release import release

    found = await survey(session.database, session.operator, run_id, language)
    again = (
        f" and the {found.states['failed'].reminders} that failed" if failed_too and "failed" in found.states else ""
    )
    if found.ready.reminders or again:
        confirm(f"{_summary(found)} Release them{again} in {session.database.name}?", yes=yes)
    with progress_bar() as bar:
        return await release(
            session.database, session.operator, session.clock, run_id, language=language, failed_too=failed_too,
            progress=lambda messages, customers: bar("Released", messages, found.ready.reminders),
        )  # fmt: skip


async def _send(session: Session, provider: Provider, run_id: str | None, *, yes: bool) -> Sending:
    from services.reminders.sender import count_due, send

    due = await count_due(session.database, session.operator, session.clock, run_id)
    if due:
        messages = _count(due, "message")
        confirm(f"Send {messages} through {provider.name} to customers of {session.database.name}?", yes=yes)
    with progress_bar() as bar:
        return await send(
            session.database, session.operator, session.clock, provider, run=run_id,
            progress=lambda done: bar("Sent", done.begun, due),
        )  # fmt: skip


def _summary(found: Survey) -> str:
    from services.money import format_rupees

    ready = found.ready
    orders = "1 order" if ready.orders == 1 else f"{ready.orders:,} orders"
    messages = "1 message" if ready.reminders == 1 else f"{ready.reminders:,} messages"
    return f"{messages} about {orders}, {format_rupees(ready.amount_paise)}."


def _kept_back(found: Survey) -> list[Block]:
    from services.money import format_rupees
    from services.reminders.obstacles import OBSTACLES

    if not found.obstacles:
        return []
    rows = [
        (count.reminders, format_rupees(count.amount_paise), words)
        for code, words in OBSTACLES.items() if (count := found.obstacles.get(code))
    ]  # fmt: skip
    return [Line(""), Table(("Kept back", "Amount", "Why"), rows, frozenset({"Kept back", "Amount"}))]


def _survey(found: Survey) -> dict[str, Any]:
    return {
        "run": found.run,
        "messages": found.ready.reminders,
        "customers": found.ready.reminders,
        "orders": found.ready.orders,
        "amount_paise": found.ready.amount_paise,
        "languages": found.languages,
        "kept_back": found.obstacles,
        "states": found.states,
    }


def _page(page: Page[Reminder]) -> dict[str, Any]:
    return {"reminders": [dataclasses.asdict(each) for each in page.items], "next": page.next}


def _more(page: Page[Reminder]) -> list[Block]:
    return [Line(f"More with --page {page.next}")] if page.next else []


def _table(page: Page[Reminder]) -> Table:
    from services.money import format_rupees

    rows = [
        (each.run, each.state, each.customer_name or each.customer_id, each.phone, len(each.orders),
         format_rupees(each.amount_paise), each.message or "", each.reason)
        for each in page.items
    ]  # fmt: skip
    headings = ("Run", "State", "Customer", "Phone", "Orders", "Amount", "Message", "Why")
    return Table(headings, rows, frozenset({"Orders", "Amount"}))


def _release_blocks(released: Released) -> list[Block]:
    from services.money import format_rupees

    words = f"Released {_count(released.messages, 'message')} about {_count(released.orders, 'order')}, "
    words += f"{format_rupees(released.amount_paise)}; held back: {_count(released.held_back, 'order')}."
    if released.cancelled:
        words += f" No longer billed by this run, so cancelled: {_count(released.cancelled, 'order')}."
    return [Line(words)]


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _sending_blocks(done: Sending) -> list[Block]:
    from services.clock import format_moment

    pairs: list[tuple[str, object]] = [
        ("Sent", done.sent), ("Failed", done.failed), ("Tried again later", done.retrying), ("Unclear", done.unclear),
        ("Called off", done.called_off),
        ("Waiting", done.waiting),
    ]  # fmt: skip
    if done.waiting:
        pairs += [("Because", done.because), ("Goes on at", f"{format_moment(done.goes_on_at)} India time")]
    return [Pairs(pairs)]
