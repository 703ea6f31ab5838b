"""All validators over one stored order."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.backfills.preview import preview
from services.clock import Clock
from services.database import Database, Document
from services.errors import NotFound
from services.operators.operator import Operator
from services.validation.check import OrderCheck, check_order
from tests import shop

STAFF = {"id": "raj", "name": "Raj", "is_active": True}
HOME = {
    "id": "home", "user_id": shop.USER, "address_line1": "12, 4th Cross", "city": "Bengaluru", "pincode": "560041",
    "state": "Karnataka", "latitude": 12.93, "longitude": 77.58,
}  # fmt: skip
USER = {"id": shop.USER, "email": "asha@example.in", "customer_v2_id": shop.CUSTOMER}
MILK = {
    "id": "s1", "customer_id": shop.CUSTOMER, "product_id": "milk", "default_qty": 1, "start_date": "2026-11-23",
    "end_date": None, "status": "draft",
}  # fmt: skip


def due(**fields: Any) -> Document:
    """An order that is due tomorrow, with all that an order can name."""
    whole = {"id": "o1", "status": "pending", "delivery_date": "2026-11-23", "delivered_at": ..., "address_id": "home",
             "delivery_boy_id": "raj", "payment_method": "upi", "delivery_confirmed": False}  # fmt: skip
    return shop.order(**{**whole, **fields})


async def stocked(database: Database, order: Document, **more: Document | list[Document]) -> None:
    around: dict[str, Any] = {"addresses": HOME, "users": USER, "delivery_boys_v2": STAFF, "products": {"id": "milk"}}
    copies = {name: dict(held) if isinstance(held, dict) else held for name, held in {**around, **more}.items()}
    await shop.stock(database, orders=order, **copies)


def codes(checked: OrderCheck) -> Mapping[str, str | None]:
    return {check.validator: check.result.code for check in checked.checks if check.result.code}


@pytest.fixture
def database(emptied: Database) -> Database:
    return emptied


async def test_an_order_that_is_in_order_passes_every_validator(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    await stocked(database, due(order_type="subscription", subscription_id="s1"), subscriptions_v2=dict(MILK))
    checked = await check_order(database, viewer, clock, "o1")
    assert codes(checked) == {}
    assert checked.ok
    assert {check.validator for check in checked.checks} >= {
        "order.payment-method", "order.no-duplicate", "delivery.person-active", "subscription.start-date",
    }  # fmt: skip
    assert {skip.validator for skip in checked.skipped} == {
        "billing.order-delivered", "billing.not-billed", "billing.amount", "billing.month", "delivery.delivery-exists",
        "delivery.quantities",
    }  # fmt: skip


async def test_each_of_the_27_is_either_asked_or_told_why_not(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    for order in (due(id="a"), shop.order(id="b"), {"id": "c"}, due(id="d", status="cancelled", subscription_id="x")):
        await database["orders"].insert_one(order)
        checked = await check_order(database, viewer, clock, order["id"])
        names = [check.validator for check in checked.checks] + [skip.validator for skip in checked.skipped]
        assert len(names) == len(set(names)) == 27
        assert all(skip.why for skip in checked.skipped)
        groups = Counter(name.partition(".")[0] for name in names)
        assert groups == {"order": 8, "address": 4, "billing": 5, "delivery": 5, "subscription": 5}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"delivery_date": "2026-11-21"}, {"order.delivery-date": "date-past"}),
        ({"total_amount": 1.0}, {"order.total": "amount-mismatch"}),
        ({"payment_method": "BITCOIN"}, {"order.payment-method": "payment-unsupported"}),
        ({"address_id": "gone"}, {"order.address": "address-unknown"}),
        ({"delivery_boy_id": "gone"}, {"delivery.person-exists": "delivery-person-unknown",
                                       "delivery.person-active": "delivery-person-unknown"}),
        ({"customer_id": "x", "user_id": "x"}, {"order.customer-exists": "customer-missing"}),
        ({"status": "Teleported"}, {"delivery.status": "delivery-status-unknown"}),
        ({"subscription_id": "gone"}, {"subscription.customer-exists": "subscription-unknown"}),
        ({"status": "DELIVERED"}, {"delivery.delivery-exists": "delivery-missing"}),
        ({"billed": True}, {"billing.order-delivered": "not-delivered", "billing.not-billed": "flagged-no-record"}),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(
    database: Database, ops: Operator, clock: Clock, fields: Document, found: dict[str, str]
) -> None:
    await stocked(database, due(**fields))
    checked = await check_order(database, ops, clock, "o1")
    assert codes(checked) == found
    assert not checked.ok


async def test_a_bill_that_settles_the_order_is_checked_itself(database: Database, ops: Operator, clock: Clock) -> None:
    order = shop.order(id="o1", billed=True)
    await stocked(database, order, delivery_statuses=shop.delivery(order, {"eggs": 2, "bread": 1}),
                  billing_records=[shop.bill(order, amount=-1.0), shop.bill(order)])  # fmt: skip
    checked = await check_order(database, ops, clock, "o1")
    assert codes(checked)["billing.month"] == "bill-duplicate"
    assert "billing.not-billed" in {skip.validator for skip in checked.skipped}


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"status": "partially-delivered", "total_amount": 180.02}, {"total_amount": 180.01},
        {"total_amount": "180"},
        {"total_amount": float("nan")}, {"total_amount": 0}, {"items": [{"quantity": 3, "price": 60.0}]}, {"items": []},
        {"items": [{"quantity": -3, "price": -60.0}]}, {"items": [{"quantity": 100_001, "price": 0.001}]},
        {"status": "pending"}, {"status": "Delivered"}, {"status": "NOT_DELIVERED"}, {"billed": True}, {"billed": None},
        {"customer_id": "x", "user_id": "x"}, {"delivered_at": "soon", "delivery_date": "31 February"},
        {"delivered_at": "soon"}, {"billed_month": "2026-12"}, {"billed_month": "2026-13"},
        {"delivered_at": "2027-01-01T00:00:00"}, {"order_type": "subscription"}, {"order_type": None},
    ],
)  # fmt: skip
async def test_the_validators_and_the_billing_agree(
    database: Database, ops: Operator, clock: Clock, fields: Document
) -> None:
    order = shop.order(id="o1", **fields)
    await stocked(database, order)
    planned = await preview(database, ops, clock, "bill-one-time-orders", store=False)
    billed = planned.classes["change"].records == 1
    checked = await check_order(database, ops, clock, "o1")
    asked = ["order.customer-exists", "order.total", *(f"billing.{name}" for name in BILLING)]
    passed = {check.validator for check in checked.checks if check.result.ok}
    assert all(name in passed for name in asked) == billed


BILLING = ("order-exists", "order-delivered", "not-billed", "amount", "month")


async def test_a_viewer_sees_no_private_value(
    database: Database, viewer: Operator, ops: Operator, clock: Clock
) -> None:
    await stocked(database, due(), customers_v2=shop.customer(phone="+1 202 555 0147"))
    seen = repr(await check_order(database, viewer, clock, "o1"))
    whole = repr(await check_order(database, ops, clock, "o1"))
    for private in ("202 555", "asha@example.in", "560041", "12.93"):
        assert private in whole
        assert private not in seen
    assert "•••••147" in seen


async def test_an_order_without_an_id_is_checked_by_its_key(database: Database, ops: Operator, clock: Clock) -> None:
    order = due(id=None)
    await stocked(database, order)
    checked = await check_order(database, ops, clock, str(order["_id"]))
    assert checked.order_id == str(order["_id"])
    assert codes(checked) == {"billing.order-exists": "id-missing"}


@pytest.mark.parametrize("order_id", ["gone", "", "$where", ".*", "x" * 10_000, "\ud800", "0" * 24, "\x00"])
async def test_an_order_that_is_not_there_is_told(
    database: Database, ops: Operator, clock: Clock, order_id: str
) -> None:
    await database["orders"].insert_many([{"id": "o1"}, {"id": None}, {}])
    with pytest.raises(NotFound) as refused:
        await check_order(database, ops, clock, order_id)
    assert refused.value.code == "unknown-order"


NAMES = (
    "customer_id", "user_id", "order_type", "subscription_id", "items", "total_amount", "total", "delivery_date",
    "address_id", "address", "status", "delivery_boy_id", "delivered_at", "billed", "billed_month", "payment_method",
)  # fmt: skip
STORABLE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=20) | st.datetimes()
    | st.sampled_from(["o1", "home", "raj", "s1", "DELIVERED", "pending", "2026-11-23", shop.USER]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["quantity", "price", "product_id", "pincode", "$ne", "a.b"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(NAMES), STORABLE), beside=STORABLE)
async def test_no_document_however_broken_breaks_a_check(
    database: Database, ops: Operator, clock: Clock, fields: Document, beside: Any
) -> None:
    order = {**due(address_id="home", subscription_id="s1"), **fields}
    around = {
        "orders": order, "addresses": {"id": "home", "user_id": beside, "pincode": beside, "latitude": beside},
        "users": {"id": shop.USER, "email": beside, "customer_v2_id": beside},
        "customers_v2": {"id": shop.CUSTOMER, "user_id": shop.USER, "phone": beside, "location": beside,
                         "name": beside},
        "delivery_statuses": {"order_id": "o1", "items": beside, "status": beside, "delivery_boy_id": beside},
        "billing_records": {"order_id": "o1", "amount": beside, "month": beside, "id": beside},
        "subscriptions_v2": {"id": "s1", "customer_id": beside, "default_qty": beside, "status": beside,
                             "start_date": beside, "end_date": beside, "product_id": beside},
        "delivery_boys_v2": {"id": "raj", "is_active": beside, "name": beside},
    }  # fmt: skip
    for name, document in around.items():
        await database[name].delete_many({})
        await database[name].insert_one(document)
    checked = await check_order(database, ops, clock, "o1")
    assert len(checked.checks) + len(checked.skipped) == 27
    assert all(check.result.message for check in checked.checks)
