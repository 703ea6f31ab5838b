"""What is odd about a record, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a record that a person should know; `code` is stable, `message` is a sentence."""

    code: str
    message: str
