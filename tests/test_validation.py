"""The 27 validators: what each accepts, what it refuses, and that no value breaks one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from bson import Decimal128, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from services.clock import month_of
from services.database import Database, Document
from services.errors import Refused
from services.records.deliveries import read_delivery
from services.records.orders import read_items, read_order
from services.validation.address import AddressValidator
from services.validation.billing import BillingValidator
from services.validation.delivery import DeliveryValidator
from services.validation.lookups import Lookups
from services.validation.order import MOST_OF_A_DAY, PAYMENT_METHODS, OrderValidator
from services.validation.result import Result
from services.validation.subscription import SubscriptionValidator
from services.validation.values import ValidationUtils
from tests import shop

TODAY = date(2026, 11, 22)
ACCEPTED = "accepted"
HOSTILE: tuple[Any, ...] = (
    None, "", " ", "x" * 10_000, "\x1b]0;pwned\x07\x00\n", {"$ne": None}, {"$where": "sleep(1)"}, "$where", ".*",
    ["$ne"], [[]], float("nan"), 1e309, -1e309, -0.0, -1, 10**30, -(10**30), Decimal("sNaN"), Decimal128("NaN"),
    Decimal128("-1E+6144"), "2026-02-31", "31 February", "\ud800", "\u202e", b"\xff", ObjectId("0" * 24),
    datetime(1, 1, 1), datetime.max.replace(tzinfo=UTC), "+1 202 555 0147", "८ २", "{{7*7}}", "=cmd()",  # noqa: DTZ001
)  # fmt: skip
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


UNASKED = Lookups(cast(Database, None))
"""For validators of values, which ask no database."""
ORDERS = OrderValidator(UNASKED, TODAY)
BILLING = BillingValidator(UNASKED, TODAY)
DELIVERIES = DeliveryValidator(UNASKED)
SUBSCRIPTIONS = SubscriptionValidator(UNASKED, TODAY)


def says(result: Result) -> str:
    """The code of a result that is not quite in order."""
    assert (result.outcome == "ok") == (result.code is None)
    assert result.field
    assert result.message.endswith((".", "…"))
    return result.code or ACCEPTED


async def none_accepted(ask: Callable[[Any], Awaitable[Result]], *but: Any) -> None:
    """No hostile value is accepted, and each is answered with a sentence of bounded length."""
    for value in HOSTILE:
        if repr(value) not in map(repr, but):  # a signalling NaN compares with nothing
            result = await ask(value)
            assert not result.ok, value
            assert says(result)
            assert len(result.message) < 400


@pytest.fixture
def database(emptied: Database) -> Database:
    return emptied


@pytest.fixture
def lookups(database: Database) -> Lookups:
    return Lookups(database)


@pytest.fixture
def orders(lookups: Lookups) -> OrderValidator:
    return OrderValidator(lookups, TODAY)


@pytest.fixture
def billing(lookups: Lookups) -> BillingValidator:
    return BillingValidator(lookups, TODAY)


@pytest.fixture
def deliveries(lookups: Lookups) -> DeliveryValidator:
    return DeliveryValidator(lookups)


@pytest.fixture
def subscriptions(lookups: Lookups) -> SubscriptionValidator:
    return SubscriptionValidator(lookups, TODAY)


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
            ({"status": "PeNdInG"}, "order-duplicate"),
            ({"status": "out  FOR-delivery ", "order_type": "One Time"}, "order-duplicate"),
            ({"customer_id": shop.CUSTOMER, "user_id": ...}, "order-duplicate"),
            ({"customer_id": ...}, "order-duplicate"),
            ({"status": "CANCELLED"}, ACCEPTED),
            ({"status": "delivered"}, ACCEPTED),
            ({"status": "cAnCeLLed"}, ACCEPTED),
            ({"status": None}, ACCEPTED),
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

    async def test_no_duplicate_behind_many_orders_of_another_kind(
        self, database: Database, orders: OrderValidator
    ) -> None:
        due: Document = {"status": "pending", "delivery_date": "2026-11-23"}
        of_another: Document = {**due, "order_type": "subscription", "subscription_id": "s1"}
        new = read_order(shop.order(id="new", **due))
        await database["orders"].insert_many([*(shop.order(**of_another) for _ in range(60)), shop.order(**due)])
        assert says(await orders.no_duplicate(new, [shop.USER])) == "order-duplicate"
        await database["orders"].delete_many({"order_type": "one_time"})
        assert says(await orders.no_duplicate(new, [shop.USER])) == ACCEPTED
        await database["orders"].insert_many([shop.order(**of_another) for _ in range(MOST_OF_A_DAY)])
        assert says(await orders.no_duplicate(new, [shop.USER])) == "too-many-orders"

    async def test_no_duplicate_of_a_new_order_and_of_hostile_ones(
        self, database: Database, orders: OrderValidator
    ) -> None:
        due = shop.order(id="o1", status="pending", delivery_date="2026-11-23")
        await database["orders"].insert_one(dict(due))
        assert says(await orders.no_duplicate(read_order(due | {"id": "new"}), [shop.USER])) == "order-duplicate"
        await none_accepted(lambda value: orders.no_duplicate(read_order(due | {"delivery_date": value}), [shop.USER]),
                            ObjectId("0" * 24))  # fmt: skip
        assert says(await orders.no_duplicate(read_order(due), [None])) == "date-unreadable"


class TestAddressValidator:
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("9876543210", ACCEPTED), ("+91 98765 43210", ACCEPTED), ("098765-43210", ACCEPTED), (9876543210, ACCEPTED),
            ("91-9876543210", ACCEPTED), ("९८७६५४३२१०", "phone-digits"), ("080-2345 6789", "phone-not-mobile"),
            ("+1 202 555 0147", "phone-foreign"), ("+44 7911 123456", "phone-foreign"), ("", "phone-missing"),
            (None, "phone-missing"), (True, "phone-missing"), ("12345", "phone-invalid"),
            ("0000000000", "phone-invalid"),
            ("9876543210 or 9876543211", "phone-invalid"), ("98765432101", "phone-invalid"),
            ("tel:9876543210;ext=5", "phone-invalid"),
        ],
    )  # fmt: skip
    async def test_phone(self, value: object, code: str) -> None:
        assert says(await AddressValidator().phone(value)) == code

    async def test_phone_takes_nothing_hostile(self) -> None:
        await none_accepted(AddressValidator().phone)

    @given(st.integers(6_000_000_000, 9_999_999_999), st.sampled_from(["{}", "+91{}", "0{}", "+91 {}", "91{}"]))
    async def test_a_phone_is_judged_alike_in_every_writing(self, number: int, form: str) -> None:
        plain = await AddressValidator().phone(str(number))
        assert (await AddressValidator().phone(form.format(number))).code == plain.code

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("asha.rao+milk@example.in", ACCEPTED), (" asha@example.in ", ACCEPTED), ("अ@उदाहरण.भारत", ACCEPTED),
            ("", "email-missing"), (None, "email-missing"), (5, "email-missing"), ("asha", "email-invalid"),
            ("asha@", "email-invalid"), ("a@b@example.in", "email-invalid"), ("asha@localhost", "email-invalid"),
            ("a\x00@example.in", "email-invalid"), ("asha..rao@example.in", "email-invalid"),
            ("a@example.in\nBcc: b@example.in", "email-invalid"),
            pytest.param("x" * 250 + "@example.in", "email-invalid", id="long"),
        ],
    )  # fmt: skip
    async def test_email(self, value: object, code: str) -> None:
        assert says(await AddressValidator().email(value)) == code

    async def test_email_takes_nothing_hostile(self) -> None:
        await none_accepted(AddressValidator().email)

    @pytest.mark.parametrize(
        ("fields", "code", "told"),
        [
            ({}, ACCEPTED, "Karnataka"), ({"pincode": "560 038"}, ACCEPTED, "Karnataka"),
            ({"pincode": 560038}, ACCEPTED, "Karnataka"), ({"pincode": "110001"}, ACCEPTED, "Delhi"),
            ({"pincode": "682555"}, ACCEPTED, "Lakshadweep"), ({"pincode": "900056"}, ACCEPTED, "Army"),
            ({"state": " karnataka "}, ACCEPTED, "Karnataka"), ({"state": "KA"}, ACCEPTED, "Karnataka"),
            ({"state": "Goa"}, "pincode-elsewhere", "Goa"), ({"pincode": "540001"}, "pincode-unknown", "54"),
            ({"pincode": "060038"}, "pincode-malformed", "not 0"), ({"pincode": "56003"}, "pincode-malformed", "six"),
            ({"pincode": "5600388"}, "pincode-malformed", "six"), ({"pincode": "56003x"}, "pincode-malformed", "six"),
            ({"pincode": "५६००३८"}, "pincode-malformed", "six"), ({"pincode": "560038\n1"}, "pincode-malformed", "six"),
            ({"pincode": 560038.0}, "pincode-malformed", "six"), ({"pincode": None}, "address-incomplete", "pincode"),
            ({"city": " "}, "address-incomplete", "city"),
            ({"address_line1": {"$ne": 1}, "city": None}, "address-incomplete", "address_line1, city"),
        ],
    )  # fmt: skip
    async def test_pincode(self, fields: Document, code: str, told: str) -> None:
        address = {"address_line1": "12, 4th Cross", "city": "Bengaluru", "pincode": "560038", **fields}
        result = await AddressValidator().pincode(address)
        assert says(result) == code
        assert told in result.message

    async def test_pincode_takes_nothing_hostile(self) -> None:
        address = {"address_line1": "12", "city": "Bengaluru"}
        await none_accepted(lambda value: AddressValidator().pincode({**address, "pincode": value}))

    async def test_every_circle_begins_where_india_post_says(self) -> None:
        firsts = {
            "Delhi": "11", "Haryana": "12 13", "Chandigarh": "14 15 16", "Himachal": "17", "Kashmir": "18 19",
            "Uttarakhand": "20 24 28", "Rajasthan": "30 34", "Gujarat": "36 39", "Goa": "40 44", "Madhya": "45 48",
            "Chhattisgarh": "49", "Telangana": "50", "Andhra": "51 53", "Karnataka": "56 59", "Tamil": "60 64",
            "Kerala": "67 69", "West Bengal": "70 74", "Odisha": "75 77", "Assam": "78", "North East": "79",
            "Jharkhand": "80 85", "Army": "90 99", "No postal circle": "29 35 54 55 86 89",
        }  # fmt: skip
        for circle, beginnings in firsts.items():
            for first in beginnings.split():
                address = {"address_line1": "1", "city": "B", "pincode": f"{first}0001"}
                assert circle in (await AddressValidator().pincode(address)).message

    @given(st.integers(0, 9_999_999))
    async def test_a_pincode_is_six_digits_of_which_the_first_is_not_0(self, number: int) -> None:
        result = await AddressValidator().pincode({"address_line1": "1", "city": "B", "pincode": str(number)})
        assert result.ok == (100_000 <= number <= 999_999)

    @pytest.mark.parametrize(
        ("latitude", "longitude", "code"),
        [
            (12.97, 77.64, ACCEPTED), (Decimal128("12.97"), 77, ACCEPTED), (8.08, 77.55, ACCEPTED),
            (77.64, 12.97, "coordinates-swapped"), (95.3, 27.5, "coordinates-swapped"),
            (0, -0.0, "coordinates-abroad"), (51.5, -0.12, "coordinates-abroad"), (-12.97, 77.64, "coordinates-abroad"),
            (90.1, 0, "coordinates-impossible"), (12.97, 180.5, "coordinates-impossible"),
            (10**30, 77, "coordinates-impossible"), ("12.97", "77.64", "coordinates-unreadable"),
            (True, 77.64, "coordinates-unreadable"), (12.97, None, "coordinates-unreadable"),
            (float("nan"), 77.64, "coordinates-unreadable"), (1e309, 77.64, "coordinates-unreadable"),
        ],
    )  # fmt: skip
    async def test_coordinates(self, latitude: object, longitude: object, code: str) -> None:
        assert says(await AddressValidator().coordinates(latitude, longitude)) == code

    async def test_coordinates_take_nothing_hostile(self) -> None:
        await none_accepted(lambda value: AddressValidator().coordinates(12.97, value), -0.0, -1)

    @given(st.floats(-90, 90), st.floats(-180, 180))
    async def test_coordinates_and_the_swapped_ones_are_never_both_in_order(self, north: float, east: float) -> None:
        one = await AddressValidator().coordinates(north, east)
        other = await AddressValidator().coordinates(east, north)
        assert one.ok
        assert not (one.code is None and other.code is None)
        assert one.code is not None or other.code == "coordinates-swapped"


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


NUMBERS = [0, -0.0, 0.0001, 1, 50.5, 100, 100.01, -0.01, -5, Decimal("7.5"), Decimal128("99.99"), 10**30, -(10**30)]
NO_NUMBERS: list[Any] = [None, True, "5", "", float("nan"), 1e309, Decimal("NaN"), Decimal128("Infinity"), {}, [], b"5"]


class TestValidationUtils:
    @pytest.mark.parametrize("value", NUMBERS)
    async def test_numbers_are_judged_by_their_range(self, value: Any) -> None:
        number = float(value.to_decimal() if isinstance(value, Decimal128) else value)
        assert (await ValidationUtils.percentage("share", value)).ok == (0 <= number <= 100)
        assert (await ValidationUtils.positive_number("price", value)).ok == (number > 0)
        assert (await ValidationUtils.non_negative_number("price", value)).ok == (number >= 0)

    @pytest.mark.parametrize("value", NO_NUMBERS)
    async def test_what_is_no_number_is_refused(self, value: object) -> None:
        assert says(await ValidationUtils.percentage("share", value)) == "not-a-percentage"
        assert says(await ValidationUtils.positive_number("price", value)) == "not-positive"
        assert says(await ValidationUtils.non_negative_number("price", value)) == "negative"

    @given(st.floats() | st.integers())
    async def test_percentages_are_non_negative_and_positive_ones_too(self, value: float) -> None:
        percentage = await ValidationUtils.percentage("share", value)
        positive = await ValidationUtils.positive_number("share", value)
        assert (await ValidationUtils.non_negative_number("share", value)).ok or not (percentage.ok or positive.ok)
        assert percentage.ok == (0 <= value <= 100)

    @pytest.mark.parametrize(
        ("value", "code"),
        [("ab", ACCEPTED), (" abc ", ACCEPTED), ("అమ్మ", ACCEPTED), ("a", "too-short"), ("   ", "too-short"),
         ("abcdef", "too-long"), pytest.param("x" * 10_000, "too-long", id="long"),
         (None, "not-text"), (55, "not-text"), (["ab"], "not-text")],
    )  # fmt: skip
    async def test_string_length(self, value: object, code: str) -> None:
        assert says(await ValidationUtils.string_length("name", value, 2, 5)) == code

    @given(st.text(max_size=12), st.integers(0, 6), st.integers(0, 6))
    async def test_a_text_fits_where_its_length_does(self, words: str, shortest: int, more: int) -> None:
        result = await ValidationUtils.string_length("name", words, shortest, shortest + more)
        assert result.ok == (shortest <= len(words.strip()) <= shortest + more)

    @pytest.mark.parametrize(
        ("value", "code"),
        [("OPEN", ACCEPTED), ("in progress", ACCEPTED), ("In-Progress", ACCEPTED), ("shut", "unknown-value"),
         ("", "unknown-value"), (None, "unknown-value"), (True, "unknown-value"), ({"$ne": "OPEN"}, "unknown-value"),
         (".*", "unknown-value")],
    )  # fmt: skip
    async def test_enum_value(self, value: object, code: str) -> None:
        assert says(await ValidationUtils.enum_value("state", value, ("OPEN", "IN_PROGRESS"))) == code


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
