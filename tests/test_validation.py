"""The 27 validators: what each accepts, what it refuses, and that no value breaks one.

Here are those of orders and subscriptions; the others are in test_validation_of_*.py.
"""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from services.database import Database, Document
from services.errors import Refused
from services.records.deliveries import read_delivery
from services.records.orders import read_items, read_order
from services.validation.address import AddressValidator
from services.validation.lookups import Lookups
from services.validation.order import PAYMENT_METHODS, OrderValidator
from services.validation.subscription import SubscriptionValidator
from services.validation.values import ValidationUtils
from tests import shop
from tests.validating import (
    ACCEPTED,
    ANYTHING,
    DELIVERIES,
    HOSTILE,
    ORDERS,
    SUBSCRIPTIONS,
    TODAY,
    none_accepted,
    says,
)


@pytest.fixture
def database(emptied: Database) -> Database:
    return emptied


@pytest.fixture
def orders(database: Database) -> OrderValidator:
    return OrderValidator(Lookups(database), TODAY)


@pytest.fixture
def subscriptions(database: Database) -> SubscriptionValidator:
    return SubscriptionValidator(Lookups(database), TODAY)


class TestOrderValidator:
    @pytest.mark.parametrize(
        ("customer_id", "user_id", "code"),
        [
            (shop.CUSTOMER, None, ACCEPTED),
            (shop.USER, shop.USER, ACCEPTED),
            (None, shop.USER, ACCEPTED),
            ("pointer", None, ACCEPTED),
            ("other", "other", "customer-missing"),
            ("twin", "twin", "customer-ambiguous"),
        ],
    )
    async def test_customer_exists(
        self, database: Database, orders: OrderValidator, customer_id: str, user_id: str, code: str
    ) -> None:
        twins = [shop.customer(id="t1", user_id="twin"), shop.customer(id="t2", user_id="twin")]
        await shop.stock(
            database, customers_v2=[shop.customer(), *twins], users={"id": "pointer", "customer_v2_id": shop.CUSTOMER}
        )
        assert says(await orders.customer_exists(customer_id, user_id)) == code

    async def test_customer_exists_takes_nothing_hostile(self, database: Database, orders: OrderValidator) -> None:
        await shop.stock(database, users={"id": "u", "customer_v2_id": {"$ne": None}})
        await none_accepted(lambda value: orders.customer_exists(value, value))

    @pytest.mark.parametrize(
        ("customer_id", "user_id", "code"),
        [
            (shop.CUSTOMER, shop.USER, ACCEPTED),
            (shop.CUSTOMER, "second", ACCEPTED),
            (shop.CUSTOMER, None, "user-missing"),
            (shop.CUSTOMER, "stranger", "user-mismatch"),
            ("bare", "loose", "user-not-linked"),
            ("bare", "stranger", "user-mismatch"),
            (shop.CUSTOMER, "gone", "user-unknown"),
            ("gone", "gone", "customer-missing"),
        ],
    )
    async def test_user_matches_customer(
        self, database: Database, orders: OrderValidator, customer_id: str, user_id: str, code: str
    ) -> None:
        users: list[Document] = [
            {"id": shop.USER}, {"id": "second", "customer_v2_id": shop.CUSTOMER},
            {"id": "stranger", "customer_v2_id": "else"}, {"id": "loose"},
        ]  # fmt: skip
        await shop.stock(database, customers_v2=[shop.customer(), shop.customer(id="bare", user_id=None)], users=users)
        assert says(await orders.user_matches_customer(customer_id, user_id)) == code

    async def test_user_matches_customer_takes_nothing_hostile(
        self, database: Database, orders: OrderValidator
    ) -> None:
        await shop.stock(database)
        nobody = [value for value in HOSTILE if value is None or not isinstance(value, (str, int, ObjectId))]
        await none_accepted(lambda value: orders.user_matches_customer(shop.CUSTOMER, value), *nobody, "", " ")

    @pytest.mark.parametrize(
        ("items", "code"),
        [
            ([{"quantity": 1, "price": 0}], ACCEPTED),
            ([{"product": "Eggs", "quantity": 0.5, "price": 60.0}], ACCEPTED),
            ([{"quantity": Decimal128("2"), "total": 5}], ACCEPTED),
            ([], "items-missing"),
            ([{"quantity": 1, "price": 5}, {"quantity": 0, "price": 5}], "item-quantity"),
            ([{"quantity": -0.0, "price": 5}], "item-quantity"),
            ([{"quantity": True, "price": 5}], "item-quantity"),
            ([{"quantity": "2", "price": 5}], "item-quantity"),
            ([{"quantity": 100_001, "price": 5}], "item-quantity"),
            ([{"quantity": 1, "price": -0.01}], "item-price"),
            ([{"quantity": 1, "price": float("nan")}], "item-price"),
            ([{"quantity": 1}], "item-price"),
            (["eggs"], "item-quantity"),
        ],
    )
    async def test_items(self, items: object, code: str) -> None:
        assert says(await ORDERS.items(items)) == code

    async def test_items_name_the_one_that_is_wrong(self) -> None:
        items = [{"quantity": 1, "price": 5.0}, {"quantity": 2, "price": -5.0}]
        result = await ORDERS.items(items)
        assert (result.field, result.value) == ("items.1.price", items[1])

    async def test_items_take_nothing_hostile(self) -> None:
        await none_accepted(ORDERS.items)
        await none_accepted(lambda value: ORDERS.items([value]))
        await none_accepted(lambda value: ORDERS.items([{"quantity": value, "price": 1}]), 10**30)
        await none_accepted(lambda value: ORDERS.items([{"quantity": 1, "price": value}]), 10**30, -0.0)

    @pytest.mark.parametrize(
        ("address_id", "code"),
        [("home", ACCEPTED), ("theirs", "address-foreign"), ("nobody's", "address-foreign"),
         ("gone", "address-unknown"), (None, "address-missing")],
    )  # fmt: skip
    async def test_address(self, database: Database, orders: OrderValidator, address_id: object, code: str) -> None:
        homes: list[Document] = [{"id": "home", "user_id": shop.USER}, {"id": "theirs", "user_id": "other"}]
        await database["addresses"].insert_many([*homes, {"id": "nobody's", "user_id": {"$ne": None}}])
        assert says(await orders.address(address_id, [shop.USER, shop.CUSTOMER, None])) == code

    async def test_address_takes_nothing_hostile(self, database: Database, orders: OrderValidator) -> None:
        await database["addresses"].insert_one({"id": "home", "user_id": shop.USER})
        await none_accepted(lambda value: orders.address(value, [shop.USER]))

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("2026-11-22", ACCEPTED),
            ("2027-11-22", ACCEPTED),
            ("2026-11-21T18:30:00Z", ACCEPTED),  # midnight of today in India
            (datetime(2026, 11, 21, 18, 30), ACCEPTED),  # noqa: DTZ001 - naive ones are UTC
            ("2027-11-23", "date-far"),
            ("2026-11-21", "date-past"),
            ("2026-11-21T18:29:59+00:00", "date-past"),
            ("2026-02-31", "date-unreadable"),
            ("22/11/2026", "date-unreadable"),
            (20261122, "date-unreadable"),
        ],
    )
    async def test_delivery_date(self, value: object, code: str) -> None:
        assert says(await ORDERS.delivery_date(value)) == code

    async def test_delivery_date_takes_nothing_hostile(self) -> None:
        await none_accepted(ORDERS.delivery_date)

    @given(st.integers(-400, 400))
    async def test_a_day_is_accepted_from_today_on(self, days: int) -> None:
        result = await ORDERS.delivery_date((TODAY + timedelta(days=days)).isoformat())
        assert result.outcome == ("refused" if days < 0 else "warning" if days > 365 else "ok")

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({}, ACCEPTED),
            ({"total_amount": 180.01}, ACCEPTED),
            ({"total_amount": ..., "total": 180}, ACCEPTED),
            ({"total_amount": 180.02}, "amount-mismatch"),
            ({"items": []}, "amount-mismatch"),
            ({"total_amount": 0}, "amount-invalid"),
            ({"total_amount": -180.0}, "amount-invalid"),
            ({"total_amount": True}, "amount-invalid"),
            ({"total_amount": "180"}, "amount-invalid"),
            ({"total_amount": 0.004, "items": [{"quantity": 1, "price": 0.004}]}, "amount-invalid"),
            ({"total_amount": 100_000.01}, "amount-invalid"),
            ({"items": [{"quantity": 3, "price": "60"}]}, "amount-invalid"),
        ],
    )
    async def test_total(self, fields: Document, code: str) -> None:
        assert says(await ORDERS.total(shop.order(**fields))) == code

    async def test_total_takes_nothing_hostile(self) -> None:
        await none_accepted(lambda value: ORDERS.total(shop.order(total_amount=value)))
        await none_accepted(lambda value: ORDERS.total(shop.order(items=[{"quantity": 1, "price": value}])))

    @given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 20_00)), min_size=1, max_size=20), st.integers(-5, 5))
    async def test_a_total_may_be_a_paisa_off_its_items(self, lines: list[tuple[int, int]], off: int) -> None:
        paise = sum(quantity * price for quantity, price in lines) + off
        items = [{"quantity": quantity, "price": price / 100} for quantity, price in lines]
        result = await ORDERS.total({"items": items, "total_amount": paise / 100})
        assert result.ok == (0 < paise <= 10_000_000 and abs(off) <= 1)

    @pytest.mark.parametrize("value", [*PAYMENT_METHODS, "upi", "Google Pay", "apple-pay", " net banking "])
    async def test_payment_method(self, value: str) -> None:
        assert says(await ORDERS.payment_method(value)) == ("payment-unsupported" if "net b" in value else ACCEPTED)

    async def test_payment_method_takes_nothing_hostile(self) -> None:
        await none_accepted(ORDERS.payment_method)
        assert says(await ORDERS.payment_method("BITCOIN")) == "payment-unsupported"

    @pytest.mark.parametrize(
        ("other", "code"),
        [
            ({}, "order-duplicate"),
            ({"status": "Out-for-delivery"}, "order-duplicate"),
            ({"customer_id": shop.CUSTOMER, "user_id": ...}, "order-duplicate"),
            ({"customer_id": ...}, "order-duplicate"),
            ({"status": "CANCELLED"}, ACCEPTED),
            ({"status": "delivered"}, ACCEPTED),
            ({"delivery_date": "2026-11-24"}, ACCEPTED),
            ({"customer_id": "other", "user_id": "other"}, ACCEPTED),
            ({"order_type": "subscription", "subscription_id": "s1"}, ACCEPTED),
        ],
    )
    async def test_no_duplicate(self, database: Database, orders: OrderValidator, other: Document, code: str) -> None:
        due = {"status": "pending", "delivery_date": "2026-11-23"}
        await database["orders"].insert_many([shop.order(id="o1", **due), shop.order(**{"id": "o2", **due, **other})])
        stored = await database["orders"].find_one({"id": "o1"})
        assert stored is not None
        result = await orders.no_duplicate(read_order(stored), [shop.USER, shop.CUSTOMER])
        assert says(result) == code
        assert ("o2" in result.message) == (code != ACCEPTED)

    async def test_no_duplicate_of_a_new_order_and_of_hostile_ones(
        self, database: Database, orders: OrderValidator
    ) -> None:
        due = shop.order(id="o1", status="pending", delivery_date="2026-11-23")
        await database["orders"].insert_one(dict(due))
        assert says(await orders.no_duplicate(read_order(due | {"id": "new"}), [shop.USER])) == "order-duplicate"
        await none_accepted(lambda value: orders.no_duplicate(read_order(due | {"delivery_date": value}), [shop.USER]),
                            ObjectId("0" * 24))  # fmt: skip
        assert says(await orders.no_duplicate(read_order(due), [None])) == "date-unreadable"


