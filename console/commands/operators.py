"""`operators`: who may work with this database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, finish, group, run, settings_of
from console.output import Answer, Line, Table

if TYPE_CHECKING:
    from console.session import Session
    from services.operators.directory import Entry

app = group("Who may work with this database.")

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account name, as it logs in over SSH.")]


@app.command("init")
def init_operators(
    context: typer.Context,
    test: Annotated[bool, typer.Option("--test", help="Mark this as a test database.")] = False,
    as_json: Json = False,
) -> None:
    """Make yourself the first operator, with the roles ops and auditor."""
    settings = settings_of(context)

    async def work() -> Answer:
        from console import login
        from console.session import open_database
        from services.clock import utc_now
        from services.operators.directory import init

        async with open_database(settings) as database:
            entry = await init(database, utc_now, login.account(), login.source(), test=test)
            return _changed(entry, f"{entry.account} is the first operator of {database.name}.")

    finish(asyncio.run(work()), as_json=as_json)


@app.command("list")
def list_all(context: typer.Context, as_json: Json = False) -> None:
    """Show the operators and their roles."""

    async def work(session: Session) -> Answer:
        from services.clock import format_moment
        from services.operators.directory import list_operators

        session.operator.require("viewer", "list the operators")
        entries = await list_operators(session.database, session.operator)
        rows = [(e.account, ", ".join(e.roles), e.added_by, format_moment(e.added_at)) for e in entries]
        return Answer(
            {"operators": [_document(entry) for entry in entries]},
            [Table(("Account", "Roles", "Added by", "Added (India)"), rows)],
        )

    run(context, work, as_json=as_json, warn=False)


@app.command("add")
def add_operator(
    context: typer.Context,
    account: Account,
    role: Annotated[list[str], typer.Option(metavar="ROLE", help="viewer, support, ops or auditor; repeatable.")],
    as_json: Json = False,
) -> None:
    """Give an account exactly these roles, instead of any that it has."""

    async def work(session: Session) -> Answer:
        from services.operators.directory import add, list_operators
        from services.operators.operator import read_role

        roles = tuple(dict.fromkeys(read_role(word) for word in role))
        earlier = {each.account: each.roles for each in await list_operators(session.database, session.operator)}
        entry = await add(session.database, session.operator, session.clock, account, roles)
        before = f" (before: {', '.join(earlier[entry.account])})" if entry.account in earlier else ""
        return _changed(entry, f"{entry.account} now has: {', '.join(entry.roles)}{before}.")

    run(context, work, as_json=as_json, warn=False)


@app.command("remove")
def remove_operator(context: typer.Context, account: Account, as_json: Json = False) -> None:
    """Take an account's access away."""

    async def work(session: Session) -> Answer:
        from services.operators.directory import remove

        await remove(session.database, session.operator, session.clock, account)
        return Answer({"removed": account}, [Line(f"{account} is no longer an operator of {session.database.name}.")])

    run(context, work, as_json=as_json, warn=False)


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "account": entry.account,
        "roles": entry.roles,
        "added_by": entry.added_by or None,
        "added_at": entry.added_at,
    }


def _changed(entry: Entry, sentence: str) -> Answer:
    return Answer({"operator": _document(entry)}, [Line(sentence)])
