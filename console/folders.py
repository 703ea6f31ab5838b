"""Where an account's own files are, by the XDG convention."""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "delivery-console"


def data_folder() -> Path:
    """For what is kept: the demo's database, the account's keys."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / _NAME


def state_folder() -> Path:
    """For logs."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / _NAME
