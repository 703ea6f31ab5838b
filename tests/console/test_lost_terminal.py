"""The console when its terminal goes away: it ends, and so that nobody has to look for it."""

import asyncio
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from console.app import DeliveryConsole, _end, _run
from console.settings import Settings
from tests.console.commandline import environment
from tests.console.conftest import Shop

TERMINAL_HOLDS = 4_095
"""Bytes, as Linux has it."""


def waiting(terminal: int) -> int:
    """How many bytes a terminal holds for its reader."""
    return int.from_bytes(fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)), sys.byteorder)


@contextmanager
def console_on_a_terminal(shop: Shop) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The console with a pseudo-terminal of its own, once it has begun to paint; and that terminal's other end."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "console", "--uri", shop.uri, "--db", "shop"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=environment(TERM="xterm-256color", LINES="40"),
    )  # fmt: skip
    os.close(theirs)
    try:
        painted = b""
        while b"Home" not in painted:
            assert select.select([ours], [], [], 60)[0], "nothing was painted"
            painted += os.read(ours, 65_536)
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_it_ends_where_the_terminal_takes_nothing_more(shop: Shop) -> None:
    with console_on_a_terminal(shop) as (process, terminal):
        # Nobody reads from here on: what these keys paint fills the terminal until it takes nothing more.
        os.write(terminal, b"23456" * 40)
        while waiting(terminal) < TERMINAL_HOLDS:
            with pytest.raises(subprocess.TimeoutExpired):  # it lives, and paints on
                process.wait(timeout=0.01)
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=60)


class Brief(DeliveryConsole):
    """A console that ends at once, and what it would do at a signal."""

    async def run_async(self, *_: Any, **__: Any) -> None:
        self.asked_to_end = signal.getsignal(signal.SIGTERM)


async def test_signals_mean_afterwards_what_they_meant_before(shop: Shop) -> None:
    def meanings() -> list[Any]:
        return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]

    meant = meanings()
    ended = await _run(Settings(uri=shop.uri, db="shop"), Brief)
    assert isinstance(ended, Brief)
    assert ended.asked_to_end not in meant
    assert meanings() == meant


def test_a_signal_after_the_end_disturbs_nothing() -> None:
    over = asyncio.new_event_loop()
    over.close()
    running = threading.active_count()
    _end(DeliveryConsole(lambda: pytest.fail("it has ended")), over, signal.SIGTERM, None)
    assert threading.active_count() == running
