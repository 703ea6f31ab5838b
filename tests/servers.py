"""Servers of other kinds than the embedded one: a standalone, with or without accounts."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from console.demo.mongod import REPLICA_SET, EmbeddedMongod, find_binary


@contextmanager
def standalone(folder: Path, *options: str) -> Iterator[str]:
    """A mongod that is no replica set; the address of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "data").mkdir(parents=True)
    command = [str(find_binary()), "--dbpath", str(folder / "data"), "--port", str(port), "--bind_ip", "127.0.0.1"]
    command += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--logpath", str(folder / "log"), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"mongodb://127.0.0.1:{port}/"
    try:
        with MongoClient[dict[str, Any]](address, serverSelectionTimeoutMS=60_000) as client:
            client.admin.command("ping")  # returns when the server answers
        yield address
    finally:
        process.terminate()
        process.wait(60)


class Guarded:
    """A replica set of one that asks for a login. Its administrator is `admin`; a password is the name, repeated."""

    def __init__(self, server: EmbeddedMongod) -> None:
        self.server = server

    def uri_of(self, user: str = "admin") -> str:
        """The address for a user of the database `admin`."""
        return f"mongodb://{user}:{password_of(user)}@127.0.0.1:{self.server.port}/?replicaSet={REPLICA_SET}"


def password_of(user: str) -> str:
    """The password of a user of a guarded server."""
    return f"{user}-{user}-word"


@contextmanager
def guarded(folder: Path, *options: str) -> Iterator[Guarded]:
    """A replica set of one with access control."""
    with EmbeddedMongod(folder / "server") as server, MongoClient[dict[str, Any]](server.uri) as client:
        client.admin.command("createUser", "admin", pwd=password_of("admin"), roles=["root"])
    key = folder / "key"
    key.write_text("a2V5IG9mIHRoZSB0ZXN0cw==")
    key.chmod(0o600)
    with EmbeddedMongod(folder / "server", options=("--keyFile", str(key), *options)) as server:
        yield Guarded(server)
