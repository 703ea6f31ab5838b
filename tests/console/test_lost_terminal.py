"""The console when its terminal goes away: it ends, and so that nobody has to look for it."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

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
