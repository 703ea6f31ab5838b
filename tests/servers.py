"""Servers of other kinds than the embedded one: a standalone, with or without accounts."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from console.demo.mongod import find_binary


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
