"""The five validators of plain values, from which others are made."""

from __future__ import annotations

from collections.abc import Sequence

from services.money import exact
from services.records.fields import word
from services.validation.result import Result, accepted, quoted, refused


class ValidationUtils:
    """Numbers, texts and words. A number is an int, a double or a decimal: never a boolean, a text, NaN or infinite."""

    @staticmethod
    async def percentage(field: str, value: object) -> Result:
        """From 0 to 100, both included."""
        number = exact(value)
        if number is None or not 0 <= number <= 100:
            return refused("not-a-percentage", field, value, f"{quoted(value)} is not a number from 0 to 100.")
        return accepted(field, value, "It is a percentage.")

    @staticmethod
    async def positive_number(field: str, value: object) -> Result:
        """Above 0."""
        number = exact(value)
        if number is None or not number > 0:
            return refused("not-positive", field, value, f"{quoted(value)} is not a number above 0.")
        return accepted(field, value, "It is above 0.")

    @staticmethod
    async def non_negative_number(field: str, value: object) -> Result:
        """0 or above."""
        number = exact(value)
        if number is None or number < 0:
            return refused("negative", field, value, f"{quoted(value)} is not a number of 0 or more.")
        return accepted(field, value, "It is 0 or more.")

    @staticmethod
    async def string_length(field: str, value: object, shortest: int, longest: int) -> Result:
        """A text of so many characters, both bounds included; white space around it does not count."""
        if not isinstance(value, str):
            return refused("not-text", field, value, f"{quoted(value)} is not text.")
        length = len(value.strip())
        if length < shortest:
            return refused("too-short", field, value, f"It has {length} characters; it needs {shortest:,} at least.")
        if length > longest:
            return refused("too-long", field, value, f"It has {length:,} characters; it may have {longest:,} at most.")
        return accepted(field, value, f"It has {length:,} characters.")

    @staticmethod
    async def enum_value(field: str, value: object, allowed: Sequence[str]) -> Result:
        """One of these words in upper case; case, spaces and hyphens do not matter."""
        if word(value) not in allowed:
            return refused("unknown-value", field, value, f"{quoted(value)} is none of {', '.join(allowed)}.")
        return accepted(field, value, f"It is {word(value)}.")
