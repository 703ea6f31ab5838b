"""`audit`: who changed what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, Limit, PageToken, group, run
from console.output import Answer, Block, Line, Pairs, Table

if TYPE_CHECKING:
    from console.session import Session
    from services.audit.entries import Entry

app = group("Look at the audit trail: who changed what, and when.")


@app.command("list")
def list_entries(
    context: typer.Context,
    record: Annotated[str | None, typer.Option(metavar="TABLE/ID", help="Entries about this record.")] = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Entries by this user.")] = None,
    table: Annotated[str | None, typer.Option(metavar="TABLE", help="Entries about records of this table.")] = None,
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="Entries of this action, such as BILLED.")
    ] = None,
    first_day: Annotated[str | None, typer.Option("--from", metavar="DATE", help="From this day in India.")] = None,
    last_day: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="To this day in India, included.")
    ] = None,
    token: PageToken = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show the entries that match, newest first."""

    async def work(session: Session) -> Answer:
        from services.audit.filters import read_filters
        from services.audit.query import AuditQuery

        filters = read_filters(record, user, table, action, first_day, last_day)
        page = await AuditQuery(session.database, session.operator).page(filters, token, limit)
        blocks: list[Block] = [_table(page.items) if page.items else Line("No entry matches.")]
        if page.next:
            blocks.append(Line(f"More with --page {page.next}"))
        return Answer({"entries": [_document(entry) for entry in page.items], "next": page.next}, blocks)

    run(context, work, as_json=as_json)


@app.command("show")
def show_entry(
    context: typer.Context,
    entry_id: Annotated[str, typer.Argument(metavar="ENTRY", help="The id, as `audit list` shows it.")],
    as_json: Json = False,
) -> None:
    """Show one entry with every field that changed."""

    async def work(session: Session) -> Answer:
        from services.audit.entries import field_changes
        from services.audit.query import AuditQuery

        entry = await AuditQuery(session.database, session.operator).entry(entry_id)
        fields = field_changes(entry)
        document = _document(entry) | {"before": entry.before, "after": entry.after, "fields": fields}
        blocks: list[Block] = [Pairs(_pairs(entry))]
        differing = [field for field in fields if field.kind != "same"]
        if differing:
            rows = [(field.field, field.kind, field.old, field.new) for field in differing]
            blocks += [Line(""), Table(("Field", "Change", "Old", "New"), rows)]
        blocks += [Line(finding.message) for finding in entry.findings]
        return Answer({"entry": document}, blocks)

    run(context, work, as_json=as_json)


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "table": entry.table,
        "record_id": entry.record_id,
        "action": entry.action,
        "user_id": entry.user,
        "timestamp": entry.at,
        "changes": entry.changes,
        "findings": entry.findings,
    }


def _pairs(entry: Entry) -> list[tuple[str, object]]:
    from services.clock import format_moment

    return [
        ("Entry", entry.id),
        ("Time", format_moment(entry.at)),
        ("User", entry.user),
        ("Action", entry.action),
        ("Record", f"{entry.table}/{entry.record_id}"),
    ]


def _table(entries: tuple[Entry, ...]) -> Table:
    from services.clock import format_moment

    rows = [
        (format_moment(entry.at), entry.user, entry.action, f"{entry.table}/{entry.record_id}", entry.id)
        for entry in entries
    ]
    return Table(("Time (India)", "User", "Action", "Record", "Entry"), rows)
