"""How hard a run may press: the size of its batches, its lease, and when it holds back for the others' sake."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from pymongo.errors import OperationFailure, PyMongoError

from services.database import Database
from services.errors import BadRequest

LARGEST_BATCH = 2_000
_SMALLEST_BATCH = 25
_LOOK_EVERY = 1.0
_PRIMARY, _SECONDARY = 1, 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Records a transaction, the lease that a dead runner leaves behind, and the limits; times are seconds."""

    batch_size: int = 500
    lease_seconds: float = 10.0
    credit_days: int = 7
    slow_batch: float = 2.0
    """A batch that takes longer halves the next ones: others wait for the records that it holds."""
    most_lag: float = 10.0
    """While a secondary is further behind, no batch is begun."""
    patience: float = 120.0
    """How long a runner waits for a database that is away, through an election for example."""

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= LARGEST_BATCH:
            raise BadRequest("bad-batch-size", f"A batch holds 1 to {LARGEST_BATCH} records.")


class Throttle:
    """The size of the next batch, and whether to wait before it."""

    def __init__(self, database: Database, pace: Pace) -> None:
        self.size = pace.batch_size
        self.lag = 0.0
        self._database = database
        self._pace = pace
        self._looked = 0.0

    def took(self, seconds: float) -> None:
        """Hear how long a batch took: a slow one halves the size, quick ones win it back."""
        if seconds > self._pace.slow_batch:
            self.size = max(min(_SMALLEST_BATCH, self.size), self.size // 2)
        elif seconds < self._pace.slow_batch / 4:
            self.size = min(self._pace.batch_size, self.size * 2)

    def too_long(self, rows: int) -> None:
        """Hear that the server let a batch of so many rows not live to its end: the next ones have half of them."""
        self.size = max(1, min(self.size, rows // 2))

    async def must_wait(self) -> bool:
        """Whether a secondary is too far behind; asks the server once a second."""
        if time.monotonic() - self._looked >= _LOOK_EVERY:
            self.lag = await replication_lag(self._database)
            self._looked = time.monotonic()
        return self.lag > self._pace.most_lag


async def replication_lag(database: Database) -> float:
    """Seconds that the slowest secondary in service is behind the primary; one that is late on purpose does not count.

    Without the right to see every member it is the majority's lag, which every user may see; 0 where neither is told.
    """
    try:
        status = await database.client.admin.command("replSetGetStatus")
        members = (await database.client.admin.command("replSetGetConfig"))["config"]["members"]
    except OperationFailure:
        return await _majority_lag(database)
    except PyMongoError:
        return 0.0  # a lost connection is the batch's to tell
    late = {member["_id"] for member in members if member.get("secondaryDelaySecs") or member.get("slaveDelay")}
    times = {
        state: [each["optimeDate"] for each in status["members"] if each["state"] == state and each["_id"] not in late]
        for state in (_PRIMARY, _SECONDARY)
    }
    if not times[_PRIMARY] or not times[_SECONDARY]:
        return 0.0
    behind: timedelta = max(times[_PRIMARY]) - min(times[_SECONDARY])
    return max(0.0, behind.total_seconds())


async def _majority_lag(database: Database) -> float:
    try:
        written = (await database.client.admin.command("hello")).get("lastWrite", {})
    except PyMongoError:
        return 0.0
    if not {"lastWriteDate", "majorityWriteDate"} <= written.keys():
        return 0.0  # a router tells nothing of its shards
    behind: timedelta = written["lastWriteDate"] - written["majorityWriteDate"]
    return max(0.0, behind.total_seconds())
