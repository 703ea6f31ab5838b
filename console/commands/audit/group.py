"""What the commands of the audit trail share: their group, the options that filter entries, and entries as JSON."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from console.command import group

if TYPE_CHECKING:
    from console.session import Session
    from services.audit.entries import Entry, FieldChange
    from services.audit.filters import AuditFilters

app = group("Look at the audit trail: who changed what, and when.")

Keys = Annotated[
    list[str] | None, typer.Option("--key", metavar="HEX", help="A public key that may have signed; also several.")
]
Words: TypeAlias = Mapping[str, Any]
"""What the filter options said, for `read_filters`."""


def _filters(
    record: Annotated[str | None, typer.Option(metavar="TABLE/ID", help="Entries about this record.")] = None,
    user: Annotated[list[str] | None, typer.Option(metavar="USER", help="By this user; also several.")] = None,
    table: Annotated[list[str] | None, typer.Option(metavar="TABLE", help="About this table; also several.")] = None,
    action: Annotated[
        list[str] | None, typer.Option(metavar="ACTION", help="Of this action, such as BILLED; also several.")
    ] = None,
    first_day: Annotated[str | None, typer.Option("--from", metavar="DATE", help="From this day in India.")] = None,
    last_day: Annotated[
        str | None, typer.Option("--to", "--until", metavar="DATE", help="To this day in India, included.")
    ] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Written by this run; its beginning will do.")] = None,
    session: Annotated[
        str | None, typer.Option(metavar="SESSION", help="Written in this login session; likewise.")
    ] = None,
    request: Annotated[
        str | None, typer.Option(metavar="REQUEST", help="Written by this one request; likewise.")
    ] = None,
    field: Annotated[str | None, typer.Option(metavar="PATH", help="That changed this field, or one below it.")] = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="With this in a value, in any case.")] = None,
) -> None:
    """The options; only their form is used."""


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filter options, and hand it in `words` what they said."""
    return _with_options(command, inspect.signature(_filters, eval_str=True).parameters)


def filtered_to_file(command: Callable[..., None]) -> Callable[..., None]:
    """As `filtered`, for a command whose `--to` is a file: the last day is `--until` alone."""
    options = dict(inspect.signature(_filters, eval_str=True).parameters)
    until = typer.Option("--until", metavar="DATE", help="To this day in India, included.")
    options["last_day"] = options["last_day"].replace(annotation=Annotated[str | None, until])
    return _with_options(command, options)


def _with_options(command: Callable[..., None], options: Mapping[str, inspect.Parameter]) -> Callable[..., None]:
    own = inspect.signature(command, eval_str=True)

    @wraps(command)
    def called(**given: Any) -> None:
        words = {name: given.pop(name) for name in options}
        command(words={name: word for name, word in words.items() if word is not None}, **given)

    kept = [each for name, each in own.parameters.items() if name != "words"]
    parameters = [each.replace(kind=each.KEYWORD_ONLY) for each in (*kept, *options.values())]
    called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


async def filters_of(session: Session, words: Words) -> AuditFilters:
    """The filters that the options make. Raises as `read_asked`."""
    from services.history.asked import read_asked

    return await read_asked(session.database, session.operator, words)


def change_rows(changes: Iterable[FieldChange]) -> list[tuple[str, str, str, str]]:
    """Field, kind, old and new, as the browser shows them: lists element by element, rupees and India times."""
    from screens.widgets.values import in_one_notation, opened

    rows: list[tuple[str, str, str, str]] = []
    for change in (each for field in changes for each in opened(field)):
        old, new = in_one_notation(change)
        rows.append((
            change.field, change.kind, "" if change.kind == "added" else old, "" if change.kind == "removed" else new,
        ))  # fmt: skip
    return rows


def entry_document(entry: Entry) -> dict[str, Any]:
    """An entry as JSON has it."""
    return {
        "id": entry.id,
        "table": entry.table,
        "record_id": entry.record_id,
        "action": entry.action,
        "user_id": entry.user,
        "user_name": entry.user_name or None,
        "record_name": entry.record_name or None,
        "timestamp": entry.at,
        "changes": entry.changes,
        "meta": entry.meta,
        "findings": entry.findings,
        "doubt": entry.doubt,
    }
