"""`backfill` on repairs that have nothing to do with money."""

import os
import pwd
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from pymongo import MongoClient

from console.demo.mongod import EmbeddedMongod
from tests import shop
from tests.console.commandline import Outcome, console

Console: TypeAlias = Callable[..., Outcome]


@pytest.fixture
def repairs(mongod: EmbeddedMongod) -> Iterator[Console]:
    """The command line on a database with an order that lacks its flag, and a customer whose user does not know it."""
    client = MongoClient[dict[str, object]](mongod.uri)
    client.drop_database("repairs")
    database = client.repairs
    database.console_operators.insert_one({"_id": pwd.getpwuid(os.getuid()).pw_name, "roles": ["ops"]})
    order = shop.order(id="ord-1")
    database.orders.insert_one(order)
    database.billing_records.insert_one(shop.bill(order))
    database.customers_v2.insert_one(shop.customer())
    database.users.insert_one({"id": shop.USER, "role": "customer"})
    yield lambda *arguments: console("--uri", mongod.uri, "--db", "repairs", "backfill", *arguments)
    client.close()


def test_all_five_are_listed(repairs: Console) -> None:
    listed = repairs("list", "--json").json["backfills"]
    assert len(listed) == 5
    assert all(each["about"] in repairs("list").out for each in listed)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("repair-billed-flags", "1 orders examined, 1 customers concerned."),
        ("link-users-customers", "1 customers exam"),
    ],
)
def test_a_repair_is_told_without_money_and_committed(repairs: Console, name: str, words: str) -> None:
    told = repairs("preview", name, "--dry-run").out
    assert words in told
    assert "₹" not in told
    plan = repairs("preview", name, "--json").json
    assert plan["classes"]["change"]["records"] == 1
    rows = repairs("show", plan["run"]).out
    assert "Why" in rows
    assert "Amount" not in rows
    done = repairs("commit", plan["run"], "--digest", plan["digest"], "--yes", "--json")
    assert (done.status, done.json["applied"], done.json["verified"]) == (0, 1, True)
    assert repairs("preview", name, "--dry-run", "--json").json["classes"]["change"]["records"] == 0


def test_an_option_that_makes_no_sense_is_wrong_usage(repairs: Console) -> None:
    refused = repairs("preview", "link-users-customers", "--include-flagged", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (2, "bad-option")
    assert repairs("preview", "add-order-fields", "--delivered-from", "2026-10-01", "--dry-run").status == 0
