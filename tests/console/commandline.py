"""Runs the command line as people do: in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HOME = tempfile.TemporaryDirectory()  # the account's keys: never those of who runs the tests
_OURS = ("DELIVERY_CONSOLE_", "MONGO_URL", "DB_NAME", "SSH_CONNECTION")


@dataclass(frozen=True)
class Outcome:
    """What a command line printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output, read strictly."""
        return json.loads(self.out, parse_constant=_refuse)


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without what the console reads, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {"COLUMNS": "120", "XDG_DATA_HOME": _HOME.name} | extra


def console(*arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None) -> Outcome:
    """Run `delivery-console` with these arguments."""
    result = subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        input=stdin or "",
        timeout=120,
        check=False,
    )
    return Outcome(result.returncode, result.stdout, result.stderr)


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")