class TestSubscriptionValidator:
    async def test_customer_exists(self, database: Database, subscriptions: SubscriptionValidator) -> None:
        twins = [shop.customer(id="t1", user_id="twin"), shop.customer(id="t2", user_id="twin")]
        await shop.stock(database, customers_v2=[shop.customer(), *twins])
        assert says(await subscriptions.customer_exists(shop.CUSTOMER)) == ACCEPTED
        assert says(await subscriptions.customer_exists(shop.USER)) == ACCEPTED
        assert says(await subscriptions.customer_exists("twin")) == "customer-ambiguous"
        assert says(await subscriptions.customer_exists("gone")) == "customer-missing"

    async def test_customer_exists_takes_nothing_hostile(
        self, database: Database, subscriptions: SubscriptionValidator
    ) -> None:
        await shop.stock(database, customers_v2=[shop.customer(), shop.customer(id=None, user_id=None)])
        await none_accepted(subscriptions.customer_exists)

    async def test_product_exists(self, database: Database, subscriptions: SubscriptionValidator) -> None:
        await database["products"].insert_one({"id": "milk", "name": {"$ne": 1}})
        assert says(await subscriptions.product_exists("milk")) == ACCEPTED
        assert says(await subscriptions.product_exists("eggs")) == "product-unknown"

    async def test_product_exists_takes_nothing_hostile(
        self, database: Database, subscriptions: SubscriptionValidator
    ) -> None:
        await database["products"].insert_many([{"id": "milk"}, {"id": None}])
        await none_accepted(subscriptions.product_exists)

    @pytest.mark.parametrize(
        ("value", "code"),
        [(1, ACCEPTED), (0.5, ACCEPTED), (Decimal128("1.5"), ACCEPTED), (100_000, ACCEPTED), (0, "quantity-invalid"),
         (-0.0, "quantity-invalid"), (-1, "quantity-invalid"), (100_001, "quantity-invalid"),
         (True, "quantity-invalid"), ("1", "quantity-invalid")],
    )  # fmt: skip
    async def test_quantity(self, value: object, code: str) -> None:
        assert says(await SUBSCRIPTIONS.quantity(value)) == code

    async def test_quantity_takes_nothing_hostile(self) -> None:
        await none_accepted(SUBSCRIPTIONS.quantity)

    @pytest.mark.parametrize(
        ("value", "code"),
        [("2026-11-22", ACCEPTED), ("2026-12-01", ACCEPTED), ("2028-01-01", "date-far"), ("2026-11-21", "date-past"),
         ("2026-11-31", "date-unreadable"), (None, "date-unreadable")],
    )  # fmt: skip
    async def test_start_date(self, value: object, code: str) -> None:
        assert says(await SUBSCRIPTIONS.start_date(value)) == code

    async def test_start_date_takes_nothing_hostile(self) -> None:
        await none_accepted(SUBSCRIPTIONS.start_date)

    @pytest.mark.parametrize(
        ("start", "end", "code"),
        [
            ("2026-11-22", None, ACCEPTED), ("2026-11-22", "2026-11-23", ACCEPTED),
            ("2026-11-22", "2026-11-22", "end-before-start"), ("2026-11-22", "2025-11-23", "end-before-start"),
            ("2026-11-22", "2026-02-31", "date-unreadable"), ("soon", "2026-11-23", "date-unreadable"),
            (None, "2026-11-23", "date-unreadable"),
        ],
    )  # fmt: skip
    async def test_end_date(self, start: object, end: object, code: str) -> None:
        assert says(await SUBSCRIPTIONS.end_date(start, end)) == code

    async def test_end_date_takes_nothing_hostile(self) -> None:
        await none_accepted(lambda value: SUBSCRIPTIONS.end_date("2026-11-22", value), None)
        await none_accepted(lambda value: SUBSCRIPTIONS.end_date(value, "2026-11-22"))

    @given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
    async def test_of_two_different_days_one_order_is_right(self, one: date, other: date) -> None:
        there, back = [
            (await SUBSCRIPTIONS.end_date(start.isoformat(), end.isoformat())).ok
            for start, end in ((one, other), (other, one))
        ]
        assert there + back == (one != other)


