"""`audit views`: filters that one comes back to, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.command import Json, group, run
from console.commands.audit.group import Words, app, filtered
from console.output import Answer, Block, Line, Table

if TYPE_CHECKING:
    from console.session import Session

views = group("Your saved views of the audit trail; `audit list --view NAME` shows what one asks for.")
app.add_typer(views, name="views")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@views.command("list")
def list_them(context: typer.Context, as_json: Json = False) -> None:
    """Show your views."""

    async def work(session: Session) -> Answer:
        from services.audit.views import list_views

        found = await list_views(session.database, session.operator)
        rows = [(view.name, _told(view.words)) for view in found]
        blocks: list[Block] = [Table(("View", "Asks for"), rows) if rows else Line("You have no views.")]
        return Answer({"views": found}, blocks)

    run(context, work, as_json=as_json)


@views.command("save")
@filtered
def save(context: typer.Context, name: Name, words: Words, as_json: Json = False) -> None:
    """Keep these filters under a name, in the place of a view that has it."""

    async def work(session: Session) -> Answer:
        from services.audit.views import save_view

        view = await save_view(session.database, session.operator, session.clock, name, words)
        return Answer({"view": view}, [Line(f"Saved as {view.name}: {_told(view.words)}")])

    run(context, work, as_json=as_json)


@views.command("delete")
def delete(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Forget a view."""

    async def work(session: Session) -> Answer:
        from services.audit.views import delete_view

        await delete_view(session.database, session.operator, name)
        return Answer({"deleted": name}, [Line(f"{name} is forgotten.")])

    run(context, work, as_json=as_json)


def _told(words: Mapping[str, Any]) -> str:
    options = {"first_day": "from", "last_day": "to"}
    told = ((options.get(name, name), word) for name, word in words.items())
    return ", ".join(f"{name} {' or '.join(word) if isinstance(word, list) else word}" for name, word in told)
