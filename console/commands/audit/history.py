"""`audit as-of` and `audit touched`: what a record was at any time, and who touched it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, run
from console.commands.audit.group import app, change_rows
from console.output import Answer, Block, Line, Pairs, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.session import Session
    from services.history.reconstruction import RecordState
    from services.history.states import Comparison
    from services.records.findings import Finding

_WHEN = "A day (its last moment), a time, in India unless it carries an offset, or now."
Record = Annotated[
    str,
    typer.Argument(metavar="TABLE/ID", help="The record, by its id or a beginning that no other has: orders/ord_1f0c."),
]


@app.command("as-of")
def as_of(
    context: typer.Context,
    record: Record,
    at: Annotated[str, typer.Option("--at", metavar="T", help=_WHEN)],
    other: Annotated[
        str | None, typer.Option("--and", metavar="T", help="Another time: what differs between the two.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a record as it was at a time, or what differs between two times."""

    async def work(session: Session) -> Answer:
        from services.history import states

        table, record_id = await _named(session, record)
        start = states.read_point(at)
        end = states.read_point(other, "other time") if other is not None else None
        asked = (session.database, session.operator, session.clock, table, record_id, start)
        if end is None:
            state = await states.as_of(*asked)
            return Answer({"record": f"{table}/{record_id}", **_document(state)}, _state_blocks(state))
        return _difference(await states.compare(*asked, end))

    run(context, work, as_json=as_json)


@app.command("touched")
def touched(context: typer.Context, record: Record, as_json: Json = False) -> None:
    """Show who touched a record, how often, and when first and last."""

    async def work(session: Session) -> Answer:
        from services.clock import format_moment
        from services.history.touched import who_touched

        table, record_id = await _named(session, record)
        touches = await who_touched(session.database, session.operator, table, record_id)
        rows = [
            (touch.user or "unknown", f"{touch.entries:,}", _actions(touch.actions.items()),
             format_moment(touch.first), format_moment(touch.last),
             "not checked" if touch.doubted is None else f"{touch.doubted:,}")
            for touch in touches
        ]  # fmt: skip
        headings = ("User", "Entries", "Actions", "First (India)", "Last (India)", "In doubt")
        blocks: list[Block] = [
            Table(headings, rows, frozenset({"Entries", "In doubt"})) if rows else Line("No entry is about it.")
        ]
        return Answer({"record": f"{table}/{record_id}", "users": touches}, blocks)

    run(context, work, as_json=as_json)


async def _named(session: Session, record: str) -> tuple[str, str]:
    from services.audit.filters import read_filters
    from services.history.naming import full_id

    filters = read_filters(record)
    table = filters.tables[0]
    return table, await full_id(session.database, session.operator, table, filters.record_id or "")


def _actions(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{action or '?'} {count:,}" for action, count in sorted(counts, key=lambda pair: -pair[1]))


def _document(state: RecordState) -> dict[str, Any]:
    return {
        "at": state.at,
        "exists": state.exists,
        "state": state.state,
        "entry": state.entry.id if state.entry else None,
        "exact": state.exact,
        "told": state.told,
        "findings": state.findings,
    }


def _difference(found: Comparison) -> Answer:
    from services.history.reconstruction import entries

    first, second = found.first, found.second
    differing = [field for field in found.fields if field.kind != "same"]
    document = {
        "record": f"{first.table}/{first.record_id}",
        "from": _document(first),
        "to": _document(second),
        "entries": found.entries,
        "fields": differing,
    }
    rows = change_rows(differing)
    pairs = [*_pairs("From", first), *_pairs("To", second), ("Between", entries(found.entries))]
    blocks: list[Block] = [Pairs(pairs), Line("")]
    blocks.append(Table(("Field", "Change", "Old", "New"), rows) if rows else Line("No field differs."))
    return Answer(document, [*blocks, *_findings(dict.fromkeys((*first.findings, *second.findings)))])


def _state_blocks(state: RecordState) -> list[Block]:
    from screens.widgets.values import opened, told
    from services.history.states import fields_of

    blocks: list[Block] = [Pairs([("Record", f"{state.table}/{state.record_id}"), *_pairs("At", state)])]
    if state.exists:
        rows = [(each.field, told(each.field, each.new)) for field in fields_of(state) for each in opened(field)]
        blocks += [Line(""), Table(("Field", "Value"), rows)]
    return [*blocks, *_findings(state.findings)]


def _pairs(label: str, state: RecordState) -> list[tuple[str, object]]:
    from services.clock import format_moment

    pairs: list[tuple[str, object]] = [(label, f"{format_moment(state.at)} India time"), ("", state.told)]
    if state.entry:
        entry = state.entry
        who = f"{entry.action or 'no action'} by {entry.user or 'unknown'} on {format_moment(entry.at)}"
        pairs.append(("", f"Last entry: {who} ({entry.id})"))
    return pairs


def _findings(findings: Iterable[Finding]) -> list[Block]:
    lines: list[Block] = [Line(f"! {finding.code}: {finding.message}") for finding in findings]
    return [Line(""), *lines] if lines else []
