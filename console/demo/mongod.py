"""The embedded MongoDB: a real mongod as a one-node replica set on the loopback, gone with the process it serves."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from console import folders
from services.errors import ConsoleError, Refused

REPLICA_SET = "rs0"
DATABASE = "delivery_demo"
START_SECONDS = 60
STOP_SECONDS = 60
_STEP = 0.01

# Whoever holds the other end of standard input keeps the server alive: when that process ends, however it ends, the
# reader sees the end of the file and signals its own process group, which is the server's.
LAUNCH = 'exec 3<&0; (read -r _ <&3; kill -TERM 0) & exec 3<&- "$@" </dev/null'

_APT_PACKAGES = {"libcurl.so.4": "libcurl4", "libcrypto.so.3": "libssl3", "libssl.so.3": "libssl3"}
_NOT_YET_INITIATED = 94
_ALREADY_INITIATED = 23


def data_folder() -> Path:
    """Where the demo keeps its database between runs."""
    return folders.data_folder() / "demo"


def find_binary() -> Path:
    """The mongod to run: the one of the extra `demo`, else one on the PATH.

    Raises ConsoleError where there is none.
    """
    package = importlib.util.find_spec("fiftyone")
    for folder in (package.submodule_search_locations or ()) if package else ():
        binary = Path(folder) / "db/bin/mongod"
        if os.access(binary, os.X_OK):
            return binary
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    raise ConsoleError(
        "no-mongod",
        "There is no MongoDB server to run. Install the extra `demo` (pip install 'delivery-console[demo]') or mongod "
        "itself, or use a server that runs already with --uri.",
    )


def check_binary(binary: Path) -> None:
    """Raise ConsoleError with what to do where the binary cannot run on this machine, a missing library above all."""
    try:
        result = subprocess.run([binary, "--version"], capture_output=True, text=True, errors="replace", timeout=30)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConsoleError("mongod-unusable", f"{binary} does not run on this machine: {error}.") from error
    if result.returncode == 0:
        return
    missing = re.search(r"error while loading shared libraries: ([^:\s]+):", result.stderr)
    if missing is None:
        words = result.stderr.strip()[:300] or f"it ended with status {result.returncode}"
        raise ConsoleError("mongod-unusable", f"{binary} does not run on this machine: {words}.")
    library = missing.group(1)
    package = _APT_PACKAGES.get(library)
    remedy = f"apt-get install {package}" if package else "install the system package that holds it"
    raise ConsoleError("missing-library", f"{binary} needs the system library {library}, which is missing: {remedy}.")


class EmbeddedMongod:
    """A mongod on 127.0.0.1 with its data in `folder`; a context manager.

    All of it is synchronous: use `asyncio.to_thread` where an event loop runs. One process at a time may use a
    folder. The server ends with the process that started it, even when that one is killed. It keeps so many gigabytes
    of data in memory, with None as many as it likes: half of the machine's.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int | None = None,
        fresh: bool = False,
        cache_gigabytes: float | None = 1,
        options: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder or data_folder()
        self._wanted_port = port
        self._fresh = fresh
        self._options = options
        if cache_gigabytes is not None:
            self._options = ("--wiredTigerCacheSizeGB", str(cache_gigabytes), *options)
        self._process: subprocess.Popen[bytes] | None = None
        self._locks: list[IO[bytes]] = []
        self.port = 0

    @property
    def uri(self) -> str:
        """The address to connect to, without a database."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={REPLICA_SET}"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "mongod.log"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    def __enter__(self) -> EmbeddedMongod:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it is primary.

        Raises ConsoleError with the reason where it does not come up.
        """
        binary = find_binary()
        check_binary(binary)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConsoleError("no-folder", f"The folder {self.folder} cannot be made: {error.strerror}.") from error
        try:
            self._take_folder()
            if self._fresh:
                shutil.rmtree(self.folder / "data", ignore_errors=True)
            (self.folder / "data").mkdir(exist_ok=True)
            self.port = self._choose_port()
            self._launch(binary)
            self._become_primary()
            (self.folder / "port").write_text(f"{self.port}\n")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and wait for its end; the data stays."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for lock in self._locks:
            lock.close()
        self._locks.clear()

    def _take_folder(self) -> None:
        # This process holds one; the server inherits the other, and may outlive a killed console by a moment.
        console_lock = self._open_lock("console.lock")
        if not _lock(console_lock):
            self._refuse_second()
        server_lock = self._open_lock("server.lock")
        if not _wait_for(lambda: _lock(server_lock), STOP_SECONDS):
            raise Refused(
                "demo-running", f"A server that is still stopping holds {self.folder}; try again in a moment."
            )

    def _open_lock(self, name: str) -> IO[bytes]:
        lock = (self.folder / name).open("ab")
        self._locks.append(lock)
        return lock

    def _refuse_second(self) -> None:
        port = self._last_port()
        join = f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}" if port else "the address that it printed"
        raise Refused(
            "demo-running",
            f"The demo in {self.folder} is running in another console. Join it with --uri '{join}' --db {DATABASE}, "
            "or end that console first.",
        )

    def _last_port(self) -> int | None:
        try:
            return int((self.folder / "port").read_text())
        except (OSError, ValueError):
            return None

    def _choose_port(self) -> int:
        if self._wanted_port is not None:
            if not _is_free(self._wanted_port):
                raise Refused("port-in-use", f"Port {self._wanted_port} is in use; give another --port, or none.")
            return self._wanted_port
        last = self._last_port()
        if last and _is_free(last):
            return last
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def _launch(self, binary: Path) -> None:
        arguments = [str(binary), "--replSet", REPLICA_SET, "--bind_ip", "127.0.0.1", "--port", str(self.port)]
        arguments += ["--dbpath", str(self.folder / "data"), "--logpath", str(self.log), "--logappend"]
        arguments += ["--nounixsocket", "--oplogSize", "512"]
        # An index of a collection that holds something waits for the journal: sixty take 6 s at the usual 100 ms.
        arguments += ["--journalCommitInterval", "20"]
        arguments += ["--setParameter", "diagnosticDataCollectionEnabled=false", *self._options]
        self.log.unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", LAUNCH, "mongod", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at the terminal is for the console alone
            pass_fds=[lock.fileno() for lock in self._locks[1:]],
        )

    def _become_primary(self) -> None:
        if not _wait_for(self._answers, START_SECONDS):
            raise self._failure("mongod-silent", "does not answer")
        client: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", self.port, directConnection=True)
        try:
            if not _wait_for(lambda: self._is_primary(client), START_SECONDS):
                raise self._failure("mongod-silent", "did not become primary")
        except PyMongoError as error:
            raise self._failure("mongod-failed", f"failed: {error}") from error
        finally:
            client.close()

    def _is_primary(self, client: MongoClient[dict[str, Any]]) -> bool:
        self._require_alive()
        try:
            hello = client.admin.command("hello")
            if hello["isWritablePrimary"]:
                return True
            if "setName" not in hello:
                self._configure(client)
        except AutoReconnect:
            pass  # a server that changes its state drops its connections
        return False

    def _configure(self, client: MongoClient[dict[str, Any]]) -> None:
        member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != _NOT_YET_INITIATED:
                raise
            self._initiate(client, member)
            return
        if config["members"][0]["host"] != member["host"]:
            # The data was last served on another port.
            config |= {"members": [config["members"][0] | member], "version": config["version"] + 1}
            client.admin.command("replSetReconfig", config, force=True)

    def _initiate(self, client: MongoClient[dict[str, Any]], member: dict[str, Any]) -> None:
        try:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIATED:  # it was still reading its configuration
                raise

    def _answers(self) -> bool:
        self._require_alive()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _require_alive(self) -> None:
        assert self._process is not None
        status = self._process.poll()
        if status is not None:
            raise self._failure("mongod-died", f"ended at its start with status {status}")

    def _failure(self, code: str, what: str) -> ConsoleError:
        return ConsoleError(code, f"The MongoDB server {what}. Its log is {self.log}.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise Refused("port-not-allowed", f"Port {port} needs more rights than this account has.") from error
            return False
        except OverflowError as error:
            raise Refused("bad-port", f"{port} is no port; ports go from 1 to 65535.") from error
        return True


def _lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP)
    return True
