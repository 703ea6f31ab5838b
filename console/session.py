"""An open console: the database of the settings, and the operator who works on it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console import login
from console.settings import Settings
from services.audit.trail import Trail
from services.clock import Clock, utc_now
from services.database import Database, connect
from services.deployment.indexes import missing
from services.errors import ConsoleError
from services.operators.directory import environment_of, identify
from services.operators.operator import Operator

if TYPE_CHECKING:
    from services.backfills.runs import Limits


@dataclass(frozen=True)
class Session:
    """What a command and the app hand to the services."""

    settings: Settings
    database: Database
    operator: Operator
    environment: str
    """The label on screen: `production`, `staging`, `demo` or `test`."""
    clock: Clock = utc_now

    @property
    def limits(self) -> Limits:
        """Above what size a plan needs another operator's approval."""
        from services.backfills.runs import Limits

        return Limits(records=self.settings.approval_records, amount_paise=self.settings.approval_paise)


@contextlib.asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of the settings, closed at the end. Raises BadRequest and Unreachable."""
    database = await connect(settings.require_uri(), settings.require_db())
    try:
        yield database
    finally:
        await database.client.close()


@contextlib.asynccontextmanager
async def open_session(settings: Settings, *, warn: bool = False) -> AsyncIterator[Session]:
    """The database and its operator. With `warn`, missing indexes are told once on standard error.

    What the operator wrote is sealed at the end. Raises NotPermitted for an account that is not an operator of the
    database.
    """
    async with open_database(settings) as database:
        operator = await identify(database, login.account(), login.source(), settings.operator)
        operator = replace(operator, trail=Trail(settings.audit_key, settings.audit_checkpoints))
        environment = settings.environment or await environment_of(database) or "production"
        if warn:
            await _warn_of_missing_indexes(database)
        try:
            yield Session(settings, database, operator, environment)
        finally:
            await _seal(database, operator)


async def _seal(database: Database, operator: Operator) -> None:
    if not (operator.trail.streams or operator.trail.finished):
        return
    from services.audit.seal import seal_session

    try:
        await seal_session(database, operator, utc_now)
    except ConsoleError as error:
        print(f"The audit log was not sealed; the next session does it. {error.message}", file=sys.stderr)


async def _warn_of_missing_indexes(database: Database) -> None:
    try:
        count = len(await missing(database))
    except ConsoleError:
        return  # a database user without listIndexes still reads
    if count:
        indexes = "1 index is missing" if count == 1 else f"{count} indexes are missing"
        print(f"{indexes}; lists are slower. See: db indexes plan", file=sys.stderr)
