"""Users and customers name each other, where one side or a phone number tells it beyond doubt."""

from typing import Any

import pytest
from bson import ObjectId

from services.backfills.packs import change_bodies
from services.backfills.registry import find_backfill
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch
from tests.services.backfills.conftest import run_of
from tests.services.backfills.repairing import Repair, broken


@pytest.fixture
def repair(database: Database, ops: Operator, clock: Clock) -> Repair:
    return Repair("link-users-customers", database, ops, clock)


def customer(**fields: Any) -> Document:
    document = shop.customer(**fields)
    return {name: value for name, value in document.items() if value is not ...}


def user(**fields: Any) -> Document:
    document = {"id": "user-1", "name": "Asha Rao", "role": "customer", "phone": "1", **fields}
    return {name: value for name, value in document.items() if value is not ...}


async def links(repair: Repair) -> tuple[Any, Any]:
    """The links of the one customer and the first user."""
    linked, account = await repair.find("customers_v2", id="cust-1"), await repair.find("users", id="user-1")
    return linked.get("user_id"), account.get("customer_v2_id")


@pytest.mark.parametrize("blank", [..., None, ""])
async def test_the_user_learns_of_its_customer(repair: Repair, blank: Any) -> None:
    await shop.stock(repair.database, customers_v2=customer(), users=user(customer_v2_id=blank))
    await repair.done()
    assert await links(repair) == ("user-1", "cust-1")
    assert await repair.database["audit_logs"].distinct("table") == ["users"]


@pytest.mark.parametrize("blank", [..., None, ""])
async def test_the_customer_learns_of_its_user(repair: Repair, blank: Any) -> None:
    await shop.stock(repair.database, customers_v2=customer(user_id=blank), users=user(customer_v2_id="cust-1"))
    await repair.done()
    assert await links(repair) == ("user-1", "cust-1")
    entry = await repair.find("audit_logs", table="customers_v2")
    old = "" if blank == "" else None
    assert (entry["record_id"], entry["changes"]) == ("cust-1", {"user_id": {"old": old, "new": "user-1"}})


PHONES = [
    ({"phone": "9876543210"}, "+91 98765 43210"),
    ({"phone": ..., "phone_number": "098765-43210"}, "9876543210"),
    ({"phone": None, "phone_number": "+919876543210"}, "91-9876543210"),
    ({"phone": "91 98765 43210"}, "+91-98765-43210"),
]


@pytest.mark.parametrize(("fields", "phone"), PHONES)
async def test_a_mobile_number_that_only_two_share_links_them_both_ways(
    repair: Repair, fields: Document, phone: str
) -> None:
    await shop.stock(
        repair.database, customers_v2=customer(user_id=None, name=" asha  RAO ", **fields), users=user(phone=phone)
    )
    await repair.done()
    assert await links(repair) == ("user-1", "cust-1")


async def test_what_a_row_touches_is_what_it_changes(repair: Repair) -> None:
    await shop.stock(
        repair.database,
        customers_v2=[customer(user_id=None), customer(id="cust-2", user_id="user-2", phone="x")],
        users=[user(phone="9876543210"), user(id="user-2")],
    )
    plan = await repair.preview()
    backfill = find_backfill(repair.name)
    bodies = {body["record"]: body for _, body in await change_bodies(repair.database, run_of(plan), 0, 9)}
    keys = {
        document["id"]: document["_id"]
        for name in ("users", "customers_v2") for document in await repair.database[name].find().to_list()
    }  # fmt: skip
    assert list(backfill.touches(bodies["cust-1"])) == [("users", keys["user-1"]), ("customers_v2", keys["cust-1"])]
    assert list(backfill.touches(bodies["cust-2"])) == [("users", keys["user-2"])]


