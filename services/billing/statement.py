"""A customer's monthly statement: what was delivered, what it costs, what was paid, and what is left to pay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from services.billing.carried import Carried, explain_balance
from services.billing.charge import Undecided, charge
from services.billing.month import delivery_day
from services.billing.month_records import CustomerRecords, OrderRecords, Products, load_records
from services.clock import Clock, india_day, month_days, parse_month
from services.customers.search import find_customer
from services.database import READ_LIMIT_MS, Database, told
from services.deliveries.day import describe_items
from services.errors import NotFound
from services.money import format_rupees, to_paise
from services.operators.operator import Operator, shown_to
from services.records.customers import read_previous_balance
from services.records.fields import identity, mapping, text
from services.records.findings import Finding
from services.records.orders import Item
from services.records.payments import Payment
from services.records.products import charged_price, read_price
from services.records.subscriptions import Subscription
from services.subscriptions.quantity import DayQuantity, quantities

Status: TypeAlias = Literal["Paid", "Partial", "Unpaid"]
Billed: TypeAlias = Literal["billed", "missing", "flagged", "review"]
"""Of a one-time order: it has a billing record; it has none; it has only the flag; nobody can say its amount."""
ACCOUNT = dict.fromkeys(("id", "user_id", "name", "area", "previous_balance", "custom_product_prices"), 1)
"""The fields of a customer that a statement is made of."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `amount_paise` is rounded once, from the exact quantity and price."""

    kind: Literal["subscription", "one-time"]
    id: str | None
    """The subscription's or the order's."""
    description: str
    quantity: Decimal
    unit_price_paise: int | None
    """None where no price is known, or no amount."""
    amount_paise: int
    expected_paise: int = 0
    """Of the amount, what is for days that are still to come."""
    days: tuple[DayQuantity, ...] = ()
    """Of a subscription: each day of the month."""
    day: date | None = None
    """Of an order: the day of its delivery in India."""
    items: tuple[Item, ...] = ()
    billed: Billed | None = None
    payment_status: str = ""
    """Of a billed order: what its billing record says."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The month of a customer; amounts in paise. Balance = total + previous balance - paid."""

    customer_id: str
    customer_name: str
    area: str
    month: str
    today: date
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    previous_balance_paise: int
    total_paise: int
    """Of the lines."""
    paid_paise: int
    findings: tuple[Finding, ...]
    carried: Carried | None = None
    """What may be behind the previous balance; only in a single statement, and where there is one."""

    @property
    def balance_paise(self) -> int:
        """What is left to pay; below zero the customer has credit."""
        return self.total_paise + self.previous_balance_paise - self.paid_paise

    @property
    def status(self) -> Status:
        """Paid when nothing is left to pay, Partial when something was paid."""
        if self.balance_paise <= 0:
            return "Paid"
        return "Partial" if self.paid_paise > 0 else "Unpaid"

    @property
    def counted_to(self) -> date:
        """The last day that the lines count: always the month's."""
        return month_days(self.month)[-1]

    @property
    def expected_paise(self) -> int:
        """Of the total, what is for subscription days after today."""
        return sum(line.expected_paise for line in self.lines)

    @property
    def idle(self) -> bool:
        """Whether nothing was delivered, paid or carried over."""
        return not (self.total_paise or self.previous_balance_paise or self.paid_paise or self.one_time)

    @property
    def one_time(self) -> list[Line]:
        """The one-time orders."""
        return [line for line in self.lines if line.kind == "one-time"]


