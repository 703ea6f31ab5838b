"""Records with what they come to: a line of a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Share:
    """Records, and money in paise."""

    records: int = 0
    paise: int = 0

    def add(self, other: Share) -> None:
        """Count in what another has."""
        self.records += other.records
        self.paise += other.paise

    def less(self, other: Share) -> Share:
        """What is left without another's."""
        return Share(self.records - other.records, self.paise - other.paise)

    def negative(self) -> Share:
        """To count out again."""
        return Share(-self.records, -self.paise)
