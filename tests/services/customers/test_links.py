"""Where the ids on an order lead."""

from services.customers.links import explain_links
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch


async def told(database: Database, customer_id: str | None, user_id: str | None) -> list[tuple[str, str, bool]]:
    return [(link.field, link.leads_to, link.sound) for link in await explain_links(database, (customer_id, user_id))]


async def test_every_step_between_an_order_and_its_customer_is_told(database: Database, ops: Operator) -> None:
    await shop.stock(
        database, users=[{"id": "user-1", "name": "Asha", "role": "customer", "customer_v2_id": "gone"},
                         {"id": "user-2", "customer_v2_id": "cust-1"}],
    )  # fmt: skip
    assert await told(database, "user-1", "user-1") == [
        ("orders.customer_id, user_id", "the user Asha (customer)", True),
        ("customers_v2.user_id", "the customer Asha Rao (cust-1)", True),
        ("users.customer_v2_id", "no customer has this id", False),
    ]
    assert await told(database, "cust-1", "user-2") == [
        ("orders.customer_id", "the customer Asha Rao (cust-1)", True),
        ("orders.user_id", "the user without a name (no role)", True),
        ("users.customer_v2_id", "the customer Asha Rao (cust-1)", True),
    ]
    assert await told(database, "x", None) == [("orders.customer_id", "no customer and no user has this id", False)]
    assert await told(database, None, None) == [("orders.customer_id", "the order names nobody", False)]
    await apply(database, ops)
    (await watch(database, explain_links(database, ("cust-1", "user-2")))).assert_indexed()


async def test_a_customer_under_a_key_of_any_type_is_told(database: Database) -> None:
    keyed = shop.customer(_id={"old": 7})
    await shop.stock(database, customers_v2=keyed, users={"id": "user-1", "customer_v2_id": "gone"})
    assert ("customers_v2.user_id", "the customer Asha Rao (cust-1)", True) in await told(database, "user-1", "user-1")
