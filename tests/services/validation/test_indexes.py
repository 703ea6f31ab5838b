"""What the validators ask of the database."""

from datetime import date

from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.operators.operator import Operator
from services.records.orders import read_order
from services.validation.billing import BillingValidator
from services.validation.check import check_order
from services.validation.delivery import DeliveryValidator
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator
from services.validation.subscription import SubscriptionValidator
from tests import shop
from tests.explaining import watch
from tests.services.validation.test_check import MILK, stocked

TODAY = date(2026, 11, 22)


async def test_every_question_to_the_database_is_served_by_an_index(database: Database, ops: Operator) -> None:
    await apply(database, ops)
    many = [shop.order(status="pending", customer_id=f"c{n}", user_id=f"u{n}") for n in range(30)]
    await shop.stock(database, orders=many)
    lookups, name = Lookups(database), many[0]["id"]

    async def ask() -> None:
        orders, billing = OrderValidator(lookups, TODAY), BillingValidator(lookups, TODAY)
        deliveries, subscriptions = DeliveryValidator(lookups), SubscriptionValidator(lookups, TODAY)
        await orders.user_matches_customer(shop.CUSTOMER, "u1")
        await orders.address("a1", ["u1"])
        await orders.no_duplicate(read_order(many[0]), ["c0", "u0"])
        await billing.not_billed(name)
        await deliveries.delivery_exists(name)
        await deliveries.person_active("raj")
        await subscriptions.customer_exists("c1")
        await subscriptions.product_exists("milk")

    watched = await watch(database, ask())
    watched.assert_indexed()
    assert len(watched.queries) == 11


async def test_a_record_is_asked_for_once(database: Database) -> None:
    await database["orders"].insert_one({"id": "o1", "status": "DELIVERED"})
    validator = BillingValidator(Lookups(database), TODAY)

    async def ask() -> None:
        for question in (validator.order_exists, validator.order_delivered, validator.not_billed):
            await question("o1")

    assert len((await watch(database, ask())).queries) == 2


async def test_a_check_takes_few_queries_and_each_has_its_index(
    database: Database, ops: Operator, clock: Clock
) -> None:
    await apply(database, ops)
    order = shop.order(id="o1", address_id="home", delivery_boy_id="raj", subscription_id="s1")
    await stocked(database, order, subscriptions_v2=dict(MILK), billing_records=shop.bill(order),
                  delivery_statuses=shop.delivery(order, {"eggs": 2, "bread": 1}))  # fmt: skip
    watched = await watch(database, check_order(database, ops, clock, "o1"))
    watched.assert_indexed()
    assert len(watched.queries) <= 12
