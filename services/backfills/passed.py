"""The rows of a plan that lanes have passed."""

from __future__ import annotations

from collections.abc import Sequence

from services.backfills.runs import Lane
from services.billing.share import Share
from services.database import Document


class Passed:
    """The rows that the lanes of one kind of work have passed; what they counted on the way."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        starts = [0, *(lane.end for lane in lanes)]
        self._ranges = [(start, lane.next) for start, lane in zip(starts, lanes, strict=False)]
        self.counted = Share(sum(lane.applied for lane in lanes), sum(lane.amount_paise for lane in lanes))

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and any(start <= number < after for start, after in self._ranges)

    def without(self, other: Passed) -> list[tuple[int, int]]:
        """The first number, and the one after the last, of the ranges that the others have not passed."""
        left = [each for each in self._ranges if each[0] < each[1]]
        for start, after in other._ranges:
            cut = [piece for first, last in left for piece in ((first, min(last, start)), (max(first, after), last))]
            left = [piece for piece in cut if piece[0] < piece[1]] if start < after else left
        return left

    def condition(self, number: str) -> Document:
        """Whether the row of the number in that field is among them, as the server evaluates it."""
        return {
            "$or": [{"$and": [{"$gte": [number, first]}, {"$lt": [number, after]}]} for first, after in self._ranges]
        }
