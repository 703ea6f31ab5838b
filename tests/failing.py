"""A server that fails commands for real."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from services.database import Database


@asynccontextmanager
async def failing(
    database: Database, *commands: str, on: str | None = None, mode: str | Mapping[str, int] = "alwaysOn", **how: Any
) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Meanwhile the server fails these commands, on that collection of the database or on all there are.

    Where it is to fail so many `times`, all of those must have been met in the end. `how` is in the words of its
    failpoint failCommand: `errorCode`, `closeConnection`, `blockConnection` ... What is given waits for so
    many.
    """
    admin = database.client.admin
    where = {"namespace": f"{database.name}.{on}"} if on else {}
    data = {"failCommands": list(commands), **where, **how}
    begun = await admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})

    async def met(times: int) -> None:
        # The server counts from its own start.
        waiting = {"waitForFailPoint": "failCommand", "timesEntered": begun["count"] + times, "maxTimeMS": 30_000}
        await admin.command(waiting)

    try:
        yield met
    finally:
        off = await admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    if isinstance(mode, Mapping):
        assert off["count"] - begun["count"] >= mode.get("times", 0), "the failures were not met"
