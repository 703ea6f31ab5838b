"""`audit list`, `audit show` and `audit reveal`: the entries, newest first, and what one holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.command import Json, Limit, PageToken, run
from console.commands.audit.group import Words, app, change_rows, entry_document, filtered
from console.naming import whole_id
from console.output import Answer, Block, Line, Pairs, Table
from services.errors import BadRequest

if TYPE_CHECKING:
    from console.session import Session
    from services.audit.entries import Entry
    from services.paging import Page


@app.command("list")
@filtered
def list_entries(
    context: typer.Context,
    words: Words,
    view: Annotated[str | None, typer.Option(metavar="NAME", help="What this saved view asks for.")] = None,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show the entries that match, newest first."""

    async def work(session: Session) -> Answer:
        from services.audit.views import load_view
        from services.history.asked import asked_page

        asked = words
        if view is not None:
            saved = await load_view(session.database, session.operator, view)
            asked = {**saved.words, **words}
        page = await asked_page(session.database, session.operator, asked, token, limit)
        blocks: list[Block] = [Line(none_listed(page, further=token is not None))]
        if page.items:
            blocks = [_table(page.items), *_doubts(page.items), *([Line(page.note)] if page.note else [])]
        if page.next:
            blocks.append(Line(f"More with --page {page.next}"))
        document = {"entries": [entry_document(entry) for entry in page.items], "next": page.next, "note": page.note}
        return Answer(document, blocks)

    run(context, work, as_json=as_json)


@app.command("show")
def show_entry(
    context: typer.Context,
    entry_id: Annotated[
        str, typer.Argument(metavar="ENTRY", help="The id that `audit list` shows, or a beginning that no other has.")
    ],
    as_json: Json = False,
) -> None:
    """Show one entry with every field that changed."""

    async def work(session: Session) -> Answer:
        from services.audit.entries import field_changes
        from services.audit.query import AuditQuery
        from services.audit.standing import standing
        from services.changes.changeset import AUDIT_LOGS
        from services.history.naming import full_id

        named = await full_id(session.database, session.operator, AUDIT_LOGS, entry_id)
        entry = await AuditQuery(session.database, session.operator).entry(named)
        place = await standing(session.database, session.operator, named)
        fields = field_changes(entry)
        document = entry_document(entry) | {"before": entry.before, "after": entry.after, "fields": fields}
        document["place"] = place
        chain = f"number {place.seq} in {place.stream}" if place.stream else "none: of another program"
        sealed = "in the signed log" if place.sealed else "not yet"
        if place.altered:
            sealed = f"ALTERED: {place.altered}; `audit verify` says more"
        blocks: list[Block] = [Pairs([*_pairs(entry), ("Chain", chain), ("Sealed", sealed)])]
        differing = [field for field in fields if field.kind != "same"]
        if differing:
            blocks += [Line(""), Table(("Field", "Change", "Old", "New"), change_rows(differing))]
        against = [entry.doubt] if entry.doubt else []
        blocks += [Line(finding.message) for finding in (*against, *entry.findings)]
        return Answer({"entry": document}, blocks)

    run(context, work, as_json=as_json)


@app.command("reveal")
def reveal_record(
    context: typer.Context,
    record: Annotated[str, typer.Argument(metavar="TABLE/ID", help="The record, or audit_logs/ENTRY.")],
    reason: Annotated[str, typer.Option(metavar="R", help="Why, for the record.")],
    as_json: Json = False,
) -> None:
    """Show the phones and addresses of one record; the audit trail has who and why before they are shown."""

    async def work(session: Session) -> Answer:
        from screens.widgets.values import told
        from services.audit.access import reveal

        table, slash, record_id = record.strip().partition("/")
        if not slash or not record_id:
            raise BadRequest("bad-record", f"{record!r} is no record; write TABLE/ID, for example users/u-17.")
        named = await whole_id(session, table, record_id)
        shown = await reveal(session.database, session.operator, session.clock, table, named, reason)
        pairs = [(path, told(path, value)) for path, value in shown.values.items()]
        blocks: list[Block] = [Pairs(pairs) if pairs else Line("The record has no phone and no address.")]
        return Answer({"table": table, "record_id": named, "values": shown.values}, blocks)

    run(context, work, as_json=as_json)


def none_listed(page: Page[Entry], *, further: bool) -> str:
    """What a page without entries says: why there is none, or that there may be one on the next; `further` is of a
    page that is not the first.
    """
    if page.next:
        return f"None of those looked through so far. {page.note}"
    return page.note or ("No more entries match." if further else "No entry matches.")


def _pairs(entry: Entry) -> list[tuple[str, object]]:
    from screens.widgets.values import written
    from services.clock import format_moment

    return [
        ("Entry", entry.id),
        ("Time", format_moment(entry.at)),
        ("User", f"{entry.user} ({entry.user_name})" if entry.user_name else entry.user),
        ("Action", entry.action),
        ("Record", f"{entry.table}/{entry.record_id}{f' ({entry.record_name})' if entry.record_name else ''}"),
        *(
            (name.replace("_", " ").capitalize(), written(value))
            for name, value in entry.meta.items()
            if value is not None
        ),
    ]


def _table(entries: tuple[Entry, ...]) -> Table:
    from services.clock import format_moment

    headings: tuple[str, ...] = ("Time (India)", "User", "Action", "Record", "Entry")
    rows: list[tuple[str, ...]] = [
        (format_moment(entry.at), entry.who, entry.action, entry.what, entry.id) for entry in entries
    ]
    if any(entry.doubt for entry in entries):
        headings = ("Doubt", *headings)
        marks = [entry.doubt.code.upper() if entry.doubt else "" for entry in entries]
        rows = [(mark, *row) for mark, row in zip(marks, rows, strict=True)]
    return Table(headings, rows)


def _doubts(entries: tuple[Entry, ...]) -> list[Block]:
    """What the marks of a list mean, each once."""
    from services.audit.doubts import MEANINGS

    codes = {entry.doubt.code for entry in entries if entry.doubt}
    return [Line(f"{code.upper()}: {meaning}") for code, meaning in MEANINGS.items() if code in codes]
