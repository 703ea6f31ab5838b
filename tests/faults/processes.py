"""Runner processes from outside: started, watched, stalled and killed."""

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from services.backfills.runs import load_run
from services.database import Database
from tests.faults.exactness import Planned

LEASE = 0.6
"""Seconds; short, so that a dead runner is not waited for long."""


class RunnerProcess:
    """A process of `tests.faults.runner`; what it says is read line by line."""

    def __init__(self, uri: str, planned: Planned, kind: str, batch: int, lease: float, starts: int) -> None:
        arguments = [uri, planned.database.name, planned.run, kind, str(batch), str(lease), str(starts)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.runner", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        self.says, self._tell = self.process.stdout, self.process.stdin

    def go(self) -> None:
        """Let it begin, once it is connected."""
        self._tell.write("go\n")
        self._tell.flush()

    def wait_for_batches(self, number: int) -> bool:
        """Wait until that many batches have landed; False where it came to its end before."""
        for line in self.says:
            number -= line.startswith("landed")
            if number <= 0:
                return True
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def outcomes(self) -> list[str]:
        """Wait for its end, and how each of its starts ended."""
        lines = [line.strip() for line in self.says]
        self.process.wait()
        return [line for line in lines if line.startswith(("ended", "refused"))]


@contextlib.contextmanager
def runner(
    uri: str, planned: Planned, kind: str = "commit", *, batch: int, lease: float = LEASE, starts: int = 1
) -> Iterator[RunnerProcess]:
    """A runner process that waits for its `go`; it is gone afterwards."""
    started = RunnerProcess(uri, planned, kind, batch, lease, starts)
    try:
        yield started
    finally:
        started.process.kill()
        with contextlib.suppress(BrokenPipeError):
            started.process.communicate()


def kill_at_random(uri: str, planned: Planned, kind: str, chance: random.Random, batch: int) -> bool:
    """Start a runner and kill it at a random moment of its work; False where it came to its end before."""
    with runner(uri, planned, kind, batch=batch) as started:
        started.go()
        started.says.readline()
        if (batches := chance.choice((0, 0, 1, 2, 3, 5))) and not started.wait_for_batches(batches):
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.process.wait(chance.random() * (0.05 if batches else 0.5))
        started.signal(signal.SIGKILL)
        return started.process.wait() == -signal.SIGKILL


async def lease_end(database: Database, run: str) -> float:
    """When the lease ends or has ended, by the server's clock, in seconds since 1970; 0 where it was given back."""
    until = (await load_run(database, run)).lease.until
    return until.timestamp() if until else 0.0


async def wait_for_lease(database: Database, run: str) -> None:
    """Wait until nobody holds the run."""
    patience = time.monotonic() + 60
    while (await load_run(database, run)).alive:
        assert time.monotonic() < patience
