"""`demo`: an embedded MongoDB with the data of a small delivery company, and the console on it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from console.command import require_terminal, settings_of
from console.output import progress_bar
from services.errors import BadRequest

if TYPE_CHECKING:
    from console.demo.dataset import Dataset
    from console.settings import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="The port of the MongoDB; a free one unless given.")
    ] = None,
    orders: Annotated[int, typer.Option(metavar="N", help="One-time orders in the data, at least 60.")] = 12_000,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same data.")] = 7,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with new data.")] = False,
    headless: Annotated[
        bool, typer.Option("--headless", help="Print the address as JSON and serve until the input closes.")
    ] = False,
    tour: Annotated[
        str | None, typer.Option("--tour", metavar="NAME", help="Be shown around as an auditor: audit.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day of the data; today unless given.")
    ] = None,
) -> None:
    """Embedded MongoDB with demo data, then the console."""
    from console.demo.mongod import DATABASE, EmbeddedMongod
    from console.demo.preparation import prepare

    if tour not in (None, "audit") or (tour and headless):
        raise BadRequest("unknown-tour", "The one tour is --tour audit; it needs the screens.")
    if not headless:
        require_terminal()
    dataset = _dataset(orders, seed, until)
    signal.signal(signal.SIGTERM, _end)
    with EmbeddedMongod(port=port, fresh=fresh) as server:
        with progress_bar() as progress:
            stored = asyncio.run(prepare(server.uri, dataset, progress))
        if (stored.orders, stored.seed) != (orders, seed) or (until and stored.until != dataset.until):
            there = f"{stored.orders:,} one-time orders, seed {stored.seed}, until {stored.until}"
            print(f"The demo keeps the data that it has: {there}. Add --fresh to begin anew.", file=sys.stderr)
        if headless:
            print(json.dumps({"uri": server.uri, "db": DATABASE}), flush=True)
            while os.read(0, 4096):
                pass
        else:
            _open(settings_of(context).model_copy(update={"uri": server.uri, "db": DATABASE}), tour)


def _open(settings: Settings, tour: str | None) -> None:
    from console.app import run_console

    if tour is None:
        run_console(settings)
    else:
        from console.demo.tour import GUIDE, GuidedConsole

        run_console(settings.model_copy(update={"operator": GUIDE}), GuidedConsole)


def _dataset(orders: int, seed: int, until: str | None) -> Dataset:
    from console.demo.dataset import Dataset
    from services.clock import india_day, parse_day, utc_now

    day: date = parse_day(until) if until else india_day(utc_now())
    try:
        return Dataset(until=day, seed=seed, orders=orders)
    except ValueError as error:
        raise BadRequest("bad-orders", f"{error}.") from error


def _end(signum: int, frame: object) -> NoReturn:
    # The server is stopped on the way out.
    raise KeyboardInterrupt
