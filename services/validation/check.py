"""All validators that apply to one stored order, each with its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from bson import ObjectId

from services.billing.month import billing_month
from services.clock import Clock, india_day
from services.database import Database, Document
from services.errors import NotFound
from services.operators.operator import Operator, mask_address, mask_phone, shown_to
from services.records.customers import Customer
from services.records.deliveries import read_delivery
from services.records.fields import first, mapping, text
from services.records.orders import OPEN_STATUSES, Order, read_order
from services.records.subscriptions import read_subscription, stored
from services.validation.address import AddressValidator
from services.validation.billing import BillingValidator
from services.validation.customer import named_customer
from services.validation.delivery import DeliveryValidator
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator
from services.validation.result import Outcome, Result, quoted, refused
from services.validation.subscription import SubscriptionValidator

_Question: TypeAlias = tuple[str, str, Callable[[], Awaitable[Result]]]
"""A validator's name, why it does not apply (empty where it does), and its asking."""
_BY_LIST = ("day_by_day", "irregular")


@dataclass(frozen=True, slots=True)
class Check:
    """One validator's result; the name is `order.customer-exists` and the like."""

    validator: str
    result: Result


@dataclass(frozen=True, slots=True)
class Skipped:
    """A validator that does not apply to the order as it is, and why."""

    validator: str
    why: str


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """An order with what the validators say about it; private values are masked for a viewer."""

    order_id: str
    checks: tuple[Check, ...]
    skipped: tuple[Skipped, ...]

    @property
    def ok(self) -> bool:
        """Whether none refuses."""
        return not self._count("refused")

    @property
    def summary(self) -> str:
        """The outcomes counted."""
        counts = f"{self._count('ok')} in order, {self._count('warning')} to look at, {self._count('refused')} refused"
        return f"{counts}, {len(self.skipped)} do not apply."

    def _count(self, outcome: Outcome) -> int:
        return sum(check.result.outcome == outcome for check in self.checks)


async def check_order(database: Database, operator: Operator, clock: Clock, order_id: str) -> OrderCheck:
    """Ask every validator about the order of that id.

    Raises NotFound where there is none.
    """
    operator.require("viewer", "check orders")
    lookups = Lookups(database)
    found = await lookups.find("orders", "id", order_id)
    if not found and ObjectId.is_valid(order_id):  # an order without an id is named by its key
        found = await lookups.matching("orders", {"_id": ObjectId(order_id)})
    if not found:
        raise NotFound("unknown-order", f"There is no order {quoted(order_id)}. `orders find` searches for orders.")
    case = await _gather(lookups, found[0])
    today = india_day(clock())
    questions = [
        *_of_order(case, OrderValidator(lookups, today)),
        *_of_address(case, AddressValidator()),
        *_of_billing(case, BillingValidator(lookups, today)),
        *_of_delivery(case, DeliveryValidator(lookups)),
        *_of_subscription(case, SubscriptionValidator(lookups, today)),
    ]
    checks = [Check(name, _masked(name, await ask(), operator)) for name, why, ask in questions if not why]
    skipped = shown_to(operator, [Skipped(name, why) for name, why, _ in questions if why])
    return OrderCheck(case.order.id or str(case.order.key), tuple(checks), tuple(skipped))


@dataclass(frozen=True, slots=True)
class _Case:
    """An order with what stands beside it."""

    document: Document
    order: Order
    customer: Customer | None
    user: Document | None
    location: Mapping[str, Any]
    """Where the customer lives, by the customer's own record."""
    address: Document | None
    deliveries: list[Document]
    bills: list[Document]
    subscription: Document | None

    @property
    def still_open(self) -> bool:
        return self.order.status in OPEN_STATUSES

    @property
    def status(self) -> str:
        return self.order.status.replace("_", " ").lower() or "without a status"

    @property
    def known_as(self) -> list[str | None]:
        """The ids under which the customer is known."""
        customer = self.customer
        ids = [*self.order.owner, customer.id if customer else None, customer.user_id if customer else None]
        return list(dict.fromkeys(ids))


async def _gather(lookups: Lookups, document: Document) -> _Case:
    order = read_order(document)
    customer, _ = await named_customer(lookups, *order.owner)
    located = await lookups.find("customers_v2", "id", customer.id if customer else None)
    user = await lookups.first("users", order.user_id or (customer.user_id if customer else None))
    return _Case(
        document,
        order,
        customer,
        user,
        mapping(located[0].get("location")) if located else {},
        await lookups.first("addresses", document.get("address_id")),
        await lookups.find("delivery_statuses", "order_id", order.id),
        await lookups.find("billing_records", "order_id", order.id),
        await lookups.first("subscriptions_v2", order.subscription_id),
    )


def _of_order(case: _Case, orders: OrderValidator) -> Iterator[_Question]:
    document, order = case.document, case.order
    nobody = "" if case.customer else "the customer is open"
    over = "" if case.still_open else f"the order is {case.status}"
    own_text = order.address or (case.customer.address if case.customer else "")
    unnamed = (
        "the order names no address record, its text counts" if not document.get("address_id") and own_text else nobody
    )
    unpaid = "" if document.get("payment_method") is not None else "the order names no payment method"
    dateless = "" if order.delivery_date else "its day cannot be read"
    yield "order.customer-exists", "", lambda: orders.customer_exists(*order.owner)
    yield "order.user-matches-customer", nobody, lambda: orders.user_matches_customer(*order.owner)
    yield "order.items", "", lambda: orders.items(document.get("items"))
    yield "order.address", unnamed, lambda: orders.address(document.get("address_id"), case.known_as)
    yield "order.delivery-date", over, lambda: orders.delivery_date(document.get("delivery_date"))
    yield "order.total", "", lambda: orders.total(document)
    yield "order.payment-method", unpaid, lambda: orders.payment_method(document["payment_method"])
    yield "order.no-duplicate", over or nobody or dateless, lambda: orders.no_duplicate(order, case.known_as)