async def test_many_are_linked_in_any_batch_without_drift(repair: Repair) -> None:
    numbers = range(40)
    await shop.stock(
        repair.database,
        customers_v2=[
            customer(id=f"c{n}", user_id=f"u{n}" if n % 3 == 0 else None, phone=f"98000000{n:02d}") for n in numbers
        ],
        users=[
            user(id=f"u{n}", phone=f"+91 98000 000{n:02d}", **({"customer_v2_id": f"c{n}"} if n % 3 == 1 else {}))
            for n in numbers
        ],
    )
    outcome = await repair.done(batch_size=3)
    assert outcome.applied == 40
    linked = await repair.database["customers_v2"].find().to_list()
    pointers = {each["id"]: each["customer_v2_id"] for each in await repair.database["users"].find().to_list()}
    assert all(pointers[each["user_id"]] == each["id"] for each in linked)


@pytest.mark.parametrize(
    ("collection", "record", "edit"),
    [
        ("users", "user-1", {"$set": {"customer_v2_id": "cust-9"}}),
        ("users", "user-1", {"$set": {"role": "admin"}}),
        ("users", "user-1", {"$set": {"phone": "9000000000"}}),
        ("customers_v2", "cust-1", {"$set": {"user_id": "user-9"}}),
        ("customers_v2", "cust-1", {"$set": {"name": "Somebody"}}),
        ("customers_v2", "cust-2", {"$set": {"phone": "+91 98765 43210"}}),
        ("customers_v2", "cust-2", {"$set": {"user_id": "user-1"}}),
        ("users", "user-2", {"$set": {"phone": "09876543210"}}),
    ],
)
async def test_what_changed_since_the_preview_is_left_alone(
    repair: Repair, collection: str, record: str, edit: Document
) -> None:
    await shop.stock(
        repair.database,
        customers_v2=[customer(user_id=None), customer(id="cust-2", user_id=None, phone="9111111111")],
        users=[user(phone="9876543210"), user(id="user-2", phone="2")],
    )
    plan = await repair.preview()
    await repair.database[collection].update_one({"id": record}, edit)
    before = await links(repair)
    outcome = await repair.commit(plan)
    assert (outcome.applied, outcome.drifted, outcome.verified) == (0, 1, True)
    assert await links(repair) == before


async def test_an_edit_that_matters_to_nothing_is_no_drift(repair: Repair) -> None:
    await shop.stock(repair.database, customers_v2=customer(), users=user())
    plan = await repair.preview()
    await repair.database["customers_v2"].update_one({}, {"$set": {"phone": "9000000000", "name": "A. Rao"}})
    await repair.database["users"].update_one({}, {"$set": {"phone": "9000000000"}})
    assert (await repair.commit(plan)).applied == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"id": {"$gt": ""}, "phone": {"a": 1}, "name": [1]},
        {"id": "odd", "user_id": ["user-1"], "phone": 9876543210},
        {"id": 7, "user_id": ObjectId(), "phone_number": float("nan")},
    ],
)
async def test_no_document_breaks_the_plan_of_a_sound_customer(repair: Repair, broken: Document) -> None:
    await shop.stock(
        repair.database,
        customers_v2=[customer(), {"name": "odd", **broken}],
        users=[user(), {"id": {"x": 1}, "role": 3, "phone": ["9876543210"], "customer_v2_id": {"$gt": ""}}],
    )
    outcomes = await repair.outcomes()
    assert len(outcomes) == 2
    assert outcomes["cust-1"] in ("change", "user-claimed")


async def test_every_query_has_an_index(repair: Repair) -> None:
    await apply(repair.database, repair.ops)
    numbers = range(300)
    await shop.stock(
        repair.database,
        customers_v2=[customer(id=f"c{n}", user_id=None, phone=f"98000{n:05d}") for n in numbers],
        users=[user(id=f"u{n}", phone=f"98000{n:05d}") for n in numbers],
    )
    (await watch(repair.database, repair.done())).assert_indexed(sorting=True)


@pytest.mark.parametrize(("customer_id", "user_id"), [("cust-ZZ", "user-1"), ("cust-1", "user-ZZ")])
async def test_ids_of_broken_text_are_never_written_as_links(repair: Repair, customer_id: str, user_id: str) -> None:
    customers = [broken({"_id": 1, **customer(id=customer_id, user_id=...)})]
    users = [broken({"_id": 1, **user(id=user_id, phone="9876543210")})]
    await shop.stock(repair.database, customers_v2=customers, users=users)
    assert set((await repair.outcomes()).values()) == {"id-missing"}
