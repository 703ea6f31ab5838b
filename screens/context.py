"""What every screen works with once the console is connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from services.backfills.pace import Pace
    from services.backfills.runs import Limits
    from services.clock import Clock
    from services.database import Database
    from services.operators.operator import Operator, Role
    from services.reminders.providers.account import Account
    from services.reminders.recipients import Language


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
    approval_records: int | None = None
    approval_paise: int | None = None
    """Above what size a plan needs another operator's approval; None is no limit."""
    reminder_account: Account | None = None
    """Ours at the provider of messages; None where nothing can be sent from here."""
    reminder_language: Language = "en"
    """Of customers whose record names none."""

    audit_trusted: tuple[str, ...] = ()
    """The public keys (hex) that may have sealed the audit trail; without any, those that the database names."""
    audit_copies: Path | None = None
    """The file outside the database with a copy of every checkpoint."""

    @property
    def pace(self) -> Pace:
        """How hard a run may press."""
        from services.backfills.pace import Pace

        return Pace(self.batch_size, self.lease_seconds, self.credit_days)

    @property
    def limits(self) -> Limits:
        """Above what size a plan needs another operator's approval."""
        from services.backfills.runs import Limits

        return Limits(records=self.approval_records, amount_paise=self.approval_paise)

    def why_no(self, role: Role) -> str | None:
        """Why this operator cannot do what needs that role, as a sentence; None where they can."""
        if self.operator.has(role):
            return None
        return f"It needs the role {role}; {self.operator.account} has {self.operator.held}."

    def why_no_writing(self, role: Role) -> str | None:
        """Why they can write nothing that needs that role."""
        return self.why_no(role) or self.database.read_only

    def today(self) -> date:
        """The calendar day in India."""
        from services.clock import india_day

        return india_day(self.clock())
