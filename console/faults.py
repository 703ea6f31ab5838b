"""Faults of the console itself: a sentence for the operator, the details for who mends it."""

from __future__ import annotations

import os
import traceback
from datetime import UTC, datetime

from console.folders import state_folder
from services.errors import ConsoleError


def internal_error(error: BaseException) -> ConsoleError:
    """The refusal that tells of an unexpected exception; its traceback goes to a log file of the user's."""
    state = state_folder()
    log = state / "errors.log"
    try:
        state.mkdir(parents=True, exist_ok=True)
        with open(log, "a", encoding="utf-8", errors="replace", opener=_private) as file:
            file.write(f"{datetime.now(UTC).isoformat()} {''.join(traceback.format_exception(error))}\n")
        where = f"The details are in {log}."
    except OSError:
        where = f"The details could not be written to {log}."
    return ConsoleError("internal-error", f"The console itself failed ({type(error).__name__}). {where}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
