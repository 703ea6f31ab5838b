"""A replica set of three real mongods: its primary can be killed, its secondaries can fall behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from console.demo.mongod import LAUNCH, find_binary

MEMBERS = 3
ROOT = "root"
PATIENCE = 60.0
AWAIT_MS = 50
_SETTINGS = {"electionTimeoutMillis": 1_000, "heartbeatIntervalMillis": 200, "chainingAllowed": False}
_KEY = "a2V5IG9mIHRoZSB0ZXN0cw=="


class Member:
    """One mongod of the set."""

    def __init__(self, folder: Path, port: int, options: tuple[str, ...]) -> None:
        self.port = port
        (folder / "data").mkdir(parents=True)
        self._command = [
            str(find_binary()), "--replSet", "rs", "--bind_ip", "127.0.0.1", "--port", str(self.port),
            "--dbpath", str(folder / "data"), "--logpath", str(folder / "log"), "--logappend", "--nounixsocket",
            "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "256",
            "--setParameter", "diagnosticDataCollectionEnabled=false", "--setParameter", "enableTestCommands=1",
            *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._said: Any = None
        """The version of what it said last of itself."""

    def start(self) -> None:
        """Start it; it ends with this process at the latest."""
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", LAUNCH, "mongod", *self._command],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL, and the end of it."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def client(self, **options: Any) -> MongoClient[dict[str, Any]]:
        """A client of this member alone."""
        return MongoClient(
            "127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=500, socketTimeoutMS=5_000,
            **options,
        )  # fmt: skip

    def stop_applying(self, stop: bool) -> None:
        """Let a secondary of a set with accounts fall behind while it answers, or catch up."""
        mode = "alwaysOn" if stop else "off"
        with self.client(username=ROOT, password=ROOT) as client:
            client.admin.command({"configureFailPoint": "rsSyncApplyStop", "mode": mode})

    def hello(self) -> dict[str, Any]:
        """What it says of itself, at once where that is new, else when it changes or soon; nothing while it is away."""
        until_new = {"topologyVersion": self._said, "maxAwaitTimeMS": AWAIT_MS} if self._said else {}
        try:
            with self.client() as client:
                said = client.admin.command({"hello": 1, **until_new})
        except PyMongoError:
            said = {}
        self._said = said.get("topologyVersion")
        return said


class ReplicaSet:
    """The set, a context manager. All of it is synchronous: use `asyncio.to_thread` where an event loop must turn."""

    def __init__(self, folder: Path, *, accounts: bool = False, **settings: Any) -> None:
        options: tuple[str, ...] = ()
        self._accounts = accounts
        if accounts:
            key = folder / "key"
            key.write_text(_KEY)
            key.chmod(0o600)
            options = ("--keyFile", str(key))
        self.members = [Member(folder / f"member-{port}", port, options) for port in _free_ports(MEMBERS)]
        self._settings = {**_SETTINGS, **settings}

    @property
    def hosts(self) -> str:
        """The members' addresses, as a connection string takes them."""
        return ",".join(f"127.0.0.1:{member.port}" for member in self.members)

    @property
    def uri(self) -> str:
        """The address of the set."""
        return f"mongodb://{self.hosts}/?replicaSet=rs"

    def uri_of(self, user: str, source: str = "admin") -> str:
        """The address for a user whose password is the name."""
        return f"mongodb://{user}:{user}@{self.hosts}/?replicaSet=rs&authSource={source}"

    def __enter__(self) -> ReplicaSet:
        try:
            for member in self.members:
                member.start()
            self._initiate()
            self.wait_until_whole()
            if self._accounts:
                self._create_root()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End every member."""
        for member in self.members:
            member.kill()

    def primary(self) -> Member:
        """The member that is primary, once there is one."""
        found: list[Member] = []

        def elected() -> bool:
            found[:] = [member for member in self.members if member.hello().get("isWritablePrimary")]
            return bool(found)

        _wait_for(elected)
        return found[0]

    def secondaries(self) -> list[Member]:
        """The members that are secondary now."""
        return [member for member in self.members if member.hello().get("secondary")]

    def kill_primary(self) -> Member:
        """SIGKILL the primary and wait for the next one; the dead one can be started again."""
        dead = self.primary()
        dead.kill()
        self.primary()
        return dead

    def stall_primary(self) -> Member:
        """SIGSTOP the primary and wait for the next one; the stalled one holds its connections open."""
        stalled = self.primary()
        stalled.signal(signal.SIGSTOP)
        others = [member for member in self.members if member is not stalled]
        _wait_for(lambda: any(member.hello().get("isWritablePrimary") for member in others))
        return stalled

    def wait_until_whole(self) -> None:
        """Wait until one member is primary and the others are secondaries."""
        _wait_for(lambda: bool(self.primary()) and len(self.secondaries()) == MEMBERS - 1)

    def _initiate(self) -> None:
        members = [{"_id": number, "host": f"127.0.0.1:{each.port}"} for number, each in enumerate(self.members)]
        config = {"_id": "rs", "members": members, "settings": self._settings}
        for member in self.members:
            _wait_for(lambda member=member: bool(member.hello()))  # type: ignore[misc]
        with self.members[0].client() as client:
            client.admin.command("replSetInitiate", config)

    def _create_root(self) -> None:
        # The server lets the first user be created from its own machine.
        with self.primary().client() as client:
            client.admin.command({"createUser": ROOT, "pwd": ROOT, "roles": ["root"]})


def _free_ports(number: int) -> list[int]:
    """Ports that nobody listens on, and that no outgoing connection is given while a member is dead."""
    ports: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(ports) < number:
            probe, port = stack.enter_context(socket.socket()), random.randrange(20_000, 32_000)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports.append(port)
    return ports


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the replica set did not come to what was waited for"
