"""Taking a customer's correction back."""

import asyncio
from typing import Any

import pytest

from services.backfills.commit import commit
from services.backfills.preview import preview
from services.clock import Clock
from services.customers.correction import Correction, correct_customer, open_customer
from services.customers.undoing import Undone, undo_correction
from services.database import Database, Document
from services.deployment.indexes import apply
from services.errors import BadRequest, Conflict, ConsoleError, NotPermitted
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.failing import failing
from tests.services.backfills.conftest import run_of

MEERA = Operator("meera", ("support",))
WHY = "the wrong house"


async def correct(database: Database, clock: Clock, **values: Any) -> str:
    """Correct the customer; the correction's id."""
    seen = (await open_customer(database, MEERA, shop.CUSTOMER)).seen
    done = await correct_customer(database, MEERA, clock, shop.CUSTOMER, Correction(**values), seen, "she said so")
    return done.correction or ""


async def undo(database: Database, operator: Operator, clock: Clock, correction: str | None = None) -> Undone:
    """Take the last correction back, as it was shown."""
    shown = await undo_correction(database, operator, clock, shop.CUSTOMER, correction=correction, write=False)
    done = await undo_correction(database, operator, clock, shop.CUSTOMER, WHY, correction=shown.correction)
    assert done == shown
    return done


async def records(database: Database) -> list[Document]:
    """The customer and the users, as stored."""
    found = [await database[name].find().sort("_id").to_list() for name in ("customers_v2", "users")]
    return [document for documents in found for document in documents]


@pytest.fixture
async def company(emptied: Database) -> Database:
    users: list[Document] = [
        {"id": "user-1", "customer_v2_id": shop.CUSTOMER}, {"id": "user-2", "role": "customer"},
        {"customer_v2_id": shop.CUSTOMER, "name": "without an id"},
    ]  # fmt: skip
    await shop.stock(emptied, users=users)
    return emptied


@pytest.mark.parametrize(
    "values", [{"phone": "9886012345"}, {"user_id": "user-2"}, {"user_id": ""}, {"user_id": "user-1"}]
)
async def test_every_record_becomes_what_it_was_and_the_trail_says_why(
    company: Database, support: Operator, clock: Clock, values: dict[str, str]
) -> None:
    before = await records(company)
    correction = await correct(company, clock, **values)
    assert await records(company) != before
    done = await undo(company, support, clock)
    assert await records(company) == before
    assert (done.correction, done.by, done.why) == (correction, "meera", "she said so")
    entry = await company["audit_logs"].find_one({"table": "customers_v2", "user_id": "sam"}) or {}
    assert entry["meta"]["reason"] == WHY


async def test_corrections_are_taken_back_one_by_one_the_last_first(
    company: Database, support: Operator, clock: Clock
) -> None:
    before = await records(company)
    first = await correct(company, clock, phone="9886012345")
    second = await correct(company, clock, user_id="user-2")
    assert [(await undo(company, support, clock)).correction for _ in range(2)] == [second, first]
    assert await records(company) == before
    with pytest.raises(ConsoleError) as nothing:
        await undo(company, support, clock)
    assert nothing.value.code == "nothing-to-undo"


LATER: dict[str, tuple[str, Document, Document, str]] = {
    "the phone again": ("customers_v2", {"id": "cust-1"}, {"$set": {"phone": "9000000001"}}, "phone by the backend"),
    "the phone under its other name": (
        "customers_v2", {"id": "cust-1"}, {"$set": {"phone_number": "1"}}, "phone number by the backend",
    ),
    "the customer's user": ("customers_v2", {"id": "cust-1"}, {"$set": {"user_id": "x"}}, "user id by the backend"),
    "the user's customer": (
        "users", {"id": "user-2"}, {"$set": {"customer_v2_id": "x"}}, "of the user user-2, customer v2 id by",
    ),
    "another type": ("users", {"id": "user-1"}, {"$set": {"customer_v2_id": ""}}, "of the user user-1, customer v2 id"),
    "a user who is gone": ("users", {"id": "user-2"}, {"$set": {"id": "other"}}, "the user user-2 is gone"),
}  # fmt: skip


