"""Owners of orders resolved by the thousand: what is remembered is never of another moment."""

import pytest

from services.customers import resolution
from services.customers.resolution import NOBODY, CustomerLinks, resolve_all
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


async def test_customers_whom_users_name_are_the_same_in_a_transaction_and_outside(database: Database) -> None:
    named = {"one": "c1", "twins": "c2", "nobody": "c9", "empty": "", "nothing": None, "list": ["c1"], "again": "c1"}
    users = [{"id": user, "customer_v2_id": customer} for user, customer in named.items()]
    customers = [shop.customer(_id=n, id=name, user_id=None, name=f"N{n}", area="A")
                 for n, name in enumerate(["c1", "c2", "c2", None, ""])]  # fmt: skip
    del customers[3]["id"]
    await shop.stock(database, users=[*users, {"id": "without"}], customers_v2=customers, orders=[])
    owners = [(user, user) for user in (*named, "without", "unknown", "c1", "c2")]
    outside = CustomerLinks(database)
    for owner in owners:  # one after the other: what is known of one must not stand in the way of the next
        await outside.read([owner])
    async with database.snapshot() as session:
        inside = await CustomerLinks.load(database, owners, session)
    assert [outside.resolve(owner) for owner in owners] == [inside.resolve(owner) for owner in owners]
    assert outside.customer("c1") == inside.customer("c1") != outside.customer("c2") == inside.customer("c2")
    fitting = {owner[0]: outside.resolve(owner).candidates for owner in owners if outside.resolve(owner).candidates}
    assert fitting == {"one": ("c1",), "twins": ("c2", "c2"), "again": ("c1",), "c1": ("c1",), "c2": ("c2", "c2")}


async def test_an_order_whose_two_users_name_two_customers_is_ambiguous_whatever_was_read_before(
    database: Database,
) -> None:
    await shop.stock(
        database, customers_v2=[{"id": "cust-8"}, {"id": "cust-9"}],
        users=[{"id": "user-8", "customer_v2_id": "cust-8"}, {"id": "user-9", "customer_v2_id": "cust-9"}],
    )  # fmt: skip
    links = await CustomerLinks.load(database, [("user-8", None)])
    assert links.resolve(("user-8", None)).customer_id == "cust-8"
    both = ("user-8", "user-9")
    await links.read([both])
    assert links.resolve(both).candidates == ("cust-8", "cust-9")
    assert links.resolve(both) == (await CustomerLinks.load(database, [both])).resolve(both)
