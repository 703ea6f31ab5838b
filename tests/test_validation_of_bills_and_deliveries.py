"""The ten validators of bills and deliveries."""

from datetime import date
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from services.clock import month_of
from services.database import Database, Document
from services.records.deliveries import read_delivery
from services.records.orders import read_items
from services.validation.billing import BillingValidator
from services.validation.delivery import DeliveryValidator
from services.validation.lookups import Lookups
from services.validation.result import Result
from tests import shop
from tests.validating import (
    ACCEPTED,
    BILLING,
    DELIVERIES,
    TODAY,
    UNASKED,
    none_accepted,
    says,
)


@pytest.fixture
def database(emptied: Database) -> Database:
    return emptied


@pytest.fixture
def billing(database: Database) -> BillingValidator:
    return BillingValidator(Lookups(database), TODAY)


@pytest.fixture
def deliveries(database: Database) -> DeliveryValidator:
    return DeliveryValidator(Lookups(database))


class TestBillingValidator:
    async def test_order_exists(self, database: Database, billing: BillingValidator) -> None:
        await database["orders"].insert_many([{"id": "o1"}, {"id": "twin"}, {"id": "twin"}])
        assert says(await billing.order_exists("o1")) == ACCEPTED
        assert says(await billing.order_exists("o2")) == "unknown-order"
        assert says(await billing.order_exists("twin")) == "id-duplicate"
        assert says(await billing.order_exists(None)) == "id-missing"

    async def test_order_exists_takes_nothing_hostile(self, database: Database, billing: BillingValidator) -> None:
        await database["orders"].insert_many([{"id": "o1"}, {"id": None}, {"id": {"$ne": None}}, {"id": ".x"}])
        await none_accepted(billing.order_exists)

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            ("DELIVERED", ACCEPTED), ("delivered", ACCEPTED), ("Partially-Delivered", ACCEPTED),
            ("pending", "not-delivered"), ("NOT_DELIVERED", "not-delivered"), ("cancelled", "not-delivered"),
            ("DELIVERED?", "not-delivered"), (True, "not-delivered"), ({"$ne": None}, "not-delivered"),
            (None, "not-delivered"), pytest.param("x" * 10_000, "not-delivered", id="long"),
        ],
    )  # fmt: skip
    async def test_order_delivered(
        self, database: Database, billing: BillingValidator, status: object, code: str
    ) -> None:
        await database["orders"].insert_one({"id": "o1", "status": status})
        assert says(await billing.order_delivered("o1")) == code

    async def test_order_delivered_takes_nothing_hostile(self, database: Database, billing: BillingValidator) -> None:
        await database["orders"].insert_one({"id": "o1", "status": "DELIVERED"})
        await none_accepted(billing.order_delivered)

    @pytest.mark.parametrize(
        ("billed", "bills", "code"),
        [
            (False, 0, ACCEPTED), (None, 0, ACCEPTED), ("yes", 0, ACCEPTED), (1, 0, ACCEPTED),
            (True, 0, "flagged-no-record"), (True, 1, "already-billed"), (False, 1, "already-billed"),
            (False, 2, "already-billed"),
        ],
    )  # fmt: skip
    async def test_not_billed(
        self, database: Database, billing: BillingValidator, billed: object, bills: int, code: str
    ) -> None:
        order = shop.order(id="o1", billed=billed)
        await shop.stock(database, orders=order, billing_records=[shop.bill(order) for _ in range(bills)])
        assert says(await billing.not_billed("o1")) == code

    async def test_not_billed_takes_nothing_hostile(self, database: Database, billing: BillingValidator) -> None:
        await database["orders"].insert_one({"id": "o1"})
        await none_accepted(billing.not_billed)

    @pytest.mark.parametrize(
        ("rupees", "code"),
        [
            (180.0, ACCEPTED), (0.005, ACCEPTED), (100_000, ACCEPTED), (Decimal128("1.50"), ACCEPTED),
            (0, "amount-invalid"), (-0.0, "amount-invalid"), (-1.5, "amount-invalid"), (0.0049, "amount-invalid"),
            (100_000.01, "amount-invalid"), ("180", "amount-invalid"), (True, "amount-invalid"),
        ],
    )  # fmt: skip
    async def test_amount(self, rupees: object, code: str) -> None:
        assert says(await BILLING.amount(rupees)) == code

    async def test_amount_takes_nothing_hostile(self) -> None:
        await none_accepted(BILLING.amount)

    @pytest.mark.parametrize(
        ("order_id", "month", "code"),
        [
            ("o1", "2026-11", ACCEPTED), ("o1", "2026-01", ACCEPTED), ("o1", "2026-12", "month-in-future"),
            ("o1", "2026-13", "month-malformed"), ("o1", "2026-1", "month-malformed"),
            ("o1", "1999-12", "month-malformed"), ("o1", 202611, "month-malformed"),
            ("o1", "२०२६-११", "month-malformed"), ("o1", "2026-11\n", "month-malformed"),
            ("o1", None, "no-delivery-month"), ("billed", "2026-10", "bill-duplicate"),
            ("billed", "2026-09", "bill-duplicate"),
        ],
    )  # fmt: skip
    async def test_month(
        self, database: Database, billing: BillingValidator, order_id: str, month: object, code: str
    ) -> None:
        await database["billing_records"].insert_one(shop.bill({"id": "billed"}))
        assert says(await billing.month(order_id, month)) == code

    async def test_month_leaves_the_bill_itself_out(self, database: Database, billing: BillingValidator) -> None:
        bills = [shop.bill({"id": name}, _id=key) for name, key in (("o1", 1), ("o2", 2), ("o2", 3))]
        await database["billing_records"].insert_many(bills)
        assert says(await billing.month("o1", "2026-10", 1)) == ACCEPTED
        assert says(await billing.month("o2", "2026-10", 2)) == "bill-duplicate"

    async def test_month_takes_nothing_hostile(self) -> None:
        await none_accepted(lambda value: BILLING.month("o1", value))

    @given(st.dates(date(2020, 1, 1), date(2030, 12, 31)))
    async def test_a_month_is_accepted_once_it_has_begun(self, day: date) -> None:
        class Nothing(Lookups):
            async def find(self, collection: str, field: str, reference: object) -> list[Document]:
                return []

        validator = BillingValidator(Nothing(UNASKED.database), TODAY)
        assert (await validator.month("o1", month_of(day))).ok == ((day.year, day.month) <= (2026, 11))


