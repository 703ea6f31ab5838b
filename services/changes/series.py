"""Ids that are made without asking: of audit entries in series, and of what belongs to a name."""

from __future__ import annotations

import hashlib
import secrets
import time


def new_series() -> str:
    """A series of its own, in the order of time: a UUID of version 7 up to its last group.

    An index takes the ids of a series in at its end. The twelve bits behind the milliseconds are their fraction.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    word = f"{milliseconds:012x}"
    return f"{word[:8]}-{word[8:]}-7{rest * 4096 // 1_000_000:03x}-8{secrets.token_hex(2)[:3]}-"


def series_of(name: str) -> str:
    """The series of that name, always the same: a UUID of version 8 up to its last group."""
    return named_id(name)[:24]


def named_id(name: str) -> str:
    """The UUID of version 8 that belongs to a name, always the same."""
    word = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{word[:8]}-{word[8:12]}-8{word[13:16]}-8{word[17:20]}-{word[20:]}"


def entry_id(series: str, number: int) -> str:
    """The id of a series' entry."""
    return f"{series}{number:012x}"
