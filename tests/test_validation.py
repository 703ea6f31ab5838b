"""The 27 validators: what each accepts, what it refuses, and that no value breaks one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias, cast

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
ADDRESSES = AddressValidator()
Ask: TypeAlias = Callable[[Any], Awaitable[Result]]


def says(result: Result) -> str:
    """The code of a result that is not quite in order."""
    assert (result.outcome == "ok") == (result.code is None)
    assert result.field
    assert result.message.endswith((".", "…"))
    return result.code or ACCEPTED


def answers(names: str, by_code: dict[str, list[Any]]) -> pytest.MarkDecorator:
    """A case for each value, or tuple of values, under the code that it is answered with."""
    several = " " in names
    cases = [(*(value if several else (value,)), code) for code, values in by_code.items() for value in values]
    ids = ["long" if len(repr(case)) > 300 else None for case in cases]
    params = [pytest.param(*case, id=name) for case, name in zip(cases, ids, strict=True)]
    return pytest.mark.parametrize((*names.split(), "code"), params)


async def none_accepted(ask: Ask, *but: Any) -> None:
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


orders = pytest.fixture(lambda lookups: OrderValidator(lookups, TODAY), name="orders")
billing = pytest.fixture(lambda lookups: BillingValidator(lookups, TODAY), name="billing")
deliveries = pytest.fixture(lambda lookups: DeliveryValidator(lookups), name="deliveries")
subscriptions = pytest.fixture(lambda lookups: SubscriptionValidator(lookups, TODAY), name="subscriptions")


class TestOrderValidator:
    @answers("customer_id user_id", {
        ACCEPTED: [(shop.CUSTOMER, None), (shop.USER, shop.USER), (None, shop.USER), ("pointer", None)],
        "customer-missing": [("other", "other")], "customer-ambiguous": [("twin", "twin")],
    })  # fmt: skip
    async def test_customer_exists(
        self, database: Database, orders: OrderValidator, customer_id: str, user_id: str, code: str
    ) -> None:
        twins = [shop.customer(id="t1", user_id="twin"), shop.customer(id="t2", user_id="twin")]
        pointer = {"id": "pointer", "customer_v2_id": shop.CUSTOMER}
        await shop.stock(database, customers_v2=[shop.customer(), *twins], users=pointer)
        assert says(await orders.customer_exists(customer_id, user_id)) == code

    @answers("customer_id user_id", {
        ACCEPTED: [(shop.CUSTOMER, shop.USER), (shop.CUSTOMER, "second")], "user-missing": [(shop.CUSTOMER, None)],
        "user-mismatch": [(shop.CUSTOMER, "stranger"), ("bare", "stranger")], "user-not-linked": [("bare", "loose")],
        "user-unknown": [(shop.CUSTOMER, "gone")], "customer-missing": [("gone", "gone")],
    })  # fmt: skip
    async def test_user_matches_customer(
        self, database: Database, orders: OrderValidator, customer_id: str, user_id: str, code: str
    ) -> None:
        users: list[Document] = [
            {"id": shop.USER}, {"id": "second", "customer_v2_id": shop.CUSTOMER},
            {"id": "stranger", "customer_v2_id": "else"}, {"id": "loose"},
        ]  # fmt: skip
        await shop.stock(database, customers_v2=[shop.customer(), shop.customer(id="bare", user_id=None)], users=users)
        assert says(await orders.user_matches_customer(customer_id, user_id)) == code

    @answers("items", {
        ACCEPTED: [[{"quantity": 1, "price": 0}], [{"product": "Eggs", "quantity": 0.5, "price": 60.0}],
            [{"quantity": Decimal128("2"), "total": 5}]],
        "items-missing": [[]], "item-quantity": [[{"quantity": 1, "price": 5}, {"quantity": 0, "price": 5}],
            [{"quantity": -0.0, "price": 5}], [{"quantity": True, "price": 5}], [{"quantity": "2", "price": 5}],
            [{"quantity": 100_001, "price": 5}], ["eggs"]],
        "item-price": [[{"quantity": 1, "price": -0.01}], [{"quantity": 1, "price": float("nan")}],
            [{"quantity": 1}]],
    })  # fmt: skip
    async def test_items(self, items: object, code: str) -> None:
        assert says(await ORDERS.items(items)) == code

    async def test_items_name_the_one_that_is_wrong(self) -> None:
        items = [{"quantity": 1, "price": 5.0}, {"quantity": 2, "price": -5.0}]
        result = await ORDERS.items(items)
        assert (result.field, result.value) == ("items.1.price", items[1])

    @answers("address_id", {
        ACCEPTED: ["home"], "address-foreign": ["theirs", "nobody's"], "address-unknown": ["gone"],
        "address-missing": [None],
    })  # fmt: skip
    async def test_address(self, database: Database, orders: OrderValidator, address_id: object, code: str) -> None:
        homes: list[Document] = [{"id": "home", "user_id": shop.USER}, {"id": "theirs", "user_id": "other"}]
        await database["addresses"].insert_many([*homes, {"id": "nobody's", "user_id": {"$ne": None}}])
        assert says(await orders.address(address_id, [shop.USER, shop.CUSTOMER, None])) == code

    @answers("value", {
        # Midnight of today in India, twice: times without an offset are in UTC.
        ACCEPTED: ["2026-11-22", "2027-11-22", "2026-11-21T18:30:00Z", datetime(2026, 11, 21, 18, 30)],  # noqa: DTZ001
        "date-far": ["2027-11-23"], "date-past": ["2026-11-21", "2026-11-21T18:29:59+00:00"],
        "date-unreadable": ["2026-02-31", "22/11/2026", 20261122],
    })  # fmt: skip
    async def test_delivery_date(self, value: object, code: str) -> None:
        assert says(await ORDERS.delivery_date(value)) == code

    @given(st.integers(-400, 400))
    async def test_a_day_is_accepted_from_today_on(self, days: int) -> None:
        result = await ORDERS.delivery_date((TODAY + timedelta(days=days)).isoformat())
        assert result.outcome == ("refused" if days < 0 else "warning" if days > 365 else "ok")

    @answers("fields", {
        ACCEPTED: [{}, {"total_amount": 180.01}, {"total_amount": ..., "total": 180}],
        "amount-mismatch": [{"total_amount": 180.02}, {"items": []}],
        "amount-invalid": [{"total_amount": 0}, {"total_amount": -180.0}, {"total_amount": True},
            {"total_amount": "180"}, {"total_amount": 0.004, "items": [{"quantity": 1, "price": 0.004}]},
            {"total_amount": 100_000.01}, {"items": [{"quantity": 3, "price": "60"}]}],
    })  # fmt: skip
    async def test_total(self, fields: Document, code: str) -> None:
        assert says(await ORDERS.total(shop.order(**fields))) == code

    @given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 20_00)), min_size=1, max_size=20), st.integers(-5, 5))
    async def test_a_total_may_be_a_paisa_off_its_items(self, lines: list[tuple[int, int]], off: int) -> None:
        paise = sum(quantity * price for quantity, price in lines) + off
        items = [{"quantity": quantity, "price": price / 100} for quantity, price in lines]
        result = await ORDERS.total({"items": items, "total_amount": paise / 100})
        assert result.ok == (0 < paise <= 10_000_000 and abs(off) <= 1)

    @answers("value", {
        ACCEPTED: [*PAYMENT_METHODS, "upi", "Google Pay", "apple-pay"],
        "payment-unsupported": [" net banking ", "BITCOIN"],
    })  # fmt: skip
    async def test_payment_method(self, value: str, code: str) -> None:
        assert says(await ORDERS.payment_method(value)) == code

    @answers("other", {
        "order-duplicate": [{}, {"status": "Out-for-delivery"}, {"status": "PeNdInG"},
            {"status": "out  FOR-delivery ", "order_type": "One Time"},
            {"customer_id": shop.CUSTOMER, "user_id": ...}, {"customer_id": ...}],
        ACCEPTED: [{"status": "CANCELLED"}, {"status": "delivered"}, {"status": "cAnCeLLed"}, {"status": None},
            {"delivery_date": "2026-11-24"}, {"customer_id": "other", "user_id": "other"},
            {"order_type": "subscription", "subscription_id": "s1"}],
    })  # fmt: skip
    async def test_no_duplicate(self, database: Database, orders: OrderValidator, other: Document, code: str) -> None:
        due = {"status": "pending", "delivery_date": "2026-11-23"}
        await database["orders"].insert_many([shop.order(id="o1", **due), shop.order(**{"id": "o2", **due, **other})])
        stored = await database["orders"].find_one({"id": "o1"})
        assert stored is not None
        result = await orders.no_duplicate(read_order(stored), [shop.USER, shop.CUSTOMER])
        assert says(result) == code
        assert ("o2" in result.message) == (code != ACCEPTED)

    async def test_no_duplicate_behind_orders_of_another_kind(self, database: Database, orders: OrderValidator) -> None:
        due: Document = {"status": "pending", "delivery_date": "2026-11-23"}
        of_another: Document = {**due, "order_type": "subscription", "subscription_id": "s1"}
        new = read_order(shop.order(id="new", **due))
        await database["orders"].insert_many([*(shop.order(**of_another) for _ in range(60)), shop.order(**due)])
        assert says(await orders.no_duplicate(new, [shop.USER])) == "order-duplicate"
        await database["orders"].delete_many({"order_type": "one_time"})
        assert says(await orders.no_duplicate(new, [shop.USER])) == ACCEPTED
        await database["orders"].insert_many([shop.order(**of_another) for _ in range(MOST_OF_A_DAY)])
        assert says(await orders.no_duplicate(new, [shop.USER])) == "too-many-orders"

    async def test_no_duplicate_of_new_and_of_hostile_orders(self, database: Database, orders: OrderValidator) -> None:
        due = shop.order(id="o1", status="pending", delivery_date="2026-11-23")
        await database["orders"].insert_one(dict(due))
        assert says(await orders.no_duplicate(read_order(due | {"id": "new"}), [shop.USER])) == "order-duplicate"
        await none_accepted(lambda value: orders.no_duplicate(read_order(due | {"delivery_date": value}), [shop.USER]),
                            ObjectId("0" * 24))  # fmt: skip
        assert says(await orders.no_duplicate(read_order(due), [None])) == "date-unreadable"


class TestAddressValidator:
    @answers("value", {
        ACCEPTED: ["9876543210", "+91 98765 43210", "098765-43210", 9876543210, "91-9876543210"],
        "phone-digits": ["९८७६५४३२१०"], "phone-not-mobile": ["080-2345 6789"],
        "phone-foreign": ["+1 202 555 0147", "+44 7911 123456"], "phone-missing": ["", None, True],
        "phone-invalid": ["12345", "0000000000", "9876543210 or 9876543211", "98765432101", "tel:9876543210;ext=5"],
    })  # fmt: skip
    async def test_phone(self, value: object, code: str) -> None:
        assert says(await ADDRESSES.phone(value)) == code

    @given(st.integers(6_000_000_000, 9_999_999_999), st.sampled_from(["{}", "+91{}", "0{}", "+91 {}", "91{}"]))
    async def test_a_phone_is_judged_alike_in_every_writing(self, number: int, form: str) -> None:
        plain = await ADDRESSES.phone(str(number))
        assert (await ADDRESSES.phone(form.format(number))).code == plain.code

    @answers("value", {
        ACCEPTED: ["asha.rao+milk@example.in", " asha@example.in ", "अ@उदाहरण.भारत"], "email-missing": ["", None, 5],
        "email-invalid": ["asha", "asha@", "a@b@example.in", "asha@localhost", "a\x00@example.in",
            "asha..rao@example.in", "a@example.in\nBcc: b@example.in", "x" * 250 + "@example.in"],
    })  # fmt: skip
    async def test_email(self, value: object, code: str) -> None:
        assert says(await ADDRESSES.email(value)) == code

    @answers("fields told", {
        ACCEPTED: [({}, "Karnataka"), ({"pincode": "560 038"}, "Karnataka"), ({"pincode": 560038}, "Karnataka"),
            ({"pincode": "110001"}, "Delhi"), ({"pincode": "682555"}, "Lakshadweep"), ({"pincode": "900056"}, "Army"),
            ({"state": " karnataka "}, "Karnataka"), ({"state": "KA"}, "Karnataka")],
        "pincode-elsewhere": [({"state": "Goa"}, "Goa")], "pincode-unknown": [({"pincode": "540001"}, "54")],
        "pincode-malformed": [({"pincode": "060038"}, "not 0"), *(({"pincode": pincode}, "six") for pincode in (
            "56003", "5600388", "56003x", "५६००३८", "560038\n1", 560038.0))],
        "address-incomplete": [({"pincode": None}, "pincode"), ({"city": " "}, "city"),
            ({"address_line1": {"$ne": 1}, "city": None}, "address_line1, city")],
    })  # fmt: skip
    async def test_pincode(self, fields: Document, told: str, code: str) -> None:
        address = {"address_line1": "12, 4th Cross", "city": "Bengaluru", "pincode": "560038", **fields}
        result = await ADDRESSES.pincode(address)
        assert says(result) == code
        assert told in result.message

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
                assert circle in (await ADDRESSES.pincode(address)).message

    @given(st.integers(0, 9_999_999))
    async def test_a_pincode_is_six_digits_of_which_the_first_is_not_0(self, number: int) -> None:
        result = await ADDRESSES.pincode({"address_line1": "1", "city": "B", "pincode": str(number)})
        assert result.ok == (100_000 <= number <= 999_999)

    @answers("latitude longitude", {
        ACCEPTED: [(12.97, 77.64), (Decimal128("12.97"), 77), (8.08, 77.55)],
        "coordinates-swapped": [(77.64, 12.97), (95.3, 27.5)],
        "coordinates-abroad": [(0, -0.0), (51.5, -0.12), (-12.97, 77.64)],
        "coordinates-impossible": [(90.1, 0), (12.97, 180.5), (10**30, 77)],
        "coordinates-unreadable": [("12.97", "77.64"), (True, 77.64), (12.97, None), (float("nan"), 77.64),
            (1e309, 77.64)],
    })  # fmt: skip
    async def test_coordinates(self, latitude: object, longitude: object, code: str) -> None:
        assert says(await ADDRESSES.coordinates(latitude, longitude)) == code

    @given(st.floats(-90, 90), st.floats(-180, 180))
    async def test_coordinates_and_the_swapped_ones_are_never_both_in_order(self, north: float, east: float) -> None:
        one = await ADDRESSES.coordinates(north, east)
        other = await ADDRESSES.coordinates(east, north)
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

    @answers("status", {
        ACCEPTED: ["DELIVERED", "delivered", "Partially-Delivered"],
        "not-delivered": ["pending", "NOT_DELIVERED", "cancelled", "DELIVERED?", True, {"$ne": None}, None,
            "x" * 10_000],
    })  # fmt: skip
    async def test_delivered(self, database: Database, billing: BillingValidator, status: object, code: str) -> None:
        await database["orders"].insert_one({"id": "o1", "status": status})
        assert says(await billing.order_delivered("o1")) == code

    @answers("billed bills", {
        ACCEPTED: [(False, 0), (None, 0), ("yes", 0), (1, 0)], "flagged-no-record": [(True, 0)],
        "already-billed": [(True, 1), (False, 1), (False, 2)],
    })  # fmt: skip
    async def test_not_billed(
        self, database: Database, billing: BillingValidator, billed: object, bills: int, code: str
    ) -> None:
        order = shop.order(id="o1", billed=billed)
        await shop.stock(database, orders=order, billing_records=[shop.bill(order) for _ in range(bills)])
        assert says(await billing.not_billed("o1")) == code

    @answers("rupees", {
        ACCEPTED: [180.0, 0.005, 100_000, Decimal128("1.50")],
        "amount-invalid": [0, -0.0, -1.5, 0.0049, 100_000.01, "180", True],
    })  # fmt: skip
    async def test_amount(self, rupees: object, code: str) -> None:
        assert says(await BILLING.amount(rupees)) == code

    @answers("order month", {
        ACCEPTED: [("o1", "2026-11"), ("o1", "2026-01")], "month-in-future": [("o1", "2026-12")],
        "month-malformed": [("o1", "2026-13"), ("o1", "2026-1"), ("o1", "1999-12"), ("o1", 202611), ("o1", "२०२६-११"),
            ("o1", "2026-11\n")],
        "no-delivery-month": [("o1", None)], "bill-duplicate": [("billed", "2026-10"), ("billed", "2026-09")],
    })  # fmt: skip
    async def test_month(
        self, database: Database, billing: BillingValidator, order: str, month: object, code: str
    ) -> None:
        await database["billing_records"].insert_one(shop.bill({"id": "billed"}))
        assert says(await billing.month(order, month)) == code

    async def test_month_leaves_the_bill_itself_out(self, database: Database, billing: BillingValidator) -> None:
        bills = [shop.bill({"id": name}, _id=key) for name, key in (("o1", 1), ("o2", 2), ("o2", 3))]
        await database["billing_records"].insert_many(bills)
        assert says(await billing.month("o1", "2026-10", 1)) == ACCEPTED
        assert says(await billing.month("o2", "2026-10", 2)) == "bill-duplicate"

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

    async def test_person_exists(self, database: Database, deliveries: DeliveryValidator) -> None:
        await database["delivery_boys_v2"].insert_one({"id": "raj", "name": "[b]Raj\x1b"})
        await database["delivery_boys"].insert_one({"id": "old"})
        assert says(await deliveries.person_exists("raj")) == ACCEPTED
        assert says(await deliveries.person_exists("old")) == "delivery-person-unknown"

    @answers("fields", {
        ACCEPTED: [{"is_active": True}, {"status": "Active"}, {"is_active": True, "status": "active"}],
        "delivery-person-inactive": [{"is_active": False}, {"is_active": False, "status": "active"},
                                     {"is_active": True, "status": "x"}, {"status": "inactive"}],
        "delivery-person-unclear": [{"is_active": "no"}, {}, {"status": {"$ne": "inactive"}}],
    })  # fmt: skip
    async def test_active(self, database: Database, deliveries: DeliveryValidator, fields: Document, code: str) -> None:
        await database["delivery_boys_v2"].insert_one({"id": "raj", **fields})
        assert says(await deliveries.person_active("raj")) == code

    @answers("delivered status", {
        ACCEPTED: [({"eggs": 2, "bread": 1}, "delivered"), ({"eggs": 0, "bread": 1}, "partially delivered"),
            ({"eggs": 0.5, "bread": 1}, "PARTIALLY_DELIVERED"), ({"eggs": 0, "bread": 0}, "not_delivered"),
            ({"eggs": -0.0, "bread": 0}, "not_delivered"), (None, "delivered")],
        "quantities-differ": [({"eggs": 1, "bread": 1}, "delivered"), ({"eggs": 2, "bread": 1}, "not_delivered")],
        "nothing-delivered": [({"eggs": 0, "bread": 0}, "delivered")],
        "bad-quantity": [({"eggs": 3, "bread": 1}, "delivered"), ({"eggs": -1, "bread": 1}, "delivered"),
            ({"eggs": "2", "bread": 1}, "delivered"), ({"eggs": True, "bread": 1}, "delivered")],
    })  # fmt: skip
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

    @given(st.integers(1, 50), st.integers(-60, 60))
    async def test_a_quantity_is_between_0_and_what_was_ordered(self, ordered: int, delivered: int) -> None:
        items = read_items({"items": [{"product_id": "eggs", "quantity": ordered, "price": 1}]})
        given_ = read_delivery({"items": [{"product_id": "eggs", "delivered_qty": delivered}]}).items
        result = await DELIVERIES.quantities("NOT_DELIVERED", given_, items)
        assert result.ok == (0 <= delivered <= ordered)

    @answers("value", {
        ACCEPTED: ["delivered", "PARTIALLY_DELIVERED", "not-delivered", " Out for delivery "],
        "delivery-status-unknown": ["teleported", "delivered\x00", "DELIVERED; drop"],
    })  # fmt: skip
    async def test_status(self, value: str, code: str) -> None:
        assert says(await DELIVERIES.status(value)) == code


class TestSubscriptionValidator:
    async def test_customer_exists(self, database: Database, subscriptions: SubscriptionValidator) -> None:
        twins = [shop.customer(id="t1", user_id="twin"), shop.customer(id="t2", user_id="twin")]
        await shop.stock(database, customers_v2=[shop.customer(), *twins])
        assert says(await subscriptions.customer_exists(shop.CUSTOMER)) == ACCEPTED
        assert says(await subscriptions.customer_exists(shop.USER)) == ACCEPTED
        assert says(await subscriptions.customer_exists("twin")) == "customer-ambiguous"
        assert says(await subscriptions.customer_exists("gone")) == "customer-missing"

    async def test_product_exists(self, database: Database, subscriptions: SubscriptionValidator) -> None:
        await database["products"].insert_one({"id": "milk", "name": {"$ne": 1}})
        assert says(await subscriptions.product_exists("milk")) == ACCEPTED
        assert says(await subscriptions.product_exists("eggs")) == "product-unknown"

    @answers("value", {
        ACCEPTED: [1, 0.5, Decimal128("1.5"), 100_000], "quantity-invalid": [0, -0.0, -1, 100_001, True, "1"],
    })  # fmt: skip
    async def test_quantity(self, value: object, code: str) -> None:
        assert says(await SUBSCRIPTIONS.quantity(value)) == code

    @answers("value", {
        ACCEPTED: ["2026-11-22", "2026-12-01"], "date-far": ["2028-01-01"], "date-past": ["2026-11-21"],
        "date-unreadable": ["2026-11-31", None],
    })  # fmt: skip
    async def test_start_date(self, value: object, code: str) -> None:
        assert says(await SUBSCRIPTIONS.start_date(value)) == code

    @answers("start end", {
        ACCEPTED: [("2026-11-22", None), ("2026-11-22", "2026-11-23")],
        "end-before-start": [("2026-11-22", "2026-11-22"), ("2026-11-22", "2025-11-23")],
        "date-unreadable": [("2026-11-22", "2026-02-31"), ("soon", "2026-11-23"), (None, "2026-11-23")],
    })  # fmt: skip
    async def test_end_date(self, start: object, end: object, code: str) -> None:
        assert says(await SUBSCRIPTIONS.end_date(start, end)) == code

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

    @answers("value", {
        ACCEPTED: ["ab", " abc ", "అమ్మ"], "too-short": ["a", "   "], "too-long": ["abcdef", "x" * 10_000],
        "not-text": [None, 55, ["ab"]],
    })  # fmt: skip
    async def test_string_length(self, value: object, code: str) -> None:
        assert says(await ValidationUtils.string_length("name", value, 2, 5)) == code

    @given(st.text(max_size=12), st.integers(0, 6), st.integers(0, 6))
    async def test_a_text_fits_where_its_length_does(self, words: str, shortest: int, more: int) -> None:
        result = await ValidationUtils.string_length("name", words, shortest, shortest + more)
        assert result.ok == (shortest <= len(words.strip()) <= shortest + more)

    @answers("value", {
        ACCEPTED: ["OPEN", "in progress", "In-Progress"],
        "unknown-value": ["shut", "", None, True, {"$ne": "OPEN"}, ".*"],
    })  # fmt: skip
    async def test_enum_value(self, value: object, code: str) -> None:
        assert says(await ValidationUtils.enum_value("state", value, ("OPEN", "IN_PROGRESS"))) == code


async def delivered_quantity(value: Any) -> Result:
    order = shop.order()
    delivery = read_delivery(shop.delivery(order, {"eggs": value, "bread": 0}))
    return await DELIVERIES.quantities(delivery.status, delivery.items, read_items(order))


OF_VALUES: dict[str, Ask] = {
    "order items": ORDERS.items, "order delivery date": ORDERS.delivery_date, "payment method": ORDERS.payment_method,
    "order item": lambda value: ORDERS.items([value]),
    "item quantity": lambda value: ORDERS.items([{"quantity": value, "price": 1}]),
    "item price": lambda value: ORDERS.items([{"quantity": 1, "price": value}]),
    "total": lambda value: ORDERS.total(shop.order(total_amount=value)),
    "price of total": lambda value: ORDERS.total(shop.order(items=[{"quantity": 1, "price": value}])),
    "phone": ADDRESSES.phone, "email": ADDRESSES.email, "coordinates": partial(ADDRESSES.coordinates, 12.97),
    "pincode": lambda value: ADDRESSES.pincode({"address_line1": "12", "city": "Bengaluru", "pincode": value}),
    "amount": BILLING.amount, "month": partial(BILLING.month, "o1"),
    "delivered quantity": delivered_quantity, "delivery status": DELIVERIES.status,
    "subscription quantity": SUBSCRIPTIONS.quantity, "start date": SUBSCRIPTIONS.start_date,
    "end date": partial(SUBSCRIPTIONS.end_date, "2026-11-22"),
    "end date after start": lambda value: SUBSCRIPTIONS.end_date(value, "2026-11-22"),
}  # fmt: skip
"""The validators that ask no database."""
MEANT: dict[str, list[Any]] = {
    "item quantity": [10**30], "item price": [10**30, -0.0], "coordinates": [-0.0, -1], "end date": [None],
    "order user": ["", " ", *(each for each in HOSTILE if each is None or not isinstance(each, (str, int, ObjectId)))],
}  # fmt: skip
"""The hostile values that may be accepted: those in range, and for a user those that are none at all."""
OF_REFERENCES: dict[str, tuple[str, list[Document], Callable[[Lookups, Any], Awaitable[Result]]]] = {
    "order customer": ("users", [{"id": "u", "customer_v2_id": {"$ne": None}}],
                       lambda ask, value: OrderValidator(ask, TODAY).customer_exists(value, value)),
    "order user": ("users", [{"id": "u"}],
                   lambda ask, value: OrderValidator(ask, TODAY).user_matches_customer(shop.CUSTOMER, value)),
    "order address": ("addresses", [{"id": "home", "user_id": shop.USER}],
                      lambda ask, value: OrderValidator(ask, TODAY).address(value, [shop.USER])),
    "order": ("orders", [{"id": "o1"}, {"id": None}, {"id": {"$ne": None}}, {"id": ".x"}],
              lambda ask, value: BillingValidator(ask, TODAY).order_exists(value)),
    "order delivered": ("orders", [{"id": "o1", "status": "DELIVERED"}],
                        lambda ask, value: BillingValidator(ask, TODAY).order_delivered(value)),
    "not billed": ("orders", [{"id": "o1"}], lambda ask, value: BillingValidator(ask, TODAY).not_billed(value)),
    "delivery": ("delivery_statuses", [{"order_id": "o1"}, {"order_id": None}, {}],
                 lambda ask, value: DeliveryValidator(ask).delivery_exists(value)),
    "person": ("delivery_boys_v2", [{"id": "raj"}, {"id": None}],
               lambda ask, value: DeliveryValidator(ask).person_exists(value)),
    "active person": ("delivery_boys_v2", [{"id": "raj", "is_active": True}],
                      lambda ask, value: DeliveryValidator(ask).person_active(value)),
    "customer": ("customers_v2", [shop.customer(), shop.customer(id=None, user_id=None)],
                 lambda ask, value: SubscriptionValidator(ask, TODAY).customer_exists(value)),
    "product": ("products", [{"id": "milk"}, {"id": None}],
                lambda ask, value: SubscriptionValidator(ask, TODAY).product_exists(value)),
}  # fmt: skip
"""Those that do: a collection, what it has that a hostile value could find, and the question."""


class TestAllOfThem:
    @pytest.mark.parametrize("name", OF_VALUES)
    async def test_no_hostile_value_is_accepted(self, name: str) -> None:
        await none_accepted(OF_VALUES[name], *MEANT.get(name, ()))

    @pytest.mark.parametrize("name", OF_REFERENCES)
    async def test_no_hostile_reference_finds_anything(self, database: Database, lookups: Lookups, name: str) -> None:
        collection, documents, ask = OF_REFERENCES[name]
        await shop.stock(database, **{collection: [dict(each) for each in documents]})
        await none_accepted(partial(ask, lookups), *MEANT.get(name, ()))

    @given(ANYTHING, ANYTHING)
    async def test_no_value_breaks_a_validator_of_values(self, one: Any, other: Any) -> None:
        delivery = read_delivery({"items": [{"product_id": one, "delivered_qty": other}], "status": one})
        for result in [
            await ORDERS.items(one), await ORDERS.items([{"quantity": one, "price": other}]),
            await ORDERS.delivery_date(one), await ORDERS.total({"total_amount": one, "items": other}),
            await ORDERS.payment_method(one), await ADDRESSES.phone(one), await ADDRESSES.email(one),
            await ADDRESSES.pincode({"address_line1": "1", "city": "B", "state": one, "pincode": other}),
            await ADDRESSES.coordinates(one, other), await DELIVERIES.status(one),
            await DELIVERIES.quantities(delivery.status, delivery.items, read_items({"items": other})),
            await SUBSCRIPTIONS.quantity(one), await SUBSCRIPTIONS.start_date(one),
            await SUBSCRIPTIONS.end_date(one, other), await ValidationUtils.percentage("a", one),
            await ValidationUtils.string_length("a", one, 1, 5), await ValidationUtils.enum_value("a", one, ("X",)),
        ]:  # fmt: skip
            assert says(result)

    async def test_a_refused_value_can_be_raised_as_a_refusal(self) -> None:
        (await ValidationUtils.positive_number("quantity", 1)).require()
        with pytest.raises(Refused) as refused:
            (await ValidationUtils.positive_number("quantity", {"$ne": None})).require()
        assert (refused.value.code, refused.value.exit_status) == ("not-positive", 1)
