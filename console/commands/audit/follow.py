"""`audit follow`: entries as they are written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from console.command import Json, run
from console.commands.audit.group import Words, app, entry_document, filtered, filters_of
from console.output import Answer, reader_gone, to_json

if TYPE_CHECKING:
    from console.session import Session
    from services.audit.entries import Entry


@app.command("follow")
@filtered
def follow_entries(context: typer.Context, words: Words, as_json: Json = False) -> None:
    """Print the entries that match as they are written, until Ctrl+C; with --json a document on each line."""

    async def work(session: Session) -> Answer:
        from services.audit.query import AuditQuery

        filters = await filters_of(session, words)
        try:
            async for entry in AuditQuery(session.database, session.operator).follow(filters):
                print(to_json({"entry": entry_document(entry)}) if as_json else _line(entry), flush=True)
        except BrokenPipeError:
            reader_gone()
        return Answer({})

    if not as_json:
        print("Waiting for entries; Ctrl+C ends.", file=sys.stderr)
    run(context, work, as_json=as_json)


def _line(entry: Entry) -> str:
    from services.clock import format_moment
    from services.text import visible

    mark = [entry.doubt.code.upper()] if entry.doubt else []
    parts = (format_moment(entry.at), *mark, entry.user, entry.action, f"{entry.table}/{entry.record_id}")
    return "  ".join(visible(word, limit=200) for word in parts)
