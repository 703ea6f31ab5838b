"""Entries that tell people and things by id alone are shown with their names."""

import uuid

from services.audit.filters import AuditFilters
from services.audit.query import AuditQuery
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch

USER, BOY, PRODUCT, GONE = (str(uuid.UUID(int=number << 96)) for number in range(1, 5))


async def test_names_stand_for_ids_where_they_can_be_looked_up(
    database: Database, ops: Operator, viewer: Operator
) -> None:
    await apply(database, ops)
    written = [
        ("e1", USER, "products", PRODUCT), ("e2", BOY, "orders", "ord_1"), ("e3", GONE, "products", GONE),
        ("e4", "asha", "product", PRODUCT),
    ]  # fmt: skip
    await shop.stock(
        database, users={"id": USER, "name": "Vivek"}, delivery_boys_v2={"id": BOY, "name": "\x1b[1mRaj"},
        products=[{"id": PRODUCT, "name": "Milk"}, {"id": "asha", "name": "no person"}],
        audit_logs=[
            {"_id": key, "id": key, "user_id": user, "table": table, "record_id": record, "action": "UPDATE",
             "timestamp": f"2026-10-0{9 - number}T00:00:00+00:00"}
            for number, (key, user, table, record) in enumerate(written)
        ],
    )  # fmt: skip
    query = AuditQuery(database, viewer)
    page = await query.page(AuditFilters())
    assert [(entry.who, entry.what) for entry in page.items] == [
        ("Vivek (00000001)", "products/Milk (00000003)"), ("\x1b[1mRaj (00000002)", "orders/ord_1"),
        (GONE, f"products/{GONE}"), ("asha", "product/Milk (00000003)"),
    ]  # fmt: skip
    assert (await query.entry("e1")).record_name == "Milk"
    (await watch(database, query.page(AuditFilters()))).assert_indexed()
    counts = await query.report(AuditFilters())
    assert [counts.who(user) for user in (USER, BOY, GONE, "asha")] == [
        "Vivek (00000001)", "\x1b[1mRaj (00000002)", GONE, "asha",
    ]  # fmt: skip
