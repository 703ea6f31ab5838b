"""Every query that the services send in these tests, explained on the console's indexes at the end of a test process.

A query that no index serves, or that the server would have to sort in memory, fails; WITHOUT and SORTED name those for
which that is meant.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

import services
from services.database import TOLERANT
from services.deployment.indexes import INDEXES

_SERVICES = str(Path(services.__file__).parent)
WITHOUT: dict[str, str] = {
    "audit/follow.py follow": "what is written from now on, out of the server's own log",
    "deployment/indexes.py _checked": "whether duplicates would block a unique index: asked for before it is built",
    "operators/directory.py _has_none": "a dozen operators",
    "operators/directory.py init.<locals>.work": "a dozen operators",
}
"""Queries without an index, by where they are sent from, and why."""
SORTED: dict[str, str] = {
    "orders/lookup.py _Reader._chunk": "the orders of some customers or at most 2,000; or the list's index is missing",
}
"""Queries whose finds are sorted in memory, and why they are few; one with a hint never is among them."""
_NEXT_TO_NOTHING = ("'$in': []", "'timestamp': {'$eq': [")
"""None of nothing; the entries whose time is one and the same list."""

_READS = ("find", "aggregate", "distinct", "findAndModify", "update", "delete")
_KEPT = (
    *_READS,
    "filter",
    "pipeline",
    "key",
    "query",
    "sort",
    "projection",
    "skip",
    "limit",
    "collation",
    "hint",
    "let",
)


class Asked(NamedTuple):
    """A query that a service sent: its kind and shape, and where it was sent from."""

    site: str
    """The module and the function, such as `orders/lookup.py _Reader._chunk`."""
    command: dict[str, Any]


class Recorder(CommandListener):
    """Keeps one example of each query that the services send; equal but for their values, they are one."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name not in _READS or ".system." in str(event.command.get(event.command_name)):
            return
        if (site := _site()) is None:
            return
        command = {name: value for name, value in event.command.items() if name in _KEPT}
        for part in event.command.get("updates", event.command.get("deletes", ())):
            self._keep(
                site, {**command, "query": part["q"], **{k: part[k] for k in ("hint", "collation") if k in part}}
            )
        if not {"updates", "deletes"} & event.command.keys():
            self._keep(site, command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Only what is asked matters."""

    def failed(self, event: CommandFailedEvent) -> None:
        """A query that failed was asked all the same."""

    def _keep(self, site: str, command: dict[str, Any]) -> None:
        self.asked.setdefault(f"{site} {_shape(command)}", Asked(site, command))


def _site() -> str | None:
    """The function of the services that is asking, if any of them is; the one that has it asked where that is known."""
    frame: FrameType | None = sys._getframe(2)
    sender: str | None = None
    while frame is not None:
        if frame.f_code.co_filename.startswith(_SERVICES):
            sender = f"{frame.f_code.co_filename[len(_SERVICES) + 1 :]} {frame.f_code.co_qualname}"
            if not sender.startswith("database.py "):
                break
        frame = frame.f_back
    return sender


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return sorted({str(_shape(each)) for each in value})
    return value if isinstance(value, int) and abs(value) == 1 else type(value).__name__


def explain(uri: str, asked: Iterable[Asked]) -> list[str]:
    """What is wrong with these queries: empty where each has its index."""
    wrong: set[str] = set()
    with MongoClient[dict[str, Any]](uri) as client:
        database = client["explained"]
        try:
            there: set[str] = set()
            for query in asked:
                for collection in _collections(query.command) - there:
                    there.add(collection)
                    database.create_collection(collection)
                    for index in INDEXES:
                        if index.collection == collection:
                            database[collection].create_index(list(index.keys), **index.options)
                wrong.update(_wrong(database, query))
        finally:
            client.drop_database("explained")
    return sorted(wrong)


def _collections(command: dict[str, Any]) -> set[str]:
    """The collections that a command reads: its own, and those that it joins or unites with."""
    others = [stage.get("$unionWith", stage.get("$lookup")) for stage in command.get("pipeline", ())]
    return {str(next(iter(command.values()))), *(each.get("coll", each.get("from")) for each in others if each)}


def _wrong(database: Database[dict[str, Any]], query: Asked) -> Iterator[str]:
    kind, *_ = query.command
    command = dict(query.command)
    if kind in ("update", "delete"):
        limit: dict[str, Any] = {"limit": 1} if kind == "delete" else {"u": {"$set": {"x": 1}}}
        chosen = {name: command.pop(name) for name in ("hint", "collation") if name in command}
        command[f"{kind}s"] = [{"q": command.pop("query"), **limit, **chosen}]
    elif kind == "findAndModify":
        command["update"] = {"$set": {"x": 1}}
    elif kind == "aggregate":
        command["cursor"] = {}
    try:
        plan = database.command("explain", command, verbosity="queryPlanner", codec_options=TOLERANT)
    except OperationFailure as error:
        yield f"{query.site}: {error.details} {query.command}"[:600]
        return
    stages = set(_stages(plan))
    if any(words in str(command) for words in _NEXT_TO_NOTHING):
        stages.discard("SORT")
    if "COLLSCAN" in stages and query.site not in WITHOUT:
        yield f"{query.site} scans {command[kind]}: {query.command}"[:600]
    if "SORT" in stages and ("hint" in query.command or query.site not in SORTED):
        yield f"{query.site} sorts {command[kind]} in memory: {query.command}"[:600]


def _stages(plan: Any) -> Iterator[str]:
    """The stages of the plan that was chosen, however deep."""
    if isinstance(plan, dict):
        if isinstance(stage := plan.get("stage"), str):
            yield stage
        for name, part in plan.items():
            if name != "rejectedPlans":
                yield from _stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _stages(part)


RECORDER = Recorder()