class TestAllOfThem:
    @given(ANYTHING, ANYTHING)
    async def test_no_value_breaks_a_validator_of_values(self, one: Any, other: Any) -> None:
        orders, addresses, deliveries, subscriptions = ORDERS, AddressValidator(), DELIVERIES, SUBSCRIPTIONS
        delivery = read_delivery({"items": [{"product_id": one, "delivered_qty": other}], "status": one})
        for result in [
            await orders.items(one), await orders.items([{"quantity": one, "price": other}]),
            await orders.delivery_date(one), await orders.total({"total_amount": one, "items": other}),
            await orders.payment_method(one), await addresses.phone(one), await addresses.email(one),
            await addresses.pincode({"address_line1": "1", "city": "B", "state": one, "pincode": other}),
            await addresses.coordinates(one, other), await deliveries.status(one),
            await deliveries.quantities(delivery.status, delivery.items, read_items({"items": other})),
            await subscriptions.quantity(one), await subscriptions.start_date(one),
            await subscriptions.end_date(one, other), await ValidationUtils.percentage("a", one),
            await ValidationUtils.string_length("a", one, 1, 5), await ValidationUtils.enum_value("a", one, ("X",)),
        ]:  # fmt: skip
            assert says(result)

    async def test_a_refused_value_can_be_raised_as_a_refusal(self) -> None:
        (await ValidationUtils.positive_number("quantity", 1)).require()
        with pytest.raises(Refused) as refused:
            (await ValidationUtils.positive_number("quantity", {"$ne": None})).require()
        assert (refused.value.code, refused.value.exit_status) == ("not-positive", 1)
