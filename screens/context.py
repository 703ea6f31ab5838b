"""What every screen works with once the console is connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.clock import Clock
    from services.database import Database
    from services.operators.operator import Operator


@dataclass(frozen=True)
class Context:
    """The open database, the person at the console and their clock: the first arguments of every service."""

    database: Database
    operator: Operator
    clock: Clock
    environment: str
    """The label on screen: `production`, `staging`, `demo`, ..."""
    missing_indexes: tuple[str, ...] = ()
    order_estimate: int = 0
    """About how many orders there are: a home screen does not count a million of them unasked."""
    batch_size: int = 500
    credit_days: int = 7
    lease_seconds: float = 10.0

    def today(self) -> date:
        """The calendar day in India."""
        from services.clock import india_day

        return india_day(self.clock())
