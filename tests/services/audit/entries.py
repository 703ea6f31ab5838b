"""Audit entries for tests, in both stored shapes, a minute apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import IndexModel

from services.audit.entries import Entry
from services.audit.filters import AuditFilters
from services.audit.query import AuditQuery
from services.database import Database, Document
from services.deployment.indexes import INDEXES
from services.operators.operator import Operator

START = datetime(2026, 11, 1, tzinfo=UTC)


def first_shape(number: int, **fields: Any) -> Document:
    moment = START + timedelta(minutes=number)
    entry = {
        "id": f"entry-{number}",
        "table": "orders",
        "record_id": f"ord_{number % 7}",
        "action": "UPDATE",
        "user_id": "asha" if number % 2 else "vikram",
        "timestamp": moment.isoformat(timespec="microseconds"),
        "before": {"status": "PENDING"},
        "after": {"status": "DELIVERED"},
        "changes": {"status": {"old": "PENDING", "new": "DELIVERED"}},
    }
    return entry | fields


def second_shape(number: int, **fields: Any) -> Document:
    moment = START + timedelta(minutes=number)
    entry = {
        "resource_type": "order",
        "resource_id": f"ord_{number % 7}",
        "action": "mark_delivered",
        "user_id": "asha" if number % 2 else "vikram",
        "timestamp": moment,
    }
    return entry | fields


async def pages(database: Database, operator: Operator, filters: AuditFilters, limit: int) -> list[Entry]:
    """Every entry that matches, page by page."""
    found: list[Entry] = []
    token: str | None = None
    while True:
        page = await AuditQuery(database, operator).page(filters, token, limit)
        found += page.items
        assert len(page.items) == limit or page.next is None
        if page.next is None:
            return found
        token = page.next


async def put(database: Database, entries: list[Document]) -> None:
    """Store entries, with the indexes."""
    ours = [index for index in INDEXES if index.collection == "audit_logs"]
    models = [IndexModel(list(index.keys), **index.options) for index in ours]
    await database["audit_logs"].create_indexes(models)
    await database["audit_logs"].insert_many(entries)
