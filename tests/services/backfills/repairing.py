"""One repair from its preview to what it wrote."""

from dataclasses import dataclass
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from services.backfills.commit import commit
from services.backfills.pace import Pace
from services.backfills.plan import Options, Plan, PlanRow
from services.backfills.preview import preview
from services.backfills.rows import list_rows
from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from tests.services.backfills.conftest import run_of


@dataclass(frozen=True)
class Repair:
    """A backfill on a test's database."""

    name: str
    database: Database
    ops: Operator
    clock: Clock

    async def preview(self, options: Options | None = None) -> Plan:
        plan = await preview(self.database, self.ops, self.clock, self.name, options)
        assert sum(tally.records for tally in plan.classes.values()) == plan.examined
        return plan

    async def rows(self, options: Options | None = None) -> dict[str, PlanRow]:
        """The rows of a new preview, by record."""
        page = await list_rows(self.database, self.ops, run_of(await self.preview(options)), limit=200)
        return {row.record: row for row in page.items}

    async def outcomes(self, options: Options | None = None) -> dict[str, str]:
        """The review code of each record, else its class."""
        return {record: row.code or row.group for record, row in (await self.rows(options)).items()}

    async def commit(self, plan: Plan, batch_size: int = 500) -> Any:
        pace = Pace(batch_size=batch_size)
        return await commit(self.database, self.ops, self.clock, run_of(plan), plan.digest, pace=pace)

    async def done(self, batch_size: int = 500) -> Any:
        """Preview and commit; a second preview must find nothing to change."""
        plan = await self.preview()
        outcome = await self.commit(plan, batch_size)
        assert (outcome.applied, outcome.drifted, outcome.failed) == (plan.classes["change"].records, 0, 0)
        assert outcome.verified is True
        assert (await self.preview()).classes["change"].records == 0
        return outcome

    async def find(self, collection: str, **by: Any) -> Document:
        found = await self.database[collection].find_one(by)
        assert found is not None
        return found


def broken(document: Document) -> Any:
    """The document with bytes that are no UTF-8 wherever its text says ZZ; give it an `_id`."""
    return RawBSONDocument(bson.encode(document).replace(b"ZZ", b"\xff\xfe"))
