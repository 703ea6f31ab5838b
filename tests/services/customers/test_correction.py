"""Correcting a customer's phone and user."""

from typing import Any

import pytest

from services.clock import Clock
from services.customers.correction import Corrected, Correction, correct_customer, open_customer
from services.customers.search import find_customers
from services.customers.undoing import undo_correction
from services.database import Database
from services.deployment.indexes import apply
from services.errors import BadRequest, Conflict, ConsoleError, NotPermitted
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch

WHY = "the caller said so"


async def stock(database: Database) -> None:
    await shop.stock(
        database, customers_v2=[shop.customer(), shop.customer(id="cust-2", user_id=None, phone_number="x", phone=None),
                                shop.customer(id="cust-3", user_id="user-3")],
        users=[{"id": "user-1", "customer_v2_id": "cust-1"}, {"id": "user-2", "role": "customer"}, {"id": "user-3"},
               {"id": "driver", "role": "delivery_boy"}, {"id": "user-4", "customer_v2_id": "cust-3"},
               {"id": "user-5", "customer_v2_id": "gone"}, {"id": "twin"}, {"id": "twin"}],
    )  # fmt: skip


async def correct(database: Database, operator: Operator, clock: Clock, customer: str, **values: Any) -> Corrected:
    seen = (await open_customer(database, operator, customer)).seen
    asked = (database, operator, clock, customer, Correction(**values), seen)
    shown = await correct_customer(*asked, write=False)
    assert await database["audit_logs"].count_documents({"table": "customers_v2", "record_id": customer}) == 0
    done = await correct_customer(*asked, WHY)
    assert (done.customer_id, done.changes, shown.correction) == (customer, shown.changes, None)
    return done


