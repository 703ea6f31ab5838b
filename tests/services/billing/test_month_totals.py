"""The month of all customers: the sum of their statements, by area, page by page behind it."""

from datetime import date

import pytest

from console.demo.dataset import Dataset, load
from services.backfills.preview import preview
from services.billing.month_file import month_document
from services.billing.month_totals import CustomerMonth, MonthTotals, month_customers, month_totals, read_only
from services.billing.share import Share
from services.billing.statement import show_statement
from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.errors import BadRequest, NotFound, NotPermitted, Refused
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.services.billing.test_statement import OCTOBER, milk, payment, product

AREAS = ("Jayanagar", "jayanagar ", "Ulsoor", None)


async def stock(database: Database) -> None:
    """Four customers with an order each, in three areas by two spellings; the first has paid, the last is idle."""
    people = [
        shop.customer(id=f"c{n}", user_id=f"u{n}", name=f"N{n}", area=area, phone=str(n))
        for n, area in enumerate(AREAS)
    ]
    orders = [shop.order(id=f"o{n}", customer_id=f"u{n}", user_id=f"u{n}") for n in range(3)]
    await shop.stock(
        database, customers_v2=[*people, shop.customer(id="idle", user_id=None, area="Ulsoor", phone="9")],
        orders=[*orders, shop.order(id="bad", customer_id="u2", user_id="u2", total_amount=None)],
        billing_records=shop.bill(orders[0]), subscriptions_v2=milk(customer_id="c3"), products=product(),
        payment_transactions=[payment(customer_id="c0", amount=180.0), payment(id="p2", customer_id="u3", amount=30.0)],
    )  # fmt: skip


def lines(totals: MonthTotals) -> dict[str, tuple[int, int, int]]:
    return {each.area: (each.customers, each.total_paise, each.balance_paise) for each in totals.areas}


async def test_areas_add_up_to_the_total(database: Database, viewer: Operator, clock: Clock) -> None:
    await stock(database)
    counted: list[CustomerMonth] = []
    totals = await month_totals(database, viewer, clock, OCTOBER, each=counted.append)
    assert lines(totals) == {
        "": (1, 93000, 90000), "Jayanagar": (1, 18000, 0), "jayanagar": (1, 18000, 18000), "Ulsoor": (1, 18000, 18000),
    }  # fmt: skip
    total = totals.total
    assert (total.customers, total.idle, total.total_paise, total.paid_paise) == (4, 1, 147000, 21000)
    assert total.statuses == {"Paid": Share(1, 0), "Partial": Share(1, 90000), "Unpaid": Share(2, 36000)}
    assert (total.orders["billed"], total.missing, total.orders["review"]) == (
        Share(1, 18000), Share(2, 36000), Share(1, 0),
    )  # fmt: skip
    assert (total.subscriptions_paise, total.one_time_paise) == (93000, 54000)
    assert sum(row.balance_paise for row in counted) == total.balance_paise == 126000
    document = month_document(totals, counted)
    assert document["total"]["one_time"]["missing"] == {"orders": 2, "amount_paise": 36000}
    assert {each["customer_id"] for each in document["customers"]} == {"c0", "c1", "c2", "c3"}


@pytest.mark.parametrize(("area", "names"), [
    ("Jayanagar", {"c0", "c1"}), (" JAYANAGAR", {"c0", "c1"}), ("ulsoor", {"c2"}), ("", {"c3"}), ("jaya", {"c0", "c1"}),
])  # fmt: skip
async def test_an_area_is_named_in_any_case_or_by_its_beginning(
    database: Database, viewer: Operator, clock: Clock, area: str, names: set[str]
) -> None:
    await stock(database)
    page = await month_customers(database, viewer, clock, OCTOBER, area)
    totals = await month_totals(database, viewer, clock, OCTOBER, area)
    assert {row.customer_id for row in page.items} == names
    assert totals.total.customers == len(names)