async def show_statement(database: Database, operator: Operator, clock: Clock, customer: str, month: str) -> Statement:
    """The statement of a customer, named by customer id, user id, phone or the beginning of the name or id.

    Subscription lines count every day of the month; of a month that is not over, the statement says how much of it is
    still to come. Raises NotFound, Refused where several customers fit, BadRequest for what is no month.
    """
    operator.require("viewer", "look at statements")
    asked, products = parse_month(month), Products()
    with told():
        found = await find_customer(database, operator, customer)
        documents = database["customers_v2"].find({"id": found.id}, ACCOUNT).limit(1).max_time_ms(READ_LIMIT_MS)
        records = await load_records(database, await documents.to_list(), asked, products)
    if not records:
        raise NotFound("unknown-customer", f"The customer {found.id} was removed meanwhile.")
    statement = state(records[0], asked, india_day(clock()), products)
    if statement.previous_balance_paise:
        carried = await explain_balance(database, operator, statement.customer_id, found.user_id, asked)
        statement = replace(statement, carried=carried)
    return shown_to(operator, statement)


def state(
    records: CustomerRecords, month: str, today: date, products: Products, order_lines: Sequence[Line] = ()
) -> Statement:
    """The statement of a customer whose records were read; `order_lines` are those of orders that were read before."""
    findings: list[Finding] = []
    own_prices = mapping(records.document.get("custom_product_prices"))
    previous = read_previous_balance(records.document)
    if previous is None:
        stored = records.document.get("previous_balance")
        findings.append(Finding("previous-balance-unreadable", f"The previous balance is {stored!r}; it counts ₹0."))
    subscriptions = sorted(records.subscriptions, key=lambda each: (str(each.product_id), str(each.id)))
    lines = _told_apart(
        [_subscription_line(each, month, today, products, own_prices, findings) for each in subscriptions],
        [each.shift for each in subscriptions],
    )
    orders = [*order_lines, *(order_line(each, month, findings) for each in records.orders)]
    lines += sorted(orders, key=lambda line: (line.day or date.max, str(line.id)))
    if records.unclear:
        some = ", ".join(sorted(records.unclear)[:5])
        message = f"{len(records.unclear)} records fit this customer and another, and count for neither: {some}."
        findings.append(Finding("customer-ambiguous", message))
    for payment in records.payments:
        named = f"Payment {payment.id or 'without an id'}"
        findings += [Finding(each.code, f"{named}: {each.message}.") for each in payment.findings]
    return Statement(
        customer_id=identity(records.document.get("id")) or "",
        customer_name=text(records.document.get("name")),
        area=text(records.document.get("area")).strip(),
        month=month,
        today=today,
        lines=tuple(lines),
        payments=tuple(sorted(records.payments, key=lambda each: (each.day or date.max, str(each.id)))),
        previous_balance_paise=previous or 0,
        total_paise=sum(line.amount_paise for line in lines),
        paid_paise=sum(payment.amount_paise or 0 for payment in records.payments),
        findings=tuple(findings),
    )


def _subscription_line(
    subscription: Subscription, month: str, today: date, products: Products, own_prices: Mapping[str, Any],
    findings: list[Finding],
) -> Line:  # fmt: skip
    days = quantities(subscription, month_days(month))
    product = products.get(subscription.product_id or "")
    name = product.name if product else ""
    price = _price(subscription, products, own_prices, findings)
    whole = sum([each.quantity for each in days], Decimal(0))
    coming = (
        sum([each.quantity for each in days if each.day > today], Decimal(0)) if days[-1].day > today else Decimal(0)
    )
    amount = to_paise(whole * price) if price is not None else 0
    expected = amount - to_paise((whole - coming) * price) if price is not None and coming else 0
    described = " ".join(
        filter(None, (name or subscription.product_id or "No product", product.unit if product else ""))
    )
    said = [*subscription.findings, *_doubts(subscription, days, price)]
    if subscription.product_id in products.shared:
        said.append(Finding("product-duplicate", f"two products have the id {subscription.product_id}; one counts"))
    findings += [Finding(each.code, f"Subscription {subscription.id} ({described}): {each.message}.") for each in said]
    return Line(
        kind="subscription",
        id=subscription.id,
        description=described,
        quantity=whole,
        unit_price_paise=None if price is None else to_paise(price),
        amount_paise=amount,
        expected_paise=expected,
        days=days,
    )


