"""The refusals that a caller can act on: each has a code, a sentence that says what to do, and an exit status."""

from __future__ import annotations


class ConsoleError(Exception):
    """A refusal told to the operator as a sentence, to scripts as `code`, to the shell as `exit_status`."""

    exit_status = 1

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Refused(ConsoleError):
    """The rules or the state of the data do not allow it."""


class NotFound(Refused):
    """Nothing of that name is there."""


class Conflict(Refused):
    """Somebody changed the record between the reading and the writing; nothing was written."""


class RecordRefused(Refused):
    """The database does not take a record; others are not concerned."""


class TooLong(Refused):
    """The server ended a transaction for its age; nothing was written."""


class Fenced(Refused):
    """Another runner has taken the run over; this one has stopped without writing."""


class BadRequest(ConsoleError):
    """The words of the request are malformed."""

    exit_status = 2


class Unreachable(ConsoleError):
    """There is no connection to the database, or it does not let this user in."""

    exit_status = 3


class NotPermitted(ConsoleError):
    """The operator's roles do not allow it."""

    exit_status = 4