@pytest.mark.parametrize(("collection", "record", "change", "words"), list(LATER.values()), ids=list(LATER))
async def test_what_was_changed_since_stays_and_is_named(
    company: Database, support: Operator, clock: Clock, collection: str, record: Document, change: Document, words: str
) -> None:
    await correct(company, clock, phone="9886012345", user_id="user-2")
    await company[collection].update_one(record, change)
    before = await records(company)
    with pytest.raises(ConsoleError) as refused:
        await undo_correction(company, support, clock, shop.CUSTOMER, WHY)
    assert refused.value.code == "changed-since"
    assert words in refused.value.message
    assert await records(company) == before


async def test_a_link_through_which_was_billed_since_stays(company: Database, support: Operator, clock: Clock) -> None:
    order, other = (shop.order(id=name, customer_id="user-2", user_id="user-2") for name in ("o-theirs", "o-z"))
    own = shop.order(id="o-own", customer_id=shop.CUSTOMER, user_id="user-2")
    await shop.stock(company, orders=[order, other, own], customers_v2=[],
                     billing_records=[shop.bill(own, created_at="2026-11-22T09:00:00+00:00"),
                                      shop.bill(order, created_at="2026-11-22T03:00:00+00:00"),
                                      shop.bill(other, created_at="2026-11-22T03:00:00+00:00")])  # fmt: skip
    await correct(company, clock, user_id="user-2")
    await undo(company, support, clock)  # neither bill came through the link
    await correct(company, clock, user_id="user-2")
    await company["billing_records"].update_many({}, {"$set": {"created_at": "2026-11-22T09:00:00+00:00"}})
    with pytest.raises(ConsoleError, match=r"through this link since: o-theirs and 1 more\.") as refused:
        await undo(company, support, clock)
    assert refused.value.code == "billed-since"


SINCE, BEFORE = "2026-11-22T09:00:00+00:00", "2026-11-22T03:00:00+00:00"


@pytest.mark.parametrize(
    ("fields", "bill", "refused"),
    [
        ({}, {"customer_id": "user-2", "created_at": SINCE}, r"Billed to the customer through this link since: o1\."),
        ({}, {"customer_id": "user-2", "created_at": SINCE, "order_id": None, "id": "b1"}, r"since: b1\."),
        ({}, {"customer_id": "user-2", "created_at": BEFORE}, None),
        ({"billed": True, "billed_at": SINCE}, None, r"without a bill, since then or .*: o1\."),
        ({"billed": True}, None, r"nobody knows when: o1\."),
        ({"billed": True, "billed_at": BEFORE}, None, None),
        ({"billed": False, "billed_at": SINCE}, None, None),
        ({"billed": True, "billed_at": SINCE, "customer_id": shop.CUSTOMER}, None, None),
        ({"customer_id": "cust-9", "billed": True, "billed_at": SINCE}, {"customer_id": "cust-9"}, None),
        ({"customer_id": "cust-9", "billed": True, "billed_at": SINCE}, None, None),
    ],
)
async def test_what_was_billed_or_flagged_through_the_user_s_id_keeps_the_link_too(
    company: Database, support: Operator, clock: Clock, fields: Document, bill: Document | None, refused: str | None
) -> None:
    order = shop.order(**{"id": "o1", "customer_id": "user-2", "user_id": "user-2", **fields})
    bills = [shop.bill(order, **bill)] if bill else []
    await shop.stock(
        company, orders=order, customers_v2=shop.customer(id="cust-9", user_id=None), billing_records=bills
    )
    await correct(company, clock, user_id="user-2")
    if refused is None:
        await undo(company, support, clock)
        return
    with pytest.raises(ConsoleError, match=refused) as told:
        await undo(company, support, clock)
    assert told.value.code == "billed-since"


@pytest.mark.parametrize("named_by", ["customer", "user"])
async def test_a_user_who_is_anothers_by_now_is_not_given_back(
    company: Database, support: Operator, clock: Clock, named_by: str
) -> None:
    await company["users"].update_one({"id": "user-1"}, {"$unset": {"customer_v2_id": ""}})
    await correct(company, clock, user_id="")
    forth = "user-1" if named_by == "customer" else None
    await company["customers_v2"].insert_one(shop.customer(id="cust-2", user_id=forth))
    if named_by == "user":
        await company["users"].update_one({"id": "user-1"}, {"$set": {"customer_v2_id": "cust-2"}})
    with pytest.raises(ConsoleError, match="belongs to the customer cust-2") as refused:
        await undo(company, support, clock)
    assert refused.value.code == "user-claimed"


