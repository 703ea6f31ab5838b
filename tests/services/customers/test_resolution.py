"""Owners of orders resolved by the thousand: what is remembered is never of another moment."""

import pytest

from services.customers import resolution
from services.customers.resolution import NOBODY, resolve_all
from services.database import Database
from tests import shop

OWNERS = [("user-1", "user-1"), ("cust-1", None), (None, "user-9"), (None, None)]


@pytest.mark.parametrize("remembered", [0, 200_000])
async def test_a_snapshot_remembers_its_customers_and_no_other_session_does(
    database: Database, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr(resolution, "_REMEMBERED", remembered)
    await shop.stock(database)
    async with database.snapshot() as session:
        for part in (OWNERS[:2], OWNERS, OWNERS[1:]):
            found = await resolve_all(database, part, session)
            assert [found[owner].customer_id for owner in part] == [
                shop.CUSTOMER if "1" in str(owner) else None for owner in part
            ]
        await database["customers_v2"].delete_many({})
        assert (await resolve_all(database, OWNERS, session))[OWNERS[0]].customer_id == shop.CUSTOMER
    async with database.snapshot() as later:
        assert (await resolve_all(database, OWNERS, later))[OWNERS[0]] == NOBODY
    assert (await resolve_all(database, OWNERS, None))[OWNERS[1]] == NOBODY
