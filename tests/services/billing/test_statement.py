"""The monthly statement: what counts, at which price, in which month, for whom."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.month_records import CustomerRecords, Products
from services.billing.statement import Statement, show_statement, state
from services.billing.statement_file import statement_document, statement_tables
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.errors import BadRequest, NotFound, NotPermitted, Refused
from services.operators.operator import Operator
from services.records.products import read_product
from services.records.subscriptions import read_subscription
from tests import shop
from tests.explaining import watch
from tests.services.subscriptions.test_quantity import DAYS, documents, oracle

OCTOBER = "2026-10"


def milk(**fields: Any) -> Document:
    """One packet every day for the customer of `shop`."""
    return {
        "id": "sub-1", "customer_id": shop.CUSTOMER, "product_id": "milk", "price_per_unit": 30.0,
        "mode": "fixed_daily", "default_qty": 1, "status": "active", "start_date": "2026-01-01", **fields,
    }  # fmt: skip


def product(**fields: Any) -> Document:
    return {"id": "milk", "name": "Milk", "unit": "500 ml", "price": 32.0, "default_price": 30.0, **fields}


def payment(**fields: Any) -> Document:
    return {
        "id": "pay-1", "customer_id": shop.CUSTOMER, "month": OCTOBER, "amount": 100.0,
        "payment_date": "2026-11-02", "payment_method": "upi", **fields,
    }  # fmt: skip


async def made(
    database: Database, operator: Operator, clock: Clock, month: str = OCTOBER, customer: str = shop.CUSTOMER,
    **collections: Document | list[Document],
) -> Statement:  # fmt: skip
    await shop.stock(database, **collections)
    return await show_statement(database, operator, clock, customer, month)


def codes(statement: Statement) -> list[str]:
    return [finding.code for finding in statement.findings]


async def test_it_adds_up_what_was_delivered_carried_over_and_paid(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    billed = shop.order(id="o1", billed=True)
    statement = await made(
        database, viewer, clock, subscriptions_v2=milk(), products=product(), billing_records=shop.bill(billed),
        orders=[billed, shop.order(id="o2"), shop.order(id="o3", status="pending"),
                shop.order(id="o4", order_type="subscription"), shop.order(id="o5", billed_month="2026-11")],
        payment_transactions=[payment(), payment(id="pay-2", month="2026-09")],
        customers_v2=shop.customer(previous_balance=50.25),
    )  # fmt: skip
    assert [(line.id, int(line.quantity), line.unit_price_paise, line.amount_paise, str(line.billed))
            for line in statement.lines] == [
        ("sub-1", 31, 3000, 93000, "None"),
        ("o1", 1, 18000, 18000, "billed"),
        ("o2", 1, 18000, 18000, "missing"),
    ]  # fmt: skip
    assert statement.lines[0].description == "Milk 500 ml"
    assert (statement.total_paise, statement.previous_balance_paise, statement.paid_paise) == (129000, 5025, 10000)
    assert (statement.balance_paise, statement.status, statement.expected_paise) == (124025, "Partial", 0)
    assert statement.findings == ()


async def test_its_document_has_the_fields_that_scripts_rely_on(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    statement = await made(database, viewer, clock, subscriptions_v2=milk(default_qty=0.5), products=product(),
                           orders=shop.order(id="o1"))  # fmt: skip
    document = statement_document(statement)
    assert document.keys() >= {
        "customer_id", "month", "lines", "total_paise", "paid_paise", "previous_balance_paise", "balance_paise",
        "status",
    }  # fmt: skip
    first, second = document["lines"]
    assert {name: first[name] for name in ("kind", "description", "quantity", "unit_price_paise", "amount_paise")} == {
        "kind": "subscription", "description": "Milk 500 ml", "quantity": 15.5, "unit_price_paise": 3000,
        "amount_paise": 46500,
    }  # fmt: skip
    assert [each["quantity"] for each in first["days"]] == [0.5] * 31
    assert {name: second[name] for name in ("kind", "description", "quantity", "unit_price_paise", "amount_paise")} == {
        "kind": "one-time", "description": "2 × Eggs, 1 × Bread", "quantity": 1, "unit_price_paise": 18000,
        "amount_paise": 18000,
    }  # fmt: skip
    rows = {table.name: len(list(table.rows)) for table in statement_tables(statement).tables}
    assert rows == {"line": 2, "day": 31, "payment": 0, "finding": 0}


@given(documents(), st.decimals(0, 500, places=3), st.sampled_from([DAYS[0], DAYS[14], DAYS[30], date(2027, 1, 1)]))
def test_a_line_costs_the_exact_sum_of_its_days(document: Document, price: Decimal, today: date) -> None:
    products = Products(milk=read_product({"id": "milk", "name": "Milk", "price": float(price)}))
    records = CustomerRecords({"id": "c1"}, subscriptions=[read_subscription(document)])
    line = state(records, OCTOBER, today, products).lines[0]
    pieces = sum(Fraction(str(oracle(document, day.isoformat()))) for day in DAYS)
    exact = pieces * Fraction(repr(float(price))) * 100
    assert abs(line.amount_paise - exact) <= Fraction(1, 2)
    so_far = sum(Fraction(str(oracle(document, day.isoformat()))) for day in DAYS if day <= today)
    assert abs(line.amount_paise - line.expected_paise - so_far * Fraction(repr(float(price))) * 100) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("own", "fields", "paise"),
    [
        ({"milk": 28.5}, {}, 2850),
        ({"milk": 0.0}, {}, 0),
        ({"curd": 28.5}, {}, 3000),
        ({"milk": math.nan}, {}, 3000),
        ({"milk": "cheap"}, {}, 3000),
        ({}, {"default_price": None}, 3200),
        ({}, {"default_price": "x"}, 3200),
        (None, {"default_price": None, "price": -1.0}, None),
    ],
)
async def test_the_price_is_the_customers_own_else_the_products(
    database: Database, viewer: Operator, clock: Clock, own: Any, fields: Document, paise: int | None
) -> None:
    statement = await made(
        database, viewer, clock, subscriptions_v2=milk(price_per_unit=None), products=product(**fields),
        customers_v2=shop.customer(custom_product_prices=own),
    )  # fmt: skip
    line = statement.lines[0]
    assert (line.unit_price_paise, line.amount_paise) == (paise, 31 * (paise or 0))
    odd = ["own-price-unreadable"] if own and own.get("milk") not in (None, 28.5, 0.0) else []
    assert codes(statement) == (["price-missing"] if paise is None else odd)


@pytest.mark.parametrize("named", [
    {"customer_id": shop.CUSTOMER}, {"customer_id": shop.USER}, {"customer_id": ..., "customerId": shop.CUSTOMER},
    {"customer_id": ..., "customerId": shop.USER}, {"customer_id": "pointing"},
])  # fmt: skip
async def test_records_belong_to_the_customer_under_every_id(
    database: Database, viewer: Operator, clock: Clock, named: Document
) -> None:
    subscription = {name: value for name, value in milk(**named).items() if value is not ...}
    whom = named.get("customerId", named["customer_id"])
    statement = await made(
        database, viewer, clock, products=product(), users={"id": "pointing", "customer_v2_id": shop.CUSTOMER},
        subscriptions_v2=[subscription, milk(id="other", customer_id="somebody")],
        orders=[shop.order(customer_id=whom, user_id=whom), shop.order(customer_id="x", user_id="x")],
        payment_transactions=[payment(customer_id=whom), payment(id="other", customer_id="x")],
    )  # fmt: skip
    assert (statement.total_paise, statement.paid_paise) == (93000 + 18000, 10000)


@pytest.mark.parametrize(
    ("fields", "month"),
    [
        ({"delivered_at": "2026-09-30T19:00:00+00:00"}, "2026-10"),
        ({"delivered_at": "2026-10-31T18:29:59+00:00"}, "2026-10"),
        ({"delivered_at": "2026-10-31T18:30:00"}, "2026-11"),
        ({"delivered_at": "2026-11-01T00:10:00+05:30", "delivery_date": "2026-10-31"}, "2026-11"),
        ({"delivered_at": datetime(2026, 9, 30, 20, tzinfo=UTC)}, "2026-10"),
        ({"delivered_at": "by Raju", "delivery_date": "2026-10-31"}, "2026-10"),
        ({"delivered_at": "2026-11-05T01:00:00", "billed_month": "2026-10"}, "2026-10"),
        ({"delivered_at": "2026-10-05T01:00:00", "billed_month": "October"}, "2026-10"),
        ({"total_amount": ..., "total": 180.0, "order_type": ...}, "2026-10"),
        ({"status": "partially-delivered", "order_type": "one-time"}, "2026-10"),
    ],
)
async def test_an_order_counts_in_its_billing_month_alone(
    database: Database, viewer: Operator, clock: Clock, fields: Document, month: str
) -> None:
    await shop.stock(database, orders=shop.order(id="o1", **fields))
    for each in ("2026-09", "2026-10", "2026-11"):
        statement = await show_statement(database, viewer, clock, shop.CUSTOMER, each)
        assert [line.id for line in statement.lines] == (["o1"] if each == month else []), each


@pytest.mark.parametrize(
    ("fields", "bills", "billed", "paise", "found"),
    [
        ({"billed": True}, [], "flagged", 18000, ["flagged-no-record"]),
        ({}, [{}], "billed", 18000, []),
        ({}, [{"amount": 150.0}], "billed", 15000, ["bill-differs"]),
        ({}, [{"amount": 150.0, "amount_paise": 18000}], "billed", 15000, ["bill-differs"]),
        ({}, [{"amount": 0.0, "amount_paise": 18000}], "billed", 0, ["bill-differs"]),
        ({}, [{"amount": "?", "amount_paise": 15000}], "billed", 15000, ["bill-differs"]),
        ({}, [{"amount": "x"}], "billed", 18000, []),
        ({}, [{"month": "2026-09"}], "billed", 18000, ["bill-month-differs"]),
        ({}, [{}, {"id": "again"}], "billed", 18000, ["bill-duplicate"]),
        ({"total_amount": math.nan}, [], "review", 0, ["amount-invalid"]),
        ({"total_amount": 200.0}, [], "review", 0, ["amount-mismatch"]),
        ({"total_amount": 200.0}, [{}], "billed", 18000, []),
        ({"status": "PARTIALLY_DELIVERED"}, [], "review", 0, ["quantities-unknown"]),
    ],
)
async def test_each_order_says_whether_it_is_billed_and_what_counts(
    database: Database, viewer: Operator, clock: Clock, fields: Document, bills: list[Document], billed: str,
    paise: int, found: list[str],
) -> None:  # fmt: skip
    order = shop.order(id="o1", **fields)
    statement = await made(
        database, viewer, clock, orders=order, billing_records=[shop.bill(order, **each) for each in bills]
    )
    assert [(line.billed, line.amount_paise) for line in statement.lines] == [(billed, paise)]
    assert codes(statement) == found


async def test_of_a_partial_delivery_what_was_delivered_counts(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    order = shop.order(id="o1", status="PARTIALLY_DELIVERED")
    statement = await made(
        database, viewer, clock, orders=order, delivery_statuses=shop.delivery(order, {"eggs": 1, "bread": 1})
    )
    assert statement.total_paise == 12000


@pytest.mark.parametrize(
    ("fields", "month", "paise", "found"),
    [
        ({"amount": math.nan}, OCTOBER, 0, ["payment-unreadable"]),
        ({"amount": "100"}, OCTOBER, 0, ["payment-unreadable"]),
        ({"amount": -20.5}, OCTOBER, -2050, ["payment-negative"]),
        ({"month": "Oct"}, OCTOBER, 0, []),
        ({"month": "Oct"}, "2026-11", 10000, ["payment-month-unreadable"]),
        ({"amount": 0.1 + 0.2}, OCTOBER, 30, []),
    ],
)
async def test_a_payment_counts_for_its_month(
    database: Database, viewer: Operator, clock: Clock, fields: Document, month: str, paise: int, found: list[str]
) -> None:
    statement = await made(database, viewer, clock, month, payment_transactions=payment(**fields))
    assert (statement.paid_paise, codes(statement)) == (paise, found)


@pytest.mark.parametrize(
    ("previous", "paid", "status"),
    [(0.0, 180.0, "Paid"), (0.0, 200.0, "Paid"), (-180.0, 0.0, "Paid"), (0.0, 179.99, "Partial"),
     (0.01, 180.0, "Partial"), (0.0, 0.0, "Unpaid"), (math.nan, 0.0, "Unpaid"), (None, 180.0, "Paid")],
)  # fmt: skip
async def test_the_status_follows_from_what_is_left_to_pay(
    database: Database, viewer: Operator, clock: Clock, previous: Any, paid: float, status: str
) -> None:
    statement = await made(
        database, viewer, clock, orders=shop.order(), payment_transactions=payment(amount=paid),
        customers_v2=shop.customer(previous_balance=previous),
    )  # fmt: skip
    assert statement.status == status
    assert codes(statement) == (["previous-balance-unreadable"] if previous is math.nan else [])


async def test_of_a_month_that_is_not_over_it_tells_what_is_still_to_come(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    statement = await made(database, viewer, clock, "2026-11", subscriptions_v2=milk(), products=product())
    assert (statement.total_paise, statement.expected_paise) == (30 * 3000, 8 * 3000)
    assert statement.counted_to == date(2026, 11, 30)
    coming = await show_statement(database, viewer, clock, shop.CUSTOMER, "2027-02")
    assert coming.total_paise == coming.expected_paise == 28 * 3000


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"start_date": "2026-10-11"}, "before-start"),
        ({"endDate": "2026-10-11"}, "after-end"),
        ({"status": "stopped", "stop_date": "2026-10-11"}, "stopped-earlier-days"),
        ({"status": "paused"}, "paused-but-counts"),
        ({"price_per_unit": 29.0}, "price-differs"),
        ({"mode": "alternate_days"}, "mode-unknown"),
    ],
)
async def test_where_the_rules_may_not_be_what_was_meant_it_says_so(
    database: Database, viewer: Operator, clock: Clock, fields: Document, found: str
) -> None:
    statement = await made(database, viewer, clock, subscriptions_v2=milk(**fields), products=product())
    assert codes(statement) == [found]


@pytest.mark.parametrize("query", [shop.CUSTOMER, shop.USER, "pointing", "9876543210", "+91 98765-43210", "asha r"])
async def test_a_customer_is_named_by_id_user_phone_or_name(
    database: Database, viewer: Operator, clock: Clock, query: str
) -> None:
    await shop.stock(database, users={"id": "pointing", "customer_v2_id": shop.CUSTOMER})
    statement = await show_statement(database, viewer, clock, query, OCTOBER)
    assert (statement.customer_id, statement.customer_name) == (shop.CUSTOMER, "Asha Rao")


async def test_whom_nobody_or_several_fit_is_refused(database: Database, viewer: Operator, clock: Clock) -> None:
    twin = shop.customer(id="c2", user_id="u2")
    shared = [shop.customer(id="c3", user_id=None, phone="1"), shop.customer(id="c3", user_id=None, phone="2")]
    await shop.stock(database, customers_v2=[shop.customer(), twin, *shared])
    for query, refusal, code in (
        ("nobody", NotFound, "unknown-customer"), ("", NotFound, "unknown-customer"),
        ("9876543210", Refused, "customer-ambiguous"), ("c3", Refused, "customer-duplicate"),
    ):  # fmt: skip
        with pytest.raises(refusal) as refused:
            await show_statement(database, viewer, clock, query, OCTOBER)
        assert refused.value.code == code
    with pytest.raises(BadRequest, match="not a month"):
        await show_statement(database, viewer, clock, shop.CUSTOMER, "2026-13")


async def test_it_needs_a_role(database: Database, clock: Clock) -> None:
    with pytest.raises(NotPermitted):
        await show_statement(database, Operator("new", ()), clock, shop.CUSTOMER, OCTOBER)


async def test_a_viewer_sees_no_phone_that_was_written_beside_a_payment(
    database: Database, viewer: Operator, support: Operator, clock: Clock
) -> None:
    paid = payment(payment_method="upi 9592693590@ybl", notes="from 95926 93590", amount="9592693590 rupees")
    statement = await made(database, viewer, clock, payment_transactions=paid)
    told = f"{statement_tables(statement)} {statement_document(statement)}"
    assert "9592693590" not in told
    assert "95926 93590" not in told
    assert (statement.payments[0].method, statement.payments[0].notes) == ("upi •••••590@ybl", "from •••••590")
    seen = await made(database, support, clock, customers_v2=[])
    assert (seen.payments[0].method, seen.payments[0].notes) == ("upi 9592693590@ybl", "from 95926 93590")


async def test_what_may_be_anothers_counts_for_nobody(database: Database, viewer: Operator, clock: Clock) -> None:
    other = shop.customer(id="cust-2", user_id="user-2")
    await shop.stock(database, customers_v2=[shop.customer(), other], orders=shop.order(id="o1", customer_id="user-2"))
    for customer in (shop.CUSTOMER, "cust-2"):
        statement = await show_statement(database, viewer, clock, customer, OCTOBER)
        assert (statement.lines, codes(statement)) == ((), ["customer-ambiguous"])


BROKEN: list[Any] = [
    None, "x", math.nan, -1, [], {}, [None], [{}], [{"date": None}], datetime(1, 1, 1, tzinfo=UTC), "\x1b[31m",
]  # fmt: skip


async def test_no_broken_document_breaks_it(database: Database, viewer: Operator, clock: Clock) -> None:
    def breaking(document: Document, keep: set[str]) -> list[Document]:
        return [
            {**document, "id": f"{document['id']}-{number}-{name}", "customer_id": f"c{number}", name: value}
            for number, value in enumerate(BROKEN)
            for name in document
            if name not in keep
        ]

    pattern: Document = {"weekly_pattern": [], "day_overrides": [], "irregular_list": [], "pause_intervals": []}
    await shop.stock(
        database,
        customers_v2=[
            shop.customer(id=f"c{number}", user_id=None, previous_balance=value, custom_product_prices=value,
                          area=value, name=value)
            for number, value in enumerate(BROKEN)
        ],
        subscriptions_v2=breaking(milk(**pattern), {"id", "customer_id"}),
        orders=breaking(shop.order(id="o", user_id="nobody"), {"id", "customer_id", "user_id"}),
        payment_transactions=breaking(payment(), {"id", "customer_id"}),
        products=[product(id=value, price=value, default_price=value, name=value) for value in BROKEN],
    )  # fmt: skip
    for number in range(len(BROKEN)):
        statement = await show_statement(database, viewer, clock, f"c{number}", OCTOBER)
        balance = statement.total_paise + statement.previous_balance_paise - statement.paid_paise
        assert (statement.balance_paise, len(statement.lines) > 10) == (balance, True)
        statement_tables(statement)


async def test_every_query_has_its_index(database: Database, ops: Operator, clock: Clock) -> None:
    order = shop.order(id="o1")
    await shop.stock(
        database, orders=[order, *(shop.order(customer_id=f"u{n}", user_id=f"u{n}") for n in range(50))],
        subscriptions_v2=[milk(), milk(id="s2", customer_id=None, customerId="x")], products=product(),
        payment_transactions=payment(), billing_records=shop.bill(order), delivery_statuses=shop.delivery(order),
        users={"id": "u", "customer_v2_id": shop.CUSTOMER},
        customers_v2=[shop.customer(), *(shop.customer(id=f"c{n}", user_id=f"u{n}", phone=str(n)) for n in range(50))],
    )  # fmt: skip
    await apply(database, ops)
    for query in (shop.CUSTOMER, "9876543210"):
        (await watch(database, show_statement(database, ops, clock, query, OCTOBER))).assert_indexed()


async def test_subscriptions_of_one_product_are_told_apart(database: Database, viewer: Operator, clock: Clock) -> None:
    statement = await made(
        database, viewer, clock, products=[product(), product(id="curd", name="Curd")],
        subscriptions_v2=[
            milk(id="aaaaaaaa-1", shift="morning"), milk(id="bbbbbbbb-2", shift="Evening"),
            milk(id="cccccccc-3", shift="both"), milk(id="dddddddd-4", shift="both"), milk(id=None, shift="at noon"),
            milk(id="curds", product_id="curd", shift="morning"),
        ],
    )  # fmt: skip
    assert sorted(line.description for line in statement.lines) == [
        "Curd 500 ml", "Milk 500 ml", "cccccccc · both · Milk 500 ml", "dddddddd · both · Milk 500 ml",
        "evening · Milk 500 ml", "morning · Milk 500 ml",
    ]  # fmt: skip
