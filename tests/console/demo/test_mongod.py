import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from console.demo.mongod import EmbeddedMongod, check_binary, data_folder, find_binary
from services.errors import ConsoleError, Refused

DEADLINE = 60

CONSOLE = """
import json, pathlib, sys
from console.demo.mongod import EmbeddedMongod
with EmbeddedMongod(pathlib.Path(sys.argv[1])) as server:
    print(json.dumps({"uri": server.uri, "pid": server.pid}), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


def write(uri: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        client.shop.orders.insert_one({"id": "ord_1"})


def count(uri: str) -> int:
    with MongoClient[dict[str, Any]](uri) as client:
        return client.shop.orders.count_documents({})


class Console:
    """A console process of its own, with an embedded server."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONSOLE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout
        told = json.loads(self.process.stdout.readline())
        self.uri: str = told["uri"]
        self.server = os.pidfd_open(told["pid"])

    def server_ends(self) -> bool:
        """Whether the server ends before the deadline."""
        return bool(select.select([self.server], [], [], DEADLINE)[0])

    def close(self) -> None:
        """End the process, and wait."""
        self.process.kill()
        self.process.wait(DEADLINE)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()
        os.close(self.server)


@pytest.fixture
def console(folder: Path) -> Iterator[Console]:
    console = Console(folder)
    yield console
    console.close()


def test_it_is_a_primary_on_the_loopback_with_transactions(folder: Path) -> None:
    with EmbeddedMongod(folder) as server, MongoClient[dict[str, Any]](server.uri) as client:
        hello = client.admin.command("hello")
        assert hello["isWritablePrimary"]
        assert hello["setName"] == "rs0"
        assert hello["hosts"] == [f"127.0.0.1:{server.port}"]
        options = client.admin.command("getCmdLineOpts")["parsed"]
        assert options["net"]["bindIp"] == "127.0.0.1"
        with client.start_session() as session, session.start_transaction():
            client.shop.orders.insert_one({"id": "x"}, session=session)


def test_the_data_stays_between_runs_until_a_fresh_one(folder: Path) -> None:
    with EmbeddedMongod(folder) as server:
        write(server.uri)
    with EmbeddedMongod(folder) as server:
        assert count(server.uri) == 1
    with EmbeddedMongod(folder, fresh=True) as server:
        assert count(server.uri) == 0


def test_the_data_is_served_on_another_port_too(folder: Path) -> None:
    with EmbeddedMongod(folder) as server:
        write(server.uri)
        first = server.port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        with EmbeddedMongod(folder) as server:
            assert server.port != first
            assert count(server.uri) == 1


def test_a_port_that_is_taken_is_told(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=f"Port {port} is in use") as refusal:
            EmbeddedMongod(folder, port=port).start()
    assert refusal.value.code == "port-in-use"
    with EmbeddedMongod(folder, port=port) as server:  # nothing of the failure is left behind
        assert server.port == port


def test_a_port_that_is_none_is_told(folder: Path) -> None:
    with pytest.raises(Refused) as refusal:
        EmbeddedMongod(folder, port=70_000).start()
    assert refusal.value.code == "bad-port"


def test_the_server_ends_when_the_console_is_killed(console: Console) -> None:
    write(console.uri)
    console.process.send_signal(signal.SIGKILL)

    assert console.server_ends()


def test_the_folder_is_free_again_after_a_kill_with_its_data(console: Console, folder: Path) -> None:
    write(console.uri)
    console.process.send_signal(signal.SIGKILL)
    console.process.wait(DEADLINE)

    with EmbeddedMongod(folder) as server:  # at once: it waits for the dying server itself
        assert count(server.uri) == 1


def test_a_second_console_is_told_how_to_join_the_first(console: Console, folder: Path) -> None:
    with pytest.raises(Refused) as refusal:
        EmbeddedMongod(folder).start()

    assert refusal.value.code == "demo-running"
    assert f"--uri '{console.uri}'" in refusal.value.message
    assert count(console.uri) == 0  # and the first goes on


def test_ctrl_c_at_the_terminal_does_not_reach_the_server(folder: Path) -> None:
    with EmbeddedMongod(folder) as server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)
        assert os.getsid(server.pid) != os.getsid(0)


def test_stopping_twice_is_harmless(folder: Path) -> None:
    server = EmbeddedMongod(folder)
    server.start()
    server.stop()
    server.stop()
    assert server.pid is None


def test_a_server_that_dies_at_its_start_names_its_log(folder: Path) -> None:
    server = EmbeddedMongod(folder, options=("--setParameter", "noSuchParameter=1"))
    with pytest.raises(ConsoleError, match=str(server.log)) as refusal:
        server.start()
    assert refusal.value.code == "mongod-died"


def test_without_a_server_to_run_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConsoleError, match="extra `demo`") as refusal:
        find_binary()
    assert refusal.value.code == "no-mongod"


def test_a_server_on_the_path_serves_where_the_extra_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binary = script(tmp_path, "exit 0")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() == binary
    check_binary(binary)


def script(folder: Path, *lines: str) -> Path:
    binary = folder / "mongod"
    binary.write_text("\n".join(("#!/bin/sh", *lines)))
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize(
    ("library", "remedy"), [("libcurl.so.4", "apt-get install libcurl4"), ("libodd.so.1", "install the system package")]
)
def test_a_missing_system_library_is_named(tmp_path: Path, library: str, remedy: str) -> None:
    words = f"mongod: error while loading shared libraries: {library}: cannot open shared object file"
    with pytest.raises(ConsoleError, match=remedy) as refusal:
        check_binary(script(tmp_path, f"echo '{words}' >&2", "exit 127"))
    assert refusal.value.code == "missing-library"
    assert library in refusal.value.message


def test_a_binary_of_another_machine_is_told(tmp_path: Path) -> None:
    binary = tmp_path / "mongod"
    binary.write_bytes(b"\x7fELF not really")
    binary.chmod(0o755)
    with pytest.raises(ConsoleError) as refusal:
        check_binary(binary)
    assert refusal.value.code == "mongod-unusable"


def test_the_data_lies_in_the_users_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "delivery-console/demo"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".local/share/delivery-console/demo"