async def test_only_the_users_who_were_shown_lose_the_customer(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    seen = (await open_customer(database, support, "cust-1")).seen
    asked = (database, support, clock, "cust-1", Correction(user_id="user-2"), seen)
    shown = await correct_customer(*asked, write=False)
    await database["users"].insert_one({"id": "user-9", "customer_v2_id": "cust-1"})
    with pytest.raises(Conflict, match="no longer what would be written"):
        await correct_customer(*asked, WHY, shown=shown)
    assert await database["audit_logs"].count_documents({}) == 0
    assert await database["users"].count_documents({"customer_v2_id": "cust-1"}) == 2
    shown = await correct_customer(*asked, write=False)
    assert "users/user-9.customer_v2_id" in [each.field for each in shown.changes]
    await correct_customer(*asked, WHY, shown=shown)
    assert [each["id"] async for each in database["users"].find({"customer_v2_id": "cust-1"})] == ["user-2"]


@pytest.mark.parametrize("typed", ["+91 98860 12345", "098860-12345", "9886012345"])
async def test_a_phone_in_any_writing_is_stored_under_the_name_that_the_customer_has_it_under(
    database: Database, support: Operator, clock: Clock, typed: str
) -> None:
    await stock(database)
    await correct(database, support, clock, "cust-1", phone=typed)
    await correct(database, support, clock, "cust-2", phone=typed)
    one, two = [await database["customers_v2"].find_one({"id": name}) or {} for name in ("cust-1", "cust-2")]
    assert (one["phone"], two["phone_number"], two["phone"]) == ("9886012345", "9886012345", None)
    entry = await database["audit_logs"].find_one({"record_id": "cust-1"}) or {}
    assert entry["changes"]["phone"] == {"old": "9876543210", "new": "9886012345"}
    assert (entry["_id"], entry["meta"]["reason"]) == (one["correction_id"], WHY)


async def test_the_phones_of_linked_users_stay_and_are_told(
    database: Database, support: Operator, clock: Clock
) -> None:
    await shop.stock(
        database, customers_v2=[shop.customer(phone="9886012345"), shop.customer(id="cust-2", user_id=None),
                                shop.customer(id="cust-3", user_id="user-5")],
        users=[{"id": "user-5", "phone": "9"}, {"id": "user-1", "phone": "+91 98765 43210"},
               {"id": "user-2", "phone": 9886012346, "customer_v2_id": "cust-1"},
               {"id": "user-3", "customer_v2_id": "cust-1", "phone": [1]}, {"id": "user-4", "phone": "98860-12347"}],
    )  # fmt: skip
    before = await database["users"].find({"id": {"$ne": "user-4"}}).to_list()
    done = await correct(database, support, clock, "cust-1", phone="9876543210")
    assert {each.user_id: (each.phone, each.differs) for each in done.user_phones} == {
        "user-1": ("+91 98765 43210", False), "user-2": ("9886012346", True),
    }  # fmt: skip
    assert await database["users"].find({"id": {"$ne": "user-4"}}).to_list() == before
    linked = await correct(database, support, clock, "cust-2", user_id="user-4")
    assert [each.words for each in linked.user_phones] == [
        "The user user-4 keeps another phone of their own, 98860-12347; it is not changed here."
    ]
    assert (await correct(database, support, clock, "cust-3", user_id="")).user_phones == ()


async def test_a_second_number_is_corrected_with_the_first_and_no_longer_finds_the_customer(
    database: Database, support: Operator, clock: Clock
) -> None:
    await shop.stock(database, customers_v2=shop.customer(phone="9000000001", phone_number="9000000002"))
    done = await correct(database, support, clock, "cust-1", phone="9000000001")
    assert [(each.field, each.old, each.new) for each in done.changes] == [
        ("phone_number", "9000000002", "9000000001")
    ]  # fmt: skip
    assert (await find_customers(database, support, "9000000002")).items == ()
    assert [each.id for each in (await find_customers(database, support, "9000000001")).items] == ["cust-1"]
    await undo_correction(database, support, clock, "cust-1", WHY)
    assert [each.id for each in (await find_customers(database, support, "9000000002")).items] == ["cust-1"]


async def test_a_link_is_written_on_both_sides_and_taken_from_who_had_it(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    done = await correct(database, support, clock, "cust-1", user_id="user-2")
    assert {each.field for each in done.changes} == {
        "user_id", "users/user-2.customer_v2_id", "users/user-1.customer_v2_id",
    }  # fmt: skip
    users = {each["id"]: each.get("customer_v2_id") async for each in database["users"].find({})}
    assert (users["user-1"], users["user-2"]) == (None, "cust-1")
    assert await database["audit_logs"].count_documents({}) == 3


async def test_a_link_to_a_customer_who_is_gone_claims_nobody(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await correct(database, support, clock, "cust-2", user_id="user-5")
    user = await database["users"].find_one({"id": "user-5"}) or {}
    assert user["customer_v2_id"] == "cust-2"


async def test_what_does_not_fit_is_refused_and_nothing_written(
    database: Database, support: Operator, viewer: Operator, clock: Clock
) -> None:
    await stock(database)
    seen = (await open_customer(database, support, "cust-1")).seen
    for values, code in (
        ({"phone": "+1 415 555 2671"}, "bad-phone"), ({"phone": "1234567890"}, "bad-phone"),
        ({"phone": ""}, "bad-phone"),
        ({"phone": "$where"}, "bad-phone"), ({"phone": "9" * 10_240}, "bad-phone"),
        ({"user_id": "nobody"}, "unknown-user"),
        ({"user_id": '{"$ne": null}'}, "unknown-user"), ({"user_id": "driver"}, "user-not-customer"),
        ({"user_id": "user-3"}, "user-claimed"), ({"user_id": "user-4"}, "user-claimed"),
        ({"user_id": "twin"}, "id-duplicate"),
        ({"phone": "98765 43210"}, "nothing-to-change"), ({}, "nothing-to-change"),
    ):  # fmt: skip
        with pytest.raises(ConsoleError) as refused:
            await correct_customer(database, support, clock, "cust-1", Correction(**values), seen, WHY)
        assert refused.value.code == code, values
        assert len(refused.value.message) < 300
    await database["customers_v2"].update_one({"id": "cust-1"}, {"$set": {"phone": "9000000001"}})
    with pytest.raises(Conflict) as told:
        await correct_customer(database, support, clock, "cust-1", Correction("9886012345"), seen, WHY)
    assert "phone by the backend" in told.value.message
    for why, code in ((" ", "no-reason"), ("\x1b", "bad-text"), ("x" * 10_240, "too-long")):
        with pytest.raises(BadRequest) as unsaid:
            await correct_customer(database, support, clock, "cust-1", Correction("9886012345"), seen, why)
        assert unsaid.value.code == code
    with pytest.raises(NotPermitted):
        await open_customer(database, viewer, "cust-1")
    assert await database["audit_logs"].count_documents({}) == 0


async def test_every_question_has_its_index(database: Database, ops: Operator, clock: Clock) -> None:
    await stock(database)
    await apply(database, ops)
    (await watch(database, correct(database, ops, clock, "cust-1", user_id="user-2"))).assert_indexed()
