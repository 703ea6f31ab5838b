"""What whoever takes an order chooses from: customers, products, delivery people."""

import pytest

from services.customers.search import find_customers
from services.database import Database
from services.deliveries.staff import find_staff
from services.deployment.indexes import apply
from services.errors import BadRequest
from services.operators.operator import Operator
from services.orders import products
from services.orders.products import find_products
from services.orders.reading import find_deleted
from tests import shop
from tests.explaining import watch
from tests.services.orders.ordering import stock


async def test_customers_are_found_by_phone_name_and_id_and_masked_for_a_viewer(
    database: Database, support: Operator, viewer: Operator
) -> None:
    await shop.stock(
        database,
        customers_v2=[shop.customer(), shop.customer(id="cust-2", user_id=None, name="అనిత", phone="+91 98450-12345"),
                      {"id": "cust-3", "name": None, "phone_number": 7, "address": {"$x": 1}}],
        users={"id": "user-9", "customer_v2_id": "cust-2"},
    )  # fmt: skip
    for query, found in (
        ("ash", ["cust-1"]), ("ASHA", ["cust-1"]), ("అని", ["cust-2"]), ("98450 12345", ["cust-2"]),
        ("user-9", ["cust-2"]), ("cust-3", ["cust-3"]), ("cust", []), ("", []), ('{"$ne": null}', []), (".*", []),
    ):  # fmt: skip
        assert [each.id for each in (await find_customers(database, support, query)).items] == found, query
    (masked,) = (await find_customers(database, viewer, "asha")).items
    assert (masked.phone, masked.address) == ("•••••210", "•••••")
    for hostile in ("x" * 10_240, "\udcff"):
        with pytest.raises(BadRequest):
            await find_customers(database, support, hostile)


async def test_more_customers_than_a_list_holds_are_told(database: Database, support: Operator) -> None:
    many = [shop.customer(id=f"c{n:02}", user_id=f"u{n}", name=f"Rao {n:02}") for n in range(40)]
    await shop.stock(database, customers_v2=many)
    found = await find_customers(database, support, "rao")
    assert ([each.id for each in found.items], bool(found.note)) == ([f"c{n:02}" for n in range(30)], True)


async def test_products_are_found_by_words_anywhere_at_the_customers_price(
    database: Database, support: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stock(database)
    await database["products"].insert_many(
        [{"id": "a2", "name": "A2 Desi milk 500 ml", "unit": "bottle", "price": 48.0}, {"name": "no id"},
         {"id": 7, "name": {"a": 1}, "price": "x"}]
    )  # fmt: skip

    async def ids(query: str) -> list[str]:
        return [each.id for each in (await find_products(database, support, query, "cust-1")).items]

    assert await ids("MILK") == ["a2", "milk"]
    assert await ids("bottle desi") == ["a2"]
    assert await ids("gift") == ["gift"]
    assert "7" in await ids("")
    assert await ids(".*") == []
    milk = next(each for each in (await find_products(database, support, "", "cust-1")).items if each.id == "milk")
    assert (milk.price_paise, milk.own_price, milk.unit) == (2715, True, "l")
    usual = next(each for each in (await find_products(database, support)).items if each.id == "milk")
    assert (usual.price_paise, usual.own_price) == (2800, False)
    monkeypatch.setattr(products, "MOST_PRODUCTS", 1)
    many = await find_products(database, support, "curd")
    assert [each.id for each in many.items] == ["curd"]  # by its id, behind the names that are looked through
    assert many.note


async def test_delivery_people_who_work_are_found_by_words(database: Database, viewer: Operator) -> None:
    await stock(database)
    assert list(await find_staff(database, viewer)) == ["boy-1", "boy-4", "boy-2"]
    assert list(await find_staff(database, viewer, "RA")) == ["boy-1", "boy-4"]
    assert list(await find_staff(database, viewer, "boy-2")) == ["boy-2"]


async def test_orders_that_are_gone_are_told_from_those_that_are_there(database: Database, viewer: Operator) -> None:
    await stock(database)
    unnamed = (await database["orders"].insert_one({"status": "pending"})).inserted_id
    gone = "6571a0a0a0a0a0a0a0a0a0a0"
    assert await find_deleted(database, viewer, ["o1", "o2", str(unnamed), gone]) == ("o2", gone)


async def test_every_list_to_choose_from_is_served_by_an_index(database: Database, ops: Operator) -> None:
    await stock(database)
    await apply(database, ops)

    async def choose() -> None:
        await find_customers(database, ops, "asha")
        await find_customers(database, ops, "9876543210")
        await find_products(database, ops, "milk", "cust-1")
        await find_staff(database, ops, "raj")
        await find_deleted(database, ops, ["o1", "6571a0a0a0a0a0a0a0a0a0a0"])

    (await watch(database, choose())).assert_indexed(sorting=False)
