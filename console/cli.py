"""The command line: the options before the command, and one module per command group, loaded when called."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from console import NAME, version
from console.command import Invocation, require_terminal
from console.faults import internal_error
from console.output import show_error
from services.errors import BadRequest, ConsoleError

# The command groups: each is the `app` of console/commands/<name>.py. The sentence is what --help shows, unloaded.
GROUPS: dict[str, str] = {
    "demo": "Embedded MongoDB with demo data, then the console.",
    "orders": "Find orders, show everything about one, check and change it.",
    "customers": "Correct customers: their phone, and which user they belong to.",
    "deliveries": "A day's deliveries, and their confirmation.",
    "billing": "A customer's monthly statement, and the month of all customers.",
    "backfill": "Preview repairs of the data, commit them, follow them.",
    "reminders": "Payment reminders: look at them, release and send them, cancel them.",
    "audit": "Look at the audit trail: who changed what, and when.",
    "db": "Look after the database: its indexes and its roles.",
    "operators": "Who may work with this database.",
}


class _LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in GROUPS:
            return None
        command = get_command(import_module(f"console.commands.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(GROUPS.items()))


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"{NAME} {version()}")
        raise typer.Exit


app = typer.Typer(cls=_LazyGroup, add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    uri: Annotated[str | None, typer.Option(metavar="URI", help="The MongoDB to use.")] = None,
    db: Annotated[str | None, typer.Option(metavar="NAME", help="The database.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings in TOML.")] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="The label on screen: production, staging, demo.")
    ] = None,
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")] = False,
    theme: Annotated[str | None, typer.Option(metavar="NAME", help="Colours of the screens.")] = None,
    operator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Act as this operator, on a demo or test database only.")
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Operations console of a delivery company, on its MongoDB. Without a command it opens the screens."""
    flags = {
        "uri": uri,
        "db": db,
        "environment": environment,
        "theme": theme,
        "operator": operator,
        "no_mouse": no_mouse or None,
    }
    invocation = Invocation(flags, config)
    context.obj = invocation
    if context.invoked_subcommand is None:
        require_terminal()
        from console.app import run_console

        run_console(invocation.settings)


def execute(arguments: list[str]) -> int:
    """Run one command line and return its exit status; whatever happens is told as a sentence."""
    as_json = "--json" in arguments
    try:
        if any("\udc80" <= character <= "\udcff" for argument in arguments for character in argument):
            raise BadRequest("bad-text", "An argument is not valid UTF-8 text.")
        status = get_command(app).main(arguments, prog_name=NAME, standalone_mode=False)
    except KeyboardInterrupt:
        status = 130
    except typer.Abort:
        status = 130
    except typer.TyperException as error:
        message = error.format_message()
        hint = "" if "\n" in message else f"\nSee: {_help_of(error)}"
        show_error("usage", message + hint, as_json=as_json)
        return error.exit_code
    except Exception as error:
        refusal = _refusal(error)
        show_error(refusal.code, refusal.message, as_json=as_json)
        return refusal.exit_status
    if status == 130:
        show_error("interrupted", "Interrupted.", as_json=as_json)
    return status if isinstance(status, int) else 0


def _refusal(error: Exception) -> ConsoleError:
    if isinstance(error, ConsoleError):
        return error
    if "pymongo" in sys.modules:
        from pymongo.errors import PyMongoError

        from services.database import describe

        if isinstance(error, PyMongoError):
            return describe(error)
    return internal_error(error)


def _help_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else NAME} --help"
