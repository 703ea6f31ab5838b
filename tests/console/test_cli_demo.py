import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.console.commandline import console, environment

DEADLINE = 120
SMALL = ("--orders", "60", "--until", "2026-11-22")


class Demo:
    """A headless demo in a data directory of its own."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", "demo", "--headless", *arguments],
            env=environment(XDG_DATA_HOME=str(home)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        told = json.loads(self.process.stdout.readline())
        self.uri: str = told["uri"]
        self.name: str = told["db"]

    def find(self, collection: str, **query: Any) -> list[dict[str, Any]]:
        """Documents of the demo's database."""
        with MongoClient[dict[str, Any]](self.uri) as client:
            return client[self.name][collection].find(query).to_list()

    def end(self) -> tuple[int, str]:
        """Close its input; its exit status and what it told."""
        _, told = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, told


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def test_the_demo_is_served_until_its_input_closes_and_is_there_again(home: Path) -> None:
    demo = Demo(home, *SMALL)
    operators = {entry["_id"]: set(entry["roles"]) for entry in demo.find("console_operators")}
    orders = [order["_id"] for order in demo.find("orders")]
    listed = console("--uri", demo.uri, "--db", demo.name, "--operator", "asha", "audit", "list", "--json")
    assert demo.end() == (0, "")

    again = Demo(home)
    kept = [order["_id"] for order in again.find("orders")]
    status, told = again.end()

    cast = {"asha": {"support"}, "vikram": {"ops"}, "meera": {"auditor"}, "ravi": {"viewer"}}
    assert operators.items() >= cast.items()
    assert {"ops", "auditor"} in operators.values()
    assert (listed.status, listed.err) == (0, "")
    assert listed.json["entries"]
    assert orders == kept
    assert status == 0
    assert "keeps the data that it has: 60 one-time orders" in told


def test_loading_that_was_killed_is_done_again(home: Path) -> None:
    demo = Demo(home, *SMALL)
    whole = len(demo.find("orders"))
    with MongoClient[dict[str, Any]](demo.uri) as client:
        client[demo.name].console_marker.delete_one({"_id": "demo-data"})
        client[demo.name].orders.delete_many({"order_type": "subscription"})
    demo.process.send_signal(signal.SIGKILL)
    demo.end()

    again = Demo(home, *SMALL)
    assert len(again.find("orders")) == whole
    assert again.end() == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_with_130(home: Path, number: signal.Signals) -> None:
    demo = Demo(home, *SMALL)
    demo.process.send_signal(number)
    assert demo.process.wait(DEADLINE) == 130
    assert demo.end() == (130, "Interrupted.\n")


def test_fresh_data_is_of_the_size_asked_for(home: Path) -> None:
    assert Demo(home, *SMALL).end()[0] == 0
    demo = Demo(home, "--fresh", "--orders", "80", "--until", "2026-11-22")
    one_time = demo.find("console_marker", _id="demo-data")
    assert one_time[0]["orders"] == 80
    assert demo.end() == (0, "")


def test_a_demo_too_small_to_be_one_is_wrong_usage(home: Path) -> None:
    shown = console("demo", "--headless", "--orders", "5", env={"XDG_DATA_HOME": str(home)})
    assert (shown.status, shown.out) == (2, "")