def _of_address(case: _Case, addresses: AddressValidator) -> Iterator[_Question]:
    customer, email = case.customer, (case.user or {}).get("email")
    parts = case.address or mapping(case.document.get("address"))
    located = parts if first(parts, "latitude", "longitude") is not None else case.location
    place = first(located, "latitude", "lat"), first(located, "longitude", "lng")
    silent = "" if email is not None else "no e-mail address is on record"
    whole = "" if parts else "the address is not stored in parts"
    unplaced = "no coordinates are on record" if place == (None, None) else ""
    nobody = "" if customer else "the customer is open"
    yield "address.phone", nobody, lambda: addresses.phone(customer.phone if customer else None)
    yield "address.email", silent, lambda: addresses.email(email)
    yield "address.pincode", whole, lambda: addresses.pincode(parts)
    yield "address.coordinates", unplaced, lambda: addresses.coordinates(*place)


def _of_billing(case: _Case, billing: BillingValidator) -> Iterator[_Question]:
    order, bill = case.order, case.bills[0] if case.bills else None
    other = "" if order.kind != "subscription" else "the month's statement bills subscriptions"
    early = "" if order.delivered or bill else f"the order is {case.status}"
    settled = "its billing record settles it" if bill else ""
    unflagged = early if not order.billed else ""
    amount = bill.get("amount") if bill else first(case.document, "total_amount", "total")
    month = bill.get("month") if bill else billing_month(order)
    key = bill["_id"] if bill else None
    yield "billing.order-exists", "", lambda: billing.order_exists(order.id)
    yield "billing.order-delivered", other or unflagged, lambda: billing.order_delivered(order.id)
    yield "billing.not-billed", other or unflagged or settled, lambda: billing.not_billed(order.id)
    yield "billing.amount", other or early, lambda: billing.amount(amount)
    yield "billing.month", other or early, lambda: billing.month(order.id, month, key)


def _of_delivery(case: _Case, deliveries: DeliveryValidator) -> Iterator[_Question]:
    order = case.order
    delivery = read_delivery(case.deliveries[0]) if case.deliveries else None
    person = order.delivery_boy_id or (delivery.delivery_boy_id if delivery else None)
    nobody = "" if person else "no delivery person is named"
    early = "" if order.delivered else f"the order is {case.status}"
    over = "" if case.still_open else f"the order is {case.status}"
    said, given = (delivery.status, delivery.items) if delivery else (order.status, ())
    unlisted = "" if given else "no delivery names quantities"
    status = case.deliveries[0].get("status") if delivery else case.document.get("status")
    yield "delivery.delivery-exists", early, lambda: deliveries.delivery_exists(order.id)
    yield "delivery.person-exists", nobody, lambda: deliveries.person_exists(person)
    yield "delivery.person-active", nobody or over, lambda: deliveries.person_active(person)
    yield "delivery.quantities", unlisted, lambda: deliveries.quantities(said, given, order.items)
    yield "delivery.status", "", lambda: deliveries.status(status)


def _of_subscription(case: _Case, subscriptions: SubscriptionValidator) -> Iterator[_Question]:
    document, name = case.subscription or {}, case.order.subscription_id
    subscription = read_subscription(document)
    none = "" if name else "the order is of no subscription"
    gone = none or ("" if case.subscription else "the subscription is gone")
    # What is stored, not what can be read of it: the validators say why it cannot.
    quantity = stored(document, "quantity")
    listed = "its quantities are listed by day" if quantity is None and subscription.mode in _BY_LIST else ""
    begun = "" if subscription.status == "draft" else "it has begun"
    start, end = stored(document, "start_date"), stored(document, "end_date")

    async def customer() -> Result:
        if case.subscription is None:
            words = "The order's subscription is not there."
            return refused("subscription-unknown", "subscription_id", name, words)
        return await subscriptions.customer_exists(stored(document, "customer_id"))

    product = stored(document, "product_id")
    yield "subscription.customer-exists", none, customer
    yield "subscription.product-exists", gone, lambda: subscriptions.product_exists(product)
    yield "subscription.quantity", gone or listed, lambda: subscriptions.quantity(quantity)
    yield "subscription.start-date", gone or begun, lambda: subscriptions.start_date(start)
    yield "subscription.end-date", gone, lambda: subscriptions.end_date(start, end)


def _masked(name: str, result: Result, operator: Operator) -> Result:
    """The result without the private value for an operator who may not see it, nor a phone that somebody wrote."""
    if not operator.masked or result.value is None or not name.startswith("address."):
        return shown_to(operator, result)
    if name == "address.phone":
        return shown_to(operator, replace(result, value=mask_phone(text(result.value), operator)))
    return shown_to(operator, replace(result, value=mask_address(str(result.value), operator)))
