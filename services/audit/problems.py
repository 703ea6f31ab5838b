"""What a check of the audit trail finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "altered", "removed", "inserted", "reordered", "forked", "truncated", "log-altered", "untrusted"
]

LISTED = 10_000


@dataclass
class Problem:
    """Something that does not belong. `entry` names the entry, or the part of the log."""

    entry: str
    kind: Kind
    detail: str


@dataclass
class Problems:
    """The problems so far: the first are listed, all are counted."""

    listed: list[Problem] = field(default_factory=list)
    count: int = 0
    named: set[str] = field(default_factory=set)
    """The entries of those that are listed."""

    def add(self, entry: object, kind: Kind, detail: str) -> Problem:
        """One more."""
        problem = Problem(str(entry), kind, detail)
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append(problem)
            self.named.add(problem.entry)
        return problem
