"""What a statement says of a previous balance: when it was changed, and which earlier bills are open."""

import pytest

from services.audit import query
from services.billing.carried import Carried, explain_balance
from services.billing.statement import show_statement
from services.billing.statement_file import statement_document
from services.billing.statement_words import statement_facts
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.errors import Refused
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.failing import failing
from tests.services.billing.test_statement import OCTOBER, made


async def test_a_previous_balance_says_what_is_known_of_it(database: Database, viewer: Operator, clock: Clock) -> None:
    change = {"table": "customers_v2", "record_id": shop.CUSTOMER, "action": "UPDATE", "user_id": "meera"}
    bills: list[Document] = [
        {"id": "1", "month": "2026-09"}, {"id": "2", "month": "2026-09", "payment_status": "partial", "amount": 20.0},
        {"id": "3", "month": "2026-08", "customer_id": shop.USER}, {"id": "4", "month": OCTOBER},
        {"id": "5", "month": "2026-09", "payment_status": "paid"}, {"id": "6", "month": "2026-09", "customer_id": "x"},
    ]  # fmt: skip
    statement = await made(
        database, viewer, clock, customers_v2=shop.customer(previous_balance=452.0),
        billing_records=[shop.bill({"id": f"o{each['id']}"}, **each) for each in bills],
        audit_logs=[
            {**change, "timestamp": f"2026-10-0{day}T00:40:00+00:00", "changes": {field: {"old": old, "new": new}}}
            for day, field, old, new in (
                (3, "previous_balance", 450.0, 452.0), (4, "name", "A", "B"), (2, "previous_balance", 0.0, 450.0),
            )
        ],
    )  # fmt: skip
    facts = [words for _, words in statement_facts(statement)]
    assert (
        "on the customer's record, which names no month; changed last at 2026-10-03 06:10 by meera from ₹450.00; open "
        "bills of earlier months: 1 of 2026-08, ₹180.00; 2 of 2026-09, ₹200.00 (1 paid in part)" in facts
    )
    document = statement_document(statement)["carried"]
    assert document["last_change"] == {"at": "2026-10-03T00:40:00.000000+00:00", "by": "meera", "was_paise": 45000}
    assert [each["amount_paise"] for each in document["unpaid_bills"]] == [18000, 20000]


async def test_a_previous_balance_that_nothing_tells_of_says_so(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    statement = await made(database, viewer, clock, customers_v2=shop.customer(previous_balance=-5.0))
    assert any("no audit entry tells who set it" in words for _, words in statement_facts(statement))
    nothing = await show_statement(database, viewer, clock, shop.CUSTOMER, "2026-09")
    assert nothing.carried == Carried((), changed=False)


@pytest.mark.parametrize("most", [0, 1])
async def test_a_trail_too_long_to_search_is_not_said_to_be_silent(
    database: Database, viewer: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(query, "RECORD_ENTRIES", most)
    entry = {"table": "customers_v2", "record_id": shop.CUSTOMER, "changes": {"name": {"old": "A", "new": "B"}}}
    statement = await made(
        database, viewer, clock, customers_v2=shop.customer(previous_balance=5.0), audit_logs=dict(entry)
    )
    words = "could not be searched" if most == 0 else "no audit entry tells"
    assert any(words in fact for _, fact in statement_facts(statement))
    assert statement_document(statement)["carried"]["trail_searched"] is (most == 1)


@pytest.mark.parametrize("collection", ["users", "billing_records", "audit_logs"])
async def test_a_database_that_fails_is_told_and_taken_for_no_silence(
    database: Database, viewer: Operator, collection: str
) -> None:
    async with failing(database, "find", "aggregate", on=collection, errorCode=96):
        with pytest.raises(Refused, match="Failing command"):
            await explain_balance(database, viewer, shop.CUSTOMER, shop.USER, OCTOBER)


async def test_it_is_read_through_indexes(database: Database, ops: Operator, viewer: Operator) -> None:
    await apply(database, ops)
    await shop.stock(database, billing_records=[shop.bill({"id": f"o{n}"}, customer_id=f"c{n}") for n in range(99)])
    watched = await watch(database, explain_balance(database, viewer, shop.CUSTOMER, shop.USER, OCTOBER))
    watched.assert_indexed()
