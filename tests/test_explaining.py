import pytest

from services.database import Database
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
