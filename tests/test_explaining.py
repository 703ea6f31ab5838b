import pytest

from console.demo.mongod import EmbeddedMongod
from services.database import Database
from services.operators.operator import Operator
from services.orders.lookup import find_orders
from tests.every_query import RECORDER, Asked, explain
from tests.explaining import watch


async def test_a_collection_scan_is_noticed(database: Database) -> None:
    await database["orders"].insert_one({"a": 1})
    watched = await watch(database, database["orders"].find_one({"a": 1}))
    with pytest.raises(AssertionError):
        watched.assert_indexed()


async def test_a_sort_in_memory_is_noticed(database: Database) -> None:
    await database["orders"].insert_many([{"a": 1, "b": n} for n in range(5)])
    await database["orders"].create_index("a")
    watched = await watch(database, database["orders"].find({"a": 1}).sort("b").to_list())
    with pytest.raises(AssertionError):
        watched.assert_indexed()


async def test_an_indexed_query_passes(database: Database) -> None:
    await database["orders"].create_index("a")
    await database["orders"].insert_one({"a": 1})
    watched = await watch(database, database["orders"].find_one({"a": 1}))
    watched.assert_indexed()
    assert watched.plans() == ["IXSCAN { a: 1 }"]


async def test_every_query_of_a_service_is_recorded_with_where_it_comes_from(database: Database, ops: Operator) -> None:
    await database["orders"].find_one({"asked_by_a_test": 1})
    await find_orders(database, ops, "ord_1")
    sites = {query.site for query in RECORDER.asked.values()}
    assert {"orders/lookup.py _Reader._chunk", "customers/search.py find_owners"} <= sites
    assert not [name for name in RECORDER.asked if "asked_by_a_test" in name]


@pytest.mark.parametrize(("command", "wrong"), [
    ({"find": "orders", "filter": {"id": "o1"}}, ""),
    ({"find": "orders", "filter": {"notes": "x"}}, "scans orders"),
    ({"find": "orders", "filter": {"id": "o1"}, "sort": {"notes": 1}}, "sorts orders in memory"),
    ({"aggregate": "orders", "pipeline": [{"$match": {"status": "x"}}, {"$sort": {"notes": 1}}]}, "sorts orders"),
    ({"aggregate": "orders", "pipeline": [
        {"$match": {"id": "x"}}, {"$unionWith": {"coll": "users", "pipeline": [{"$match": {"id": "x"}}]}}]}, ""),
    ({"aggregate": "orders", "pipeline": [
        {"$match": {"id": "x"}}, {"$unionWith": {"coll": "users", "pipeline": [{"$match": {"name": "x"}}]}}]}, "scans"),
    ({"update": "orders", "query": {"_id": 1, "notes": "x"}}, ""),
    ({"update": "orders", "query": {"notes": "x"}}, "scans orders"),
    ({"delete": "console_outbox", "query": {"state": "x"}}, "scans console_outbox"),
    ({"distinct": "orders", "key": "notes", "query": {}}, "scans orders"),
])  # fmt: skip
def test_a_query_without_its_index_is_named(mongod: EmbeddedMongod, command: dict[str, object], wrong: str) -> None:
    found = explain(mongod.uri, [Asked("somewhere", command)])
    assert len(found) == bool(wrong)
    assert all(wrong in each and each.startswith("somewhere ") for each in found)
