"""People write phones where no phone belongs: a viewer sees them nowhere, and whoever may see phones does."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest

from services.audit.filters import AuditFilters
from services.audit.query import AuditQuery
from services.backfills.runs import list_exceptions
from services.billing.month_totals import month_customers, month_totals
from services.billing.statement import show_statement
from services.clock import Clock
from services.customers.search import find_customers
from services.database import Database, Document
from services.deliveries.day import DayFilters, list_day
from services.deliveries.staff import find_staff
from services.deployment.indexes import AUDIT_BY_KIND, AUDIT_BY_TABLE
from services.history.states import as_of
from services.history.touched import who_touched
from services.operators.operator import Operator
from services.orders.detail import show_order
from services.orders.lookup import find_orders
from services.orders.products import find_products
from services.orders.timeline import timeline
from services.reminders.listing import list_reminders
from services.validation.check import check_order
from tests import shop

PHONE = "9592693590"
PAID = "UPI 412345678901 on 15-10-2026"
WRITTEN = f"call {PHONE}, {PAID}"
MONTH = "2026-10"
LATER = datetime(2026, 11, 20, tzinfo=UTC)
CUSTOMER = "6b036adf-6160-49e6-8f49-0000000000ab"
CALLS = AuditFilters(tables=("calls",))
Asked = Callable[[Database, Operator, Clock], Awaitable[object]]


def of_record(table: str, record: str) -> Asked:
    return lambda database, operator, clock: AuditQuery(database, operator).page(
        AuditFilters(tables=(table,), record_id=record)
    )


ASKED: dict[str, Asked] = {
    "orders": lambda database, operator, clock: find_orders(database, operator, "o1"),
    "order": lambda database, operator, clock: show_order(database, operator, "o1"),
    "check": lambda database, operator, clock: check_order(database, operator, clock, "o1"),
    "timeline": lambda database, operator, clock: timeline(database, operator, "o1"),
    "deliveries": lambda database, operator, clock: list_day(database, operator, DayFilters(date(2026, 10, 15))),
    "statement": lambda database, operator, clock: show_statement(database, operator, clock, CUSTOMER, MONTH),
    "month": lambda database, operator, clock: month_customers(database, operator, clock, MONTH),
    "customers": lambda database, operator, clock: find_customers(database, operator, CUSTOMER),
    "reminders": lambda database, operator, clock: list_reminders(database, operator),
    "audit of an order": of_record("orders", "o1"),
    "audit of a payment": of_record("payment_transactions", "p1"),
    "audit of a message": of_record("notifications_log", "m1"),
    "audit of what nobody knows": of_record("calls", "c1"),
    "audit report": lambda database, operator, clock: AuditQuery(database, operator).report(CALLS),
    "who touched": lambda database, operator, clock: who_touched(database, operator, "calls", "c1"),
    "month by area": lambda database, operator, clock: month_totals(database, operator, clock, MONTH),
    "products": lambda database, operator, clock: find_products(database, operator),
    "staff": lambda database, operator, clock: find_staff(database, operator),
    "exceptions": lambda database, operator, clock: list_exceptions(database, operator, "run-1"),
    "as of": lambda database, operator, clock: as_of(database, operator, clock, "orders", "o1", LATER),
}  # fmt: skip


@pytest.fixture(scope="module")
async def written(standing: Database) -> Database:
    """A customer whose name, order, payment, delivery, messages and audit entries have a phone in them."""
    order = shop.order(id="o1", customer_id=CUSTOMER, notes=WRITTEN, payment_method=WRITTEN, delivery_boy_id="raj",
                       status="delivered")  # fmt: skip
    order["items"][0] |= {"product_name": WRITTEN, "unit": WRITTEN}
    paid = {"id": "p1", "customer_id": CUSTOMER, "month": MONTH, "amount": WRITTEN, "payment_method": WRITTEN,
            "notes": WRITTEN, "created_by": WRITTEN}  # fmt: skip
    message = {"id": "m1", "type": "payment_reminder", "status": "failed", "message": WRITTEN, "error_message": WRITTEN,
               "reference_id": "o1"}  # fmt: skip

    call = {"id": "c1", "who": PHONE, "number": int(PHONE), "said": [{"words": WRITTEN}], f"of {PHONE}": True,
            "upi": f"{PHONE}@ybl"}  # fmt: skip

    def entry(table: str, record: Document) -> Document:
        return {"id": f"of-{record['id']}", "table": table, "record_id": record["id"], "action": "UPDATE",
                "user_id": CUSTOMER, "timestamp": "2026-11-01T05:00:00+00:00", "before": record,
                "after": record | {"seen": True}}  # fmt: skip

    for table in (AUDIT_BY_TABLE, AUDIT_BY_KIND):
        await standing[table.collection].create_index(list(table.keys), **table.options)
    await shop.stock(
        standing, orders=order, customers_v2=shop.customer(id=CUSTOMER, name=WRITTEN, area=WRITTEN),
        products={"id": "eggs", "name": WRITTEN, "unit": WRITTEN, "price": 1.0},
        delivery_boys_v2={"id": "raj", "name": WRITTEN, "area_assigned": WRITTEN},
        users={"id": shop.USER, "name": WRITTEN},
        delivery_statuses=shop.delivery(order, notes=WRITTEN, confirmed_by_name=WRITTEN, confirmation_method=WRITTEN),
        delivery_actions={"order_id": "o1", "action": WRITTEN, "performed_by": WRITTEN},
        payment_transactions=paid, notifications_log=message,
        console_run_exceptions={"_id": "run-1/1", "record": "o1", "outcome": "failed", "reason": WRITTEN},
        billing_records={"id": "b1", "order_id": "o1", "payment_status": WRITTEN, "notes": WRITTEN},
        console_outbox={"_id": "reminder:o1", "run": "run-1", "order_id": "o1", "customer_id": CUSTOMER,
                        "amount_paise": 18_000, "month": MONTH, "state": "cancelled", "reason": WRITTEN},
        audit_logs=[entry("orders", order), entry("notifications_log", message),
                    entry("payment_transactions", paid | {"amount": 1.0}),
                    entry("calls", call) | {"action": WRITTEN, "user_id": PHONE, "changes": call}],
    )  # fmt: skip
    return standing


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
async def test_a_viewer_sees_no_phone_that_people_wrote(
    written: Database, viewer: Operator, support: Operator, clock: Clock, asked: Asked
) -> None:
    assert PHONE in repr(await asked(written, support, clock))
    shown = repr(await asked(written, viewer, clock))
    assert PHONE not in shown
    assert "•••••590" in shown
    assert PAID.upper() in shown.upper(), "what a bank calls a payment, and its day, are no phones"