class TestDeliveryValidator:
    async def test_delivery_exists(self, database: Database, deliveries: DeliveryValidator) -> None:
        await database["delivery_statuses"].insert_one({"order_id": "o1"})
        assert says(await deliveries.delivery_exists("o1")) == ACCEPTED
        assert says(await deliveries.delivery_exists("o2")) == "delivery-missing"

    async def test_delivery_exists_takes_nothing_hostile(
        self, database: Database, deliveries: DeliveryValidator
    ) -> None:
        await database["delivery_statuses"].insert_many([{"order_id": "o1"}, {"order_id": None}, {}])
        await none_accepted(deliveries.delivery_exists)

    async def test_person_exists(self, database: Database, deliveries: DeliveryValidator) -> None:
        await database["delivery_boys_v2"].insert_one({"id": "raj", "name": "[b]Raj\x1b"})
        await database["delivery_boys"].insert_one({"id": "old"})
        assert says(await deliveries.person_exists("raj")) == ACCEPTED
        assert says(await deliveries.person_exists("old")) == "delivery-person-unknown"

    async def test_person_exists_takes_nothing_hostile(self, database: Database, deliveries: DeliveryValidator) -> None:
        await database["delivery_boys_v2"].insert_many([{"id": "raj"}, {"id": None}])
        await none_accepted(deliveries.person_exists)

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"is_active": True}, ACCEPTED), ({"status": "Active"}, ACCEPTED),
            ({"is_active": True, "status": "x"}, ACCEPTED), ({"is_active": False}, "delivery-person-inactive"),
            ({"is_active": False, "status": "active"}, "delivery-person-inactive"),
            ({"status": "inactive"}, "delivery-person-inactive"), ({"is_active": "no"}, "delivery-person-unclear"),
            ({}, "delivery-person-unclear"), ({"status": {"$ne": "inactive"}}, "delivery-person-unclear"),
        ],
    )  # fmt: skip
    async def test_person_active(
        self, database: Database, deliveries: DeliveryValidator, fields: Document, code: str
    ) -> None:
        await database["delivery_boys_v2"].insert_one({"id": "raj", **fields})
        assert says(await deliveries.person_active("raj")) == code

    async def test_person_active_takes_nothing_hostile(self, database: Database, deliveries: DeliveryValidator) -> None:
        await database["delivery_boys_v2"].insert_one({"id": "raj", "is_active": True})
        await none_accepted(deliveries.person_active)

    @pytest.mark.parametrize(
        ("delivered", "status", "code"),
        [
            ({"eggs": 2, "bread": 1}, "delivered", ACCEPTED),
            ({"eggs": 0, "bread": 1}, "partially delivered", ACCEPTED),
            ({"eggs": 0.5, "bread": 1}, "PARTIALLY_DELIVERED", ACCEPTED),
            ({"eggs": 0, "bread": 0}, "not_delivered", ACCEPTED),
            ({"eggs": -0.0, "bread": 0}, "not_delivered", ACCEPTED), (None, "delivered", ACCEPTED),
            ({"eggs": 1, "bread": 1}, "delivered", "quantities-differ"),
            ({"eggs": 2, "bread": 1}, "not_delivered", "quantities-differ"),
            ({"eggs": 0, "bread": 0}, "delivered", "nothing-delivered"),
            ({"eggs": 3, "bread": 1}, "delivered", "bad-quantity"),
            ({"eggs": -1, "bread": 1}, "delivered", "bad-quantity"),
            ({"eggs": "2", "bread": 1}, "delivered", "bad-quantity"),
            ({"eggs": True, "bread": 1}, "delivered", "bad-quantity"),
        ],
    )  # fmt: skip
    async def test_quantities(self, delivered: dict[str, Any], status: str, code: str) -> None:
        order = shop.order()
        delivery = read_delivery(shop.delivery(order, delivered, status=status))
        items = read_items(order)
        assert says(await DELIVERIES.quantities(delivery.status, delivery.items, items)) == code

    async def test_quantities_of_what_was_not_ordered(self) -> None:
        order = shop.order()
        delivery = read_delivery(shop.delivery(order, {"eggs": 2, "bread": 1}))
        eggs = read_items({"items": order["items"][:1]})
        assert says(await DELIVERIES.quantities("DELIVERED", delivery.items, eggs)) == "not-ordered"
        nothing = read_items({"items": [{"product_id": "eggs", "quantity": "two"}]})
        assert says(await DELIVERIES.quantities("DELIVERED", delivery.items, nothing)) == "item-unreadable"

    async def test_quantities_take_nothing_hostile(self) -> None:
        order = shop.order()

        async def ask(value: object) -> Result:
            delivery = read_delivery(shop.delivery(order, {"eggs": value, "bread": 0}))  # type: ignore[dict-item]
            return await DELIVERIES.quantities(delivery.status, delivery.items, read_items(order))

        await none_accepted(ask)

    @given(st.integers(1, 50), st.integers(-60, 60))
    async def test_a_quantity_is_between_0_and_what_was_ordered(self, ordered: int, delivered: int) -> None:
        items = read_items({"items": [{"product_id": "eggs", "quantity": ordered, "price": 1}]})
        given_ = read_delivery({"items": [{"product_id": "eggs", "delivered_qty": delivered}]}).items
        result = await DELIVERIES.quantities("NOT_DELIVERED", given_, items)
        assert result.ok == (0 <= delivered <= ordered)

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("delivered", ACCEPTED), ("PARTIALLY_DELIVERED", ACCEPTED), ("not-delivered", ACCEPTED),
            (" Out for delivery ", ACCEPTED), ("teleported", "delivery-status-unknown"),
            ("delivered\x00", "delivery-status-unknown"), ("DELIVERED; drop", "delivery-status-unknown"),
        ],
    )  # fmt: skip
    async def test_status(self, value: str, code: str) -> None:
        assert says(await DELIVERIES.status(value)) == code

    async def test_status_takes_nothing_hostile(self) -> None:
        await none_accepted(DELIVERIES.status)
