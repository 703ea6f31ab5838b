"""A record named by the beginning of its id: as stored, or as the audit trail knows it."""

import pytest

from services.database import Database
from services.deployment.indexes import apply
from services.errors import NotPermitted, Refused
from services.history.naming import full_id
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch


async def stock(database: Database, ops: Operator) -> None:
    """Orders in both forms of ids, one of them gone, and many entries about each."""
    await apply(database, ops)
    await shop.stock(
        database,
        orders=[shop.order(id=name) for name in ("ord_1f0c-77", "ord_1f0c-78", "ord_1f0c", "2b6e9d10-aa")],
        audit_logs=[
            {"_id": f"{name}:{n}", "table": "orders", "record_id": name, "action": "UPDATE"}
            for name in ("ord_9gone", "ord_1f0c-77")
            for n in range(50)
        ],
    )


@pytest.mark.parametrize(("typed", "meant"), [
    ("ord_1f0c-77", "ord_1f0c-77"), ("1f0c-77", "ord_1f0c-77"), ("ORD_1F0C-77", "ord_1f0c-77"), ("2b6e", "2b6e9d10-aa"),
    ("ord_1f0c", "ord_1f0c"), (" 2b6e9d10 ", "2b6e9d10-aa"), ("ord_9g", "ord_9gone"), ("nothing", "nothing"),
])  # fmt: skip
async def test_the_beginning_of_one_id_names_it(
    database: Database, ops: Operator, viewer: Operator, typed: str, meant: str
) -> None:
    await stock(database, ops)
    watched = await watch(database, full_id(database, viewer, "orders", typed))
    watched.assert_indexed()
    assert max(query["docsExamined"] for query in watched.queries) <= 1
    assert await full_id(database, viewer, "order", typed) == meant


async def test_what_is_no_beginning_of_an_id_is_left_to_who_reads_it(database: Database, viewer: Operator) -> None:
    for typed in ("", "x" * 9_999, "0123456789abcdef01234567"):
        assert await full_id(database, viewer, "orders", typed) == typed


async def test_the_beginning_of_several_is_refused_with_all_of_them(
    database: Database, ops: Operator, viewer: Operator
) -> None:
    await stock(database, ops)
    with pytest.raises(Refused, match=r"ord_1f0c, ord_1f0c-77, ord_1f0c-78\. Type more"):
        await full_id(database, viewer, "orders", "ord_1f")
    with pytest.raises(NotPermitted):
        await full_id(database, Operator("nobody", ()), "orders", "ord_1f")


async def test_without_an_index_nothing_is_looked_through(database: Database, viewer: Operator) -> None:
    await shop.stock(database, orders=shop.order(id="ord_1f0c"))
    assert await full_id(database, viewer, "orders", "ord_1f") == "ord_1f"
