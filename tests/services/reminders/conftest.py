"""A finished run with held reminders, and a provider that answers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from services.changes.changeset import ChangeSet, transact
from services.clock import INDIA, Clock, utc_now
from services.database import Database, Document
from services.operators.operator import Operator
from services.reminders.outbox import Due, hold
from services.reminders.pacing import Limits
from services.reminders.providers.provider import Provider
from services.reminders.providers.whatsapp import WhatsAppCloud
from services.reminders.release import release
from tests.services.reminders.providing import ProviderServer, serving

RUN = "run-20261122-100000-test"
ENGLISH = "Dear {{customer_name}}, your bill for {{period}} is ₹{{amount}}."
TELUGU = "ప్రియమైన {{customer_name}} గారు, {{period}} నెలకు బిల్లు ₹{{amount}}."
QUICK = Limits(per_second=500, customer_gap=0.05, retry_gaps=(60.0, 600.0), answer_within=2.0, lease_seconds=1.0)
"""As the real limits, without the waiting."""
ALL_DAY = replace(QUICK, quiet_from=time.max, quiet_until=time.min)
"""For a process that lives by the real clock."""


@dataclass
class Shop:
    """A database with customers, bills and held reminders."""

    database: Database

    async def hold(self, run: str, *dues: Due) -> None:
        """What a commit leaves behind: bills, and their reminders in the outbox."""
        await self.database["billing_records"].delete_many({"order_id": {"$in": [due.order_id for due in dues]}})
        await self.database["billing_records"].insert_many([bill_of(run, due) for due in dues])

        async def work(changes: ChangeSet) -> None:
            changes.add(*await hold(self.database, changes.session, run, dues, datetime(2026, 11, 22, tzinfo=UTC)))

        await transact(self.database, Operator("olga", ("ops",)), utc_now, work)

    async def finish(self, run: str, state: str = "done") -> None:
        """The run as `load_run` reads it."""
        document = run_document(run, state)
        await self.database["console_runs"].replace_one({"_id": run}, document, upsert=True)

    async def customers(self, *documents: Document) -> None:
        await self.database["customers_v2"].insert_many(list(documents))

    async def states(self) -> dict[str, str]:
        """The state of each order's row."""
        return {row["order_id"]: row["state"] async for row in self.database["console_outbox"].find()}

    async def log(self, **matching: Any) -> Document:
        found = await self.database["notifications_log"].find_one(matching)
        assert found is not None
        return found

    async def queue(self) -> list[Document]:
        return await self.database["notifications_queue"].find().to_list()


def bill_of(run: str, due: Due) -> Document:
    """The bill that a run makes, as far as a reminder looks at it."""
    return {
        "id": f"bill-{due.order_id}", "order_id": due.order_id, "customer_id": due.customer_id, "month": due.month,
        "amount": due.amount_paise / 100, "amount_paise": due.amount_paise, "payment_status": "unpaid", "run": run,
    }  # fmt: skip


def run_document(run: str, state: str = "done") -> Document:
    """A run as `load_run` reads it."""
    empty = {"records": 0, "amount_paise": 0}
    groups = ("change", "already-billed", "flagged-no-record", "not-delivered", "needs-review")
    return {
        "_id": run, "backfill": "bill-one-time-orders", "options": {}, "digest": "d", "state": state,
        "class_digests": {}, "created_at": datetime(2026, 11, 22, tzinfo=UTC), "created_by": "olga",
        "summary": {"examined": 0, "classes": dict.fromkeys(groups, empty), "customers": 0, "by_month": {},
                    "review": {}, "unconfirmed": empty},
    }  # fmt: skip


def person(number: int, **fields: Any) -> Document:
    return {"id": f"cust-{number}", "name": f"Asha {number}", "phone": f"98765{number:05d}", **fields}


def due(order: str, customer: int = 1, paise: int = 18_000, month: str = "2026-10") -> Due:
    return Due(order, f"cust-{customer}", paise, month)


@pytest.fixture
async def shop(database: Database) -> Shop:
    """Templates in both languages, and no customer yet."""
    await database["notification_templates"].insert_many([
        {"id": language, "name": f"payment_reminder_{language}", "type": "payment_reminder", "channel": "whatsapp",
         "language": language, "content": content, "active": True}
        for language, content in (("en", ENGLISH), ("te", TELUGU))
    ])  # fmt: skip
    made = Shop(database)
    await made.finish(RUN)
    return made


@pytest.fixture
async def held(shop: Shop) -> Shop:
    """Three customers with an order each, the first with two."""
    await shop.customers(person(1), person(2), person(3))
    await shop.hold(RUN, due("a"), due("b", month="2026-09"), due("c", 2, 5_050), due("d", 3, 12_345_600))
    return shop


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(server: ProviderServer) -> Provider:
    return WhatsAppCloud(server.url, "v23.0", "555", "s3cret-token", {})


@pytest.fixture
def day() -> Clock:
    return at(10)


@pytest.fixture
async def released(held: Shop, ops: Operator, day: Clock) -> Shop:
    """Three messages in the queue."""
    await release(held.database, ops, day, RUN)
    return held


async def many(shop: Shop, ops: Operator, clock: Clock, number: int) -> None:
    await shop.customers(*(person(n) for n in range(number)))
    await shop.hold(RUN, *(due(f"o{n:03d}", n) for n in range(number)))
    await release(shop.database, ops, clock, RUN)


def at(hour: int, minute: int = 0, day: int = 22) -> Clock:
    """That time in India on a day of November 2026, going on from there as time does."""
    begun = utc_now()
    start = datetime(2026, 11, day, hour, minute, tzinfo=INDIA).astimezone(UTC)
    return lambda: start + (utc_now() - begun)
