"""A database with operators, and the command line on it."""

import os
import pwd
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from console.demo.mongod import EmbeddedMongod
from tests.console.commandline import Outcome, console

ME = pwd.getpwuid(os.getuid()).pw_name


class Shop:
    """A database on the server of this test process, and the command line on it."""

    def __init__(self, mongod: EmbeddedMongod) -> None:
        self.uri = mongod.uri
        self.client: MongoClient[dict[str, Any]] = MongoClient(mongod.uri)
        self.client.drop_database("shop")
        self.database = self.client.shop

    def __call__(self, *arguments: str, **options: Any) -> Outcome:
        return console("--uri", self.uri, "--db", "shop", *arguments, **options)


@pytest.fixture
def empty(mongod: EmbeddedMongod) -> Iterator[Shop]:
    shop = Shop(mongod)
    yield shop
    shop.client.close()


@pytest.fixture
def shop(empty: Shop) -> Shop:
    empty.database.console_operators.insert_many(
        [{"_id": ME, "roles": ["ops", "auditor"]}, {"_id": "ravi", "roles": ["viewer"]}]
    )
    empty.database.console_marker.insert_one({"_id": "environment", "kind": "test"})
    return empty