@pytest.mark.parametrize("rival", ["correction", "backfill"])
async def test_of_two_who_give_a_user_a_customer_in_one_instant_one_does(
    company: Database, support: Operator, ops: Operator, clock: Clock, rival: str
) -> None:
    await company["users"].delete_many({})
    account = {"id": "user-1", "role": "customer", "name": "Bala", "phone": "9000000001"}
    await shop.stock(company, users=account, customers_v2=shop.customer(id="cust-2", user_id=None, name="Bala",
                                                                      phone="9000000001"))  # fmt: skip
    await correct(company, clock, user_id="")
    if rival == "correction":
        seen = (await open_customer(company, MEERA, "cust-2")).seen
        link: Any = correct_customer(company, MEERA, clock, "cust-2", Correction(user_id="user-1"), seen, WHY)
    else:
        plan = await preview(company, ops, clock, "link-users-customers")
        link = commit(company, ops, clock, run_of(plan), plan.digest)
    # Commits take so long that what begins in one instant is decided before any of it is seen.
    async with failing(company, "commitTransaction", blockConnection=True, blockTimeMS=250):
        both = (undo_correction(company, support, clock, shop.CUSTOMER, WHY), link)
        done = await asyncio.gather(*both, return_exceptions=True)
    linked = [each["id"] async for each in company["customers_v2"].find({"user_id": "user-1"})]
    user = await company["users"].find_one({"id": "user-1"}) or {}
    assert len(linked) == 1, done
    assert user.get("customer_v2_id") in (None, *linked)


async def test_only_the_correction_that_is_meant_is_taken_back(
    company: Database, support: Operator, clock: Clock
) -> None:
    first = await correct(company, clock, phone="9886012345")
    await correct(company, clock, phone="9886012346")
    with pytest.raises(Conflict, match="another by now, by meera"):
        await undo(company, support, clock, first)


@pytest.mark.parametrize("hostile", ["x", "", "0" * 36, "$where", {"$ne": None}, ["a"], 7, "\x00", "-" * 24 + "0" * 12])
async def test_a_name_that_is_no_correction_s_leads_to_nothing(
    company: Database, support: Operator, clock: Clock, hostile: Any
) -> None:
    real = await correct(company, clock, phone="9886012345")
    await shop.stock(company, customers_v2=shop.customer(id="cust-2", user_id=None, correction_id=real))
    await company["customers_v2"].update_one({"id": "cust-1"}, {"$set": {"correction_id": hostile}})
    for name in ("cust-1", "cust-2"):  # and no other customer's
        with pytest.raises(ConsoleError) as refused:
            await undo_correction(company, support, clock, name, WHY)
        assert refused.value.code in ("nothing-to-undo", "no-images")


async def test_it_needs_a_role_a_reason_and_a_customer(
    company: Database, support: Operator, viewer: Operator, clock: Clock
) -> None:
    for operator, customer, why, error, code in (
        (viewer, shop.CUSTOMER, WHY, NotPermitted, "not-permitted"),
        (support, "nobody", WHY, ConsoleError, "unknown-customer"),
        (support, shop.CUSTOMER, " ", BadRequest, "no-reason"),
        (support, shop.CUSTOMER, WHY, ConsoleError, "nothing-to-undo"),
    ):
        with pytest.raises(error) as refused:
            await undo_correction(company, operator, clock, customer, why)
        assert refused.value.code == code


async def test_every_question_has_its_index(database: Database, ops: Operator, clock: Clock) -> None:
    orders = [shop.order(id=f"o{n}", customer_id="user-2", user_id="user-2") for n in range(20)]
    bills = [shop.bill(order, created_at="2026-11-01T00:00:00+00:00") for order in orders]
    await shop.stock(database, users=[{"id": "user-1"}, {"id": "user-2"}], orders=orders, billing_records=bills)
    await apply(database, ops)
    await correct(database, clock, user_id="user-2")
    (await watch(database, undo(database, ops, clock))).assert_indexed()
