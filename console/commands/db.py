"""`db`: looking after the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from console.command import Json, Yes, confirm, group, run
from console.output import Answer, Block, Line, Table, progress_bar

if TYPE_CHECKING:
    from console.session import Session
    from services.deployment.indexes import IndexState

app = group("Look after the database: its indexes.")
indexes = group("The indexes that lists and look-ups need.")
app.add_typer(indexes, name="indexes")


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
