"""Everything about one order, on one page."""

import pytest

from services.database import Database
from services.errors import NotFound
from services.operators.operator import Operator
from services.orders.detail import show_order
from tests import shop


async def test_an_order_is_shown_with_all_that_belongs_to_it(database: Database, support: Operator) -> None:
    order = shop.order(id="o1", delivery_boy_id="boy-1")
    await shop.stock(
        database, orders=order, billing_records=shop.bill(order), delivery_boys_v2={"id": "boy-1", "name": "Raj"},
        delivery_statuses=shop.delivery(order, {"eggs": 2, "bread": 1}),
        audit_logs=[
            {"id": "a1", "table": "orders", "record_id": "o1", "action": "CREATE"},
            {"resource_type": "orders", "resource_id": "o1", "action": "update"},
            {"id": "a3", "table": "orders", "record_id": "other", "action": "CREATE"},
        ],
    )  # fmt: skip
    detail = await show_order(database, support, "o1")
    assert (detail.delivery_person, detail.amount_paise, detail.billing_month) == ("Raj", 18000, "2026-10")
    assert detail.customer is not None
    assert (detail.customer.name, detail.customer.phone) == ("Asha Rao", "9876543210")
    assert [bill.amount_paise for bill in detail.bills] == [18000]
    assert [item.delivered for item in detail.deliveries[0].items] == [2, 1]
    assert len(detail.history) == 2
    assert [finding.code for finding in detail.findings] == ["flag-missing"]


async def test_a_viewer_sees_phones_and_addresses_masked(database: Database, viewer: Operator) -> None:
    order = shop.order(id="o1", address={"address_line1": "12, 4th Cross"}, notes="ring 9886012345")
    await shop.stock(database, orders=order, delivery_statuses=shop.delivery(order, notes="rang 98860 12345"))
    detail = await show_order(database, viewer, "o1")
    assert [detail.order.notes, *(each.notes for each in detail.deliveries)] == ["ring •••••345", "rang •••••345"]
    assert detail.customer is not None
    assert (detail.customer.phone, detail.customer.address, detail.order.address) == ("•••••210", "•••••", "•••••")


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"customer_id": "x", "user_id": "x"}, {"customer-missing"}),
        ({"billed": True}, {"flagged-no-record"}),
        ({"total_amount": 1.0}, {"amount-mismatch"}),
        ({"order_type": ...}, {"order-type-missing"}),
        ({"status": "Teleported"}, {"status-unknown"}),
        (
            {"delivered_at": "soon", "delivery_date": "31 February"},
            {"delivered-at-unreadable", "delivery-date-unreadable", "no-delivery-month"},
        ),
        ({"delivered_at": "2026-10-15T01:00:00"}, {"delivered-at-no-offset"}),
        ({"total_amount": ..., "total": 180.0}, {"total-under-old-name"}),
        ({"items": "none", "total_amount": float("nan")}, {"items-missing", "amount-unreadable", "amount-invalid"}),
        ({"delivery_boy_id": "gone"}, {"delivery-person-unknown"}),
        ({"delivery_confirmed": False}, {"unconfirmed"}),
    ],
)
async def test_what_is_odd_is_named(database: Database, support: Operator, fields: dict, codes: set[str]) -> None:  # type: ignore[type-arg]
    await shop.stock(database, orders=shop.order(id="o1", **fields))
    assert {finding.code for finding in (await show_order(database, support, "o1")).findings} == codes


async def test_an_unknown_order_is_told(database: Database, viewer: Operator) -> None:
    with pytest.raises(NotFound) as missing:
        await show_order(database, viewer, "o-none")
    assert (missing.value.code, missing.value.exit_status) == ("unknown-order", 1)
