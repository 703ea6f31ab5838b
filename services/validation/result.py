"""What a validator says about a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.errors import Refused

Outcome: TypeAlias = Literal["ok", "warning", "refused"]

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome with the value that it is about; `code` is stable and None for ok, `message` is a sentence."""

    outcome: Outcome
    code: str | None
    field: str
    message: str
    value: object

    @property
    def ok(self) -> bool:
        """Whether the value may be written; one with a warning may."""
        return self.outcome != "refused"

    def require(self) -> None:
        """Raise Refused with the code and the message where the value is refused."""
        if not self.ok:
            raise Refused(self.code or "invalid", self.message)


def accepted(field: str, value: object, message: str) -> Result:
    """The value keeps the rule."""
    return Result("ok", None, field, message, value)


def warned(code: str, field: str, value: object, message: str) -> Result:
    """The value keeps the rule, and a person should look at it all the same."""
    return Result("warning", code, field, message, value)


def refused(code: str, field: str, value: object, message: str) -> Result:
    """The value breaks the rule."""
    return Result("refused", code, field, message, value)


def quoted(value: object) -> str:
    """A value within a message: as it is written down, cut after 60 characters."""
    try:
        written = repr(value[: _LONGEST + 1] if isinstance(value, str) else value)
    except ValueError:  # Python writes no integers of more than 4,300 digits
        return "a number of thousands of digits"
    return written if len(written) <= _LONGEST else written[: _LONGEST - 1] + "…"
