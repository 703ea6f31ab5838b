import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from services.changes.changeset import ChangeSet, Insert, transact
from services.clock import Clock
from services.database import Database, Find, connect, find_together
from services.deployment.indexes import apply, plan
from services.errors import Refused, Unreachable
from services.operators.directory import init, mark
from services.operators.operator import Operator
from tests.console.commandline import console
from tests.servers import standalone


@pytest.fixture(scope="module")
def lone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standalone(tmp_path_factory.mktemp("standalone") / "server") as uri:
        yield uri


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standalone(tmp_path_factory.mktemp("guarded") / "server", "--auth") as uri:
        with MongoClient[dict[str, Any]](uri) as client:
            roles = [{"role": "read", "db": "elsewhere"}]
            client.admin.command("createUser", "ops", pwd="right", roles=["root"])
        with MongoClient[dict[str, Any]](uri, username="ops", password="right") as client:
            client.admin.command("createUser", "stranger", pwd="right", roles=roles)
        yield uri.removeprefix("mongodb://")


async def test_a_replica_set_is_writable(database: Database) -> None:
    assert database.read_only is None
    database.require_writable()
    async with database.snapshot() as session:
        assert session is not None
    assert database.address.startswith("127.0.0.1:")


async def test_sessions_of_one_moment_read_the_same_side_by_side(database: Database) -> None:
    await database["orders"].insert_one({"_id": 1})
    async with database.snapshots(3, "orders") as sessions:
        await database["orders"].insert_one({"_id": 2})
        read = [database["orders"].find({}, session=session).to_list() for session in (*sessions, None)]
        assert [len(found) for found in await asyncio.gather(*read)] == [1, 1, 1, 2]
    async with database.snapshots(2, "orders") as later:
        assert [len(await database["orders"].find({}, session=each).to_list()) for each in later] == [2, 2]


async def test_of_a_collection_that_is_not_there_there_is_no_moment(database: Database) -> None:
    async with database.snapshots(3, "orders") as sessions:
        assert list(sessions) == []


async def test_a_standalone_server_is_opened_read_only_and_says_what_to_do(
    lone_server: str, ops: Operator, clock: Clock
) -> None:
    database = await connect(lone_server, "shop")

    async def work(changes: ChangeSet) -> None:
        changes.add(Insert("orders", {"id": "x"}))

    writes = (
        transact(database, ops, clock, work),
        apply(database, ops),
        init(database, clock, "olga", ""),
        mark(database, ops, clock, "test"),
    )
    for write in writes:
        with pytest.raises(Refused, match=r"rs\.initiate") as refusal:
            await write
        assert refusal.value.code == "read-only"
    assert {state.state for state in await plan(database)} == {"missing"}
    async with database.snapshot() as session, database.snapshots(2, "orders") as sessions:
        assert session is None
        assert list(sessions) == [None, None]
    assert await database.client["shop"].list_collection_names() == []
    await database.client.close()


def test_the_command_line_on_a_standalone_server_is_refused_a_write(lone_server: str) -> None:
    refused = console("--uri", lone_server, "--db", "shop", "operators", "init", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "read-only")


@pytest.mark.parametrize(
    ("login", "code"),
    [("ops:wr0ng@", "authentication-failed"), ("nobody:wr0ng@", "authentication-failed"), ("", "not-authorised")],
)
def test_whoever_the_server_does_not_let_in_is_told_without_the_password(
    guarded_server: str, login: str, code: str
) -> None:
    shown = console("--uri", f"mongodb://{login}{guarded_server}", "--db", "shop", "audit", "list", "--json")
    assert (shown.status, shown.json["error"]["code"]) == (3, code)
    assert "wr0ng" not in shown.out + shown.err


async def test_a_user_of_another_database_may_not_read_this_one(guarded_server: str) -> None:
    with pytest.raises(Unreachable) as refusal:
        await connect(f"mongodb://stranger:right@{guarded_server}", "shop")
    assert refusal.value.code == "not-authorised"


@pytest.mark.parametrize("uri", ["mongodb://a:b@c:d/", "mongodb://", "http://x"])
async def test_an_address_that_is_none_is_told(uri: str) -> None:
    with pytest.raises(Unreachable) as refusal:
        await connect(uri, "shop")
    assert refusal.value.code == "bad-uri"


async def test_questions_asked_together_are_answered_as_if_asked_apart(database: Database) -> None:
    await database["users"].insert_many(
        {"_id": n, "id": f"u{n}", "number": n, "record": {"a": [n]}} for n in range(300)
    )
    await database["orders"].insert_one({"_id": "o", "id": "u7", "when": datetime(2026, 11, 22, tzinfo=UTC)})
    finds = [
        Find("nothing_there", {"_id": 7}),
        Find("users", {"_id": {"$lt": 250}}),
        Find("users", {"id": "u7"}, {"_id": 0, "number": 1}),
        Find("orders", {"id": "u7"}),
        Find("users", {"_id": {"$gte": 250}}, {"id": 1}, most=3),
    ]
    together = await find_together(database, *finds)
    assert together == [await each.ask(database) for each in finds]
    assert [len(each) for each in together] == [0, 250, 1, 1, 3]
    assert together[2] == [{"number": 7}]
    assert await find_together(database) == []
    assert await find_together(database, finds[2]) == [[{"number": 7}]]
