"""A server that fails commands for real."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from services.database import Database


@asynccontextmanager
async def failing(
    database: Database, *commands: str, on: str | None = None, mode: str | Mapping[str, int] = "alwaysOn", **how: Any
) -> AsyncIterator[None]:
    """Meanwhile the server fails these commands, on that collection of the database or on all there are.

    Where it is to fail so many `times`, all of those must have been met in the end. `how` is in the words of its
    failpoint failCommand: `errorCode`, `closeConnection`, `blockConnection` ...
    """
    admin = database.client.admin
    where = {"namespace": f"{database.name}.{on}"} if on else {}
    data = {"failCommands": list(commands), **where, **how}
    await admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
    try:
        yield
    finally:
        off = await admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    if isinstance(mode, Mapping):
        assert off["count"] >= mode.get("times", 0), "the failures were not met"