def _told_apart(lines: list[Line], shifts: Sequence[str]) -> list[Line]:
    """Lines of one product begin with their shift, and where they share that too with how their ids begin."""
    for words in (shifts, [(line.id or "without an id")[:8] for line in lines]):
        alike = Counter(line.description for line in lines)
        lines = [
            replace(line, description=f"{word} · {line.description}") if word and alike[line.description] > 1 else line
            for line, word in zip(lines, words, strict=True)
        ]
    return lines


def _price(
    subscription: Subscription, products: Products, own_prices: Mapping[str, Any], findings: list[Finding]
) -> Decimal | None:
    """The customer's own price, else the product's."""
    stored = own_prices.get(subscription.product_id or "")
    if read_price(stored) is None and stored is not None:
        message = f"The customer's own price of {subscription.product_id} is {stored!r}; the product's price counts."
        findings.append(Finding("own-price-unreadable", message))
    return charged_price(stored, products.get(subscription.product_id or ""))


def _doubts(subscription: Subscription, days: Iterable[DayQuantity], price: Decimal | None) -> list[Finding]:
    """What a person should look at, though the rules say what it costs."""
    found: list[Finding] = []
    counted = [each for each in days if each.quantity]
    if counted and price is None:
        found.append(Finding("price-missing", "its product has no price, so its days cost nothing here"))
    if price is not None and (other := subscription.price_per_unit) not in (None, price):
        found.append(Finding("price-differs", f"it says ₹{other} a piece; by the rules ₹{price} is charged"))
    start, end = subscription.start_date, subscription.end_date
    early = sum(1 for each in counted if start and each.day < start)
    late = sum(1 for each in counted if end and each.day > end)
    if early:
        found.append(Finding("before-start", f"{early} days before its start date {start} count, by the rules"))
    if late:
        found.append(Finding("after-end", f"{late} days after its end date {end} count, by the rules"))
    if subscription.status == "stopped" and (stop := subscription.stop_date) and any(each.day < stop for each in days):
        message = f"it was stopped on {stop}; by the rules no day of a stopped subscription counts, none before either"
        found.append(Finding("stopped-earlier-days", message))
    if subscription.status == "paused" and counted:
        found.append(Finding("paused-but-counts", "its status says paused, yet no pause covers the days that count"))
    return found


def order_line(records: OrderRecords, month: str, findings: list[Finding]) -> Line:
    """What a billing record asks for is what the order costs; without one, what was delivered of it."""
    order, bills = records.order, records.bills
    outcome = charge(order, records.reports)
    undecided = outcome if isinstance(outcome, Undecided) else None
    computed = None if isinstance(outcome, Undecided) else outcome.amount_paise
    amount = next((bill.amount_paise for bill in bills if bill.amount_paise is not None), computed)
    billed: Billed = "billed" if bills else "review" if undecided else "flagged" if order.billed else "missing"

    def note(code: str, message: str) -> None:
        findings.append(Finding(code, f"Order {order.id}: {message}"))

    if len(bills) > 1:
        note("bill-duplicate", f"it has {len(bills)} billing records; one counts.")
    if bills and computed not in (None, amount):
        note(
            "bill-differs",
            f"its bill says {format_rupees(amount)}, what was delivered costs {format_rupees(computed)}.",
        )
    for other in sorted({bill.month for bill in bills if bill.month} - {month}):
        note("bill-month-differs", f"its bill is of {other}, the order counts here.")
    if undecided and not bills:
        note(undecided.code, f"nothing is counted for it. {undecided.message}")
    if amount is None and bills:
        note("bill-amount-unreadable", "neither its bill nor the order has an amount; nothing is counted for it.")
    if billed == "flagged":
        note("flagged-no-record", "it is flagged as billed, but has no billing record.")
    return Line(
        kind="one-time",
        id=order.id or str(order.key),
        description=describe_items(order) or "No items",
        quantity=Decimal(1),
        unit_price_paise=amount,
        amount_paise=amount or 0,
        day=delivery_day(order),
        items=order.items,
        billed=billed,
        payment_status=bills[0].payment_status if bills else "",
    )
