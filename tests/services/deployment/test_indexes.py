import pytest

from services.database import Database, Document
from services.deployment.indexes import INDEXES, OWN, THIRTEEN, Index, IndexState, apply, missing, plan
from services.errors import NotPermitted
from services.operators.operator import Operator
from tests.explaining import watch


def state_of(states: tuple[IndexState, ...], title: str) -> IndexState:
    return next(state for state in states if state.index.title == title)


def test_the_thirteen_are_as_named() -> None:
    assert [index.title for index in THIRTEEN] == [
        "orders(customer_id, status)",
        "orders(user_id, created_at desc)",
        "orders(status, billed)",
        "orders(delivery_date)",
        "billing_records(customer_id, month)",
        "delivery_statuses(order_id)",
        "delivery_statuses(delivery_boy_id, date)",
        "subscriptions_v2(customer_id, status)",
        "customers_v2(user_id) unique",
        "customers_v2(delivery_boy_id, status)",
        "products(category)",
        "audit_logs(timestamp desc)",
        "audit_logs(table, record_id)",
    ]


def test_no_index_is_declared_twice() -> None:
    keys = [(index.collection, index.keys, bool(index.collation)) for index in INDEXES]
    assert len(set(keys)) == len(keys) == len(THIRTEEN) + len(OWN)


async def test_planning_writes_nothing_and_applying_builds_all_of_it(database: Database, ops: Operator) -> None:
    planned = await plan(database)
    assert {state.state for state in planned} == {"missing"}
    assert await database.client[database.name].list_collection_names() == []
    assert await missing(database)

    told: list[tuple[str, int, int]] = []
    applied = await apply(database, ops, lambda label, done, total: told.append((label, done, total)))

    assert {state.state for state in applied} == {"present"}
    assert {state.state for state in await plan(database)} == {"present"}
    assert await missing(database) == ()
    assert told[0] == ("orders(customer_id, status)", 0, len(INDEXES))
    assert told[-1] == ("indexes", len(INDEXES), len(INDEXES))


async def test_applying_twice_builds_nothing_more(database: Database, ops: Operator) -> None:
    await apply(database, ops)
    told: list[str] = []

    await apply(database, ops, lambda label, done, total: told.append(label))

    assert told == []


async def test_duplicates_block_a_unique_index_and_none_of_the_others(database: Database, ops: Operator) -> None:
    twice = [{"id": "ord_a"}, {"id": "ord_a"}, {"id": "ord_b"}, {"id": "ord_b"}, {"id": "ord_c"}]
    await database["orders"].insert_many(twice)

    blocked = state_of(await plan(database), "orders(id) unique")
    applied = await apply(database, ops)

    assert blocked.state == "blocked"
    assert blocked.reason.startswith("2 values occur on more than one record, for example ord_")
    assert [state.index.title for state in applied if state.state != "present"] == ["orders(id) unique"]
    assert "orders(id) unique" in await missing(database)


async def test_duplicates_of_a_field_inside_another_are_found_too(database: Database) -> None:
    chained = [{"id": f"a{n}", "chain": {"stream": "s", "seq": 7}} for n in range(2)]
    await database["audit_logs"].insert_many([*chained, {"id": "none"}, {"id": "none"}])

    blocked = state_of(await plan(database), "audit_logs(chain.stream, chain.seq) unique")

    assert blocked.state == "blocked"
    assert blocked.reason.startswith("1 value occurs on more than one record, for example s, 7. ")


async def test_customers_without_a_user_do_not_block_the_unique_index_among_those_that_have_one(
    database: Database, ops: Operator
) -> None:
    without: list[Document] = [{"user_id": None}, {"user_id": None}, {}, {}, {"user_id": ""}, {"user_id": ""}]
    await database["customers_v2"].insert_many([*without, {"user_id": "u1"}, {"user_id": "u2"}])

    applied = await apply(database, ops)

    assert state_of(applied, "customers_v2(user_id) unique").state == "present"


async def test_two_customers_of_one_user_are_named_and_looking_up_by_user_stays_fast(
    database: Database, ops: Operator
) -> None:
    await database["customers_v2"].insert_many([{"user_id": "u1"}, {"user_id": "u1"}, {"user_id": "u2"}])

    state = state_of(await apply(database, ops), "customers_v2(user_id) unique")

    assert state.state == "blocked"
    assert state.reason.startswith("1 value occurs on more than one record, for example u1.")
    assert await missing(database) == ()
    look_up = database["customers_v2"].find({"user_id": {"$in": ["u1", "u2"]}}).to_list()
    (await watch(database, look_up)).assert_indexed()


async def test_an_index_of_the_same_keys_under_another_name_is_present(database: Database) -> None:
    await database["orders"].create_index([("delivery_date", 1)], name="by_day")
    await database["customers_v2"].create_index([("name", 1)], name="plain_name")
    await database["users"].create_index([("id", 1)], name="sparse_id", sparse=True)

    states = await plan(database)

    assert state_of(states, "orders(delivery_date)").state == "present"
    assert state_of(states, "customers_v2(name)").state == "missing"  # another collation serves other queries
    assert state_of(states, "users(id)").state == "missing"  # a sparse one serves fewer


async def test_a_plain_index_where_a_unique_one_is_wanted_is_told_and_kept(database: Database, ops: Operator) -> None:
    await database["orders"].create_index([("id", 1)])

    before = state_of(await plan(database), "orders(id) unique")
    after = state_of(await apply(database, ops), "orders(id) unique")

    assert (before.state, after.state) == ("different", "present")
    assert "id_1 is not unique" in before.reason
    indexes = await database["orders"].index_information()
    assert {"id_1", "id_1_console"} <= indexes.keys()
    assert not indexes["id_1"].get("unique")


async def test_what_a_longer_index_serves_is_not_told_as_missing(database: Database) -> None:
    await database["orders"].create_index([("delivery_date", 1), ("_id", -1)])

    assert "orders(delivery_date)" not in await missing(database)


@pytest.mark.parametrize("role", ["viewer", "support", "auditor"])
async def test_only_ops_builds_indexes(database: Database, request: pytest.FixtureRequest, role: str) -> None:
    with pytest.raises(NotPermitted):
        await apply(database, request.getfixturevalue(role))
    assert await database.client[database.name].list_collection_names() == []


def test_an_index_has_the_name_that_mongodb_would_give_it() -> None:
    assert Index("orders", (("user_id", 1), ("created_at", -1))).name == "user_id_1_created_at_-1"
