"""What every command module is built from.

    app = group("Look at the audit trail.")

    @app.command("list")
    def list_entries(context: typer.Context, user: str | None = None, as_json: Json = False) -> None:
        async def work(session: Session) -> Answer:
            ...
            return Answer({"entries": [...], "next": page.next}, [Table(...)])

        run(context, work, as_json=as_json)

Raise a ConsoleError to refuse: the command line prints it and ends with its exit status.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.output import Answer, show
from services.errors import BadRequest, Refused

if TYPE_CHECKING:
    from console.session import Session
    from console.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
PageToken = Annotated[str | None, typer.Option("--page", metavar="TOKEN", help="The next page, by the token shown.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", help="Rows on a page, 1 to 200.")]


@dataclass(frozen=True)
class Invocation:
    """The options given before the command; `context.obj` of every command."""

    flags: Mapping[str, Any]
    config: Path | None

    @cached_property
    def settings(self) -> Settings:
        """The settings, read when a command first needs them. Raises BadRequest."""
        from console.settings import load_settings

        return load_settings(self.flags, self.config)


def group(help: str) -> typer.Typer:
    """A command group of the command line."""
    app = typer.Typer(help=help, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    app.callback()(lambda: None)  # a group of one command stays a group
    return app


def settings_of(context: typer.Context) -> Settings:
    """The settings of this run."""
    invocation: Invocation = context.obj
    return invocation.settings


def run(
    context: typer.Context, work: Callable[[Session], Awaitable[Answer]], *, as_json: bool, warn: bool = True
) -> None:
    """Open the session, do the work, print its answer, and end with the answer's exit status.

    `warn` tells missing indexes once, on standard error.
    """
    settings = settings_of(context)

    async def once() -> Answer:
        from console.session import open_session

        async with open_session(settings, warn=warn) as session:
            return await work(session)

    finish(asyncio.run(once()), as_json=as_json)


def finish(answer: Answer, *, as_json: bool) -> None:
    """Print an answer and end with its exit status."""
    show(answer, as_json=as_json)
    if answer.exit_status:
        raise typer.Exit(answer.exit_status)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that matters. Raises Refused for a no, and where nobody can be asked without --yes."""
    if yes:
        return
    if not can_ask():
        raise BadRequest("needs-yes", f"{question} Nobody can be asked here: add --yes to do it.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    # A command's event loop would note Ctrl+C and go on waiting for the line.
    noted = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        answer = sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, noted)
    if answer.strip().lower() not in ("y", "yes"):
        raise Refused("declined", "Nothing was done.")


def can_ask() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def require_terminal() -> None:
    """Raise BadRequest where the screens have no terminal to be on."""
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise BadRequest("no-terminal", "The screens need a terminal. For scripts there are commands: see --help.")
