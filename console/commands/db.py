"""`db`: looking after the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from console.command import Json, Yes, confirm, group, run
from console.output import Answer, Block, Line, Table, progress_bar

if TYPE_CHECKING:
    from console.session import Session
    from services.deployment.indexes import IndexState
    from services.deployment.security import Login, Security

app = group("Look after the database: its indexes, and who may do what in it.")
indexes = group("The indexes that lists and look-ups need.")
app.add_typer(indexes, name="indexes")
security = group("The database roles that back the console's roles, and keep the audit trail append-only.")
app.add_typer(security, name="security")


@indexes.command("plan")
def plan_indexes(context: typer.Context, as_json: Json = False) -> None:
    """Show which indexes are there, which are missing, and what would block one."""

    async def work(session: Session) -> Answer:
        from services.deployment.indexes import plan

        session.operator.require("viewer", "look at the indexes")
        return _answer(await plan(session.database))

    run(context, work, as_json=as_json, warn=False)


@indexes.command("apply")
def apply_indexes(context: typer.Context, yes: Yes = False, as_json: Json = False) -> None:
    """Build the missing indexes, one at a time; nothing is dropped."""

    async def work(session: Session) -> Answer:
        from services.deployment.indexes import apply

        session.operator.require("ops", "build indexes")
        confirm("Build the missing indexes? Large collections take a while; reading and writing go on.", yes=yes)
        with progress_bar() as progress:
            states = await apply(session.database, session.operator, progress)
        blocked = any(state.state != "present" for state in states)
        return _answer(states, exit_status=1 if blocked else 0)

    run(context, work, as_json=as_json, warn=False)


def _answer(states: tuple[IndexState, ...], exit_status: int = 0) -> Answer:
    document = {
        "indexes": [
            {
                "index": state.index.title,
                "collection": state.index.collection,
                "name": state.index.name,
                "state": state.state,
                "reason": state.reason or None,
            }
            for state in states
        ]
    }
    blocks: list[Block] = [Table(("Index", "State", ""), [(s.index.title, s.state, s.reason) for s in states])]
    missing = sum(state.state in ("missing", "different") for state in states)
    if missing:
        blocks.append(Line(f"{missing} to build: db indexes apply"))
    return Answer(document, blocks, exit_status)


@security.command("plan")
def plan_security(context: typer.Context, as_json: Json = False) -> None:
    """Show which database roles, users and collections of the audit trail are there, and what is wrong with them."""

    async def work(session: Session) -> Answer:
        from services.deployment.security import plan

        return _security(session, await plan(session.database, session.operator))

    run(context, work, as_json=as_json, warn=False)


@security.command("apply")
def apply_security(context: typer.Context, yes: Yes = False, as_json: Json = False) -> None:
    """Make the database roles what they should be, and a user for each role whose password is in the settings."""

    async def work(session: Session) -> Answer:
        from services.deployment.security import apply, name_of

        session.operator.require("ops", "look after the database's roles")
        passwords = session.settings.passwords
        names = ", ".join(name_of(session.database, role) for role in passwords)
        users = f" These users get their passwords: {names}." if names else ""
        confirm(f"Make the console's roles in {session.database.address} what they should be?{users}", yes=yes)
        found = await apply(session.database, session.operator, passwords)
        return _security(session, found, exit_status=0 if found.sound else 1)

    run(context, work, as_json=as_json, warn=False)


def _security(session: Session, found: Security, exit_status: int = 0) -> Answer:
    from services.deployment.security import privileges

    document: dict[str, Any] = {
        "roles": [
            {
                "role": each.role,
                "name": each.name,
                "state": each.state,
                "lacks": each.lacks,
                "exceeds": each.exceeds,
                "privileges": privileges(session.database, each.role),
            }
            for each in found.roles
        ],
        "users": [
            {"role": each.role, "name": each.name, "state": each.state, "reason": each.reason or None}
            for each in found.users
        ],
        "collections": [
            {"collection": each.collection, "state": each.state, "reason": each.reason or None} for each in found.trail
        ],
        "login": {"user": found.login.user, "beyond_adding": found.login.beyond},
    }
    differences = [
        "; ".join(
            f"{word} {', '.join(which)}" for word, which in (("lacks", each.lacks), ("exceeds", each.exceeds)) if which
        )
        for each in found.roles
    ]
    roles = [("role", each.name, each.state, told) for each, told in zip(found.roles, differences, strict=True)]
    awaited = {"missing": "apply makes it once its password is in the settings"}
    users = [("user", each.name, each.state, each.reason or awaited.get(each.state, "")) for each in found.users]
    trail = [("collection", each.collection, each.state, each.reason) for each in found.trail]
    return Answer(
        document, [Table(("", "Name", "State", ""), [*roles, *users, *trail]), Line(_append_only(found.login))],
        exit_status,
    )  # fmt: skip


def _append_only(login: Login) -> str:
    if login.user is None:
        return (
            "This server asks nobody for a login, so everybody who reaches it may do everything. The roles count "
            "once it runs with access control (security.authorization: enabled)."
        )
    if login.beyond:
        return f"You are connected as {login.user}, who could alter the audit trail ({', '.join(login.beyond)})."
    return f"You are connected as {login.user}, who can add entries to the audit trail and not alter it."
