"""The customer whom somebody on the phone names."""

import pytest

from services.customers.search import find_customer
from services.database import Database
from services.deployment.indexes import apply
from services.errors import ConsoleError, NotPermitted
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch

AMBIGUOUS = "customer-ambiguous"


async def stock(database: Database) -> None:
    await shop.stock(
        database, users={"id": "u-points", "customer_v2_id": "cust-aaa1"},
        customers_v2=[
            shop.customer(id="cust-aaa1", user_id=None),
            shop.customer(id="cust-aaa2", user_id=None, name="ఆశ", phone="9000000001"),
            shop.customer(id="cust-bbb1", user_id="u-bala", name="Bala", phone="", phone_number="9886012345"),
            shop.customer(id="cust-ccc1", user_id=None, name="Asha " + "x" * 10_240, phone="09000000001", area=None),
            shop.customer(id="cust-twin", user_id=None, name="Twin", phone=None),
            shop.customer(id="cust-twin", user_id=None, name="Twin", phone=None),
        ],
    )  # fmt: skip


@pytest.fixture
async def company(emptied: Database) -> Database:
    await stock(emptied)
    return emptied


async def answered(database: Database, operator: Operator, query: str) -> tuple[str, str]:
    """The customer's id, or the code and the words of the refusal."""
    try:
        return str((await find_customer(database, operator, query)).id), ""
    except ConsoleError as refused:
        return refused.code, refused.message


NAMED: dict[str, tuple[str, str]] = {
    "a customer's id": ("cust-aaa1", "cust-aaa1"),
    "an id's beginning": ("cust-b", "cust-bbb1"),
    "a beginning of two": ("cust-aaa", AMBIGUOUS),
    "too little of an id": ("cus", "unknown-customer"),
    "a user's id": ("u-bala", "cust-bbb1"),
    "a user who names the customer": ("u-points", "cust-aaa1"),
    "a phone": ("+91 98765-43210", "cust-aaa1"),
    "a phone under its other name": ("98860 12345", "cust-bbb1"),
    "a phone of two": ("9000000001", AMBIGUOUS),
    "a name's beginning": ("bala", "cust-bbb1"),
    "a name in another script": ("ఆశ", "cust-aaa2"),
    "a name of two": ("Asha", AMBIGUOUS),
    "two of one id": ("cust-twin", "customer-duplicate"),
    "nothing": ("  ", "unknown-customer"),
    "nobody": ("Zorro", "unknown-customer"),
    "a pattern": (".*", "unknown-customer"),
    "an operator": ('{"$ne": null}', "unknown-customer"),
    "code": ("$where", "unknown-customer"),
    "10 kB": ("x" * 10_240, "too-long"),
    "an escape": ("\x1b[31m", "bad-text"),
    "half a character": ("\ud800", "bad-text"),
}


@pytest.mark.parametrize(("query", "expected"), list(NAMED.values()), ids=list(NAMED))
async def test_a_customer_is_the_only_one_whom_a_query_names(
    company: Database, support: Operator, query: str, expected: str
) -> None:
    answer, words = await answered(company, support, query)
    assert (answer, len(words) < 600) == (expected, True)


async def test_several_are_told_apart_by_name_phone_and_area_and_the_phone_is_not_a_viewers_to_see(
    company: Database, support: Operator, viewer: Operator
) -> None:
    assert "Asha Rao, 9876543210, Jayanagar (id cust-aaa1)" in (await answered(company, support, "Asha"))[1]
    assert "Asha Rao, •••••210, Jayanagar (id cust-aaa1)" in (await answered(company, viewer, "Asha"))[1]


async def test_every_question_has_its_index(database: Database, ops: Operator) -> None:
    await stock(database)
    others = [shop.customer(id=f"x{n}", user_id=f"u{n}", name="X") for n in range(50)]
    await database["customers_v2"].insert_many(others)
    await apply(database, ops)
    for query in ("cust-aaa1", "cust-b", "u-bala", "98765 43210", "Asha"):
        (await watch(database, answered(database, ops, query))).assert_indexed()


async def test_whom_a_viewer_names_is_shown_masked_and_to_nobody_without_a_role(
    company: Database, viewer: Operator, support: Operator
) -> None:
    shown = [await find_customer(company, operator, "cust-aaa1") for operator in (viewer, support)]
    assert [(each.phone, each.address) for each in shown] == [("•••••210", "•••••"), ("9876543210", "12, 4th Cross")]
    for query in ("cust-aaa1", "Asha", "nobody"):
        with pytest.raises(NotPermitted):
            await find_customer(company, Operator("nobody", ()), query)
