"""Looks at what the server really did for the queries of a service."""

from collections.abc import Awaitable
from typing import Any

from services.database import Database

_ON, _OFF = 2, 0


class Watched:
    """The finds and aggregations that the server profiled."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []

    def plans(self) -> list[str]:
        """The plan summaries, such as `IXSCAN { id: 1 }`."""
        return [str(query.get("planSummary", "")) for query in self.queries]

    def assert_indexed(self, *, sorting: bool = False) -> None:
        """Every query was served by an index: no collection scan, and no sort in memory unless `sorting` allows it."""
        assert self.queries
        for query in self.queries:
            assert "COLLSCAN" not in query.get("planSummary", ""), query
            assert sorting or not query.get("hasSortStage"), query


async def watch(database: Database, work: Awaitable[object]) -> Watched:
    """Run `work` with the database's profiler on, and return the queries that it made."""
    watched = Watched()
    await database["system.profile"].drop()
    await database.command({"profile": _ON})
    try:
        await work
    finally:
        await database.command({"profile": _OFF})
    async for query in database["system.profile"].find({"op": {"$in": ["query", "command", "getmore"]}}):
        if query.get("command", {}).keys() & {"find", "aggregate", "count"} and ".system." not in query["ns"]:
            watched.queries.append(query)
    return watched