async def test_an_unknown_area_is_refused_and_the_known_ones_are_named(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    await stock(database)
    with pytest.raises(NotFound, match="Jayanagar, Ulsoor"):
        await month_totals(database, viewer, clock, OCTOBER, "Mars")
    with pytest.raises(NotFound, match="Areas are Jayanagar, Ulsoor"):
        await month_customers(database, viewer, clock, OCTOBER, "nagar")


async def test_the_beginning_of_several_areas_names_none(database: Database, viewer: Operator, clock: Clock) -> None:
    places = ("JP Nagar", "JP Nagar 7th Phase", "Jayanagar")
    people = [shop.customer(id=area, user_id=area, area=area, previous_balance=1.0) for area in places]
    await shop.stock(database, customers_v2=people)
    with pytest.raises(Refused, match=r"JP Nagar, JP Nagar 7th Phase\. Type more"):
        await month_totals(database, viewer, clock, OCTOBER, "JP")
    assert (await month_totals(database, viewer, clock, OCTOBER, "jp nagar")).total.customers == 1


@pytest.mark.parametrize(
    ("only", "names"),
    [(None, ["c3", "c2", "c1", "c0"]), ("paid", ["c0"]), ("partial", ["c3"]), ("unpaid", ["c2", "c1"]),
     ("missing", ["c2", "c1"])],
)  # fmt: skip
async def test_customers_come_in_pages_and_by_what_is_asked_for(
    database: Database, viewer: Operator, clock: Clock, only: str | None, names: list[str]
) -> None:
    await stock(database)
    found, token = [], None
    while True:
        page = await month_customers(database, viewer, clock, OCTOBER, None, read_only(only), token, 1)
        found += [row.customer_id for row in page.items]
        if (token := page.next) is None:
            break
        with pytest.raises(BadRequest, match="page token"):
            await month_customers(database, viewer, clock, "2026-09", None, read_only(only), token, 1)
    assert found == names


async def test_what_is_asked_for_is_one_of_four_words(database: Database, clock: Clock) -> None:
    with pytest.raises(BadRequest, match="paid, partial, unpaid, missing"):
        read_only("overdue")
    for refused in (month_totals, month_customers):
        with pytest.raises(NotPermitted):
            await refused(database, Operator("new", ()), clock, OCTOBER)


async def test_on_the_demos_data_it_is_the_sum_of_the_statements_agrees_with_the_billing_fix_and_scans_nothing(
    database: Database, ops: Operator, clock: Clock
) -> None:
    await load(database.client[database.name], Dataset(until=date(2026, 11, 22), orders=300))
    await apply(database, ops)
    rows: list[CustomerMonth] = []
    totals = await month_totals(database, ops, clock, OCTOBER, each=rows.append)
    plan = await preview(database, ops, clock, "bill-one-time-orders", store=False)
    change = plan.by_month[OCTOBER]
    assert totals.total.orders["missing"] == Share(change.records, change.amount_paise)
    for row in rows[::10]:
        statement = await show_statement(database, ops, clock, row.customer_id, OCTOBER)
        assert (statement.total_paise, statement.balance_paise, statement.status) == (
            row.total_paise, row.balance_paise, row.status,
        )  # fmt: skip
    assert sum(row.total_paise for row in rows) == totals.total.total_paise > 0
    largest = max(totals.areas, key=lambda area: area.customers).area
    first = await month_customers(database, ops, clock, OCTOBER, largest, limit=1)
    assert first.next

    async def work() -> None:
        await month_totals(database, ops, clock, OCTOBER)
        await month_customers(database, ops, clock, OCTOBER, largest, None, first.next, 1)
        await month_customers(database, ops, clock, OCTOBER, "")

    watched = await watch(database, work())
    watched.assert_indexed()
    assert any(summary.startswith("IXSCAN { area: 1, _id: 1 }") for summary in watched.plans())
